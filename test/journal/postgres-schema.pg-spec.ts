import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import {
  JournalError,
  JournalUnavailableError,
  SchemaError,
  type StartRequest,
} from '../../lib/journal/index.js';
import { PostgresJournal, type PostgresJournalOptions } from '../../lib/journal/postgres/index.js';
import { Database } from '../../lib/journal/postgres/connection.js';
import { migrate } from '../../lib/journal/postgres/migrate.js';
import { CONTINUUM_MIGRATIONS, continuumMigrations } from '../../migrations/index.js';
import { schemaVersionOf, withVersion } from '../../migrations/schema-version.js';
import { allowHistoryTypes, HISTORY_TYPES_SINCE, historyTypesAt } from '../../migrations/history-types.js';
import { ENTRY_TYPES, type HistoryEntry, isKnownEntry } from '../../lib/core/index.js';
import { type TestDatabase, createDatabase } from '../support/database.js';
import { asRunId, asWorkerId } from '../../lib/journal/index.js';

let database: TestDatabase;
const opened: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  database = await createDatabase();
});
afterEach(async () => {
  for (const journal of opened.splice(0)) await journal.close();
  await database.drop();
});

function journalWith(options: Partial<PostgresJournalOptions> = {}): PostgresJournal {
  const journal = new PostgresJournal({
    ...(options.dataSource === undefined ? { connection: { type: 'postgres', url: database.url } } : {}),
    ...options,
  });
  opened.push(journal);
  return journal;
}

