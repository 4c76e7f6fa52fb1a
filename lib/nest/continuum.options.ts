import { hostname } from 'node:os';
import type { ConfigurableModuleAsyncOptions, Type } from '@nestjs/common';
import {
  LARGEST_HISTORY,
  LONGEST_NAME_BYTES,
  USUALLY_CONTINUES_AFTER,
  isStorableText,
  milliseconds,
} from '../core/index.js';
import type { Duration } from '../core/index.js';
import type { EngineSettings } from '../engine/index.js';
import type { PostgresConnection } from '../journal/postgres/options.js';
import type { Observer } from '../observability/index.js';
import { InvalidOptionError } from './errors/invalid-option.error.js';

/**
 * Options of `ContinuumModule.forRoot`.
 *
 * ```ts
 * ContinuumModule.forRoot({ connection: { url: process.env['DATABASE_URL'] } })
 * ```
 */
export interface ContinuumModuleOptions {
  /** Where histories are kept. `'memory'` needs no database, and forgets everything at the end. Defaults to `'postgres'`. */
  readonly journal?: 'postgres' | 'memory' | undefined;
  /**
   * The database: TypeORM's Postgres options (`type` may be left out), a `DataSource`, or the name of the application's
   * (`'default'` for the one without a name). The journal keeps a small pool of its own.
   */
  readonly connection?: ConnectionOptions | object | string | undefined;
  /** The schema of the journal's tables. Defaults to `'continuum'`. */
  readonly schema?: string | undefined;
  /**
   * Keeps several applications or tenants in one schema apart: their workflow ids, and their workers, which run nothing of
   * another namespace. Defaults to `'default'`.
   */
  readonly namespace?: string | undefined;
  /** `'run'` brings the schema up to date at the start, `'verify'` refuses to start when it is not. Defaults to `'run'`. */
  readonly migrations?: 'run' | 'verify' | 'none' | undefined;
  /** How many connections the journal keeps. Defaults to 4. */
  readonly poolSize?: number | undefined;
  /**
   * How often the database is tried at the start, the first time included, as in `TypeOrmModule`; the application that
   * still cannot reach it ends. Defaults to 10.
   */
  readonly retryAttempts?: number | undefined;
  /** How long to wait between two of these tries. Defaults to `'3s'`. */
  readonly retryDelay?: Duration | undefined;
  /** What this process does besides starting workflows; `false` for a client only. Defaults to a worker. */
  readonly worker?: WorkerOptions | false | undefined;
  /** The largest input, payload or result, in bytes. Defaults to 2,097,152 (2 MB). */
  readonly maxPayloadBytes?: number | undefined;
  /** How large the history of a run may become. Defaults to what is said of each of them. */
  readonly history?: HistoryOptions | undefined;
  /**
   * Names what is deployed: a run that could not go on under one build is tried again at once under another. Defaults to
   * the environment variable `CONTINUUM_BUILD_ID`, else to the process's start.
   */
  readonly buildId?: string | undefined;
  /**
   * Folds every turn a second time and compares, which finds workflows that read what is not in their history. Defaults to
   * `true`, in production (`NODE_ENV`) to `false`.
   */
  readonly replayCheck?: boolean | undefined;
  /**
   * What becomes of a run that does not catch an error which JavaScript itself throws (`TypeError`, `ReferenceError`,
   * `RangeError`, `SyntaxError`), where its `@Workflow()` says nothing: `'fail'` fails it and rolls back, `'block'` keeps
   * it until a deploy mends the code. Defaults to `'fail'`.
   */
  readonly mistakes?: 'fail' | 'block' | undefined;
  /**
   * Who asks for what, where a call has no `actor` of its own: asked at every call that changes a run, so it can tell the user of
   * the request. Told as `by` in the history, and in `handle.operations()`. At most 255 bytes. Defaults to nobody.
   */
  readonly actor?: (() => string | undefined) | undefined;
  /** Hears what the engine does. Defaults to nobody; the log is written anyway. */
  readonly observer?: Observer | undefined;
}

