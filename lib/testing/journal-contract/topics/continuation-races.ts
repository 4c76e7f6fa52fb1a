import { only, race, range } from '../concurrency.js';
import { runStarted, step } from '../entries.js';
import { continuing, goingOn, ofRun } from './continuation.js';
import { NAMESPACE, type Topic } from '../scenario.js';

const ROUNDS = 45;

/** A run that continues, and somebody else at the same time: whatever comes first, nothing is lost and nothing there twice. */
export function continuationRacesTopic({ test, expect }: Topic): void {
  test('a signal and a cancel that race it are the next run’s, once and in order, behind its start', async (s) => {
    const second = await s.harness.second();
    const owner = await s.worker();
    for (const round of range(ROUNDS)) {
      const held = await s.held(owner);
      const { next, changes } = continuing();
      const message = round % 2 === 0 ? s.signal(held.run) : s.cancel(held.run);
      const [answer, n] = await race(
        round,
        () => s.settles(held, changes),
        async () => [await s.accepted(message, second), await s.accepted(s.signal(held.run), second)],
      );
      expect(answer).toMatchObject({ type: 'applied' });
      expect(n).toEqual([1, 2]);
      const inbox = await s.inboxOf(held.run, -1);
      expect(inbox.map(({ n: number, kind }) => [number, kind])).toEqual([
        [0, 'start'],
        [1, message.kind],
        [2, 'signal'],
      ]);
      // The next run takes them, and they are gone.
      const then = goingOn(held, next.runId);
      await s.applies(then, { entries: [runStarted(), step('a')], consumedThrough: 2 });
      expect(await s.inboxOf(held.run, -1)).toEqual([]);
    }
  }, 60_000);

  test('a message of one id that is sent again while it continues counts once', async (s) => {
    const second = await s.harness.second();
    const owner = await s.worker();
    for (const round of range(ROUNDS)) {
      const held = await s.held(owner);
      const message = s.signal(held.run, { dedupeId: 'once' });
      const { changes } = continuing();
      const [, answers] = await race(
        round,
        () => s.settles(held, changes),
        () => Promise.all([s.send(message), s.send(message, second)]),
      );
      expect(answers.map(({ type }) => type).toSorted()).toEqual(['accepted', 'duplicate']);
      expect(await s.inboxOf(held.run, 0)).toHaveLength(1);
    }
  }, 60_000);

  test('a termination that races it ends one of the two runs, and nothing goes on', async (s) => {
    const second = await s.harness.second();
    const owner = await s.worker();
    for (const round of range(ROUNDS)) {
      const held = await s.held(owner);
      const { next, changes } = continuing();
      const request = { namespace: NAMESPACE, workflowId: held.run.workflowId, runId: null, reason: null };
      const [committed, ended] = await race(
        round,
        () => s.settles(held, changes),
        () => second.terminate([request]),
      );
      expect(only(ended)).toMatchObject({ type: 'terminated' });
      const continued = committed.type === 'applied';
      const last = continued ? next.runId : held.run.runId;
      expect((await s.historyOf({ runId: last })).at(-1)).toMatchObject({ type: 'run_terminated' });
      if (continued) expect((await s.describe(held.run)).state).toBe('continued');
      expect(await s.describe(ofRun(held, last))).toMatchObject({ state: 'terminated', inbox: null });
      expect(await s.commit(goingOn(held, next.runId), { entries: [runStarted()] })).toEqual({
        type: 'lost',
      });
      expect(await s.inboxOf(held.run, -1)).toEqual([]);
      // The workflow id is free, and only now.
      await s.started({ workflowId: held.run.workflowId });
    }
  }, 60_000);

  test('a start of its workflow id that races it finds it taken, by the one run or the other', async (s) => {
    const second = await s.harness.second();
    const owner = await s.worker();
    for (const round of range(ROUNDS)) {
      const held = await s.held(owner);
      const { next, changes } = continuing();
      const { workflowId, runId } = held.run;
      const onReuse = round % 2 === 0 ? 'allow' : 'reject';
      const [, answer] = await race(
        round,
        () => s.settles(held, changes),
        () => s.tryStart({ workflowId, onReuse }, second),
      );
      expect(answer.type).toBe('conflict');
      expect([runId, next.runId]).toContain(answer.type === 'conflict' ? answer.runId : '');
      expect(await s.journal.count({ namespace: NAMESPACE, workflowId })).toBe(2);
    }
  }, 60_000);

  test('a claim that races it gets the next run where it is left to others, and nothing where it is kept', async (s) => {
    const second = await s.harness.second();
    const owner = await s.worker();
    const other = await s.worker({}, second);
    for (const round of range(ROUNDS)) {
      const held = await s.held(owner);
      const kept = round % 2 === 0;
      const { next, changes } = continuing({ kept });
      const [answer, early] = await race(
        round,
        () => s.settles(held, changes),
        () => s.claim(other, 10, second),
      );
      expect(answer).toMatchObject({ type: 'applied' });
      const claims = [...early, ...(await s.claim(other, 10, second))];
      expect(claims.map(({ lease }) => lease.runId)).toEqual(kept ? [] : [next.runId]);
      const then = goingOn(held, next.runId);
      const committed = await s.commit(then, { entries: [runStarted()], consumedThrough: 0 });
      expect(committed.type).toBe(kept ? 'applied' : 'lost');
    }
  }, 60_000);

  test('a worker that is dead by then continues nothing, or its next run is found', async (s) => {
    const second = await s.harness.second();
    for (const round of range(ROUNDS)) {
      const owner = await s.worker({ leaseTimeout: 1_000 });
      const held = await s.held(owner);
      await s.harness.elapse(2_000);
      const { next, changes } = continuing();
      const [answer] = await race(
        round,
        () => s.settles(held, changes),
        () => second.rescue(NAMESPACE),
      );
      await s.journal.rescue(NAMESPACE);
      const claim = only(await s.claim(await s.worker()));
      expect(claim.lease.runId).toBe(answer.type === 'applied' ? next.runId : held.run.runId);
      const kinds = (await s.inboxOf(held.run, claim.inboxConsumed)).map(({ kind }) => kind);
      expect(kinds).toEqual(answer.type === 'applied' ? ['start'] : []);
      await s.journal.terminate([{ ...held.run, runId: null, reason: null }]);
    }
  }, 60_000);
}
