import { ContentionError, type SendAnswer, type Turn } from '../../../journal/index.js';
import { childOf } from './children.js';
import { only, range, watch } from '../concurrency.js';
import { runCompleted, step, stepsOf } from '../entries.js';
import { COMPLETED, HOUR, type Held, type Scenario, type Topic } from '../scenario.js';

const closing = (s: Scenario, held: Held, consumedThrough: number): Turn =>
  s.turn(held, { entries: [runCompleted()], consumedThrough, decides: true, outcome: COMPLETED });

const neverTaken = (): Promise<Turn> => Promise.reject(new Error('No turn may be made.'));

export function commitLockedTopic({ test, expect }: Topic): void {
  test('the turn is made from the inbox after the given number, in order', async (s) => {
    const held = await s.held(await s.worker());
    for (const i of range(4)) await s.accepted(s.signal(held.run, { payload: `${i}` }));
    const seen: unknown[] = [];
    const answer = await s.journal.commitLocked(held.lease, 1, async (messages) => {
      seen.push(...messages.map(({ n, kind, name, payload }) => ({ n, kind, name, payload })));
      return closing(s, held, 4);
    });
    expect(seen).toEqual([2, 3, 4].map((n) => ({ n, kind: 'signal', name: 'approve', payload: `${n - 1}` })));
    expect(answer).toEqual({ type: 'applied', inboxSeq: 0 });
    expect(await s.describe(held.run)).toMatchObject({ state: 'completed' });
  });

  test('messages that arrive while the turn is made come after it', async (s) => {
    const held = await s.held(await s.worker());
    const second = await s.harness.second();
    await s.accepted(s.signal(held.run));
    const meanwhile: Promise<unknown>[] = [];
    const answer = await s.journal.commitLocked(held.lease, 0, async (messages) => {
      const sending = watch(second.send([s.signal(held.run, { payload: '"late"' })], { wait: true }));
      meanwhile.push(sending.promise);
      expect(await second.send([s.signal(held.run)])).toEqual([{ type: 'again' }]);
      expect(sending.settled()).toBe(false);
      return s.turn(held, { entries: [step('decide')], consumedThrough: messages.length, decides: true });
    });
    expect(answer).toEqual({ type: 'applied', inboxSeq: 1 });
    expect(await meanwhile[0]).toMatchObject([{ type: 'accepted', n: 2 }]);
    expect(await s.inboxOf(held.run)).toMatchObject([{ n: 2, payload: '"late"' }]);
  });

  test('messages that arrive while the last turn is made are refused, not lost', async (s) => {
    const held = await s.held(await s.worker());
    const second = await s.harness.second();
    const message = s.signal(held.run, { dedupeId: 'm' });
    const meanwhile: Promise<readonly SendAnswer[]>[] = [];
    const answer = await s.journal.commitLocked(held.lease, 0, async () => {
      meanwhile.push(second.send([message], { wait: true }));
      expect(await second.send([s.signal(held.run)])).toEqual([{ type: 'again' }]);
      return closing(s, held, 0);
    });
    expect(answer).toMatchObject({ type: 'applied' });
    const late = only((await Promise.all(meanwhile)).flat());
    // Whoever waited for a row that is gone by then may be told to look again.
    const seen = late.type === 'again' ? await s.send(message) : late;
    expect(seen).toEqual({ type: 'not running', known: true });
  });

  test('an error while the turn is made comes out as it is; nothing is written, and the lease is still held', async (s) => {
    const held = await s.held(await s.worker());
    await s.accepted(s.signal(held.run));
    const error = new Error('The workflow does not like this.');
    const refused = s.journal.commitLocked(held.lease, 0, () => Promise.reject(error));
    await expect(refused).rejects.toBe(error);
    expect(await s.historyOf(held.run)).toHaveLength(1);
    expect(await s.inboxOf(held.run)).toHaveLength(1);
    await s.accepted(s.signal(held.run));
    await s.applies(held, { entries: [step('a')], consumedThrough: 2 });
  });

  test('meanwhile others go round the row: busy, again, not claimed', async (s) => {
    const owner = await s.worker();
    const [held, mate] = await s.heldMany(2, owner);
    if (!held || !mate) throw new Error('Two runs were started.');
    const second = await s.harness.second();
    await s.journal.commitLocked(held.lease, 0, async () => {
      const answers = await second.commit([
        s.turn(held, { entries: [step('other')] }),
        s.turn(mate, { entries: [step('mate')] }),
      ]);
      expect(answers).toEqual([{ type: 'busy' }, { type: 'applied', inboxSeq: 0 }]);
      expect(await second.send([s.signal(held.run), s.signal(mate.run)])).toMatchObject([
        { type: 'again' },
        { type: 'accepted' },
      ]);
      return s.turn(held, { entries: [step('locked')] });
    });
    expect(stepsOf(await s.historyOf(held.run))).toEqual(['locked']);
    expect(stepsOf(await s.historyOf(mate.run))).toEqual(['mate']);
  });

  test('a lease that is not held any more: lost, and no turn is made', async (s) => {
    const held = await s.held(await s.worker());
    const { lease } = held;
    expect(await s.journal.commitLocked({ ...lease, token: lease.token + 1 }, 0, neverTaken)).toEqual({
      type: 'lost',
    });
    expect(await s.journal.commitLocked({ ...lease, owner: await s.worker() }, 0, neverTaken)).toEqual({
      type: 'lost',
    });
    await s.completes(held);
    expect(await s.journal.commitLocked(lease, 0, neverTaken)).toEqual({ type: 'lost' });
  });

  test('a turn that cannot apply comes back with the reason', async (s) => {
    const held = await s.held(await s.worker());
    await s.accepted(s.signal(held.run));
    expect(await s.journal.commitLocked(held.lease, 0, async () => closing(s, held, 0))).toEqual({
      type: 'signals unread',
      inboxSeq: 1,
    });
    const behind = s.turn(held, { previousSeq: 4, entries: [step('a')] });
    expect(await s.journal.commitLocked(held.lease, 0, async () => behind)).toEqual({ type: 'history lost' });
    const early = s.turn(held, { entries: [step('a')], firedUpTo: (await s.harness.now()) + HOUR });
    expect(await s.journal.commitLocked(held.lease, 0, async () => early)).toMatchObject({ type: 'not due' });
    expect(await s.historyOf(held.run)).toHaveLength(1);
    expect(await s.inboxOf(held.run)).toHaveLength(1);
  });

  test('every outcome of a turn works under the lock', async (s) => {
    const owner = await s.worker();
    const outcomes = [
      { type: 'keep' },
      { type: 'roll back' },
      { type: 'release', wakeAt: null },
      { type: 'close', state: 'failed' },
    ] as const;
    for (const outcome of outcomes) {
      const held = await s.held(owner);
      const turn = s.turn(held, { entries: [step('a')], outcome });
      expect(await s.journal.commitLocked(held.lease, 0, async () => turn)).toEqual({
        type: 'applied',
        inboxSeq: 0,
      });
      expect(await s.historyOf(held.run)).toHaveLength(2);
    }
    expect(await s.claimedIds(await s.worker())).toEqual([]);
  });

  test('a child whose workflow id an open transaction has started: nothing is written, and it is to be tried again', async (s) => {
    const { transaction } = s.harness;
    if (transaction === undefined) return;
    const held = await s.held(await s.worker());
    const child = childOf(held, 0);
    const turn = s.turn(held, { entries: [step('a')], children: [child] });
    const request = s.request({ workflowId: child.workflowId });
    await transaction(async (within) => {
      expect(await s.journal.start([request], { within })).toMatchObject([{ type: 'started' }]);
      const committing = s.journal.commitLocked(held.lease, 0, async () => turn);
      await expect(committing).rejects.toBeInstanceOf(ContentionError);
    }, 'commit');
    // What the transaction was told is true.
    expect((await s.describe(request)).state).toBe('running');
    expect(await s.historyOf(held.run)).toHaveLength(1);
    expect(await s.journal.commitLocked(held.lease, 0, async () => turn)).toEqual({
      type: 'applied',
      inboxSeq: 1,
    });
  });

  test('it waits for whoever holds the row', async (s) => {
    const held = await s.held(await s.worker());
    const release = await s.harness.holdActor(held.lease.actorId);
    const committing = watch(
      s.journal.commitLocked(held.lease, 0, async () => s.turn(held, { entries: [step('a')] })),
    );
    await s.describe(held.run);
    expect(committing.settled()).toBe(false);
    await release();
    expect(await committing.promise).toEqual({ type: 'applied', inboxSeq: 0 });
  });

  test('a terminate that comes while the turn is made waits, and ends what it left', async (s) => {
    const held = await s.held(await s.worker());
    const second = await s.harness.second();
    const { namespace, workflowId } = held.run;
    const terminating: Promise<unknown>[] = [];
    await s.journal.commitLocked(held.lease, 0, async () => {
      terminating.push(second.terminate([{ namespace, workflowId, runId: null, reason: 'enough' }]));
      expect(await second.send([s.signal(held.run)])).toEqual([{ type: 'again' }]);
      return s.turn(held, { entries: [step('a')] });
    });
    expect(only(await Promise.all(terminating))).toMatchObject([{ type: 'terminated' }]);
    expect((await s.historyOf(held.run)).map(({ type }) => type)).toEqual([
      'run_started',
      'side_effect_recorded',
      'run_terminated',
    ]);
  });
}
