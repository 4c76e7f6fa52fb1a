import type { ActivityScheduled, HistoryEntry } from '../../../core/index.js';
import type { Journal, OverdueAnswer } from '../../../journal/index.js';
import { actorOf } from '../../../journal/index.js';
import { only, race, range } from '../concurrency.js';
import { runStarted, step } from '../entries.js';
import { HOUR, MINUTE, NAMESPACE, SECOND, type Held, type Scenario, type Topic } from '../scenario.js';
import { childOf, deliverAll } from './children.js';

const FAILURE = '{"name":"TimeoutFailure","message":"The run timed out."}';
const LIMITED = { limits: { run: null, chain: MINUTE } } as const;

const sweep = (
  { journal: own }: Scenario,
  limit = 50,
  journal: Journal = own,
  namespace = NAMESPACE,
): Promise<OverdueAnswer> => journal.endOverdue({ namespace, failure: FAILURE, limit });

const endedIds = async (s: Scenario): Promise<readonly string[]> =>
  (await sweep(s)).ended.map(({ workflowId }) => workflowId).toSorted();

/** Its worker has given it back, and is gone for long. */
async function left(s: Scenario, entries: readonly HistoryEntry[] = []): Promise<Held> {
  const owner = await s.worker();
  const held = await s.held(owner, LIMITED);
  await s.applies(held, { entries, outcome: { type: 'release', wakeAt: null } });
  await s.journal.unregister(owner);
  await s.harness.elapse(HOUR);
  return held;
}

const scheduled = (id: number, compensation: string | null): ActivityScheduled => ({
  type: 'activity_scheduled',
  at: 1,
  id,
  name: 'charge',
  args: '[]',
  compensation,
  undoes: null,
  options: null,
});

