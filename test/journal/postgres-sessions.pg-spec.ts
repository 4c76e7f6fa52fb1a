import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { JournalError, JournalUnavailableError } from '../../lib/journal/index.js';
import { Database } from '../../lib/journal/postgres/connection.js';
import { PostgresJournal } from '../../lib/journal/postgres/index.js';
import { migrate } from '../../lib/journal/postgres/migrate.js';
import { query } from '../../lib/journal/postgres/statement.js';
import type { NoValues } from '../../lib/journal/postgres/statement.js';
import { continuumMigrations } from '../../migrations/index.js';
import { withVersion } from '../../migrations/schema-version.js';
import { type TestDatabase, createDatabase } from '../support/database.js';
import { disturb } from '../support/hostile-settings.js';
import { type PgBouncer, type StartPgBouncer, describeBehindPgBouncer } from '../support/pgbouncer.js';
import { PostgresProxy } from '../support/postgres-proxy.js';

// What the journal relies on in every session of its own, whatever stands between it and the server.

const SESSION = {
  isolation: 'read committed',
  commit: 'on',
  lock: '50ms',
  statement: '30s',
  idle: '30s',
  scans: 'off',
  jit: 'off',
  plans: 'force_generic_plan',
  dates: 'ISO, MDY',
  zone: 'UTC',
  intervals: 'postgres',
  digits: '1',
};
const LOOK = `
  select
    current_setting('default_transaction_isolation') as isolation,
    current_setting('synchronous_commit') as commit,
    current_setting('lock_timeout') as lock,
    current_setting('statement_timeout') as statement,
    current_setting('idle_in_transaction_session_timeout') as idle,
    current_setting('enable_seqscan') as scans,
    current_setting('jit') as jit,
    current_setting('plan_cache_mode') as plans,
    current_setting('DateStyle') as dates,
    current_setting('TimeZone') as zone,
    current_setting('IntervalStyle') as intervals,
    current_setting('extra_float_digits') as digits`;
const look = query<NoValues, typeof SESSION>('look at the session', () => LOOK);

let database: TestDatabase;
const ends: (() => Promise<void>)[] = [];

beforeAll(async () => {
  database = await createDatabase();
  await disturb(database.url);
});
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});
afterAll(() => database.drop());

describe('directly', () => {
  it('each session is set to what the journal relies on, whatever the database is set to', async () => {
    await everySessionIsSet(database.url);
  });

  it('a setting in the URL that the journal does not need stays, and none replaces the journal’s', async () => {
    const url = new URL(database.url);
    url.searchParams.set('options', '-c work_mem=7MB -c lock_timeout=9s');
    const own = open(url.href);
    await own.open();
    const memory = query<NoValues, { work_mem: string }>('memory', () => 'show work_mem');
    expect(await own.run(memory, {})).toEqual([{ work_mem: '7MB' }]);
    expect(await own.run(look, {})).toEqual([SESSION]);
  });

  it('a connection that falls silent is given up in time, at whatever moment of its beginning', async () => {
    const ofPool = async (answers: number): Promise<void> => {
      const proxy = await proxied();
      proxy.silenceNewcomers(answers);
      await expectGivenUp(() => new Database(behind(proxy)).open());
    };
    const besideIt = async (answers: number): Promise<void> => {
      const proxy = await proxied();
      const own = new Database(behind(proxy));
      await own.open();
      proxy.silenceNewcomers(answers);
      await expectGivenUp(() => own.newClient().connect());
      own.destroySockets();
      await own.close();
    };
    // The answers are to the start of the session and to what it is set to; of the pool, also to the look at sessions.
    await Promise.all([...[0, 1, 2, 3].map(ofPool), ...[0, 1].map(besideIt)]);
  });

  async function proxied(): Promise<PostgresProxy> {
    const proxy = await PostgresProxy.inFrontOf(database.url);
    ends.push(() => proxy.close());
    return proxy;
  }
  const behind = ({ connection }: PostgresProxy) => ({ connection, schema: 'continuum', poolSize: 1 });
  async function expectGivenUp(connect: () => Promise<unknown>): Promise<void> {
    const before = performance.now();
    await expect(connect()).rejects.toThrow();
    expect(performance.now() - before).toBeLessThan(13_000);
  }
});

describeBehindPgBouncer((start) => {
  it('in session mode, each session is set to what the journal relies on', async () => {
    const { url } = await pooler('session');
    await everySessionIsSet(url);
  });

  it('in session mode, hints are heard and a closed journal leaves nothing behind', async () => {
    const { url } = await pooler('session', { default_pool_size: 4 });
    const journal = new PostgresJournal({ connection: { type: 'postgres', url }, poolSize: 2 });
    await journal.open();
    const heard = new Promise<readonly string[]>(
      (resolve) => void journal.listen(resolve).then(() => journal.notify(['hint'])),
    );
    expect(await heard).toEqual(['hint']);
    await journal.close();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    // The pooler hands the session on as new.
    const { rows } = await client.query(LOOK);
    await client.end();
    expect(rows).toEqual([expect.objectContaining({ isolation: 'serializable', scans: 'on', lock: '0' })]);
  });

  it.each([
    ['transaction', {}],
    ['statement', {}],
    ['transaction', { server_round_robin: 1, min_pool_size: 5 }],
  ] as const)(
    'in %s mode it is refused in one sentence, and leaves sessions as they are %p',
    async (mode, settings) => {
      const { url } = await pooler(mode, settings);
      const journal = new PostgresJournal({ connection: { type: 'postgres', url } });
      const opening = journal.open();
      await expect(opening).rejects.toBeInstanceOf(JournalError);
      await expect(opening).rejects.not.toBeInstanceOf(JournalUnavailableError);
      await expect(opening).rejects.toThrow(
        /^The journal needs sessions of its own,[^.]*127\.0\.0\.1[^A-Z]*set the pooler to session mode/,
      );
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      const { rows } = await client.query<typeof SESSION>(LOOK);
      await client.end();
      expect(rows[0]).toMatchObject({ scans: 'on', lock: '0', plans: 'auto' });
    },
  );

  async function pooler(...mode: Mode): Promise<PgBouncer> {
    const started = await start(database.url, ...mode);
    ends.push(started.stop);
    return started;
  }
});
type Mode = Parameters<StartPgBouncer> extends [string, ...infer Rest] ? Rest : never;

async function everySessionIsSet(url: string): Promise<void> {
  let ofMigration: unknown;
  const Look = class implements MigrationInterface {
    readonly name = 'Look1763596800999';
    async up(runner: QueryRunner): Promise<void> {
      ofMigration = await runner.query(LOOK);
    }
    async down(): Promise<void> {
      // It has changed nothing.
    }
  };
  const schema = `continuum_${Math.random().toString(36).slice(2, 10)}`;
  const own = open(url, schema, [...continuumMigrations(schema), withVersion(schema, Look)]);
  await own.open();
  expect(await own.run(look, {})).toEqual([SESSION]);
  expect(await own.reading((dataSource) => dataSource.query(LOOK))).toEqual([SESSION]);

  const beside = own.newClient();
  await beside.connect();
  expect((await beside.query(LOOK)).rows).toEqual([SESSION]);
  await beside.end();

  await migrate(own, 'run');
  expect(ofMigration).toEqual([{ ...SESSION, lock: '3s', statement: '0', idle: '0' }]);
}

function open(url: string, schema = 'continuum', migrations = continuumMigrations(schema)): Database {
  const own = new Database({ connection: { type: 'postgres', url }, schema, poolSize: 2 }, migrations);
  ends.push(() => own.close());
  return own;
}