/** TypeORM's options of a Postgres connection, without what the journal sets itself. */
export type ConnectionOptions = Omit<
  PostgresConnection,
  'type' | 'entities' | 'migrations' | 'subscribers' | 'synchronize'
> & {
  readonly type?: 'postgres' | undefined;
};

/** A run that goes on for long continues as new, with a short history, or its replay takes ever longer. */
export interface HistoryOptions {
  /**
   * From so many entries on a run is told to: `ctx.info.continueAsNewSuggested`. A run keeps what held when it started.
   * Defaults to 10,000.
   */
  readonly continueAfterEntries?: number | undefined;
  /** Or from so many bytes on. Defaults to 10,000,000. */
  readonly continueAfterBytes?: number | undefined;
  /**
   * A run with so many entries takes nothing any more: it is blocked by a `HistoryLimitError` until the limit is raised.
   * Defaults to 50,000.
   */
  readonly maxEntries?: number | undefined;
  /** Or one with so many bytes. Defaults to 50,000,000. */
  readonly maxBytes?: number | undefined;
}

export interface WorkerOptions {
  /** How many runs are held in memory at a time. Runs that only wait need none. Defaults to 200. */
  readonly runs?: number | undefined;
  /** How many attempts of activities run at a time. Defaults to 100. */
  readonly activities?: number | undefined;
  /** How long a shutdown waits for running activities. Defaults to `'10s'`. */
  readonly shutdownTimeout?: Duration | undefined;
  /** How long the runs of a worker that is not heard of stay its own. Defaults to `'10s'`. */
  readonly leaseTimeout?: Duration | undefined;
  /**
   * How often a worker says that it is alive. At most a third of `leaseTimeout`. Defaults to `'1s'`, or to that third
   * where it is less.
   */
  readonly heartbeatInterval?: Duration | undefined;
  /** For logs and lists. Defaults to the host's name and the process id. */
  readonly name?: string | undefined;
  /**
   * Looks from a thread of its own whether a workflow keeps the whole process busy; `false` for nobody. Defaults to on,
   * with a journal in memory to `false`.
   */
  readonly watchdog?: WatchdogSettings | false | undefined;
}

/** What becomes of a workflow that is in an endless loop: nothing in its own event loop could tell. */
export interface WatchdogSettings {
  /** How long code of a workflow may run without an await. Defaults to `'5s'`. */
  readonly timeout?: Duration | undefined;
  /**
   * `'report'` names the run on the standard error; `'exit'` ends the process as well (SIGKILL), so that whatever has
   * started it starts it anew. Defaults to `'report'`.
   */
  readonly action?: 'report' | 'exit' | undefined;
}

/** What must be known before the options are: it shapes the module. */
export interface ContinuumModuleExtras {
  /** Of a second instance in one application. Defaults to the instance without a name. */
  readonly name?: string | undefined;
  /** Take the workflows of these modules only. Defaults to all. */
  readonly include?: readonly Type[] | undefined;
  /** Whether the client can be injected everywhere. Defaults to `true`. */
  readonly isGlobal?: boolean | undefined;
}

/** Options of `ContinuumModule.forRootAsync`: `useFactory`, `useClass` or `useExisting`, and what shapes the module. */
export type ContinuumModuleAsyncOptions = ConfigurableModuleAsyncOptions<
  ContinuumModuleOptions,
  'createContinuumOptions'
> &
  ContinuumModuleExtras;

/** What a class for `useClass` or `useExisting` is. */
export interface ContinuumOptionsFactory {
  createContinuumOptions(): ContinuumModuleOptions | Promise<ContinuumModuleOptions>;
}

