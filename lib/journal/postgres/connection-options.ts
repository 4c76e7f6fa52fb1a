import type { PoolConfig } from 'pg';
import type { DataSourceOptions } from 'typeorm';
import type { MigrationClass } from '../../../migrations/index.js';
import { entitiesOf } from './entities/index.js';
import type { PostgresConnection } from './options.js';
import { ENTITY_TYPES } from './type-parsers.js';

/** How long a connection attempt may take, in ms: an unreachable database is told soon. */
export const CONNECT_TIMEOUT = 5_000;
/** How long a statement may run on the server, in ms, and when its connection is given up for dead. */
const STATEMENT_TIMEOUT = 30_000;
const QUERY_TIMEOUT = 45_000;
/**
 * How long a statement waits for a lock, in ms. Whoever waits for longer gives the connection back in between: it is one
 * of few, and others need no lock. Locks among ourselves last as long as a commit.
 */
const LOCK_TIMEOUT = 50;
/** Plans are made anew, and a failed-over address is looked up again, at the latest after this many seconds. */
const CONNECTION_LIFETIME = 1_800;

/** Settings of the server, for one connection. */
type Settings = Readonly<Record<string, string | number>>;

/**
 * What the protocols and the planner need of every connection:
 * - each statement of a transaction sees what was committed before it, and what is acknowledged is on disk;
 * - nobody waits long for a lock while others wait for the connection;
 * - stored tables are reached by key look-ups. A plan is made once and kept: no sequential scan may be in it, however
 *   small the tables were that day;
 * - times and numbers are written so that they can be read, and as exactly as they are kept.
 */
const SETTINGS: Settings = {
  default_transaction_isolation: String.raw`read\ committed`,
  synchronous_commit: 'on',
  lock_timeout: LOCK_TIMEOUT,
  statement_timeout: STATEMENT_TIMEOUT,
  idle_in_transaction_session_timeout: STATEMENT_TIMEOUT,
  enable_seqscan: 'off',
  jit: 'off',
  plan_cache_mode: 'force_generic_plan',
  DateStyle: 'ISO',
  TimeZone: 'UTC',
  IntervalStyle: 'postgres',
  extra_float_digits: 1,
};

/** The application's options, with what the journal needs in place of what it must not share. */
export function journalConnection(
  { replication, ...connection }: PostgresConnection,
  schema: string,
  poolSize: number,
  migrations: MigrationClass[],
): PostgresConnection {
  // Whatever the journal reads decides something: replicas are of no use to it.
  const [url, urlSettings] = withoutSettings(replication?.master.url ?? connection.url);
  const own = poolOptions(connection.extra);
  const options: PostgresConnection = {
    ...pick(connection, SHARED),
    ...replication?.master,
    ...(url === undefined ? {} : { url }),
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
    extra: {
      ...own,
      max: poolSize,
      pipeline: false,
      binary: false,
      types: ENTITY_TYPES,
      keepAlive: true,
      connectionTimeoutMillis: CONNECT_TIMEOUT,
      query_timeout: QUERY_TIMEOUT,
      maxLifetimeSeconds: CONNECTION_LIFETIME,
      options: [own.options, urlSettings].filter((text) => text).join(' '),
    },
  };
  return withSettings(options, SETTINGS);
}

/** How the database is reached and what is told about it; how an application maps its own entities is its own. */
const SHARED = [
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

/** The same connection under other settings of the server; the later one of two counts. */
export function withSettings<T extends DataSourceOptions>(
  options: T,
  settings: Settings,
  changes: PoolConfig = {},
): T {
  const extra = { ...poolOptions(options.extra), ...changes };
  const added = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
  return {
    ...options,
    extra: { ...extra, options: [extra.options, ...added].filter((text) => text).join(' ') },
  };
}

/** TypeORM passes `extra` to the pool as it is, and so types it as anything. */
function poolOptions(extra: unknown): PoolConfig {
  // The settings stand in `options`; as options of the driver they would be sent twice.
  const {
    statement_timeout: _s,
    lock_timeout: _l,
    idle_in_transaction_session_timeout: _i,
    ...rest
  } = (extra ?? {}) as PoolConfig;
  return rest;
}

/** The driver would let the settings in a URL replace ours: they are taken out, to be put in front. */
function withoutSettings(
  url: string | undefined,
): readonly [url: string | undefined, settings: string | undefined] {
  const found = url?.match(/([?&])options=([^&]*)/);
  if (url === undefined || found == null) return [url, undefined];
  const [whole, mark, settings = ''] = found;
  const rest = url
    .replace(whole, mark === '?' ? '?' : '')
    .replace('?&', '?')
    .replace(/\?$/, '');
  return [rest, decodeURIComponent(settings.replaceAll('+', ' '))];
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