async function rows(sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

const tablesOf = async (schema: string): Promise<readonly unknown[]> =>
  (await rows(`select tablename from pg_tables where schemaname = '${schema}' order by tablename`)).map(
    ({ tablename }) => tablename,
  );
const TABLES = [
  'actors',
  'callbacks',
  'history',
  'inbox',
  'message_ids',
  'operations',
  'outbox',
  'runs',
  'schema_version',
  'updates',
  'workers',
];

describe('migrations', () => {
  it('go up, down and up again', async () => {
    const dataSource = await applicationWith(CONTINUUM_MIGRATIONS);
    await dataSource.runMigrations();
    expect(await tablesOf('continuum')).toEqual(TABLES);
    for (const _ of CONTINUUM_MIGRATIONS) await dataSource.undoLastMigration();
    expect(await tablesOf('continuum')).toEqual([]);
    await dataSource.runMigrations();
    expect(await tablesOf('continuum')).toEqual(TABLES);
    await dataSource.destroy();
    await journalWith({ migrations: 'verify' }).open();
  });

  it('make what the entities say, and nothing else', async () => {
    await journalWith().open();
    const own = new Database({
      connection: { type: 'postgres', url: database.url },
      schema: 'continuum',
      poolSize: 1,
    });
    await own.open();
    opened.push(own);
    const { upQueries } = await own.dataSource.driver.createSchemaBuilder().log();
    expect(upQueries.map(({ query }) => query)).toEqual([]);
  });

  describe('and the types of entries', () => {
    const allowed = async (): Promise<readonly string[]> => {
      const [check] = await rows(
        `select pg_get_constraintdef(oid) as text from pg_constraint where conname = 'history_type'`,
      );
      return [...String(check?.['text']).matchAll(/'(\w+)'/g)].map(([, type]) => type!).toSorted();
    };
    const version = schemaVersionOf(CONTINUUM_MIGRATIONS);

    it('allow every one that there is', async () => {
      await journalWith().open();
      const types = await allowed();
      const todo = `write migration ${version + 1}, which runs allowHistoryTypes(schema, ${version + 1})`;
      const missing = ENTRY_TYPES.filter((type) => !types.includes(type));
      expect(missing.map((type) => `the database refuses ${type}: ${todo}`)).toEqual([]);
      expect(types.filter((type) => !isKnownEntry({ type } as HistoryEntry))).toEqual([]);
      // As a migration to come does it.
      await rows(allowHistoryTypes('continuum', version + 1));
      expect(await allowed()).toEqual(types);
    });

    it.each([...new Set(Object.values(HISTORY_TYPES_SINCE))])('allow those of version %d', async (then) => {
      expect(then).toBeLessThanOrEqual(version);
      const dataSource = await applicationWith(
        CONTINUUM_MIGRATIONS.filter((one) => schemaVersionOf([one]) <= then),
      );
      await dataSource.runMigrations();
      await dataSource.destroy();
      expect(await allowed()).toEqual(historyTypesAt(then).toSorted());
    });
  });

  it('are run once by instances that start at once', async () => {
    const journals = Array.from({ length: 4 }, () => journalWith({ poolSize: 1 }));
    await Promise.all(journals.map((journal) => journal.open()));
    expect(await rows('select count(*)::int as applied from continuum.migrations')).toEqual([
      { applied: CONTINUUM_MIGRATIONS.length },
    ]);
  });

  it('are not run again by a journal when the application has run them, nor the other way round', async () => {
    const dataSource = await applicationWith(CONTINUUM_MIGRATIONS);
    await dataSource.runMigrations();
    const journal = journalWith();
    await journal.open();
    expect(await tablesOf('continuum')).toEqual(TABLES);
    await rows('drop table continuum.workers');
    await journalWith().open();
    expect(await tablesOf('continuum')).toEqual([...TABLES, 'migrations'].toSorted());
    const another = await applicationWith(continuumMigrations(), 'others');
    await another.runMigrations();
    await dataSource.destroy();
    await another.destroy();
  });

  it('make the tables in the schema that is named', async () => {
    await journalWith({ schema: 'order_flows' }).open();
    await journalWith({ schema: 'more_flows' }).open();
    expect(await tablesOf('order_flows')).toEqual([...TABLES, 'migrations'].toSorted());
    expect(await tablesOf('continuum')).toEqual([]);
    const journal = journalWith({ schema: 'order_flows', migrations: 'verify' });
    await journal.open();
    await journal.start([requestOf('here')]);
    expect(await rows('select workflow_id from order_flows.runs')).toEqual([{ workflow_id: 'here' }]);
    expect(await rows('select workflow_id from more_flows.runs')).toEqual([]);
  });

  it.each(['order', 'user', 'select', 'table'])('make the tables in a schema called %s', async (schema) => {
    const dataSource = await applicationWith(continuumMigrations(schema));
    await dataSource.runMigrations();
    for (const _ of CONTINUUM_MIGRATIONS) await dataSource.undoLastMigration();
    await dataSource.destroy();
    const journal = journalWith({ schema });
    await journal.open();
    expect(await tablesOf(schema)).toEqual([...TABLES, 'migrations'].toSorted());
    const heard = new Promise((hear) => void journal.listen(hear).then(() => journal.notify(['hint'])));
    expect(await heard).toEqual(['hint']);
    await journal.start([requestOf('here')]);
    expect(
      (await journal.list({ filter: { namespace: 'default' }, order: 'newest', cursor: null, limit: 9 }))
        .runs,
    ).toHaveLength(1);
    await journalWith({ schema, migrations: 'verify' }).open();
  });

  it.each(['Orders', 'my schema', 'x"; drop schema public; --', '', '1st', 'a'.repeat(51)])(
    'refuse the schema %j',
    (schema) => {
      expect(() => continuumMigrations(schema)).toThrow(/lower-case letters/);
      expect(() => journalWith({ schema })).toThrow(JournalError);
    },
  );

  async function applicationWith(
    migrations: typeof CONTINUUM_MIGRATIONS,
    table = 'migrations',
  ): Promise<DataSource> {
    const dataSource = new DataSource({
      type: 'postgres',
      url: database.url,
      migrations,
      migrationsTableName: table,
    });
    await dataSource.initialize();
    return dataSource;
  }
});

describe('the version of the schema', () => {
  const version = schemaVersionOf(CONTINUUM_MIGRATIONS);
  const known = async (): Promise<unknown> =>
    (await rows('select version from continuum.schema_version')).map((row) => row['version']);

  /** As the next version of Continuum would come: with a migration that neither a table nor a column shows. */
  class OnlyACheck implements MigrationInterface {
    readonly name = `OnlyACheck${1_763_596_800_000 + version + 1}`;
    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`alter table continuum.inbox drop constraint inbox_kind`);
      await queryRunner.query(`alter table continuum.inbox add constraint inbox_kind check (kind <> '')`);
    }
    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`alter table continuum.inbox drop constraint inbox_kind`);
    }
  }
  const newer = [...CONTINUUM_MIGRATIONS, withVersion('"continuum"', OnlyACheck)];

  async function newerCode(): Promise<Database> {
    const connection = { type: 'postgres', url: database.url } as const;
    const own = new Database({ connection, schema: 'continuum', poolSize: 1 }, newer);
    await own.open();
    opened.push(own);
    return own;
  }
  const check = async (): Promise<unknown> =>
    (
      await rows(`select pg_get_constraintdef(oid) as text from pg_constraint where conname = 'inbox_kind'`)
    ).map((row) => row['text']);

  it('is the number of the newest migration, whoever runs them, up and down', async () => {
    const dataSource = new DataSource({ type: 'postgres', url: database.url, migrations: newer });
    await dataSource.initialize();
    await dataSource.runMigrations();
    expect(await known()).toEqual([version + 1]);
    await dataSource.undoLastMigration();
    expect(await known()).toEqual([version]);
    await dataSource.destroy();
    await journalWith({ migrations: 'verify' }).open();
  });

  it("runs a migration that changes nothing but a check, and 'verify' misses it", async () => {
    await journalWith().open();
    const code = await newerCode();
    const verifying = migrate(code, 'verify');
    await expect(verifying).rejects.toBeInstanceOf(SchemaError);
    await expect(verifying).rejects.toThrow(
      `it is at version ${version}, and version ${version + 1} is needed. Open the journal with migrations: 'run'`,
    );
    await migrate(code, 'run');
    expect(await check()).toEqual([expect.stringContaining('<>')]);
    await migrate(code, 'verify');
  });

  it('may be newer than the code that uses it, and stays so', async () => {
    await migrate(await newerCode(), 'run');
    await journalWith({ migrations: 'verify' }).open();
    const journal = journalWith();
    await journal.open();
    await journal.start([requestOf('here')]);
    // Also where the application runs the migrations that it knows.
    const dataSource = new DataSource({
      type: 'postgres',
      url: database.url,
      migrations: CONTINUUM_MIGRATIONS,
      migrationsTableName: 'others',
    });
    await dataSource.initialize();
    await dataSource.runMigrations();
    await dataSource.destroy();
    expect(await known()).toEqual([version + 1]);
  });

  it('is given to a schema from before there were versions', async () => {
    await journalWith().open();
    await rows(`
      drop table continuum.schema_version;
      delete from continuum.migrations where timestamp > 1763596800005
    `);
    await expect(journalWith({ migrations: 'verify' }).open()).rejects.toThrow(/at version none/);
    await journalWith().open();
    expect((await rows('select * from continuum.schema_version')).length).toBe(1);
  });
});

