import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import { MessageSender } from '../../lib/client/message-sender.js';
import { StartBatcher } from '../../lib/client/start-batcher.js';
import type { HistoryEntry } from '../../lib/core/index.js';
import {
  JournalUnavailableError,
  type Lease,
  type Message,
  JournalRetry,
  type StartRequest,
  type Turn,
} from '../../lib/journal/index.js';
import { PostgresJournal } from '../../lib/journal/postgres/index.js';
import { type TestDatabase, createDatabase } from '../support/database.js';
import { PostgresProxy } from '../support/postgres-proxy.js';
import { actorOf, asRunId, asWorkerId } from '../../lib/journal/index.js';
import type { WorkerId } from '../../lib/journal/index.js';

// The connection dies around a write, and nobody knows whether it was done. Nothing may be lost, and nothing done twice.

const AT = 1_700_000_000_000;
/** How long the steps of a test may take together, in ms. */
const PATIENCE = 25_000;
const WORKFLOWS = [{ name: 'order', version: 1 }];

interface Held {
  readonly lease: Lease;
  readonly seq: number;
}

let database: TestDatabase;
let proxy: PostgresProxy;
/** Behind the proxy, with one connection: all of its statements go the same way. */
let cutOff: PostgresJournal;
/** Sees what the database holds. */
let witness: PostgresJournal;
let owner: WorkerId;

beforeAll(async () => {
  database = await createDatabase();
  witness = new PostgresJournal({ connection: { type: 'postgres', url: database.url } });
  await witness.open();
});
afterAll(async () => {
  await witness.close();
  await database.drop();
});
beforeEach(async () => {
  proxy = await PostgresProxy.inFrontOf(database.url);
  cutOff = new PostgresJournal({ connection: proxy.connection, migrations: 'none', poolSize: 1 });
  await cutOff.open();
  owner = asWorkerId(randomUUID());
  await witness.register(session(owner));
});
afterEach(async () => {
  await cutOff.close();
  await proxy.close();
});

describe('a commit whose bytes arrive after its connection has died', () => {
  it('is fenced, and writes nothing', async () => {
    const held = await start();
    const turn = turnOf(held, [step(1)]);
    await cutWhileUnderWay(() => cutOff.commit([turn]));
    expect(await historyOf(held)).toHaveLength(1);

    const [answer] = await cutOff.refence([held.lease]);
    expect(answer).toEqual({
      type: 'held',
      lease: { ...held.lease, token: 2 },
      lastSeq: 1,
      inboxConsumed: 0,
    });
    await proxy.deliver();
    expect(await historyOf(held)).toHaveLength(1);

    const again = { ...turn, lease: { ...held.lease, token: 2 } };
    expect(await cutOff.commit([again])).toEqual([{ type: 'applied', inboxSeq: 0 }]);
    expect(await historyOf(held)).toEqual([started(), step(1)]);
  });

  it('would have written, had nobody moved the fence', async () => {
    const held = await start();
    await cutWhileUnderWay(() => cutOff.commit([turnOf(held, [step(1)])]));
    await proxy.deliver();
    expect(await historyOf(held)).toEqual([started(), step(1)]);
  });

  it('is fenced when it would have closed the run', async () => {
    const held = await start();
    await cutWhileUnderWay(() => cutOff.commit([closing(held)]));
    expect((await cutOff.refence([held.lease]))[0]).toMatchObject({ type: 'held', lastSeq: 1 });
    await proxy.deliver();
    expect(await witness.outcomes([held.lease.runId])).toEqual([null]);
  });
});

describe('a commit that was done, and whose answer is lost', () => {
  it('is found in the history', async () => {
    const held = await start();
    await cutBeforeTheAnswer(() => cutOff.commit([turnOf(held, [step(1), step(2)])]));
    expect((await cutOff.refence([held.lease]))[0]).toMatchObject({ type: 'held', lastSeq: 3 });
    expect(await historyOf(held)).toEqual([started(), step(1), step(2)]);
  });

  it('is known by its token when it closed the run', async () => {
    const held = await start();
    await cutBeforeTheAnswer(() => cutOff.commit([closing(held)]));
    expect(await cutOff.refence([held.lease])).toEqual([
      { type: 'closed', lastSeq: 2, token: held.lease.token },
    ]);
  });

  it('is known to be lost when it gave the lease back', async () => {
    const held = await start();
    const release: Turn = { ...turnOf(held, [step(1)]), outcome: { type: 'release', wakeAt: null } };
    await cutBeforeTheAnswer(() => cutOff.commit([release]));
    expect(await cutOff.refence([held.lease])).toEqual([{ type: 'lost', lastSeq: 2 }]);
  });

  it('under the lock is in doubt as well', async () => {
    const held = await start();
    await cutBeforeTheAnswer(
      () => cutOff.commitLocked(held.lease, 0, async () => closing(held)),
      // begin, lock, read, commit the turn: the answer to `commit` itself is what gets lost.
      4,
    );
    expect(await cutOff.refence([held.lease])).toMatchObject([{ type: 'closed', lastSeq: 2 }]);
  });
});

