import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { HistoryEntry } from '../../lib/core/index.js';
import { GroupCommitter } from '../../lib/engine/commit/group-committer.js';
import { newRunId, newWorkerId } from '../../lib/engine/index.js';
import { InMemoryJournal } from '../../lib/journal/in-memory/index.js';
import { JournalRefusedError, JournalUnavailableError, JournalRetry } from '../../lib/journal/index.js';
import type { Lease, Turn } from '../../lib/journal/index.js';
import { scriptedJournal } from '../support/scripted-journal.js';
import { actorOf } from '../../lib/journal/index.js';

const fired = (id: number): HistoryEntry => ({ type: 'timer_fired', at: 1, id });

describe('GroupCommitter', () => {
  const owner = newWorkerId();
  const { journal, detour } = scriptedJournal(new InMemoryJournal());
  let committer: GroupCommitter;
  let batches: number[];

  beforeEach(async () => {
    await journal.open();
    await journal.register({
      id: owner,
      namespace: 'default',
      name: 'w',
      host: 'h',
      pid: 1,
      buildId: 'b',
      workflows: [],
      leaseTimeout: 60_000,
      heartbeatInterval: 1_000,
    });
    committer = new GroupCommitter(journal, 1, new JournalRetry());
    batches = [];
    detour('commit', (real, turns, options) => {
      batches.push(turns.length);
      return real(turns, options);
    });
  });
  afterEach(() => journal.close());

  const held = async (): Promise<Lease> => {
    const runId = newRunId();
    const [answer] = await journal.start([
      {
        runId,
        namespace: 'default',
        workflowId: runId,
        workflow: 'w',
        version: 1,
        priority: 2,
        input: '1',
        startAt: null,
        onConflict: 'fail',
        onReuse: 'allow',
        attributes: null,
        first: { owner, entries: [fired(0)] },
      },
    ]);
    if (answer?.type !== 'started') throw new Error('not started');
    return { owner, actorId: actorOf(runId), runId, token: answer.token };
  };
  const turn = (lease: Lease, more: Partial<Turn> = {}): Turn => ({
    lease,
    previousSeq: 1,
    entries: [fired(1)],
    consumedThrough: 0,
    decides: false,
    firedUpTo: null,
    outcome: { type: 'keep' },
    ...more,
  });
  const lengthOf = async (lease: Lease): Promise<number> => {
    const [loaded] = await journal.load([{ ...lease, historyAfter: 0, inboxAfter: null }]);
    return loaded!.history.length;
  };

  it('commits the turns of many actors in one batch', async () => {
    const leases = await Promise.all([held(), held(), held()]);
    const committed = await Promise.all(leases.map((lease) => committer.commit(turn(lease))));
    expect(committed.map(({ answer }) => answer.type)).toEqual(['applied', 'applied', 'applied']);
    expect(batches).toEqual([3]);
  });

  const text = JSON.stringify('x'.repeat(5_000_000));
  const heavy: readonly HistoryEntry[] = [
    { type: 'activity_failed', at: 1, id: 0, failure: text, attempts: 1 },
    { type: 'activity_heartbeat', at: 1, id: 0, details: text },
    {
      type: 'activity_attempt',
      at: 1,
      id: 0,
      attempt: 2,
      startsAt: 1,
      parked: false,
      failure: null,
      heartbeat: text,
    },
    { type: 'side_effect_recorded', at: 1, id: 0, name: null, outcome: { type: 'value', value: text } },
    { type: 'run_failed', at: 1, failure: text, rollback: 'none', abandoned: [], unreadSignals: 0 },
  ];
  it.each(heavy)('puts no more in one batch than it should carry: $type', async (entry) => {
    const leases = await Promise.all([held(), held(), held()]);
    const committed = await Promise.all(
      leases.map((lease) => committer.commit(turn(lease, { entries: [entry] }))),
    );
    expect(committed.map(({ answer }) => answer.type)).toEqual(['applied', 'applied', 'applied']);
    expect(batches).toEqual([1, 1, 1]);
  });

  it.each([
    ['children', { children: [{ input: text }] }],
    ['what is sent', { sends: [{ payload: text }] }],
    ['what is shown', { shows: { attributes: { text } } }],
    ['refusals', { refusals: [{ failure: text }] }],
  ])('puts no more in one batch than it should carry: %s', async (_, weight) => {
    // Nothing is committed: only what the batches carry is looked at. So the cast, of what has no more than its weight.
    detour('commit', async (_real, turns) => {
      batches.push(turns.length);
      return turns.map(() => ({ type: 'applied', inboxSeq: 0 }) as const);
    });
    const leases = await Promise.all([held(), held(), held()]);
    await Promise.all(leases.map((lease) => committer.commit(turn(lease, weight as Partial<Turn>))));
    expect(batches).toEqual([1, 1, 1]);
  });

  it('brings a turn that cannot apply back alone', async () => {
    const [good, bad] = [await held(), await held()];
    const committed = await Promise.all([
      committer.commit(turn(good)),
      committer.commit(turn({ ...bad, token: bad.token - 1 })),
    ]);
    expect(committed.map(({ answer }) => answer.type)).toEqual(['applied', 'lost']);
  });

  it('commits a busy turn again, and after some tries alone, waiting', async () => {
    const lease = await held();
    const waits: (boolean | undefined)[] = [];
    detour('commit', (real, turns, options) => {
      waits.push(options?.wait);
      return options?.wait ? real(turns, options) : Promise.resolve([{ type: 'busy' }]);
    });
    await expect(committer.commit(turn(lease))).resolves.toMatchObject({ answer: { type: 'applied' } });
    expect(waits.at(-1)).toBe(true);
    expect(waits.slice(0, -1)).not.toContain(true);
  });

  it('splits a batch until the turn that cannot be stored is alone', async () => {
    const leases = await Promise.all(Array.from({ length: 5 }, held));
    const culprit = leases[3]!;
    detour('commit', (real, turns, options) =>
      turns.some(({ lease }) => lease.actorId === culprit.actorId)
        ? Promise.reject(new JournalRefusedError('bad row'))
        : real(turns, options),
    );
    const committed = await Promise.all(leases.map((lease) => committer.commit(turn(lease))));
    expect(committed.map(({ answer }) => answer.type)).toEqual([
      'applied',
      'applied',
      'applied',
      'refused',
      'applied',
    ]);
  });

  it('finds out that a commit was applied whose answer got lost, and goes on under a new token', async () => {
    const lease = await held();
    detour(
      'commit',
      async (real, turns, options) => {
        await real(turns, options);
        throw new JournalUnavailableError('connection reset', true);
      },
      1,
    );
    const committed = await committer.commit(turn(lease));
    expect(committed.answer.type).toBe('applied');
    expect(committed.lease.token).toBeGreaterThan(lease.token);
    expect(await lengthOf(lease)).toBe(2);
  });

  it('fences a commit whose answer got lost before it was written, and commits it under the new token', async () => {
    const lease = await held();
    const late: Turn[] = [];
    detour(
      'commit',
      (_, turns) => {
        late.push(...turns);
        return Promise.reject(new JournalUnavailableError('connection reset', true));
      },
      1,
    );
    const committed = await committer.commit(turn(lease));
    expect(committed.answer.type).toBe('applied');
    expect(committed.lease.token).toBeGreaterThan(lease.token);
    // The old bytes arrive after all.
    await expect(journal.commit(late)).resolves.toEqual([{ type: 'lost' }]);
    expect(await lengthOf(lease)).toBe(2);
  });

  it('finds out that its close was applied', async () => {
    const lease = await held();
    detour(
      'commit',
      async (real, turns, options) => {
        await real(turns, options);
        throw new JournalUnavailableError('connection reset', true);
      },
      1,
    );
    const entries: HistoryEntry[] = [
      { type: 'run_completed', at: 1, result: '1', abandoned: [], unreadSignals: 0 },
    ];
    const committed = await committer.commit(
      turn(lease, { entries, outcome: { type: 'close', state: 'completed' }, decides: true }),
    );
    expect(committed.answer.type).toBe('applied');
  });

  it('waits for a journal that cannot be reached, until nobody wants it any more', async () => {
    const lease = await held();
    detour('commit', () => Promise.reject(new JournalUnavailableError('no route', false)), 2);
    await expect(committer.commit(turn(lease))).resolves.toMatchObject({ answer: { type: 'applied' } });
    detour('commit', () => Promise.reject(new JournalUnavailableError('no route', false)));
    committer.close();
    await expect(committer.commit(turn(lease, { previousSeq: 2 }))).resolves.toMatchObject({
      answer: { type: 'not applied' },
    });
  });
});
