import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import type { Client } from 'pg';
import { uuidv7 } from 'uuidv7';
import type { Lease, RunFilter, StartRequest, Turn, TurnOutcome } from '../../lib/journal/index.js';
import { claim, claimSuspects } from '../../lib/journal/postgres/claim-actors.js';
import { commitTurns } from '../../lib/journal/postgres/commit-turns.js';
import { Database } from '../../lib/journal/postgres/connection.js';
import { PostgresJournal } from '../../lib/journal/postgres/index.js';
import type { PostgresJournalOptions } from '../../lib/journal/postgres/index.js';
import { load } from '../../lib/journal/postgres/load-runs.js';
import { readPlanGeneration } from '../../lib/journal/postgres/plan-generation.js';
import { PLANNED_TABLES } from '../../lib/journal/postgres/sql/analyze-table.js';
import { count, describe as describeRuns, list, outcomes } from '../../lib/journal/postgres/read-runs.js';
import { refence } from '../../lib/journal/postgres/refence-leases.js';
import { sendMessages } from '../../lib/journal/postgres/send-messages.js';
import { numberArray, textArray, uuidArray } from '../../lib/journal/postgres/array-literals.js';
import { lockLetter } from '../../lib/journal/postgres/sql/lock-letter.js';
import { lockStartLetter } from '../../lib/journal/postgres/sql/lock-start-letter.js';
import { replyToSenders } from '../../lib/journal/postgres/sql/reply-to-senders.js';
import { settleOutbox } from '../../lib/journal/postgres/sql/settle-outbox.js';
import { takeOutbox } from '../../lib/journal/postgres/sql/take-outbox.js';
import { answers } from '../../lib/journal/postgres/update-answers.js';
import { startAlone } from '../../lib/journal/postgres/debounce-start.js';
import { hasReplacedStart } from '../../lib/journal/postgres/sql/has-replaced-start.js';
import { holdStartBack } from '../../lib/journal/postgres/sql/hold-start-back.js';
import { replaceStart } from '../../lib/journal/postgres/sql/replace-start.js';
import { endActor } from '../../lib/journal/postgres/sql/end-actor.js';
import { closeChildren } from '../../lib/journal/postgres/sql/close-children.js';
import { lockIfFree } from '../../lib/journal/postgres/sql/lock-if-free.js';
import { overdueActor, overdueActors } from '../../lib/journal/postgres/sql/overdue-actors.js';
import { startTogether } from '../../lib/journal/postgres/start-runs.js';
import {
  type StatementRunner,
  type Statement,
  type Values,
  compile,
} from '../../lib/journal/postgres/statement.js';
import {
  giveBack,
  heartbeat,
  owned,
  rescue,
  served,
  unserved,
  unregister,
} from '../../lib/journal/postgres/worker-sessions.js';
import { createDatabase } from '../support/database.js';
import { actorOf, asRunId, asWorkerId } from '../../lib/journal/index.js';

// A plan is made once and kept. So each hot statement is prepared while the tables are empty, in the two ways in which
// tables are: never looked at, and analyzed as empty, as a mostly empty inbox is. Then the tables grow, and the old plan
// must still touch no more rows than the batch needs.

const BATCH = 50;
/** Other people's rows. Each table has them, or twice as many. */
const CROWD = 50_000;
const AT = 1_700_000_000_000;
const OWNER = asWorkerId(randomUUID());

interface Recorded {
  readonly statement: Statement<Values, unknown>;
  readonly values: Values;
}

/** What the statements of a verb are, and with which values. */
async function recorded(work: (sql: StatementRunner) => Promise<unknown>): Promise<readonly Recorded[]> {
  const found: Recorded[] = [];
  const sql: StatementRunner = {
    run: async (statement, values) => {
      found.push({ statement, values });
      return [];
    },
  };
  // Without rows most verbs find that something is missing. Their statements are what counts.
  await work(sql).catch(() => undefined);
  return found;
}

