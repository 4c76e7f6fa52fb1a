import { afterAll, beforeAll, expect, it } from '@jest/globals';
import pg from 'pg';
import { uuidv7 } from 'uuidv7';
import { actorOf, asRunId, asWorkerId } from '../../lib/journal/index.js';
import type { Lease, Outgoing, StartRequest } from '../../lib/journal/index.js';
import { PostgresJournal } from '../../lib/journal/postgres/index.js';
import { type TestDatabase, createDatabase } from '../support/database.js';

const OWNER = asWorkerId(uuidv7());
let database: TestDatabase;
let journal: PostgresJournal;
let admin: pg.Client;

beforeAll(async () => {
  database = await createDatabase();
  journal = new PostgresJournal({ connection: { type: 'postgres', url: database.url } });
  await journal.open();
  admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  await journal.register({
    id: OWNER,
    namespace: 'default',
    name: 'worker',
    host: 'here',
    pid: 1,
    buildId: 'build',
    workflows: [{ name: 'order', version: 1 }],
    leaseTimeout: 3_600_000,
    heartbeatInterval: 60_000,
  });
});
afterAll(async () => {
  await admin.end();
  await journal.close();
  await database.drop();
});

it('a termination that cannot be done just now keeps no other one waiting, and is done later', async () => {
  const [sender, held, free] = (await started(3)) as [StartRequest, StartRequest, StartRequest];
  const ends = [held, free].map(({ runId, workflowId }): Outgoing => {
    return { kind: 'terminate', workflowId, actorId: actorOf(runId) };
  });
  await sends(sender, ends);
  // Not its actor: what says how the run ended.
  await admin.query('begin');
  await admin.query('select id from continuum.runs where id = $1 for update', [held.runId]);
  const first = await journal.deliver('default', 100);
  expect(first).toMatchObject({ done: 1, ended: [free.runId], held: true });
  // It was put off: what is due is looked at before it.
  expect(await journal.deliver('default', 100)).toMatchObject({ done: 0, held: false, more: false });
  await admin.query('rollback');
  await admin.query(`update continuum.outbox set due_at = due_at - interval '1 hour'`);
  expect(await journal.deliver('default', 100)).toMatchObject({ done: 1, ended: [held.runId], held: false });
});

it('a start whose workflow id an open transaction has started is put off, and then is a signal', async () => {
  const [sender, other] = (await started(2)) as [StartRequest, StartRequest];
  await admin.query('begin');
  // As a transaction of the application would.
  await admin.query(
    `insert into continuum.actors (id, run_id, namespace, workflow_id, workflow, version, priority)
     select id, id, namespace, 'wanted', workflow, version, priority
     from (select gen_random_uuid() as id, namespace, workflow, version, priority
           from continuum.actors where id = $1) as new`,
    [other.runId],
  );
  const asked = { runId: asRunId(uuidv7()), workflow: 'order', version: 1, input: 'null' };
  const letter = {
    kind: 'signal_with_start',
    actorId: null,
    name: 'go',
    payload: 'null',
    start: asked,
  } as const;
  await sends(sender, [
    { ...letter, workflowId: 'wanted' },
    { ...letter, workflowId: 'free', start: { ...asked, runId: asRunId(uuidv7()) } },
  ]);
  expect(await journal.deliver('default', 100)).toMatchObject({ done: 1, held: true });
  await admin.query('commit');
  await admin.query(`update continuum.outbox set due_at = due_at - interval '1 hour'`);
  expect(await journal.deliver('default', 100)).toMatchObject({ done: 1, held: false });
  const { rows } = await admin.query(
    `select workflow_id, count(*)::int from continuum.actors
     where workflow_id in ('wanted', 'free') group by workflow_id order by 1`,
  );
  expect(rows).toEqual([
    { workflow_id: 'free', count: 1 },
    { workflow_id: 'wanted', count: 1 },
  ]);
});

async function started(count: number): Promise<readonly StartRequest[]> {
  const requests = Array.from({ length: count }, (): StartRequest => {
    const runId = asRunId(uuidv7());
    return {
      runId,
      namespace: 'default',
      workflowId: runId,
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
        entries: [{ type: 'run_started', at: 1, input: 'null', seed: 's', semanticsVersion: 1 }],
      },
    };
  });
  await journal.start(requests);
  return requests;
}

async function sends({ runId }: StartRequest, what: readonly Outgoing[]): Promise<void> {
  const lease: Lease = { owner: OWNER, actorId: actorOf(runId), runId, token: 1 };
  const [answer] = await journal.commit([
    {
      lease,
      previousSeq: 1,
      entries: [],
      consumedThrough: 0,
      decides: false,
      firedUpTo: null,
      sends: what,
      outcome: { type: 'keep' },
    },
  ]);
  expect(answer).toMatchObject({ type: 'applied' });
}
