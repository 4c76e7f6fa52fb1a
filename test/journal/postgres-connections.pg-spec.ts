import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { DataSource, type EntityManager } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import type { HistoryEntry } from '../../lib/core/index.js';
import {
  JournalError,
  JournalRefusedError,
  type Lease,
  type Message,
  type StartRequest,
  type Turn,
} from '../../lib/journal/index.js';
import { claim } from '../../lib/journal/postgres/claim-actors.js';
import { Database } from '../../lib/journal/postgres/connection.js';
import { PostgresJournal } from '../../lib/journal/postgres/index.js';
import { MESSAGES_AT_ONCE, sendMessages } from '../../lib/journal/postgres/send-messages.js';
import type { StatementRunner } from '../../lib/journal/postgres/statement.js';
import { startPostgres } from '../../tools/postgres.mjs';
import { type TestDatabase, createDatabase } from '../support/database.js';
import { actorOf, asRunId, asWorkerId } from '../../lib/journal/index.js';
import type { WorkerId } from '../../lib/journal/index.js';

const AT = 1_700_000_000_000;
const WORKFLOWS = [{ name: 'order', version: 1 }];
const NAMESPACE = 'default';

let database: TestDatabase;
let journal: PostgresJournal;
let application: DataSource;
let admin: pg.Pool;
let owner: WorkerId;

beforeAll(async () => {
  database = await createDatabase();
  journal = new PostgresJournal({ connection: { type: 'postgres', url: database.url }, poolSize: 4 });
  await journal.open();
  application = new DataSource({ type: 'postgres', url: database.url });
  await application.initialize();
  admin = new pg.Pool({ connectionString: database.url });
  // The database is dropped while its last connections still end.
  admin.on('error', () => undefined);
  await admin.query('create table public.orders (id text primary key)');
  owner = await worker();
});
afterAll(async () => {
  await journal.close();
  await application.destroy();
  await admin.end();
  await database.drop();
});