const own: readonly StartRequest[] = Array.from({ length: BATCH }, () => requestOf());
const others: readonly StartRequest[] = Array.from({ length: BATCH }, () => requestOf());
const leases: readonly Lease[] = own.map(({ runId }) => ({
  owner: OWNER,
  actorId: actorOf(runId),
  runId,
  token: 1,
}));

const VERBS: Readonly<Record<string, (sql: StatementRunner) => Promise<unknown>>> = {
  'start, leased': (sql) => startTogether(sql, others),
  'start, unleased': (sql) =>
    startTogether(
      sql,
      others.map((request) => ({ ...request, first: null })),
    ),
  'commit: append': (sql) => commitTurns(sql, turns({ type: 'keep' }), 'skip locked'),
  'commit: append, waiting': (sql) => commitTurns(sql, turns({ type: 'keep' }), ''),
  'commit: release': (sql) => commitTurns(sql, turns({ type: 'release', wakeAt: null }), 'skip locked'),
  'commit: block': (sql) =>
    commitTurns(sql, turns({ type: 'block', reason: 'drift', delay: 1 }), 'skip locked'),
  'commit: close': (sql) => commitTurns(sql, turns({ type: 'close', state: 'completed' }), 'skip locked'),
  'commit: show': (sql) =>
    commitTurns(
      sql,
      turns({ type: 'keep' }).map((turn) => ({ ...turn, shows: { attributes: { a: 1 }, details: 'b' } })),
      'skip locked',
    ),
  'commit: answers': (sql) =>
    commitTurns(
      sql,
      turns({ type: 'keep' }).map((turn) => ({ ...turn, refusals: [REFUSAL] })),
      'skip locked',
    ),
  send: (sql) => sendMessages(sql, messages(own), 'skip locked'),
  'send updates': (sql) => sendMessages(sql, messages(own, 'update'), 'skip locked'),
  'send updates to nobody': (sql) => sendMessages(sql, messages(others, 'update'), 'skip locked'),
  answers: (sql) =>
    answers(
      sql,
      own.map(({ workflowId }) => ({ namespace: 'default', workflowId, updateId: 'm' })),
    ),
  'send to nobody': (sql) => sendMessages(sql, messages(others), 'skip locked'),
  claim: (sql) =>
    claim(sql, {
      owner: OWNER,
      namespace: 'default',
      workflows: [{ name: 'order', version: 1 }],
      limit: BATCH,
    }),
  'claim suspects': (sql) =>
    claimSuspects(sql, {
      owner: OWNER,
      namespace: 'default',
      workflows: [{ name: 'order', version: 1 }],
      limit: BATCH,
      waited: 0,
    }),
  'commit: start children and send': (sql) => commitTurns(sql, reaching(), 'skip locked'),
  // More than are due: the search must end where what was put off begins.
  'deliver: take': (sql) => sql.run(takeOutbox, { namespace: 'default', limit: BATCH * 2 }),
  'deliver: settle': (sql) =>
    sql.run(settleOutbox, {
      done: numberArray(leases.map((_, i) => 2 * i)),
      held: numberArray(leases.map((_, i) => 2 * i + 1)),
      delay: 1,
    }),
  'deliver: reply': (sql) =>
    sql.run(replyToSenders, {
      sources: uuidArray(leases.map(({ actorId }) => actorId)),
      names: textArray(leases.map(() => 'reply')),
    }),
  'deliver: end': (sql) => sql.run(lockLetter, { id: 1 }),
  'deliver: start': (sql) => sql.run(lockStartLetter, { id: 1, patience: '1s' }),
  load: (sql) =>
    load(
      sql,
      leases.map((lease) => ({ ...lease, historyAfter: 0, inboxAfter: 0 })),
    ),
  refence: (sql) => refence(sql, leases, (work) => work()),
  heartbeat: (sql) => heartbeat(sql, OWNER),
  owned: (sql) => owned(sql, OWNER, 'all'),
  'owned, unread': (sql) => owned(sql, OWNER, 'unread'),
  'give back': (sql) =>
    giveBack(
      sql,
      OWNER,
      leases.map(({ actorId, token }) => ({ actorId, token, inboxSeq: 0 })),
    ),
  rescue: (sql) => rescue(sql, 'default'),
  unregister: (sql) => unregister(sql, OWNER, (work) => work()),
  outcomes: (sql) =>
    outcomes(
      sql,
      own.map(({ runId }) => runId),
    ),
  'describe by workflow id': (sql) =>
    describeRuns(
      sql,
      own.map((run) => ({ ...run, runId: null })),
    ),
  'describe by run id': (sql) => describeRuns(sql, own),
  served: (sql) => served(sql, own),
  'start, held back': async (sql) => {
    const [request] = own;
    const { runId } = request!;
    const again = { ...request!, runId: asRunId(uuidv7()), startDelay: 1_000, debounce: { longest: null } };
    // Nothing is found in the way: what it does then is asked for by hand.
    await startAlone(sql, { ...again, first: null }).catch(() => undefined);
    const { workflow, version, priority, input } = again;
    const limits = { runLimit: null, chainLimit: null };
    const place = { id: actorOf(runId), workflow, version, priority, input, attributes: null, ...limits };
    await sql.run(replaceStart, { ...place, period: 1_000, start: again.runId, by: null });
    await sql.run(hasReplacedStart, { id: place.id, by: again.runId });
    await sql.run(holdStartBack, { id: place.id, longest: null });
  },
  'find the overdue': (sql) => sql.run(overdueActors, { namespace: 'default', limit: BATCH }),
  'end one that is overdue': async (sql) => {
    const id = actorOf(own[0]!.runId);
    await sql.run(lockIfFree, { id });
    await sql.run(overdueActor, { namespace: 'default', id });
    await sql.run(endActor, {
      actorId: id,
      state: 'timed_out',
      type: 'run_timed_out',
      payload: 'null',
      facts: null,
      told: 'null',
    });
  },
  'close children': (sql) =>
    sql.run(closeChildren, { namespace: 'default', source: OWNER, runId: OWNER, limit: BATCH }),
  unserved: (sql) => unserved(sql, 'default'),
};