it(
  'whatever waits for a database that does not answer ends when the journal is closed',
  async () => {
    const message: Message = {
      namespace: 'default',
      workflowId: 'w',
      runId: null,
      kind: 'signal',
      name: 's',
      payload: null,
      dedupeId: null,
    };
    const starts = new StartBatcher(cutOff, new JournalRetry());
    const sender = new MessageSender(cutOff);
    const { somethingHeld } = proxy.hold('to server');
    // Under way on the one connection, in line for it, in a line of the client's, and where locks are waited for.
    const waiting = [
      starts.ask(requestOf()),
      starts.ask(requestOf()),
      ...[1, 2, 3].map(() => sender.send(message)),
      ...[1, 2, 3].map(() => cutOff.start([requestOf()], { wait: true })),
      ...[1, 2, 3].map(() => cutOff.send([message], { wait: true })),
      cutOff.terminate([{ ...message, reason: null }]),
    ];
    const ends = Promise.allSettled(waiting);
    await somethingHeld;
    await cutOff.close();
    for (const end of await ends) {
      const error: unknown = end.status === 'rejected' ? end.reason : end.value;
      if (Array.isArray(error)) expect(error).toMatchObject([{ type: 'unanswered' }]);
      else expect(error).toBeInstanceOf(JournalUnavailableError);
    }
  },
  PATIENCE,
);

describe('other writes in doubt', () => {
  it('a start that is repeated starts nothing twice', async () => {
    const request = requestOf();
    await cutBeforeTheAnswer(() => cutOff.start([request]));
    expect(await cutOff.start([request])).toEqual([{ type: 'started', runId: request.runId, token: 1 }]);
    expect(await witness.count({ namespace: 'default', workflowId: request.workflowId })).toBe(1);
  });

  it('the bytes of a start that arrive after its run has closed start nothing', async () => {
    const request = requestOf();
    await cutWhileUnderWay(() => cutOff.start([request]));
    const held = {
      lease: { owner, actorId: actorOf(request.runId), runId: request.runId, token: 1 },
      seq: 1,
    };
    await witness.start([request]);
    expect(await witness.commit([closing(held)])).toEqual([{ type: 'applied', inboxSeq: 0 }]);
    await proxy.deliver();
    const ref = { namespace: 'default', workflowId: request.workflowId, runId: null };
    expect(await witness.describe([ref])).toMatchObject([{ state: 'completed', runId: request.runId }]);
    expect(await historyOf(held)).toHaveLength(2);
  });

  it('a worker can ask for actors that a lost answer has claimed, and give them back', async () => {
    await cutOff.register(session(owner));
    const request = { ...requestOf(), first: null };
    await cutOff.start([request]);
    await cutBeforeTheAnswer(() =>
      cutOff.claim({ owner, namespace: 'default', workflows: WORKFLOWS, limit: 10 }),
    );
    expect(await cutOff.heartbeat(owner)).toMatchObject({ type: 'alive', owned: 1 });
    const owned = await cutOff.owned(owner, 'all');
    expect(owned).toMatchObject([{ actorId: actorOf(request.runId), token: 1 }]);
    expect(await cutOff.giveBack(owner, owned)).toBe(1);
    expect(await cutOff.heartbeat(owner)).toMatchObject({ type: 'alive', owned: 0 });
  });

  it('a read is never in doubt', async () => {
    proxy.hold('to client');
    const reading = cutOff.count({ namespace: 'default' });
    proxy.cut();
    await expect(reading).rejects.toMatchObject({ name: 'JournalUnavailableError', ambiguous: false });
    await proxy.deliver();
  });
});