describe('in a transaction of the application', () => {
  it('a refused row leaves the transaction as it was', async () => {
    const good = requestOf();
    await application.transaction(async (manager) => {
      await insertOrder(manager, 'kept');
      const bad = journal.start([{ ...requestOf(), input: 'no JSON' }], { within: { manager } });
      await expect(bad).rejects.toBeInstanceOf(JournalRefusedError);
      await journal.start([good], { within: { manager } });
    });
    expect(await orders()).toContain('kept');
    expect(await journal.count({ namespace: NAMESPACE, workflowId: good.workflowId })).toBe(1);
  });

  it('takes several calls at once', async () => {
    const requests = Array.from({ length: 10 }, () => requestOf());
    await application.transaction(async (manager) => {
      await Promise.all(requests.map((request) => journal.start([request], { within: { manager } })));
    });
    const found = await journal.describe(requests.map((request) => ({ ...request, runId: null })));
    expect(found.map((run) => run?.runId)).toEqual(requests.map(({ runId }) => runId));
  });

  it.each(['REPEATABLE READ', 'SERIALIZABLE'] as const)(
    'refuses the level %s, and leaves the transaction as it was',
    async (level) => {
      const order = `order ${level}`;
      await application.transaction(level, async (manager) => {
        await insertOrder(manager, order);
        const sending = journal.send([signalTo('anybody')], { within: { manager } });
        await expect(sending).rejects.toThrow(new RegExp(`READ COMMITTED; this one is ${level}`));
        await expect(sending).rejects.toBeInstanceOf(JournalError);
      });
      expect(await orders()).toContain(order);
    },
  );

  it('refuses a manager whose transaction is not open, or is over', async () => {
    let over: EntityManager | undefined;
    await application.transaction(async (manager) => void (over = manager));
    for (const manager of [application.manager, over]) {
      await expect(journal.start([requestOf()], { within: { manager } })).rejects.toThrow(/while it is open/);
    }
  });

  it('refuses one in another database, and leaves it as it was', async () => {
    const elsewhere = await createDatabase();
    const stranger = new DataSource({ type: 'postgres', url: elsewhere.url });
    await stranger.initialize();
    try {
      await stranger.query('create table notes (text text)');
      await stranger.transaction(async (manager) => {
        const starting = journal.start([requestOf()], { within: { manager } });
        await expect(starting).rejects.toThrow(/another database than the journal's tables/);
        await manager.query(`insert into notes values ('kept')`);
      });
      expect(await stranger.query('select text from notes')).toEqual([{ text: 'kept' }]);
    } finally {
      await stranger.destroy();
      await elsewhere.drop();
    }
  });

  it('refuses one on another server, where the database has the same name and number', async () => {
    // Copies of one cluster: not even what identifies a cluster tells them apart.
    const [mine, theirs] = await Promise.all([startPostgres(), startPostgres()]);
    const own = new PostgresJournal({ connection: { type: 'postgres', url: mine.url } });
    const other = new PostgresJournal({ connection: { type: 'postgres', url: theirs.url } });
    const callers = [mine, theirs].map(({ url }) => new DataSource({ type: 'postgres', url }));
    const [within, stranger] = callers as [DataSource, DataSource];
    const start = async (caller: DataSource): Promise<void> => {
      await caller.transaction(async (manager) => {
        await own.start([requestOf()], { within: { manager } });
      });
    };
    try {
      await Promise.all([own.open(), other.open(), ...callers.map((caller) => caller.initialize())]);
      await start(within);
      await expect(start(stranger)).rejects.toThrow(/another database than the journal's tables/);
      expect(await other.count({ namespace: NAMESPACE })).toBe(0);
      // The same one, although it was started at another time.
      await mine.restart();
      await until(() =>
        start(within).then(
          () => true,
          () => false,
        ),
      );
      await expect(start(stranger)).rejects.toThrow(/another database than the journal's tables/);
    } finally {
      for (const caller of callers) if (caller.isInitialized) await caller.destroy();
      await Promise.all([own.close(), other.close()]);
      await Promise.all([mine.stop(), theirs.stop()]);
    }
  });

  it('calls back once, after the outermost commit, and only for what was not rolled back', async () => {
    const called: string[] = [];
    const start = async (manager: EntityManager, name: string): Promise<void> => {
      await journal.start([requestOf()], {
        within: { manager, onCommit: () => void called.push(name) },
      });
    };
    await application.transaction(async (outer) => {
      await start(outer, 'outer');
      await outer.transaction(async (inner) => await start(inner, 'inner'));
      const failing = outer.transaction(async (inner) => {
        await start(inner, 'rolled back');
        throw new Error('on purpose');
      });
      await expect(failing).rejects.toThrow('on purpose');
      expect(called).toEqual([]);
    });
    expect(called).toEqual(['outer', 'inner']);
    await application.transaction(async () => undefined);
    expect(called).toEqual(['outer', 'inner']);
  });

  it('a callback that throws does not undo what is committed', async () => {
    const request = requestOf();
    await application.transaction(async (manager) => {
      await journal.start([request], {
        within: {
          manager,
          onCommit: () => {
            throw new Error('on purpose');
          },
        },
      });
    });
    expect(await journal.count({ namespace: NAMESPACE, workflowId: request.workflowId })).toBe(1);
  });

  async function insertOrder(manager: EntityManager, id: string): Promise<void> {
    await manager.query('insert into public.orders (id) values ($1)', [id]);
  }
  async function orders(): Promise<readonly string[]> {
    return (await admin.query<{ id: string }>('select id from public.orders')).rows.map(({ id }) => id);
  }
});

describe('while somebody else holds rows', () => {
  it('more commits may wait for them than there are connections, and the others go on', async () => {
    const [free, ...held] = await Promise.all(Array.from({ length: 7 }, () => startLeased()));
    const release = await hold(held.map((lease) => lease.actorId));
    const waiting = held.map((lease) => journal.commit([turnOf(lease)], { wait: true }));
    let over = false;
    const all = Promise.all(waiting).finally(() => (over = true));
    try {
      await untilSomebodyWaits();
      for (let seq = 1; seq < 20; seq++) {
        expect(await journal.commit([turnOf(free as Lease, seq)])).toEqual([
          { type: 'applied', inboxSeq: 0 },
        ]);
        expect(await waitingBackends()).toBeLessThanOrEqual(2);
      }
      expect(over).toBe(false);
    } finally {
      await release();
    }
    expect((await all).flat()).toEqual(held.map(() => ({ type: 'applied', inboxSeq: 0 })));
  });

  it('a start that meets an open transaction is told so at once, as the others are theirs; waiting, it is decided by its end', async () => {
    const contested = requestOf();
    const mine = requestOf();
    for (const end of ['commit', 'roll back'] as const) {
      const workflowId = `${contested.workflowId} ${end}`;
      let decide = (): void => undefined;
      const decided = new Promise<void>((resolve) => (decide = resolve));
      let begun = (): void => undefined;
      const hasBegun = new Promise<void>((resolve) => (begun = resolve));
      const theirs = { ...requestOf(), workflowId };
      const transaction = application.transaction(async (manager) => {
        await journal.start([theirs], { within: { manager } });
        begun();
        await decided;
        if (end === 'roll back') throw new Error('on purpose');
      });
      await hasBegun;
      const contender = { ...mine, runId: asRunId(uuidv7()), workflowId };
      const others = Array.from({ length: 13 }, () => requestOf());
      // While the transaction is open: nobody decides it before these are answered.
      const answers = await journal.start([...others.slice(0, 7), contender, ...others.slice(7)]);
      expect(answers.map(({ type }) => type)).toEqual([
        ...others.slice(0, 7).map(() => 'started'),
        'again',
        ...others.slice(7).map(() => 'started'),
      ]);
      const starting = journal.start([contender], { wait: true });
      decide();
      await transaction.catch(() => undefined);
      const [answer] = await starting;
      expect(answer).toMatchObject(
        end === 'commit' ? { type: 'conflict', runId: theirs.runId } : { type: 'started' },
      );
    }
  });

  it('a claim in flight is waited for by whoever ends its session', async () => {
    const request = requestOf();
    await journal.start([request]);
    const gone = await worker();
    const own = new Database({
      connection: { type: 'postgres', url: database.url },
      schema: 'continuum',
      poolSize: 1,
    });
    await own.open();
    let ended = false;
    let ending: Promise<void> = Promise.resolve();
    await own.transaction(async (sql) => {
      const claims = await claim(sql, {
        owner: gone,
        namespace: 'default',
        workflows: WORKFLOWS,
        limit: 100,
      });
      expect(claims.map(({ workflowId }) => workflowId)).toContain(request.workflowId);
      ending = journal.unregister(gone).then(() => void (ended = true));
      await untilSomebodyWaits();
      expect(ended).toBe(false);
    });
    await ending;
    await own.close();
    expect(
      await journal.claim({ owner: gone, namespace: 'default', workflows: WORKFLOWS, limit: 100 }),
    ).toEqual([]);
    const claims = await journal.claim({ owner, namespace: 'default', workflows: WORKFLOWS, limit: 100 });
    expect(claims.map(({ workflowId }) => workflowId)).toContain(request.workflowId);
  });

  it('the end of a session waits for a locked row for some seconds, and leaves it to a later rescue', async () => {
    const leaving = await worker();
    const lease = await startLeased(leaving);
    const release = await hold([lease.actorId]);
    await journal.unregister(leaving);
    await expect(journal.heartbeat(leaving)).resolves.toEqual({ type: 'dead' });
    await release();
    await expect(journal.rescue('default')).resolves.toMatchObject({ freedActors: 1 });
  }, 30_000);

  async function hold(ids: readonly string[]): Promise<() => Promise<void>> {
    const client = await admin.connect();
    await client.query('begin');
    await client.query('select id from continuum.actors where id = any($1) for update', [ids]);
    return async () => {
      await client.query('commit');
      client.release();
    };
  }

  async function untilSomebodyWaits(): Promise<void> {
    while ((await waitingBackends()) === 0);
  }

  async function waitingBackends(): Promise<number> {
    const { rows } = await admin.query<{ backends: number }>(
      `select count(*)::int as backends from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
    );
    return rows[0]?.backends ?? 0;
  }
});

it('many more calls at once than there are connections all come to their end, on one connection each', async () => {
  const small = new PostgresJournal({ connection: { type: 'postgres', url: database.url }, poolSize: 2 });
  await small.open();
  try {
    const requests = Array.from({ length: 40 }, () => requestOf());
    const started = await Promise.all(requests.map((request) => small.start([request])));
    expect(started.flat().map(({ type }) => type)).toEqual(requests.map(() => 'started'));
    const mixed = await Promise.all(
      requests.flatMap(({ runId, namespace, workflowId }) => {
        const target = { namespace, workflowId, runId: null };
        const signal = { ...target, kind: 'signal', name: 's', payload: '1', dedupeId: null } as const;
        return [
          small.send([signal], { wait: true }).then(([answer]) => answer?.type),
          small.outcomes([runId]).then(([outcome]) => outcome),
          small.describe([{ ...target, runId }]).then(([description]) => description?.state),
        ];
      }),
    );
    expect(mixed).toEqual(requests.flatMap(() => ['accepted', null, 'running']));
    const ended = await Promise.all(
      requests.map(({ namespace, workflowId }) =>
        small.terminate([{ namespace, workflowId, runId: null, reason: null }]),
      ),
    );
    expect(ended.flat().map(({ type }) => type)).toEqual(requests.map(() => 'terminated'));
  } finally {
    await small.close();
  }
}, 30_000);

it.each([
  ['signal', 'message_ids'],
  ['update', 'updates'],
] as const)(
  'only its own id makes a %s a duplicate: what else stands in its way is an error, and nothing of it is told as sent',
  async (kind, table) => {
    const request = requestOf();
    await journal.start([request]);
    const { namespace, workflowId } = request;
    const send = (dedupeId: string) =>
      journal.send([{ namespace, workflowId, runId: null, kind, name: 's', payload: '1', dedupeId }]);
    await expect(send('first')).resolves.toMatchObject([{ type: 'accepted' }]);
    await admin.query(
      `create unique index other_rule on continuum.${table} (workflow_id) where workflow_id = '${workflowId}'`,
    );
    try {
      await expect(send('second')).rejects.toThrow(/other_rule|duplicate key/);
      await expect(send('first')).resolves.toMatchObject([{ type: 'duplicate' }]);
    } finally {
      await admin.query('drop index continuum.other_rule');
    }
    await expect(send('second')).resolves.toMatchObject([{ type: 'accepted' }]);
  },
);

it('a bad row sinks nothing of its batch but the call: split, its mates apply', async () => {
  const leases = await Promise.all(Array.from({ length: 9 }, () => startLeased()));
  const turns = leases.map((lease, i) => turnOf(lease, 1, i === 4 ? 'no JSON' : '1'));
  const applied: string[] = [];
  const refused: string[] = [];
  const commit = async (some: readonly Turn[]): Promise<void> => {
    try {
      for (const { type } of await journal.commit(some)) applied.push(type);
    } catch (error) {
      expect(error).toBeInstanceOf(JournalRefusedError);
      if (some.length === 1) return void refused.push(some[0]?.lease.runId ?? '');
      const half = Math.ceil(some.length / 2);
      await commit(some.slice(0, half));
      await commit(some.slice(half));
    }
  };
  await commit(turns);
  expect(applied).toEqual(Array.from({ length: 8 }, () => 'applied'));
  expect(refused).toEqual([leases[4]?.runId]);
});

describe('the connection that listens', () => {
  it('comes back by itself, hears again, and holds the lock of its worker again', async () => {
    const other = new PostgresJournal({
      connection: { type: 'postgres', url: database.url, applicationName: 'lost and found' },
    });
    await other.open();
    const id = await worker(other);
    const heard: string[] = [];
    const end = await other.listen((hints) => void heard.push(...hints));
    const { rows } = await admin.query<{ pid: number }>(LOCK_HOLDERS);
    expect(rows).toHaveLength(1);
    await admin.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
    await until(async () => {
      const now = await admin.query<{ pid: number }>(LOCK_HOLDERS);
      return now.rows.length === 1 && now.rows[0]?.pid !== rows[0]?.pid;
    });
    await until(async () => {
      await journal.notify(['again']);
      return heard.includes('again');
    });
    await end();
    await other.unregister(id);
    expect((await admin.query(LOCK_HOLDERS)).rows).toEqual([]);
    await other.close();
  });

  it('takes one statement after the other, whoever comes at once', async () => {
    let overlaps = 0;
    class Client extends pg.Client {
      #running = 0;
      override query(...rest: unknown[]): never {
        if (this.#running++ > 0) overlaps++;
        // The casts: one of many overloads, all of which give what this one gives.
        const answer = (super.query as (...all: unknown[]) => Promise<unknown>)(...rest);
        void answer.finally(() => this.#running--).catch(() => undefined);
        return answer as never;
      }
    }
    const own = new PostgresJournal({
      connection: { type: 'postgres', url: database.url, extra: { Client } },
      poolSize: 8,
    });
    await own.open();
    try {
      const ids = await Promise.all(Array.from({ length: 5 }, () => worker(own)));
      await Promise.all([...ids.map((id) => own.unregister(id)), worker(own)]);
      expect(overlaps).toBe(0);
    } finally {
      await own.close();
    }
  });

  const LOCK_HOLDERS = `
    select activity.pid
    from pg_stat_activity as activity
    join pg_locks as lock on lock.pid = activity.pid
    where activity.application_name = 'lost and found' and lock.locktype = 'advisory'
  `;
});

it('goes on after the server was restarted', async () => {
  const server = await startPostgres();
  const short = new PostgresJournal({ connection: { type: 'postgres', url: server.url } });
  try {
    await short.open();
    const id = await worker(short);
    const request = requestOf();
    await short.start([request]);
    await server.restart();
    // The first ones may still meet a connection whose end nobody has noticed.
    await until(
      async () =>
        await short.heartbeat(id).then(
          ({ type }) => type === 'alive',
          () => false,
        ),
    );
    const [claimed] = await short.claim({ owner: id, namespace: 'default', workflows: WORKFLOWS, limit: 1 });
    expect(claimed).toMatchObject({ workflowId: request.workflowId });
  } finally {
    await short.close();
    await server.stop();
  }
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function worker(of = journal): Promise<WorkerId> {
  const id = asWorkerId(randomUUID());
  const session = {
    id,
    namespace: 'default',
    name: 'worker',
    host: 'here',
    pid: 1,
    buildId: 'build',
    workflows: WORKFLOWS,
  };
  await of.register({ ...session, leaseTimeout: 600_000, heartbeatInterval: 60_000 });
  return id;
}

function requestOf(): StartRequest {
  return {
    runId: asRunId(uuidv7()),
    namespace: NAMESPACE,
    workflowId: randomUUID(),
    workflow: 'order',
    version: 1,
    priority: 2,
    input: 'null',
    startAt: null,
    onConflict: 'fail',
    onReuse: 'allow',
    attributes: null,
    first: null,
  };
}

async function startLeased(by = owner): Promise<Lease> {
  const entries: readonly HistoryEntry[] = [
    { type: 'run_started', at: AT, input: 'null', seed: 's', semanticsVersion: 1 },
  ];
  const request = { ...requestOf(), first: { owner: by, entries } };
  await journal.start([request]);
  return { owner: by, actorId: actorOf(request.runId), runId: request.runId, token: 1 };
}

const turnOf = (lease: Lease, previousSeq = 1, result = '1'): Turn => ({
  lease,
  previousSeq,
  entries: [{ type: 'activity_completed', at: AT, id: previousSeq, result }],
  consumedThrough: 0,
  decides: false,
  firedUpTo: null,
  outcome: { type: 'keep' },
});

const signalTo = (workflowId: string): Message => ({
  namespace: NAMESPACE,
  workflowId,
  runId: null,
  kind: 'signal',
  name: 'go',
  payload: '1',
  dedupeId: null,
});

describe('beside the pool', () => {
  it.each([
    ['in a URL', (url: URL) => ({ url: Object.assign(new URL(url), { password: 'secret' }).href })],
    [
      'as an option',
      (url: URL) => ({
        host: url.searchParams.get('host') ?? decodeURIComponent(url.hostname),
        port: Number(url.port || 5432),
        username: 'postgres',
        password: 'secret',
        database: url.pathname.slice(1),
      }),
    ],
  ])('every connection has the password that was given %s', async (_, given) => {
    // The test server asks nobody for one, so it is looked at, in a class of the application's.
    const passwords: unknown[] = [];
    class Client extends pg.Client {
      constructor(config: pg.ClientConfig) {
        super(config);
        passwords.push(this.password);
      }
    }
    const own = new Database({
      connection: { type: 'postgres', ...given(new URL(database.url)), extra: { Client } },
      schema: 'continuum',
      poolSize: 1,
    });
    await own.open();
    try {
      own.newClient();
      // Of the pool, for the look at sessions, and the last one.
      expect(passwords).toEqual(['secret', 'secret', 'secret']);
    } finally {
      await own.close();
    }
  });
});

describe('what comes in several portions', () => {
  const signal = (workflowId: string, payload = '1'): Message => ({ ...signalTo(workflowId), payload });

  it('a message waits behind one to the same workflow that met a held row, though the row is free by then', async () => {
    const request = requestOf();
    await journal.start([request]);
    const client = await admin.connect();
    await client.query('begin');
    await client.query('select id from continuum.actors where id = $1 for update', [request.runId]);
    const own = new Database({
      connection: { type: 'postgres', url: database.url },
      schema: 'continuum',
      poolSize: 1,
    });
    await own.open();
    let portions = 0;
    const freeBehindTheFirst: StatementRunner = {
      run: async (statement, values) => {
        const rows = await own.run(statement, values);
        if (++portions === 1) await client.query('commit');
        return rows;
      },
    };
    const others = Array.from({ length: MESSAGES_AT_ONCE }, () => signal(randomUUID()));
    const messages = [signal(request.workflowId), ...others, signal(request.workflowId)];
    const answers = await sendMessages(freeBehindTheFirst, messages, 'skip locked');
    client.release();
    await own.close();
    expect(portions).toBe(2);
    expect([answers[0], answers.at(-1)]).toEqual([{ type: 'again' }, { type: 'again' }]);
  });

  it('one start that cannot be stored is refused, and nobody else is', async () => {
    const bad = { ...requestOf(), input: 'no JSON' };
    const apart = { ...requestOf(), onReuse: 'reject' as const };
    const answers = await journal.start([requestOf(), bad, requestOf(), apart, requestOf()]);
    expect(answers).toMatchObject([
      { type: 'started' },
      { type: 'unanswered', error: expect.any(JournalRefusedError) },
      { type: 'started' },
      { type: 'started' },
      { type: 'started' },
    ]);
  });

  it('one message that cannot be stored is refused, and nobody else is', async () => {
    const request = requestOf();
    await journal.start([request]);
    const messages = Array.from({ length: 202 }, (_, i) =>
      signal(request.workflowId, i === 100 ? 'no JSON' : '1'),
    );
    const answers = await journal.send(messages);
    expect(answers[100]).toMatchObject({ type: 'unanswered', error: expect.any(JournalRefusedError) });
    const numbers = answers.flatMap((answer) => (answer.type === 'accepted' ? [answer.n] : []));
    expect(numbers).toEqual(Array.from({ length: 201 }, (_, i) => i + 2));
  });
});