/** Tables that plans may read whole: they have as many rows as there are processes. */
const SMALL = new Set(['workers']);

describe.each(['never looked at', 'analyzed as empty', 'full and analyzed'])(
  'planned when the tables were %s',
  (state) => {
    let drop: () => Promise<void>;
    let database: Database;
    let client: Client;
    const statements = new Map<string, { readonly name: string; readonly calls: readonly Recorded[] }[]>();

    beforeAll(async () => {
      const test = await createDatabase();
      drop = () => test.drop();
      const connection = { type: 'postgres', url: test.url } as const;
      const journal = new PostgresJournal({ connection });
      await journal.open();
      await journal.register(WORKER);
      database = new Database({ connection, schema: 'continuum', poolSize: 1 });
      await database.open();
      client = database.newClient();
      await client.connect();

      // Not in a session of the journal's, which has no patience: it is slow work, and autovacuum holds locks.
      const admin = new pg.Client({ connectionString: test.url });
      await admin.connect();
      await withoutAutovacuum(admin);
      if (state === 'analyzed as empty') await admin.query('vacuum analyze');
      if (state === 'full and analyzed') {
        await fill(admin);
        await admin.query('vacuum analyze');
      }
      await prepareAll();
      await journal.start(own);
      await journal.send(messages(own).map((message) => ({ ...message, dedupeId: null })));
      await journal.send(messages(own, 'update'));
      await journal.commit(
        reaching().map((turn) => ({ ...turn, entries: [], children: [], consumedThrough: 0 })),
      );
      await journal.close();
      if (state !== 'full and analyzed') await fill(admin);
      await admin.end();
    }, 120_000);
    afterAll(async () => {
      await client.end();
      await database.close();
      await drop();
    });

    /** Plans every statement now; executing it is what makes the plan, and keeps it. */
    async function prepareAll(): Promise<void> {
      let n = 0;
      for (const [verb, work] of Object.entries(VERBS)) {
        for (const call of await recorded(work)) {
          const name = `statement_${n++}`;
          await client.query(`prepare ${name} as ${compile(call.statement.textFor, 'continuum').text}`);
          await undone(`execute ${name}${argumentsOf(call)}`);
          statements.set(verb, [...(statements.get(verb) ?? []), { name, calls: [call] }]);
        }
      }
    }

    async function undone(sql: string): Promise<readonly Record<string, unknown>[]> {
      await client.query('begin');
      try {
        return (await client.query<Record<string, unknown>>(sql)).rows;
      } finally {
        await client.query('rollback');
      }
    }

    it.each(Object.keys(VERBS))('%s touches no more than it must', async (verb) => {
      const found = statements.get(verb) ?? [];
      expect(found.length).toBeGreaterThan(0);
      for (const { name, calls } of found) {
        for (const call of calls) {
          const rows = await undone(`explain (analyze, format json) execute ${name}${argumentsOf(call)}`);
          // The cast: what EXPLAIN answers in this format.
          const [{ Plan: plan }] = (rows[0] ?? {})['QUERY PLAN'] as [{ Plan: PlanNode }];
          expect(troubleIn(plan, call.statement.name)).toEqual([]);
        }
      }
    });
  },
);