/** The options with their defaults, checked. */
export interface ResolvedContinuumOptions {
  readonly journal: ResolvedJournal;
  readonly namespace: string;
  readonly worker: EngineSettings | null;
  readonly maxPayloadBytes: number;
  readonly actor: (() => string | undefined) | undefined;
  readonly observer: Observer | undefined;
}
export type ResolvedJournal =
  | { readonly type: 'memory' }
  | {
      readonly type: 'postgres';
      readonly connection: object | string;
      readonly schema: string;
      readonly migrations: 'run' | 'verify' | 'none';
      readonly poolSize: number;
      readonly retryAttempts: number;
      /** In ms. */
      readonly retryDelay: number;
    };

const KNOWN: ReadonlySet<string> = new Set<keyof ContinuumModuleOptions | keyof ContinuumModuleExtras>([
  'journal',
  'connection',
  'schema',
  'namespace',
  'migrations',
  'poolSize',
  'retryAttempts',
  'retryDelay',
  'worker',
  'maxPayloadBytes',
  'history',
  'buildId',
  'replayCheck',
  'mistakes',
  'actor',
  'observer',
  'name',
  'include',
  'isGlobal',
]);
const KNOWN_OF_WORKER: ReadonlySet<string> = new Set<keyof WorkerOptions>([
  'runs',
  'activities',
  'shutdownTimeout',
  'leaseTimeout',
  'heartbeatInterval',
  'name',
  'watchdog',
]);

const KNOWN_OF_HISTORY: ReadonlySet<string> = new Set<keyof HistoryOptions>([
  'continueAfterEntries',
  'continueAfterBytes',
  'maxEntries',
  'maxBytes',
]);

/**
 * Fills in defaults and checks, for `forRoot` and `forRootAsync` alike.
 *
 * @throws InvalidOptionError with every problem at once
 */
export function resolveContinuumOptions(
  given: ContinuumModuleOptions | undefined,
  production = process.env['NODE_ENV'] === 'production',
): ResolvedContinuumOptions {
  const check = new OptionCheck();
  // A factory may forget to return.
  const options = given ?? {};
  check.known('', options, KNOWN);
  const resolved: ResolvedContinuumOptions = {
    journal: resolveJournal(options, check, production),
    namespace: check.name('namespace', options.namespace, 'default'),
    worker: options.worker === false ? null : resolveWorker(options.worker ?? {}, options, check, production),
    maxPayloadBytes: check.integer(
      'maxPayloadBytes',
      options.maxPayloadBytes,
      2 * 1024 * 1024,
      1_024,
      512 * 1024 * 1024,
    ),
    actor: check.actor(options.actor),
    observer: check.observer(options.observer),
  };
  check.report();
  return resolved;
}

function resolveJournal(
  options: ContinuumModuleOptions,
  check: OptionCheck,
  production: boolean,
): ResolvedJournal {
  const journal = check.oneOf('journal', options.journal, ['postgres', 'memory'], 'postgres');
  if (journal === 'memory') {
    if (production)
      check.problem(
        `journal: 'memory' forgets every workflow when the process ends, so it is refused in production (NODE_ENV=production). Give a connection instead.`,
      );
    return { type: 'memory' };
  }
  return {
    type: 'postgres',
    connection: resolveConnection(options.connection, check),
    schema: check.schema(options.schema),
    migrations: check.oneOf('migrations', options.migrations, ['run', 'verify', 'none'], 'run'),
    poolSize: check.integer('poolSize', options.poolSize, 4, 1, 100),
    retryAttempts: check.integer('retryAttempts', options.retryAttempts, 10, 1, 1_000_000),
    retryDelay: check.duration('retryDelay', options.retryDelay, 3_000, 0, 3_600_000),
  };
}

