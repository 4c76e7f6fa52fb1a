import type { PoolConfig } from 'pg';
import type { DataSourceOptions } from 'typeorm';
import type { MigrationClass } from '../../../migrations/index.js';
import { entitiesOf } from './entities/index.js';
import type { PostgresConnection } from './options.js';
import type { SessionConfig } from './session-client.js';
import { ENTITY_TYPES } from './type-parsers.js';

/** How long a connection attempt may take, in ms: an unreachable database is told soon. */
export const CONNECT_TIMEOUT = 5_000;
/** How long a statement may run on the server, and after how many ms its connection is given up for dead. */
const STATEMENT_TIMEOUT = '30s';
const QUERY_TIMEOUT = 45_000;
/**
 * How long a statement waits for a lock. A verb that waits for longer tries again, and gives its connection back in between:
 * connections are few, and most statements need no lock. Locks that our own statements hold last as long as one commit.
 */
const LOCK_TIMEOUT = '50ms';
/** A connection is replaced after so many seconds at the latest: its plans are made again, and its address is looked up again. */
const CONNECTION_LIFETIME = 1_800;

/** Settings of the server, for one session; the values as the server itself would write them. */
export type Settings = Readonly<Record<string, string>>;

/**
 * What the protocols and the planner need of every connection:
 * - each statement of a transaction sees what was committed before it, and what is acknowledged is on disk;
 * - nobody waits long for a lock while others wait for the connection;
 * - stored tables are reached by key look-ups. A plan is made once and kept: no sequential scan may be in it, however
 *   small the tables were that day;
 * - times and numbers are written so that they can be read, and as exactly as they are kept.
 */
const SETTINGS: Settings = {
  default_transaction_isolation: 'read committed',
  synchronous_commit: 'on',
  lock_timeout: LOCK_TIMEOUT,
  statement_timeout: STATEMENT_TIMEOUT,
  idle_in_transaction_session_timeout: STATEMENT_TIMEOUT,
  enable_seqscan: 'off',
  jit: 'off',
  plan_cache_mode: 'force_generic_plan',
  DateStyle: 'ISO, MDY',
  TimeZone: 'UTC',
  IntervalStyle: 'postgres',
  extra_float_digits: '1',
};

/** The application's options, with what the journal needs in place of what it must not share. */
export function journalConnection(
  { replication, ...connection }: PostgresConnection,
  schema: string,
  poolSize: number,
  migrations: MigrationClass[],
): PostgresConnection {
  const extra: SessionConfig = {
    ...poolOptions(connection.extra),
    settings: SETTINGS,
    max: poolSize,
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    query_timeout: QUERY_TIMEOUT,
    maxLifetimeSeconds: CONNECTION_LIFETIME,
    types: ENTITY_TYPES,
  };
  return {
    ...pick(connection, SHARED),
    // Whatever the journal reads decides something: replicas are of no use to it.
    ...replication?.master,
    type: 'postgres',
    applicationName: connection.applicationName ?? 'continuum',
    schema,
    entities: entitiesOf(schema),
    migrations,
    migrationsTableName: 'migrations',
    migrationsRun: false,
    subscribers: [],
    synchronize: false,
    dropSchema: false,
    installExtensions: false,
    poolSize,
    connectTimeoutMS: CONNECT_TIMEOUT,
    extra: { ...extra, pipeline: false, binary: false },
  };
}

/** How the database is reached and what is told about it; how an application maps its own entities is its own. */
const SHARED = [
  'url',
  'host',
  'port',
  'username',
  'password',
  'database',
  'ssl',
  'driver',
  'logging',
  'logger',
  'maxQueryExecutionTime',
  'poolErrorHandler',
] as const satisfies readonly (keyof PostgresConnection)[];

function pick<T extends object, K extends keyof T>(from: T, names: readonly K[]): Pick<T, K> {
  const picked: Partial<T> = {};
  for (const name of names) if (name in from) picked[name] = from[name];
  // The cast: optional properties that are not there are no part of a Pick either.
  return picked as Pick<T, K>;
}

/** The same connection, for sessions with other settings. */
export function withSettings<T extends DataSourceOptions>(
  options: T,
  settings: Settings,
  changes: PoolConfig = {},
): T {
  // The cast: TypeORM passes `extra` to the pool as it is, and so types it as anything.
  const extra = options.extra as SessionConfig;
  return { ...options, extra: { ...extra, ...changes, settings: { ...extra.settings, ...settings } } };
}

/** What the driver would send with the start of a connection is for the journal's own statement to say. */
function poolOptions(extra: unknown): PoolConfig {
  const {
    statement_timeout: _s,
    lock_timeout: _l,
    idle_in_transaction_session_timeout: _i,
    ...rest
  } = (extra ?? {}) as PoolConfig;
  return rest;
}

/** Where the database is, for messages: without a password. */
export function addressOf({ replication, ...connection }: PostgresConnection): string {
  const { url, host, port, database } = replication?.master ?? connection;
  const parsed = url === undefined ? null : parseUrl(url);
  const where = parsed?.searchParams.get('host') ?? (parsed?.hostname || host) ?? 'localhost';
  const name = parsed?.pathname.slice(1) || database || '';
  return `${decodeURIComponent(where)}:${parsed?.port || port || 5432}/${decodeURIComponent(name)}`;
}

function parseUrl(url: string): URL | null {
  return URL.canParse(url) ? new URL(url) : null;
}
