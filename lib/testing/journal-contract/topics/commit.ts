import { uuidv7 } from 'uuidv7';
import { type CommitAnswer, JournalRefusedError, type Journal, type Turn } from '../../../journal/index.js';
import { ENTRY_SAMPLES } from '../entry-samples.js';
import { only, range } from '../concurrency.js';
import { runCompleted, runStarted, step, stepsOf } from '../entries.js';
import { NAMESPACE, COMPLETED, HOUR, MINUTE, SECOND, type Topic } from '../scenario.js';
import { actorOf, asRunId, asWorkerId } from '../../../journal/index.js';

export function commitTopic({ test, expect }: Topic): void {
  test('an applied turn appends its entries after the history, in order', async (s) => {
    const held = await s.held(await s.worker());
    await s.applies(held, { entries: [step('a'), step('b')] });
    await s.applies(held, { entries: [step('c')] });
    await s.applies(held);
    expect(await s.historyOf(held.run)).toEqual([runStarted(), step('a'), step('b'), step('c')]);
  });

  test('a batch applies every turn to its own run, and answers in its order', async (s) => {
    const owner = await s.worker();
    const all = await s.heldMany(100, owner);
    await s.accepted(s.signal(all[7]?.run ?? { workflowId: '' }));
    const turns = all.map((held, i) => s.turn(held, { entries: range(i % 4).map((k) => step(`${i}.${k}`)) }));
    expect(await s.journal.commit(turns)).toEqual(
      all.map((_, i) => ({ type: 'applied', inboxSeq: i === 7 ? 1 : 0 })),
    );
    for (const [i, held] of all.entries()) {
      expect(stepsOf(await s.historyOf(held.run))).toEqual(range(i % 4).map((k) => `${i}.${k}`));
    }
  });

  test('a stale token writes nothing, and its batch-mates apply', async (s) => {
    const owner = await s.worker({ leaseTimeout: SECOND });
    const [stale, mate] = await s.heldMany(2, owner);
    if (stale === undefined || mate === undefined) throw new Error('Two runs were started.');
    await s.harness.elapse(MINUTE);
    await s.journal.rescue(NAMESPACE);
    const next = await s.worker({ id: asWorkerId(uuidv7()) });
    const claims = await s.claim(next);
    const [taken, takenMate] = [stale, mate].map(({ run }) => {
      const claim = claims.find(({ workflowId }) => workflowId === run.workflowId);
      if (claim === undefined) throw new Error(`${run.workflowId} was not claimed.`);
      return { run, lease: claim.lease, seq: 1, consumed: 0 };
    });
    if (taken === undefined || takenMate === undefined) throw new Error('Both were claimed.');
    const forged = { ...taken, lease: { ...taken.lease, token: stale.lease.token } };
    const answers = await s.journal.commit([
      s.turn(forged, { entries: [step('stale')], consumedThrough: 0, outcome: COMPLETED }),
      s.turn(takenMate, { entries: [step('mate')] }),
    ]);
    expect(answers).toEqual([{ type: 'lost' }, { type: 'applied', inboxSeq: 0 }]);
    expect(await s.commit(stale, { entries: [step('zombie')] })).toEqual({ type: 'lost' });
    expect(await s.historyOf(stale.run)).toHaveLength(1);
    expect(stepsOf(await s.historyOf(mate.run))).toEqual(['mate']);
    expect(await s.describe(stale.run)).toMatchObject({ state: 'running' });
    await s.applies(taken, { entries: [step('rightful')] });
  });

  test('lost: another owner, another token, another run, an actor that never was, and one that is gone', async (s) => {
    const held = await s.held(await s.worker());
    const unknown = asRunId(uuidv7());
    const leases = [
      { ...held.lease, owner: await s.worker() },
      { ...held.lease, token: held.lease.token + 1 },
      { ...held.lease, token: held.lease.token - 1 },
      { ...held.lease, runId: unknown },
      { ...held.lease, actorId: actorOf(unknown), runId: unknown },
    ];
    for (const lease of leases) {
      for (const outcome of [{ type: 'keep' }, { type: 'release', wakeAt: null }, COMPLETED] as const) {
        expect(await s.commit({ ...held, lease }, { entries: [step('x')], outcome })).toEqual({
          type: 'lost',
        });
      }
    }
    expect(await s.historyOf(held.run)).toHaveLength(1);
    await s.completes(held);
    expect(await s.commit(held, { entries: [step('late')] })).toEqual({ type: 'lost' });
    expect(await s.historyOf(held.run)).toHaveLength(2);
  });

  test('history lost: the journal ends before the holder believes, and its batch-mates apply', async (s) => {
    const [ahead, mate] = await s.heldMany(2, await s.worker());
    if (ahead === undefined || mate === undefined) throw new Error('Two runs were started.');
    const answers = await s.journal.commit([
      s.turn(ahead, { previousSeq: 5, entries: [step('six')] }),
      s.turn(mate, { entries: [step('mate')] }),
    ]);
    expect(answers).toEqual([{ type: 'history lost' }, { type: 'applied', inboxSeq: 0 }]);
    expect(await s.historyOf(ahead.run)).toHaveLength(1);
    await s.applies(ahead, { entries: [step('two')] });
  });

  test('the same turn twice counts once: the second finds that history does not end where it believes', async (s) => {
    const [twice, mate] = await s.heldMany(2, await s.worker());
    if (twice === undefined || mate === undefined) throw new Error('Two runs were started.');
    const turn = s.turn(twice, { entries: [step('charge'), step('ship')] });
    expect(await s.journal.commit([turn])).toEqual([{ type: 'applied', inboxSeq: 0 }]);
    const answers = await s.journal.commit([s.turn(mate, { entries: [step('mate')] }), turn]);
    expect(answers).toEqual([{ type: 'applied', inboxSeq: 0 }, { type: 'history lost' }]);
    expect(stepsOf(await s.historyOf(twice.run))).toEqual(['charge', 'ship']);
  });

  test('signals unread: a deciding turn is refused whole, and applies when it has taken them', async (s) => {
    const held = await s.held(await s.worker());
    await s.accepted(s.signal(held.run));
    await s.accepted(s.cancel(held.run));
    const deciding = { entries: [runCompleted()], decides: true, outcome: COMPLETED };
    expect(await s.commit(held, deciding)).toEqual({ type: 'signals unread', inboxSeq: 2 });
    expect(await s.historyOf(held.run)).toHaveLength(1);
    expect(await s.describe(held.run)).toMatchObject({ state: 'running', closedAt: null });
    expect(await s.inboxOf(held.run)).toHaveLength(2);
    expect(await s.commit(held, { ...deciding, consumedThrough: 1 })).toMatchObject({ type: 'applied' });
    expect(await s.describe(held.run)).toMatchObject({ state: 'completed' });
  });

  test('signals unread: also a turn that begins the rollback, or decides and goes on', async (s) => {
    for (const outcome of [
      { type: 'roll back' },
      { type: 'keep' },
      { type: 'release', wakeAt: null },
    ] as const) {
      const held = await s.held(await s.worker());
      await s.accepted(s.signal(held.run));
      const answer = await s.commit(held, { entries: [step('decide')], decides: true, outcome });
      expect(answer).toEqual({ type: 'signals unread', inboxSeq: 1 });
      expect(await s.historyOf(held.run)).toHaveLength(1);
      await s.accepted(s.signal(held.run));
      await s.applies(held, { entries: [step('decide')], decides: true, consumedThrough: 2, outcome });
    }
  });

  test('a start message, a cancel and a result in the inbox never refuse a deciding turn', async (s) => {
    const owner = await s.worker();
    const run = await s.started();
    const held = await s.reclaimed(owner, run);
    await s.accepted(s.cancel(run));
    await s.accepted(s.result(run));
    await s.applies(held, { entries: [runCompleted()], decides: true, outcome: COMPLETED });
  });

  test('a turn that decides nothing is not refused for unread signals, and is told of them', async (s) => {
    const held = await s.held(await s.worker());
    await s.accepted(s.signal(held.run));
    await s.accepted(s.signal(held.run));
    expect(await s.commit(held, { entries: [step('a')] })).toEqual({ type: 'applied', inboxSeq: 2 });
    expect(await s.commit(held, { entries: [step('b')], consumedThrough: 1 })).toEqual({
      type: 'applied',
      inboxSeq: 2,
    });
    expect((await s.inboxOf(held.run)).map(({ n }) => n)).toEqual([2]);
  });

  test('consumed messages are gone from the inbox, and are not delivered to the next holder', async (s) => {
    const held = await s.held(await s.worker());
    for (const _ of range(3)) await s.accepted(s.signal(held.run));
    await s.applies(held, { entries: [step('a')], consumedThrough: 2 });
    expect((await s.inboxOf(held.run)).map(({ n }) => n)).toEqual([3]);
    await s.releases(held);
    expect(only(await s.claim(await s.worker()))).toMatchObject({ inboxSeq: 3, inboxConsumed: 2 });
  });

  test('a turn without entries consumes as well', async (s) => {
    const held = await s.held(await s.worker());
    await s.accepted(s.signal(held.run));
    expect(await s.commit(held, { consumedThrough: 1 })).toEqual({ type: 'applied', inboxSeq: 1 });
    expect(await s.inboxOf(held.run)).toEqual([]);
    await s.completes(held);
  });

  test('not due: a timer ahead of the journal clock is refused by how much, and its batch-mates apply', async (s) => {
    const [early, mate] = await s.heldMany(2, await s.worker());
    if (early === undefined || mate === undefined) throw new Error('Two runs were started.');
    const now = await s.harness.now();
    const answers = await s.journal.commit([
      s.turn(early, { entries: [step('fired')], firedUpTo: now + MINUTE }),
      s.turn(mate, { entries: [step('mate')], firedUpTo: now }),
    ]);
    expect(answers.map(({ type }) => type)).toEqual(['not due', 'applied']);
    const ahead = answers[0]?.type === 'not due' ? answers[0].ahead : 0;
    expect(ahead).toBeGreaterThan(MINUTE - 20 * SECOND);
    expect(ahead).toBeLessThanOrEqual(MINUTE);
    expect(await s.historyOf(early.run)).toHaveLength(1);
  });

  test('a worker whose clock is an hour ahead fires no timer early', async (s) => {
    const held = await s.held(await s.worker());
    const firesAt = (await s.harness.now()) + 30 * MINUTE;
    const turn = { entries: [step('fired')], firedUpTo: firesAt };
    expect(await s.commit(held, turn)).toMatchObject({ type: 'not due' });
    await s.harness.elapse(31 * MINUTE);
    await s.applies(held, { entries: [step('fired')], firedUpTo: await s.harness.now() });
  });

  test('a worker whose clock is an hour behind releases what is due at once', async (s) => {
    const held = await s.held(await s.worker());
    const workersClock = (await s.harness.now()) - HOUR;
    await s.releases(held, workersClock + MINUTE);
    expect(await s.claimedIds(await s.worker())).toEqual([held.run.workflowId]);
  });

  test('one bad turn in a batch: split until it is alone, it writes nothing and all others apply once', async (s) => {
    const all = await s.heldMany(30, await s.worker());
    const bad = 17;
    const turns = all.map((held, i) =>
      // The inbox is empty: nothing can be consumed.
      s.turn(held, { entries: [step(`turn-${i}`)], consumedThrough: i === bad ? 9 : 0 }),
    );
    const answers = await commitSplitting(s.journal, turns);
    for (const [i, held] of all.entries()) {
      expect(answers[i] === 'refused' || answers[i]?.type !== 'applied').toBe(i === bad);
      expect(stepsOf(await s.historyOf(held.run))).toEqual(i === bad ? [] : [`turn-${i}`]);
    }
    await s.applies(all[bad] ?? only([]), { entries: [step('good')] });
  });

  test('a batch in which every turn has another fate', async (s) => {
    const owner = await s.worker();
    const [fine, gone, behind, unread, early, released] = await s.heldMany(6, owner);
    if (!fine || !gone || !behind || !unread || !early || !released)
      throw new Error('Six runs were started.');
    await s.completes(gone);
    await s.accepted(s.signal(unread.run));
    const firedUpTo = (await s.harness.now()) + HOUR;
    const entries = [step('x')];
    const answers = await s.journal.commit([
      s.turn(gone, { entries }),
      s.turn(fine, { entries }),
      s.turn(behind, { entries, previousSeq: 3 }),
      s.turn(unread, { entries: [runCompleted()], decides: true, outcome: COMPLETED }),
      s.turn(early, { entries, firedUpTo }),
      s.turn(released, { entries, outcome: { type: 'release', wakeAt: null } }),
    ]);
    expect(answers.map(({ type }) => type)).toEqual([
      'lost',
      'applied',
      'history lost',
      'signals unread',
      'not due',
      'applied',
    ]);
    const lengths = [gone, fine, behind, unread, early, released].map(
      async ({ run }) => (await s.historyOf(run)).length,
    );
    expect(await Promise.all(lengths)).toEqual([2, 2, 1, 1, 1, 2]);
  });

  test('every type of history entry comes back with all its fields', async (s) => {
    const held = await s.held(await s.worker());
    const samples = Object.values(ENTRY_SAMPLES).flat();
    for (const sample of samples) await s.applies(held, { entries: [sample] });
    await s.applies(held, { entries: samples });
    expect(await s.historyOf(held.run)).toEqual([runStarted(), ...samples, ...samples]);
  });

  test('every type of history entry comes back from a first turn as well', async (s) => {
    const owner = await s.worker();
    const samples = Object.values(ENTRY_SAMPLES).flat();
    const held = await s.held(owner, { first: { owner, entries: samples } });
    expect(await s.historyOf(held.run)).toEqual(samples);
  });
}

/** As a committer does it: a batch that is refused is halved, down to the culprit. */
async function commitSplitting(
  journal: Journal,
  turns: readonly Turn[],
): Promise<readonly (CommitAnswer | 'refused')[]> {
  try {
    return await journal.commit(turns);
  } catch (error) {
    if (!(error instanceof JournalRefusedError)) throw error;
    if (turns.length === 1) return ['refused'];
    const middle = Math.ceil(turns.length / 2);
    const left = await commitSplitting(journal, turns.slice(0, middle));
    return [...left, ...(await commitSplitting(journal, turns.slice(middle)))];
  }
}