function resolveConnection(
  connection: ContinuumModuleOptions['connection'],
  check: OptionCheck,
): object | string {
  if (connection === undefined || connection === null) {
    check.problem(
      `connection is missing. Give TypeORM's Postgres options, for example { url: process.env.DATABASE_URL }, a DataSource, or the name of the application's. For a try without a database: journal: 'memory'.`,
    );
    return {};
  }
  if ((typeof connection !== 'string' && typeof connection !== 'object') || connection === '') {
    check.problem(
      `connection must be TypeORM's Postgres options, a DataSource, or the name of the application's, but is ${shown(connection)}.`,
    );
    return {};
  }
  // A DataSource says its type in its own options.
  const type = typeof connection === 'object' && 'type' in connection ? connection.type : undefined;
  if (type !== undefined && type !== 'postgres') {
    check.problem(
      `connection.type must be 'postgres', for there the journal's tables are, but is ${shown(type)}.`,
    );
  }
  if (
    typeof connection === 'object' &&
    'url' in connection &&
    (connection.url === undefined || connection.url === '') &&
    !('host' in connection)
  ) {
    check.problem(
      `connection.url is ${shown(connection.url)}. Where it comes from the environment, the variable is not set.`,
    );
  }
  return connection;
}

function resolveWorker(
  worker: WorkerOptions,
  options: ContinuumModuleOptions,
  check: OptionCheck,
  production: boolean,
): EngineSettings {
  if (typeof worker !== 'object' || worker === null) {
    check.problem(
      `worker must be an object of options, or false for a client only, but is ${String(worker)}.`,
    );
    worker = {};
  }
  check.known('worker.', worker, KNOWN_OF_WORKER);
  const leaseTimeout = check.duration('worker.leaseTimeout', worker.leaseTimeout, 10_000, 1_000, 3_600_000);
  const heartbeatInterval = check.duration(
    'worker.heartbeatInterval',
    worker.heartbeatInterval,
    Math.min(1_000, leaseTimeout / 3),
    50,
    600_000,
  );
  if (heartbeatInterval > leaseTimeout / 3) {
    check.problem(
      `worker.heartbeatInterval must be at most a third of worker.leaseTimeout (${leaseTimeout} ms), or one late heartbeat costs the worker its runs; it is ${heartbeatInterval} ms.`,
    );
  }
  return {
    runs: check.integer('worker.runs', worker.runs, 200, 1, 100_000),
    activities: check.integer('worker.activities', worker.activities, 100, 1, 100_000),
    shutdownTimeout: check.duration('worker.shutdownTimeout', worker.shutdownTimeout, 10_000, 0, 3_600_000),
    workerName: check.name('worker.name', worker.name, `${hostname()}:${process.pid}`),
    buildId: check.name('buildId', options.buildId, process.env['CONTINUUM_BUILD_ID'] || STARTED_AT),
    leaseTimeout,
    heartbeatInterval,
    parkAfter: 2_000,
    writers: 2,
    ...resolveHistory(options.history ?? {}, check),
    replayCheck: check.boolean('replayCheck', options.replayCheck, !production),
    mistakes: check.oneOf('mistakes', options.mistakes, ['fail', 'block'], 'fail'),
    residency: 'sticky',
    watchdog: resolveWatchdog(worker.watchdog ?? (options.journal === 'memory' ? false : {}), check),
  };
}

function resolveHistory(
  history: HistoryOptions,
  check: OptionCheck,
): Pick<EngineSettings, 'continueAfter' | 'largestHistory'> {
  check.known('history.', history, KNOWN_OF_HISTORY);
  const number = (name: keyof HistoryOptions, usual: number, least: number): number =>
    check.integer(`history.${name}`, history[name], usual, least, 1_000_000_000);
  const most = {
    entries: number('maxEntries', LARGEST_HISTORY.entries, 100),
    bytes: number('maxBytes', LARGEST_HISTORY.bytes, 100_000),
  };
  // Told no later than at the limit, also where only that was given.
  const usual = USUALLY_CONTINUES_AFTER;
  const soft = {
    entries: number('continueAfterEntries', Math.min(usual.entries, most.entries), 1),
    bytes: number('continueAfterBytes', Math.min(usual.bytes, most.bytes), 1),
  };
  if (soft.entries > most.entries)
    check.problem('history.continueAfterEntries must not be more than history.maxEntries.');
  if (soft.bytes > most.bytes)
    check.problem('history.continueAfterBytes must not be more than history.maxBytes.');
  const isUsual = soft.entries === usual.entries && soft.bytes === usual.bytes;
  return { largestHistory: most, continueAfter: isUsual ? undefined : soft };
}

