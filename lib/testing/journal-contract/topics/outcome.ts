import { only } from '../concurrency.js';
import { runCompleted, step } from '../entries.js';
import { COMPLETED, HOUR, MINUTE, SECOND, type Topic } from '../scenario.js';

export function outcomeTopic({ test, expect }: Topic): void {
  test('keep: the holder goes on, nobody else gets the actor', async (s) => {
    const held = await s.held(await s.worker());
    await s.applies(held, { entries: [step('a')] });
    expect(await s.claimedIds(await s.worker())).toEqual([]);
    await s.applies(held, { entries: [step('b')] });
  });

  test('release until a time: claimable only when the journal clock has come to it', async (s) => {
    const held = await s.held(await s.worker());
    await s.releases(held, (await s.harness.now()) + HOUR);
    expect(await s.claimedIds(await s.worker())).toEqual([]);
    await s.harness.elapse(HOUR - MINUTE);
    expect(await s.claimedIds(await s.worker())).toEqual([]);
    await s.harness.elapse(MINUTE + SECOND);
    expect(await s.claimedIds(await s.worker())).toEqual([held.run.workflowId]);
  });

  test('release without a time: never claimable, until a message comes', async (s) => {
    const held = await s.held(await s.worker());
    await s.releases(held, null);
    await s.harness.elapse(24 * HOUR);
    expect(await s.claimedIds(await s.worker())).toEqual([]);
    await s.accepted(s.signal(held.run));
    expect(await s.claimedIds(await s.worker())).toEqual([held.run.workflowId]);
  });

  test('release with unread messages: claimable at once, whatever the time', async (s) => {
    for (const wait of [null, HOUR]) {
      const held = await s.held(await s.worker());
      await s.accepted(s.signal(held.run));
      await s.releases(held, wait === null ? null : (await s.harness.now()) + wait);
      expect(await s.claimedIds(await s.worker())).toEqual([held.run.workflowId]);
    }
  });

  test('release before the floor of the actor: not claimable earlier than that, with unread messages neither', async (s) => {
    const startAt = (await s.harness.now()) + HOUR;
    const held = await s.held(await s.worker(), { startAt });
    await s.accepted(s.signal(held.run));
    await s.releases(held, await s.harness.now());
    expect(await s.claimedIds(await s.worker())).toEqual([]);
    await s.harness.elapse(HOUR + SECOND);
    expect(await s.claimedIds(await s.worker())).toEqual([held.run.workflowId]);
  });

  test('release that consumes the inbox waits', async (s) => {
    const held = await s.held(await s.worker());
    await s.accepted(s.signal(held.run));
    await s.applies(held, {
      entries: [step('a')],
      consumedThrough: 1,
      outcome: { type: 'release', wakeAt: null },
    });
    expect(await s.claimedIds(await s.worker())).toEqual([]);
  });

  test('release gives the lease back: its holder writes nothing more, its next one has another token', async (s) => {
    const owner = await s.worker();
    const held = await s.held(owner);
    await s.releases(held, await s.harness.now());
    expect(await s.commit(held, { entries: [step('late')] })).toEqual({ type: 'lost' });
    const again = await s.reclaimed(owner, held.run);
    expect(again.lease.token).toBeGreaterThan(held.lease.token);
    expect(await s.commit(held, { entries: [step('late')] })).toEqual({ type: 'lost' });
    await s.applies(again, { entries: [step('a')] });
  });

  test('close: the run is over, its workflow id is free, and the answer says 0 messages', async (s) => {
    for (const state of ['completed', 'failed', 'cancelled'] as const) {
      const held = await s.held(await s.worker());
      await s.accepted(s.cancel(held.run));
      const before = await s.harness.now();
      const answer = await s.commit(held, {
        entries: [step('a'), runCompleted()],
        decides: true,
        outcome: { type: 'close', state },
      });
      expect(answer).toEqual({ type: 'applied', inboxSeq: 0 });
      const description = await s.describe(held.run);
      expect(description).toMatchObject({ state, blocked: null });
      expect(description.closedAt).toBeGreaterThanOrEqual(Math.floor(before));
      expect(description.closedAt).toBeLessThanOrEqual(Math.ceil(await s.harness.now()));
      const [outcome] = await s.journal.outcomes([held.run.runId]);
      expect(outcome).toMatchObject({ run: { runId: held.run.runId, state }, last: runCompleted() });
      await s.started({ workflowId: held.run.workflowId });
    }
  });

  test('close of one run and turns of others in one batch', async (s) => {
    const [ends, goesOn, waits] = await s.heldMany(3, await s.worker());
    if (!ends || !goesOn || !waits) throw new Error('Three runs were started.');
    const answers = await s.journal.commit([
      s.turn(goesOn, { entries: [step('a')] }),
      s.turn(ends, { entries: [runCompleted()], decides: true, outcome: COMPLETED }),
      s.turn(waits, { entries: [step('b')], outcome: { type: 'release', wakeAt: null } }),
    ]);
    expect(answers).toEqual(answers.map(() => ({ type: 'applied', inboxSeq: 0 })));
    const states = await s.journal.describe([ends, goesOn, waits].map(({ run }) => run));
    expect(states.map((run) => run?.state)).toEqual(['completed', 'running', 'running']);
  });

  test('roll back: the holder goes on, hands over, and its successor closes the run', async (s) => {
    const held = await s.held(await s.worker());
    await s.applies(held, { entries: [step('undo')], decides: true, outcome: { type: 'roll back' } });
    await s.applies(held, { entries: [step('undone')] });
    await s.releases(held, (await s.harness.now()) + HOUR);
    await s.harness.elapse(2 * HOUR);
    const next = await s.reclaimed(await s.worker(), held.run);
    const [loaded] = await s.journal.load([{ ...next.lease, historyAfter: 1, inboxAfter: 0 }]);
    expect(loaded).toMatchObject({ history: [step('undo'), step('undone')], messages: [] });
    await s.applies(next, {
      entries: [runCompleted()],
      decides: true,
      outcome: { type: 'close', state: 'failed' },
    });
    expect(await s.describe(held.run)).toMatchObject({ state: 'failed' });
  });

  test('roll back with unread cancels: they stay in the inbox and refuse nothing', async (s) => {
    const held = await s.held(await s.worker());
    await s.accepted(s.cancel(held.run));
    const answer = await s.commit(held, {
      entries: [step('undo')],
      decides: true,
      outcome: { type: 'roll back' },
    });
    expect(answer).toEqual({ type: 'applied', inboxSeq: 1 });
    expect(only(await s.inboxOf(held.run))).toMatchObject({ kind: 'cancel' });
    await s.applies(held, {
      entries: [runCompleted()],
      decides: true,
      outcome: { type: 'close', state: 'cancelled' },
    });
  });
}