describe('tables of the application under names of ours', () => {
  it.each([
    ['runs (id serial primary key, distance integer)', /runs \(it has no actor_id\)/],
    ['migrations (version text primary key)', /migrations \(it has no id\)/],
    ['schema_version (id text)', /schema_version \(it has no single\)/],
  ])('are named, and nothing is changed: %s', async (table, message) => {
    await rows(`create table public.${table}`);
    const before = await tablesOf('public');
    for (const migrations of ['run', 'verify'] as const) {
      const opening = journalWith({ schema: 'public', migrations }).open();
      await expect(opening).rejects.toBeInstanceOf(SchemaError);
      await expect(opening).rejects.toThrow(message);
      await expect(opening).rejects.toThrow(/the option "schema"/);
    }
    expect(await tablesOf('public')).toEqual(before);
  });
});

describe("migrations: 'verify'", () => {
  it('says that everything is missing, and what to do', async () => {
    const opening = journalWith({ migrations: 'verify' }).open();
    await expect(opening).rejects.toBeInstanceOf(SchemaError);
    await expect(opening).rejects.toThrow(
      /lacks table actors, .*migrations: 'run'.*continuumMigrations\('continuum'\)/s,
    );
    expect(await tablesOf('continuum')).toEqual([]);
  });

  it('names the column that is missing', async () => {
    await journalWith().open();
    await rows('alter table continuum.runs drop column attributes');
    await expect(journalWith({ migrations: 'verify' }).open()).rejects.toThrow(
      /lacks column runs\.attributes\./,
    );
    // The migrations are recorded as applied, so running them cannot help either.
    await expect(journalWith().open()).rejects.toThrow(SchemaError);
  });

  it('is content with columns and tables of a newer version', async () => {
    await journalWith().open();
    await rows('alter table continuum.runs add column shade text; create table continuum.shades (id int)');
    await journalWith({ migrations: 'verify' }).open();
    await journalWith().open();
  });
});