it('a worker whose connections are cut at random loses no turn and takes none twice', async () => {
  const seed = Number(process.env['CONTINUUM_SEED'] ?? Date.now() % 1_000_000);
  const random = randomFrom(seed);
  const runs: Held[] = [];
  for (let i = 0; i < 12; i++) runs.push(await start());
  let doubts = 0;
  const end = performance.now() + PATIENCE;
  const live = async (first: Held): Promise<void> => {
    let held = first;
    for (let n = 1; n <= 25; n++) {
      held = await commitOnce(held, n, end, () => void doubts++);
    }
  };
  const work = { over: false, end: (): void => undefined };
  const ended = new Promise<void>((resolve) => (work.end = resolve));
  // By what has gone through and not by the time: between two cuts some turns are committed, on a slow machine as well.
  const cutting = (async (): Promise<void> => {
    while (!work.over) {
      await Promise.race([proxy.passed(1 + Math.floor(random() * 40)), ended]);
      if (random() < 0.5) proxy.cut();
      else {
        const { somethingHeld } = proxy.hold(random() < 0.5 ? 'to server' : 'to client');
        // Where there was no connection, there is a new one by then, which is free.
        await Promise.race([somethingHeld, proxy.passed(20), ended]);
        proxy.cut();
        await proxy.deliver();
      }
    }
  })();
  const ends = await Promise.allSettled(runs.map(live));
  work.over = true;
  work.end();
  await cutting;
  expect({ seed, failed: ends.filter(({ status }) => status === 'rejected') }).toEqual({ seed, failed: [] });
  for (const held of runs) {
    const steps = Array.from({ length: 25 }, (_, i) => step(i + 1));
    expect({ seed, history: await historyOf(held) }).toEqual({ seed, history: [started(), ...steps] });
  }
  expect(doubts).toBeGreaterThan(0);
});

/** Commits step `n`, and finds out what became of it until it is known to be written. */
async function commitOnce(first: Held, n: number, end: number, onDoubt: () => void): Promise<Held> {
  let held = first;
  for (;;) {
    // Before Jest gives up: the tries would go on, and of a closed journal without a pause for anybody else.
    if (performance.now() > end) throw new Error(`step ${n} is not written`);
    try {
      const [answer] = await cutOff.commit([turnOf(held, [step(n)])]);
      if (answer?.type === 'applied') return { ...held, seq: held.seq + 1 };
      if (answer?.type !== 'busy')
        throw new Error(`step ${n} of a run that nobody else holds: ${answer?.type}`);
    } catch (error) {
      if (!(error instanceof JournalUnavailableError)) throw error;
      if (!error.ambiguous) continue;
      onDoubt();
      const before = held.seq;
      held = await refenced(held);
      if (held.seq > before) return held;
    }
  }
}

async function refenced(held: Held): Promise<Held> {
  // The witness: an answer of this one must not be lost as well, or nobody knows the new token.
  const [answer] = await witness.refence([held.lease]);
  if (answer?.type !== 'held') throw new Error(`a run that nobody else holds: ${answer?.type}`);
  return { lease: answer.lease, seq: answer.lastSeq };
}

/** The write is sent, its bytes are held on the way, and the client is cut off. */
async function cutWhileUnderWay(write: () => Promise<unknown>): Promise<void> {
  const { somethingHeld } = proxy.hold('to server');
  const written = expectInDoubt(write());
  await somethingHeld;
  proxy.cut();
  await written;
}

/** The write arrives and is done, and the client is cut off before its answer, but for the first few. */
async function cutBeforeTheAnswer(write: () => Promise<unknown>, answersFree = 0): Promise<void> {
  const { somethingHeld } = proxy.hold('to client', answersFree);
  const written = expectInDoubt(write());
  await somethingHeld;
  proxy.cut();
  await written;
  await proxy.deliver();
}

async function expectInDoubt(write: Promise<unknown>): Promise<void> {
  await expect(write).rejects.toMatchObject({ name: 'JournalUnavailableError', ambiguous: true });
}

const session = (id: WorkerId) => ({
  id,
  namespace: 'default',
  name: 'worker',
  host: 'here',
  pid: 1,
  buildId: 'build',
  workflows: WORKFLOWS,
  leaseTimeout: 60_000,
  heartbeatInterval: 1_000,
});

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
    first: { owner, entries: [started()] },
  };
}

async function start(): Promise<Held> {
  const request = requestOf();
  await witness.start([request]);
  return { lease: { owner, actorId: actorOf(request.runId), runId: request.runId, token: 1 }, seq: 1 };
}

const started = (): HistoryEntry => ({
  type: 'run_started',
  at: AT,
  input: 'null',
  seed: 's',
  semanticsVersion: 1,
});
const step = (id: number): HistoryEntry => ({ type: 'activity_completed', at: AT, id, result: `${id}` });

const turnOf = ({ lease, seq }: Held, entries: readonly HistoryEntry[]): Turn => ({
  lease,
  previousSeq: seq,
  entries,
  consumedThrough: 0,
  decides: false,
  firedUpTo: null,
  outcome: { type: 'keep' },
});

const closing = (held: Held): Turn => ({
  ...turnOf(held, [{ type: 'run_completed', at: AT, result: '1', abandoned: [], unreadSignals: 0 }]),
  decides: true,
  outcome: { type: 'close', state: 'completed' },
});

async function historyOf({ lease }: Held): Promise<readonly HistoryEntry[]> {
  const [loaded] = await witness.load([{ ...lease, historyAfter: 0, inboxAfter: null }]);
  return loaded?.history ?? [];
}

function randomFrom(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}