/** Runs whose time is over, and that nobody serves. */
export function overdueTopic({ test, expect }: Topic): void {
  test('are ended once their limit has passed for a minute: begun or not, and their id is free', async (s) => {
    const begun = await left(s, [step('a')]);
    const waiting = await s.started(LIMITED);
    await s.accepted(s.signal(waiting));
    await s.harness.elapse(2 * MINUTE + SECOND);
    const before = await s.harness.now();
    const { ended, more, trouble } = await sweep(s);
    expect({ more, trouble }).toEqual({ more: false, trouble: null });
    expect(ended).toEqual(
      [begun.run, waiting].map(({ workflowId, runId, workflow }) => ({
        workflowId,
        runId,
        workflow,
        rollback: 'none',
      })),
    );
    const { at, ...last } = (await s.historyOf(begun.run)).at(-1)!;
    expect(last).toEqual({
      type: 'run_timed_out',
      failure: FAILURE,
      rollback: 'none',
      abandoned: [],
      unreadSignals: 0,
      unserved: true,
    });
    expect(at).toBeGreaterThanOrEqual(Math.floor(before));
    expect(await s.historyOf(waiting)).toMatchObject([{ type: 'run_timed_out', unreadSignals: 1 }]);
    expect(await s.describe(waiting)).toMatchObject({ state: 'timed_out', inbox: null });
    const outcomes = await s.journal.outcomes([begun.run.runId, waiting.runId]);
    expect(outcomes.map((outcome) => outcome?.run.state)).toEqual(['timed_out', 'timed_out']);
    expect(await s.inboxOf(waiting)).toEqual([]);
    const next = await s.started({ workflowId: waiting.workflowId });
    expect(await s.claimedIds(await s.worker())).toEqual([next.workflowId]);
  });

  test('are never ended early: not at their limit, not within the minute, and without a limit never', async (s) => {
    const limited = await s.started(LIMITED);
    const startAt = Math.floor(await s.harness.now()) + MINUTE;
    const later = await s.started({ ...LIMITED, startAt });
    await s.started();
    expect(await endedIds(s)).toEqual([]);
    await s.harness.elapse(MINUTE + 50 * SECOND);
    expect(await endedIds(s)).toEqual([]);
    await s.harness.elapse(11 * SECOND);
    expect(await endedIds(s)).toEqual([limited.workflowId]);
    await s.harness.elapse(MINUTE);
    expect(await endedIds(s)).toEqual([later.workflowId]);
    await s.harness.elapse(100 * HOUR);
    expect(await endedIds(s)).toEqual([]);
  });

  test('are left to a live worker that has their workflow in their version', async (s) => {
    const run = await s.started(LIMITED);
    const serves = await s.worker({ leaseTimeout: 3 * HOUR });
    await s.harness.elapse(HOUR);
    expect(await endedIds(s)).toEqual([]);
    await s.journal.unregister(serves);
    const workflows = [
      { name: 'order', version: 2 },
      { name: 'refund', version: 1 },
    ];
    await s.worker({ leaseTimeout: 9 * HOUR, workflows });
    await s.worker({ leaseTimeout: 9 * HOUR, namespace: 'other' });
    // The worker's session would have lived for two hours more.
    await s.harness.elapse(2 * HOUR + MINUTE + SECOND);
    expect(await endedIds(s)).toEqual([run.workflowId]);
  });

  test('are left alone while a worker had them less than a minute ago: one that died, or was ended in order', async (s) => {
    const run = await s.started(LIMITED);
    await s.harness.elapse(HOUR);
    await s.worker({ leaseTimeout: SECOND });
    await s.harness.elapse(31 * SECOND);
    expect((await s.journal.rescue(NAMESPACE)).deadWorkers).toHaveLength(1);
    expect(await endedIds(s)).toEqual([]);
    const ends = await s.worker({ leaseTimeout: SECOND });
    await s.journal.unregister(ends);
    await s.harness.elapse(31 * SECOND);
    await s.journal.rescue(NAMESPACE);
    expect(await endedIds(s)).toEqual([]);
    await s.harness.elapse(31 * SECOND);
    expect(await endedIds(s)).toEqual([run.workflowId]);
  });

  test('are left alone where somebody holds their lease, and while they roll back', async (s) => {
    const owner = await s.worker();
    const held = await s.held(owner, LIMITED);
    const undoing = await s.held(owner, LIMITED);
    await s.applies(undoing, { entries: [step('undo')], outcome: { type: 'roll back' } });
    await s.releases(undoing);
    await s.harness.elapse(HOUR);
    expect(await endedIds(s)).toEqual([]);
    await s.journal.rescue(NAMESPACE);
    expect(await endedIds(s)).toEqual([held.run.workflowId]);
    expect((await s.describe(undoing.run)).state).toBe('running');
  });

  test('are those of one namespace', async (s) => {
    const run = await s.started({ ...LIMITED, namespace: 'other' });
    await s.harness.elapse(HOUR);
    expect(await endedIds(s)).toEqual([]);
    expect((await sweep(s, 50, s.journal, 'other')).ended).toMatchObject([{ runId: run.runId }]);
  });

  test('tell whether something would have had to be undone, and what was under way', async (s) => {
    const charged: HistoryEntry = { type: 'activity_completed', at: 1, id: 0, result: '1' };
    const done = await left(s, [scheduled(0, 'refund'), charged]);
    const underWay = await left(s, [scheduled(0, 'refund')]);
    const nothing = await left(s, [scheduled(0, null), charged, scheduled(1, null)]);
    await s.accepted(s.signal(nothing.run));
    const { ended } = await sweep(s);
    expect(ended.map(({ rollback }) => rollback)).toEqual(['incomplete', 'incomplete', 'none']);
    const lasts = await Promise.all([done, underWay, nothing].map(({ run }) => s.historyOf(run)));
    expect(lasts.map((history) => history.at(-1))).toMatchObject([
      { rollback: 'incomplete', abandoned: [], unreadSignals: 0 },
      { rollback: 'incomplete', abandoned: [0], unreadSignals: 0 },
      { rollback: 'none', abandoned: [1], unreadSignals: 1 },
    ]);
  });

  test('tell their parent, and their children follow them', async (s) => {
    const owner = await s.worker({ leaseTimeout: 9 * HOUR });
    const parent = await s.held(owner);
    const elsewhere = { workflow: 'invoice', limits: { run: MINUTE, chain: null } } as const;
    const child = childOf(parent, 0, elsewhere);
    await s.applies(parent, { entries: [step('start')], children: [child] });
    const carrier = await s.worker({ workflows: [{ name: 'invoice', version: 1 }] });
    const workflows = [{ name: 'invoice', version: 1 }];
    const { lease } = only(
      await s.journal.claim({ owner: carrier, namespace: NAMESPACE, workflows, limit: 1 }),
    );
    const held: Held = { run: s.request({ ...child }), lease, seq: 0, consumed: 1 };
    const ends = childOf(held, 1, { parentClose: 'terminate' });
    const stays = childOf(held, 2, { parentClose: 'abandon' });
    await s.applies(held, {
      entries: [runStarted()],
      children: [ends, stays],
      outcome: { type: 'release', wakeAt: null },
    });
    await s.journal.unregister(carrier);
    await s.harness.elapse(HOUR);
    expect((await sweep(s)).ended).toMatchObject([{ workflowId: child.workflowId }]);
    await deliverAll(s);
    expect(await s.inboxOf(parent.run)).toMatchObject([
      { kind: 'child_end', name: `${parent.run.runId}:0:timed_out`, payload: FAILURE },
    ]);
    expect((await s.describe(ends)).state).toBe('terminated');
    expect((await s.describe(stays)).state).toBe('running');
  });

  test('whose rows somebody holds are passed over, and come later', async (s) => {
    const [first, second] = await s.startedMany(2, LIMITED);
    await s.harness.elapse(HOUR);
    const release = await s.harness.holdActor(actorOf(first!.runId));
    expect(await endedIds(s)).toEqual([second!.workflowId]);
    await release();
    expect(await endedIds(s)).toEqual([first!.workflowId]);
  });

  test('come in portions, those first whose limit passed first', async (s) => {
    const runs = await s.startedMany(3, LIMITED);
    const later = await s.started({ limits: { run: 2 * MINUTE, chain: null } });
    await s.harness.elapse(HOUR);
    const first = await sweep(s, 3);
    expect(first.ended.map(({ workflowId }) => workflowId).toSorted()).toEqual(
      runs.map(({ workflowId }) => workflowId).toSorted(),
    );
    expect(first.more).toBe(true);
    expect(await sweep(s, 3)).toMatchObject({ ended: [{ runId: later.runId }], more: false });
    expect(await sweep(s, 3)).toMatchObject({ ended: [], more: false });
  });

  test('are ended by one of two that look at the same time', async (s) => {
    const second = await s.harness.second();
    const runs = await s.startedMany(60, LIMITED);
    await s.harness.elapse(HOUR);
    const ended: string[] = [];
    for (let found = 1; found > 0;) {
      const answers = await race(
        found,
        () => sweep(s, 20),
        () => sweep(s, 20, second),
      );
      const ids = answers.flatMap((answer) => answer.ended.map(({ runId }) => runId));
      ended.push(...ids);
      found = ids.length;
    }
    expect(ended.toSorted()).toEqual(runs.map(({ runId }) => runId).toSorted());
    for (const run of runs.slice(0, 5)) expect(await s.historyOf(run)).toHaveLength(1);
  });

  test('that a worker takes at the same time are either ended or taken', async (s) => {
    const second = await s.harness.second();
    for (const i of range(20)) {
      const run = await s.started(LIMITED);
      await s.harness.elapse(HOUR);
      const owner = s.session();
      const [{ ended }, claims] = await race(
        i,
        () => sweep(s),
        async () => {
          await second.register(owner);
          return await s.claim(owner.id, 10, second);
        },
      );
      expect((await s.describe(run)).state).toBe(ended.length === 1 ? 'timed_out' : 'running');
      for (const { lease } of claims) {
        const answer = await s.commit({ run, lease, seq: 0, consumed: 0 }, { entries: [step('a')] });
        expect(answer.type).toBe(ended.length === 1 ? 'lost' : 'applied');
      }
      await second.unregister(owner.id);
      await s.journal.terminate([
        { namespace: NAMESPACE, workflowId: run.workflowId, runId: null, reason: null },
      ]);
      await s.harness.elapse(HOUR);
    }
  });
}
