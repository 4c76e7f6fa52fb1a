import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, it } from '@jest/globals';

export interface PgBouncer {
  /** Of the same database, through the pooler. */
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** PgBouncer refuses to be root. */
const NOBODY = 65_534;
const START_PATIENCE = 10_000;

/** Ends the pooler when nobody holds the other end of its standard input any more, however this process ends. */
const SUPERVISOR = `
"$@" 3<&0 0</dev/null &
pooler=$!
cat >/dev/null
kill $pooler
wait $pooler
`;

export type StartPgBouncer = (
  url: string,
  mode: 'session' | 'transaction' | 'statement',
  settings?: Readonly<Record<string, string | number>>,
) => Promise<PgBouncer>;

/** Tests that need a PgBouncer, the one of Debian's package for example; where there is none, one test that says so. */
export function describeBehindPgBouncer(tests: (start: StartPgBouncer) => void): void {
  describe('through PgBouncer', () => {
    const program = pgBouncerProgram();
    if (program !== null) return tests((...rest) => startPgBouncer(program, ...rest));
    it('NOT TESTED: it is not installed here', () => {
      process.stderr.write('NOT TESTED: the journal behind PgBouncer, which is not installed here.\n');
    });
  });
}

function pgBouncerProgram(): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, 'pgbouncer')).find((program) => existsSync(program)) ?? null;
}

/** Puts a PgBouncer in front of the server of a database. */
async function startPgBouncer(
  program: string,
  url: string,
  mode: string,
  settings: Readonly<Record<string, string | number>> = {},
): Promise<PgBouncer> {
  const server = new URL(url);
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'continuum-pgbouncer-'));
  chmodSync(folder, 0o755);
  const configuration = join(folder, 'pgbouncer.ini');
  const all = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'any',
    pool_mode: mode,
    ...settings,
  };
  writeFileSync(
    configuration,
    `[databases]
* = host=${decodeURIComponent(server.hostname)} port=${server.port || 5432} user=${server.username}
[pgbouncer]
${Object.entries(all)
  .map(([name, value]) => `${name} = ${value}`)
  .join('\n')}
`,
  );
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  const child = spawn('/bin/sh', ['-c', SUPERVISOR, 'sh', program, configuration], {
    ...user,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null) {
      const exited = once(child, 'exit');
      child.stdin.end();
      await exited;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await saysThatItIsUp(child.stderr);
  } catch (error) {
    await stop();
    throw error;
  }
  const through = new URL(`postgres://${server.username}@127.0.0.1:${port}${server.pathname}`);
  return { url: through.href, stop };
}

async function saysThatItIsUp(log: NodeJS.ReadableStream): Promise<void> {
  let text = '';
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`PgBouncer did not start:\n${text}`)), START_PATIENCE);
    log.on('data', (bytes: Buffer) => {
      text += bytes.toString();
      if (!text.includes('process up')) return;
      clearTimeout(timer);
      resolve();
    });
  });
}

async function freePort(): Promise<number> {
  const listener = net.createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as net.AddressInfo;
  listener.close();
  await once(listener, 'close');
  return port;
}