it('lists by attributes look them up in their index', async () => {
  const test = await createDatabase();
  const connection = { type: 'postgres', url: test.url } as const;
  const journal = new PostgresJournal({ connection });
  const database = new Database({ connection, schema: 'continuum', poolSize: 1 });
  const admin = new pg.Client({ connectionString: test.url });
  try {
    await journal.open();
    await journal.close();
    await database.open();
    await admin.connect();
    await fill(admin);
    await admin.query(`
      update continuum.runs
      set attributes = jsonb_build_object('customer', substr(id::text, 1, 4), 'total', ascii(right(id::text, 1)))`);
    await admin.query('vacuum analyze continuum.runs');
    const asked: { readonly text: string; readonly values: readonly unknown[] }[] = [];
    const told = {
      logQuery: (text: string, values: readonly unknown[] = []) => asked.push({ text, values }),
    };
    // What else a logger can be told is told to nobody.
    database.dataSource.setOptions({
      logger: new Proxy(told, { get: (_, name) => Reflect.get(told, name) ?? (() => undefined) }) as never,
    });
    const base = { namespace: 'default', state: 'completed' } as const;
    const bounds = [{ name: 'total', is: '>=', value: 50 }] as const;
    const filters: readonly RunFilter[] = [
      { ...base, attributes: { customer: 'ab12' } },
      { ...base, conditions: [{ name: 'customer', is: 'in', values: ['ab12', 'cd34', 'ef56'] }] },
      { ...base, attributes: { customer: 'ab12' }, conditions: bounds },
    ];
    for (const filter of filters) {
      asked.length = 0;
      await count(database.dataSource, filter);
      await list(database.dataSource, { filter, order: 'newest', cursor: null, limit: 50 });
      expect(asked).toHaveLength(2);
      for (const { text, values } of asked) {
        const { rows } = await admin.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
          `explain (analyze, format json) ${text}`,
          [...values],
        );
        const nodes = nodesOf(rows[0]!['QUERY PLAN'][0].Plan);
        expect(nodes.map((node) => node['Index Name'])).toContain('runs_attributes');
        const read = nodes.filter((node) => node['Relation Name'] === 'runs');
        expect(read.map((node) => node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0) < 100)).toEqual(
          [true],
        );
      }
    }
  } finally {
    await admin.end();
    await database.close();
    await test.drop();
  }
}, 120_000);

const nodesOf = (node: PlanNode): readonly PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];

