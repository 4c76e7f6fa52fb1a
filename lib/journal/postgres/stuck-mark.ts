import { createRequire } from 'node:module';
import { hostname } from 'node:os';
import type { PoolConfig } from 'pg';
import type { StuckMark } from '../port/index.js';
import { markStuck } from './sql/mark-stuck.js';
import { compile } from './statement.js';

/** What of the connection's options says how the database is reached. */
const REACHING = ['connectionString', 'host', 'port', 'user', 'password', 'database', 'ssl'] as const;
/** How long the statement waits for a lock, in ms: of the stopped process itself, which may hold the run while it decides. */
const LOCK_TIMEOUT = 2_000;

/**
 * Runs in a thread that shares nothing with this module. `run` has been told of before: what fails here is only told.
 * One connection, made when it is needed: that is once in the life of a process.
 */
const PROGRAM = String.raw`
return (async () => {
  const { Client } = require(data.driver);
  const client = new Client(data.connection);
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query("select set_config('lock_timeout', $1, false)", [data.lockTimeout]);
    const values = { ...data.values, ...run };
    await client.query(data.text, data.parameters.map((name) => values[name]));
  } finally {
    client.end().catch(() => undefined);
  }
})();
`;

/** `null` where the driver is not found from outside, or the connection needs something that is no data. */
export function stuckMarkOf(options: PoolConfig, quotedSchema: string): StuckMark | null {
  const driver = findDriver();
  if (driver === null) return null;
  const connection: PoolConfig = {
    application_name: 'continuum watchdog',
    connectionTimeoutMillis: LOCK_TIMEOUT,
  };
  // By name: the pool hides the password from enumeration.
  for (const name of REACHING)
    if (options[name] !== undefined) Object.assign(connection, { [name]: options[name] });
  const { text, parameters } = compile(markStuck.textFor, quotedSchema);
  const values = { host: hostname(), pid: process.pid };
  const data = { driver, connection, text, parameters, values, lockTimeout: String(LOCK_TIMEOUT) };
  return isPlainData(data) ? { program: PROGRAM, data } : null;
}

/** Where the application has its driver: a bundle has it nowhere. */
function findDriver(): string | null {
  for (const from of [process.argv[1], `${process.cwd()}/index.js`]) {
    if (from === undefined) continue;
    try {
      return createRequire(from).resolve('pg');
    } catch {
      // Not from there.
    }
  }
  return null;
}

function isPlainData(data: unknown): boolean {
  try {
    structuredClone(data);
    return true;
  } catch {
    return false;
  }
}