function resolveWatchdog(watchdog: WatchdogSettings | false, check: OptionCheck): EngineSettings['watchdog'] {
  if (watchdog === false) return null;
  const { timeout, action, ...unknown } = watchdog;
  check.known('worker.watchdog.', unknown, new Set(['timeout', 'action']));
  return {
    timeout: check.duration('worker.watchdog.timeout', timeout, 5_000, 100, 3_600_000),
    ends: check.oneOf('worker.watchdog.action', action, ['report', 'exit'], 'report') === 'exit',
  };
}

const STARTED_AT = new Date().toISOString();

/** Collects what is wrong, so that it can be told at once. */
class OptionCheck {
  readonly #problems: string[] = [];

  problem(text: string): void {
    this.#problems.push(text);
  }
  report(): void {
    if (this.#problems.length > 0) throw new InvalidOptionError(this.#problems);
  }
  known(prefix: string, options: object, names: ReadonlySet<string>): void {
    for (const name of Object.keys(options)) {
      if (!names.has(name))
        this.problem(`${prefix}${name} is not an option. There are: ${[...names].join(', ')}.`);
    }
  }
  integer(name: string, value: number | undefined, fallback: number, least: number, most: number): number {
    if (value === undefined) return fallback;
    if (!Number.isInteger(value) || value < least || value > most)
      this.problem(`${name} must be a whole number from ${least} to ${most}, but is ${String(value)}.`);
    return value;
  }
  duration(name: string, value: Duration | undefined, fallback: number, least: number, most: number): number {
    if (value === undefined) return fallback;
    try {
      const ms = milliseconds(value);
      if (ms < least || ms > most)
        this.problem(`${name} must be from ${least} to ${most} ms, but is ${ms} ms.`);
      return ms;
    } catch (error) {
      this.problem(`${name}: ${(error as Error).message}`);
      return fallback;
    }
  }
  oneOf<const T extends string>(name: string, value: T | undefined, allowed: readonly T[], fallback: T): T {
    if (value === undefined) return fallback;
    if (!allowed.includes(value))
      this.problem(
        `${name} must be one of ${allowed.map((one) => `'${one}'`).join(', ')}, but is ${shown(value)}.`,
      );
    return value;
  }
  name(option: string, value: string | undefined, fallback: string): string {
    if (value === undefined) return fallback;
    if (typeof value !== 'string' || value === '' || Buffer.byteLength(value) > LONGEST_NAME_BYTES) {
      this.problem(`${option} must be a text of 1 to 255 bytes, but is ${shown(value)}.`);
    } else if (!isStorableText(value)) {
      this.problem(
        `${option} must have neither \\u0000 nor half of a surrogate pair; it is ${shown(value)}.`,
      );
    }
    return value;
  }
  boolean(option: string, value: boolean | undefined, fallback: boolean): boolean {
    if (value === undefined) return fallback;
    if (typeof value !== 'boolean') this.problem(`${option} must be true or false, but is ${shown(value)}.`);
    return value;
  }
  actor(value: (() => string | undefined) | undefined): (() => string | undefined) | undefined {
    if (value !== undefined && typeof value !== 'function')
      this.problem(`actor must be a function that answers a name, but is ${shown(value)}.`);
    return value;
  }
  observer(value: Observer | undefined): Observer | undefined {
    if (value !== undefined && typeof value?.notice !== 'function') {
      this.problem(`observer must have a method notice(event), but is ${shown(value)}.`);
    }
    return value;
  }
  schema(value: string | undefined): string {
    if (value === undefined) return 'continuum';
    // As long as the channel of the hints, which is named after it, may be.
    if (!/^[a-z_][a-z0-9_]{0,49}$/.test(value))
      this.problem(
        `schema must have lower-case letters, digits and underscores only, at most 50 and no digit first, but is ${shown(value)}.`,
      );
    return value;
  }
}

const shown = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : String(value));