it('statements are prepared anew, under other names, when a table has outgrown its plans', async () => {
  const test = await createDatabase();
  const connection = { type: 'postgres', url: test.url } as const;
  const journal = new PostgresJournal({ connection });
  const database = new Database({ connection, schema: 'continuum', poolSize: 1 });
  try {
    await journal.open();
    await database.open();
    const names = async (): Promise<readonly string[]> => {
      database.planGeneration = await readPlanGeneration(database);
      await outcomes(database, [asRunId(randomUUID())]);
      const rows: readonly { readonly name: string }[] = await database.dataSource.query(
        `select name from pg_prepared_statements where name like 'read outcomes%'`,
      );
      return rows.map(({ name }) => name);
    };
    const before = await names();
    expect(await names()).toEqual(before);
    expect(before).toHaveLength(1);
    const admin = new pg.Client({ connectionString: test.url });
    await admin.connect();
    await fill(admin);
    await admin.end();
    // The one before is still there, unless the connection was idle for so long that the pool has ended it.
    expect(await names()).not.toEqual(before);
  } finally {
    await journal.close();
    await database.close();
    await test.drop();
  }
});

it('a table that was counted while it was empty is counted anew when it has grown', async () => {
  const test = await createDatabase();
  const connection = { type: 'postgres', url: test.url } as const;
  const database = new Database({ connection, schema: 'continuum', poolSize: 1 });
  const admin = new pg.Client({ connectionString: test.url });
  try {
    await admin.connect();
    await countActorsAsEmpty(admin, connection);
    await database.open();
    const before = await readPlanGeneration(database);
    await fillActors(admin);
    expect(await rowsExpected(admin)).toBe(0);
    expect(await readPlanGeneration(database, before)).not.toBe(before);
    expect(await rowsExpected(admin)).toBeGreaterThan(CROWD / 2);
  } finally {
    await admin.end();
    await database.close();
    await test.drop();
  }
});