describe('opening', () => {
  it('tells a database that cannot be reached, where, and soon', async () => {
    const journal = journalWith({
      connection: { type: 'postgres', url: 'postgres://me:secret@127.0.0.1:1/orders' },
    });
    const opening = journal.open();
    await expect(opening).rejects.toBeInstanceOf(JournalUnavailableError);
    await expect(opening).rejects.toMatchObject({
      ambiguous: false,
      detail: expect.stringMatching(/127\.0\.0\.1:1\/orders\).*ECONNREFUSED.*Check/),
    });
    await expect(opening).rejects.not.toMatchObject({ detail: expect.stringContaining('secret') });
  });

  it('tells a database that does not exist', async () => {
    const url = new URL(database.url);
    url.pathname = '/nowhere';
    const opening = journalWith({ connection: { type: 'postgres', url: url.href } }).open();
    await expect(opening).rejects.toMatchObject({
      detail: expect.stringMatching(/nowhere.* does not exist/),
    });
  });

  it('tells a role that may not make the schema', async () => {
    await rows('create role visitor login');
    const url = new URL(database.url);
    url.username = 'visitor';
    const opening = journalWith({ connection: { type: 'postgres', url: url.href } }).open();
    await expect(opening).rejects.toBeInstanceOf(SchemaError);
    await expect(opening).rejects.toThrow(/permission denied/);
    await rows('drop role visitor');
  });

  it('copies the connection of an application, and shares nothing else with it', async () => {
    const application = new DataSource({
      type: 'postgres',
      url: `${database.url}?options=${encodeURIComponent('-c search_path=elsewhere -c work_mem=6MB')}`,
      poolSize: 2,
      entityPrefix: 'app_',
      applicationName: 'orders',
      extra: { lock_timeout: 60_000 },
    });
    await application.initialize();
    const journal = journalWith({ dataSource: application });
    await journal.open();
    await application.destroy();
    expect(await journal.count({ namespace: 'default' })).toBe(0);
    expect(await tablesOf('continuum')).toEqual([...TABLES, 'migrations'].toSorted());
  });

  it('sets what the protocols need on its connections, over what a URL says', async () => {
    const url = `${database.url}?options=${encodeURIComponent('-c work_mem=6MB -c synchronous_commit=off')}`;
    const own = new Database({ connection: { type: 'postgres', url }, schema: 'continuum', poolSize: 1 });
    await own.open();
    opened.push(own);
    const names = [
      'work_mem',
      'synchronous_commit',
      'transaction_isolation',
      'lock_timeout',
      'enable_seqscan',
      'jit',
    ];
    const found: unknown = await own.dataSource.query(
      `select ${names.map((name) => `current_setting('${name}') as ${name}`).join(', ')}`,
    );
    expect(found).toEqual([
      {
        work_mem: '6MB',
        synchronous_commit: 'on',
        transaction_isolation: 'read committed',
        lock_timeout: '50ms',
        enable_seqscan: 'off',
        jit: 'off',
      },
    ]);
  });

  it.each([
    [{ connection: undefined }, /exactly one/],
    [{ poolSize: 0 }, /poolSize/],
    [{ poolSize: 1.5 }, /poolSize/],
  ])('refuses options that cannot work: %j', (options, message) => {
    expect(() => journalWith(options)).toThrow(message);
  });

  it('refuses a DataSource of another kind', () => {
    // The cast: a real one would need its driver.
    const dataSource = { options: { type: 'mysql' } } as DataSource;
    expect(() => journalWith({ dataSource })).toThrow(/of type "postgres"; the given one is of type "mysql"/);
  });
});

it('writes a history that plain SQL can read', async () => {
  const journal = journalWith();
  await journal.open();
  const owner = asWorkerId(uuidv7());
  const workflows = [{ name: 'order', version: 1 }];
  const session = { id: owner, namespace: 'default', name: 'w', host: 'h', pid: 1, buildId: 'b', workflows };
  await journal.register({ ...session, leaseTimeout: 60_000, heartbeatInterval: 1_000 });
  const at = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
  const entries = [
    { type: 'run_started', at, input: '[{"orderId":"o-1"}]', seed: 's', semanticsVersion: 1 },
    {
      type: 'activity_scheduled',
      at,
      id: 0,
      name: 'charge',
      args: '[{"amount":12.5}]',
      compensation: 'refund',
      undoes: null,
      options: null,
    },
    { type: 'activity_completed', at, id: 0, result: '{"receipt":"r-7"}' },
  ] as const;
  await journal.start([{ ...requestOf('o-1'), first: { owner, entries } }]);
  expect(
    await rows(`
      select
        seq, type, command_id, name,
        coalesce(payload #>> '{0,orderId}', payload #>> '{0,amount}', payload ->> 'receipt') as said,
        facts ->> 'compensation' as compensation,
        to_char(at, 'YYYY-MM-DD HH24:MI:SS.MS') as at
      from continuum.history
      order by seq
    `),
  ).toEqual(
    [
      { seq: 1, type: 'run_started', command_id: null, name: null, said: 'o-1', compensation: null },
      {
        seq: 2,
        type: 'activity_scheduled',
        command_id: 0,
        name: 'charge',
        said: '12.5',
        compensation: 'refund',
      },
      { seq: 3, type: 'activity_completed', command_id: 0, name: null, said: 'r-7', compensation: null },
    ].map((row) => ({ ...row, at: '2026-01-02 03:04:05.678' })),
  );
  expect(await rows('select facts from continuum.history where seq = 3')).toEqual([{ facts: null }]);
});

const requestOf = (workflowId: string): StartRequest => ({
  runId: asRunId(uuidv7()),
  namespace: 'default',
  workflowId,
  workflow: 'order',
  version: 1,
  priority: 2,
  input: 'null',
  startAt: null,
  onConflict: 'fail',
  onReuse: 'allow',
  attributes: null,
  first: null,
});