it('a heartbeat is answered while a table is being counted', async () => {
  const test = await createDatabase();
  const connection = { type: 'postgres', url: test.url } as const;
  const journal = new PostgresJournal({ connection });
  const admin = new pg.Client({ connectionString: test.url });
  try {
    await admin.connect();
    await countActorsAsEmpty(admin, connection);
    await journal.open();
    await journal.register(WORKER);
    // What an index is made of is computed for each row that is counted: once that is slow, counting takes minutes.
    const indexed = (body: string) =>
      `create or replace function public.indexed(id uuid) returns text immutable language plpgsql as $$ begin ${body} return id::text; end $$`;
    await admin.query(indexed(''));
    await admin.query('create index on continuum.actors (public.indexed(id))');
    await fillActors(admin);
    await admin.query(indexed('perform pg_sleep(0.1);'));
    expect(await rowsExpected(admin)).toBe(0);

    expect(await journal.heartbeat(OWNER)).toMatchObject({ type: 'alive' });
    await until(async () => (await countsUnderWay(admin)) === 1);
    // The next one begins no second count.
    expect(await journal.heartbeat(OWNER)).toMatchObject({ type: 'alive' });
    expect(await countsUnderWay(admin)).toBe(1);
    // And the journal does not wait for it when it closes, though the server goes on for a while.
    await journal.close();
    expect(await countsUnderWay(admin)).toBe(1);
  } finally {
    await journal.close();
    await admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'analyze%'`,
    );
    await admin.end();
    await test.drop();
  }
});

/** As it is where everything has closed, and a lock kept vacuum from giving the pages back. */
async function countActorsAsEmpty(
  admin: Client,
  connection: PostgresJournalOptions['connection'],
): Promise<void> {
  const journal = new PostgresJournal({ connection });
  await journal.open();
  await journal.close();
  await withoutAutovacuum(admin);
  await admin.query('begin');
  await insertActors(admin, CROWD / 5);
  await admin.query('rollback');
  await admin.query('vacuum (analyze, truncate false) continuum.actors');
  expect(await rowsExpected(admin)).toBe(0);
}

/** So many that plans for an empty table are outgrown. */
const fillActors = (admin: Client): Promise<void> => insertActors(admin, CROWD);

async function insertActors(admin: Client, actors: number): Promise<void> {
  await admin.query(`
    insert into continuum.actors (id, run_id, namespace, workflow_id, workflow, version, priority)
    select id, id, 'default', id::text, 'order', 1, 0
    from (select gen_random_uuid() as id from generate_series(1, ${actors})) as actor`);
}

async function rowsExpected(admin: Client): Promise<number> {
  const { rows } = await admin.query<{ reltuples: number }>(
    `select reltuples from pg_class where oid = 'continuum.actors'::regclass`,
  );
  return rows[0]!.reltuples;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await setTimeout(10);
}

async function countsUnderWay(admin: Client): Promise<number> {
  const { rows } = await admin.query<{ n: number }>(
    `select count(*)::int as n from pg_stat_activity
     where datname = current_database() and query like 'analyze%' and state = 'active'`,
  );
  return rows[0]!.n;
}

/** It comes when it likes, and leaves another state behind than the one that is meant. */
async function withoutAutovacuum(admin: Client): Promise<void> {
  for (const table of PLANNED_TABLES)
    await admin.query(`alter table continuum.${table} set (autovacuum_enabled = false)`);
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly 'TID Cond'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Join Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

function troubleIn(node: PlanNode, statement: string): readonly string[] {
  const { 'Node Type': type, 'Relation Name': table, 'Index Cond': bound, 'TID Cond': place } = node;
  const below = (node.Plans ?? []).flatMap((plan) => troubleIn(plan, statement));
  const loops = node['Actual Loops'];
  const read = (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * loops;
  const what = `${statement}: ${type} on ${table ?? 'nothing stored'} ${node['Index Name'] ?? ''}`;
  const trouble: string[] = [];
  if (table !== undefined && !SMALL.has(table) && type !== 'ModifyTable') {
    // The index by owner is stepped through from its start: one entry, and the next owner behind it.
    const steps = node['Index Name'] === 'actors_owner';
    if (type === 'Seq Scan') trouble.push(`${what} reads the table whole`);
    if (type.startsWith('Index') && bound === undefined && place === undefined && !steps) {
      trouble.push(`${what} has no bound`);
    }
    // Two entries of history a run, two messages, and a few looks at each row.
    if (read > BATCH * 4) trouble.push(`${what} touches ${read} rows`);
  }
  const compared = (node['Rows Removed by Join Filter'] ?? 0) * loops;
  if (compared > BATCH * BATCH) trouble.push(`${what} compares ${compared} pairs`);
  return [...trouble, ...below];
}

function argumentsOf({ statement, values }: Recorded): string {
  const { parameters } = compile(statement.textFor, 'continuum');
  const literals = parameters.map((name) => {
    const value = values[name] ?? null;
    if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
    return value === null ? 'null' : String(value);
  });
  return literals.length === 0 ? '' : `(${literals.join(', ')})`;
}

/** Closed runs with their histories, and open ones that wait, each with messages. */
async function fill(admin: Client): Promise<void> {
  const statements = [
    `
    insert into continuum.runs (id, actor_id, namespace, workflow_id, workflow, version, state, started_at, closed_at, last_seq, lease_token)
    select id, id, 'default', id::text, 'order', 1, 'completed', now(), now(), 2, 1
    from (select gen_random_uuid() as id from generate_series(1, ${CROWD})) as run
    `,
    `
    insert into continuum.history (run_id, seq, type, payload, at)
    select run.id, entry.seq, 'activity_completed', '1', now()
    from continuum.runs as run
    cross join generate_series(1, 2) as entry(seq)
    where run.state = 'completed'
    `,
    `
    insert into continuum.actors (id, run_id, namespace, workflow_id, workflow, version, priority, wake_at, inbox_seq, deadline_at, parent_run_id, parent_close)
    select
      id, id, 'default', id::text, 'order', 1, n % 5, now() + interval '1 day', 2,
      now() + interval '1 day', gen_random_uuid(), 'cancel'
    from (select gen_random_uuid() as id, n from generate_series(1, ${CROWD}) as actor(n)) as actor
    `,
    `
    -- Another application's, of equal names, and all of them due.
    insert into continuum.actors (id, run_id, namespace, workflow_id, workflow, version, priority, wake_at, deadline_at)
    select id, id, 'bank', id::text, 'order', 1, n % 5, now() - interval '1 day', now() - interval '1 hour'
    from (select gen_random_uuid() as id, n from generate_series(1, ${BATCH * 20}) as actor(n)) as actor
    `,
    `
    insert into continuum.inbox (actor_id, n, kind, at)
    select actor.id, message.n, 'signal', now()
    from continuum.actors as actor
    cross join generate_series(1, 2) as message(n)
    where actor.inbox_seq = 2 and actor.lease_owner is null
    `,
    `
    insert into continuum.message_ids (namespace, workflow_id, message_id)
    select 'default', id::text, 'm' from continuum.runs
    `,
    `
    -- What was put off, and another application's, of which everything is due.
    insert into continuum.outbox (namespace, source, kind, workflow_id, actor_id, due_at)
    (
      select 'default', id, 'cancel', workflow_id, id, now() + interval '1 day'
      from continuum.actors
      where namespace = 'default'
      limit ${CROWD / 5}
    )
    union all
    select 'bank', id, 'cancel', workflow_id, id, now() - interval '1 day' from continuum.actors where namespace = 'bank'
    `,
    `
    insert into continuum.updates (namespace, workflow_id, update_id, actor_id, name, run_id, seq, answered_at)
    select 'default', id::text, 'm', id, 'go', id, 2, now() from continuum.runs
    `,
  ];
  for (const statement of statements) await admin.query(statement);
}

const WORKER = {
  id: OWNER,
  namespace: 'default',
  name: 'worker',
  host: 'here',
  pid: 1,
  buildId: 'build',
  workflows: [{ name: 'order', version: 1 }],
  leaseTimeout: 3_600_000,
  heartbeatInterval: 60_000,
};

function requestOf(): StartRequest {
  return {
    runId: asRunId(uuidv7()),
    namespace: 'default',
    workflowId: randomUUID(),
    workflow: 'order',
    version: 1,
    priority: 2,
    input: 'null',
    startAt: null,
    onConflict: 'fail',
    onReuse: 'allow',
    attributes: null,
    first: {
      owner: OWNER,
      entries: [{ type: 'run_started', at: AT, input: 'null', seed: 's', semanticsVersion: 1 }],
    },
  };
}

function turns(outcome: TurnOutcome): readonly Turn[] {
  return leases.map((lease) => ({
    lease,
    previousSeq: 1,
    entries:
      outcome.type === 'block'
        ? []
        : [
            { type: 'activity_completed', at: AT, id: 0, result: '1' },
            { type: 'timer_cancelled', at: AT, of: 1 },
          ],
    consumedThrough: 1,
    decides: outcome.type === 'close',
    firedUpTo: null,
    outcome,
  }));
}

/** Each starts a child, sends to another run, and tells its parent. */
const reaching = (): readonly Turn[] =>
  turns({ type: 'keep' }).map((turn, i): Turn => {
    const { workflowId } = others[i]!;
    const link = { workflowId: own[i]!.workflowId, runId: turn.lease.runId };
    return {
      ...turn,
      sends: [{ kind: 'cancel', workflowId, actorId: null }],
      children: [
        {
          runId: others[i]!.runId,
          workflowId,
          workflow: 'order',
          version: 1,
          input: 'null',
          command: 1,
          parentClose: 'cancel',
          lineage: { parent: link, root: link, depth: 1 },
          confirms: true,
        },
      ],
    };
  });

const REFUSAL = { updateId: 'm', why: 'validator', failure: 'null' } as const;

const messages = (to: readonly StartRequest[], kind: 'signal' | 'update' = 'signal') =>
  to.map(({ workflowId }) => ({
    namespace: 'default',
    workflowId,
    runId: null,
    kind,
    name: 'go',
    payload: '1',
    dedupeId: 'm',
  }));
