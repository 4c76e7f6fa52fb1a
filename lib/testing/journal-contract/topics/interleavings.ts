import type { Transaction } from '../../../journal/index.js';
import type { JournalHarness } from '../harness.js';
import { gate, only, watch } from '../concurrency.js';
import { runCompleted, step } from '../entries.js';
import { COMPLETED, HOUR, NAMESPACE, SECOND, type Scenario, type Topic } from '../scenario.js';

// A statement that waits for a row sees the row anew when it gets it, and everything else as it was before it waited.
// So whatever a waiting verb decides or cleans up must come from the row, or from a look of its own after the wait.

export function interleavingTopic({ test, expect }: Topic): void {
  const closing = { entries: [runCompleted()], decides: true, outcome: COMPLETED };

  test('a close that waited for a signal is refused', async (s) => {
    const held = await s.held(await s.worker());
    const answer = await during(
      s,
      (within) => s.journal.send([s.signal(held.run)], within && { within }),
      () => s.commit(held, closing, { wait: true }),
    );
    expect(answer).toEqual({ type: 'signals unread', inboxSeq: 1 });
    expect(await s.historyOf(held.run)).toHaveLength(1);
    expect(await s.inboxOf(held.run)).toHaveLength(1);
  });

  test('a close that waited for a signal that was rolled back applies', async (s) => {
    const held = await s.held(await s.worker());
    const answer = await during(
      s,
      (within) => s.journal.send([s.signal(held.run)], within && { within }),
      () => s.commit(held, closing, { wait: true }),
      'roll back',
    );
    expect(answer).toEqual({ type: 'applied', inboxSeq: 0 });
  });

  test('a close that waited for a cancel applies, and leaves nothing in the inbox', async (s) => {
    const held = await s.held(await s.worker());
    const answer = await during(
      s,
      (within) => s.journal.send([s.cancel(held.run)], within && { within }),
      async () => {
        const first = await s.commit(held, closing, { wait: true });
        return first.type === 'busy' ? await s.settles(held, closing) : first;
      },
    );
    expect(answer).toEqual({ type: 'applied', inboxSeq: 0 });
    expect(await s.inboxOf(held.run)).toEqual([]);
  });

  test('a release that waited for a message is claimable at once', async (s) => {
    for (const wakeAt of [null, (await s.harness.now()) + HOUR]) {
      const held = await s.held(await s.worker());
      const answer = await during(
        s,
        (within) => s.journal.send([s.signal(held.run)], within && { within }),
        () => s.commit(held, { outcome: { type: 'release', wakeAt } }, { wait: true }),
      );
      expect(answer).toEqual({ type: 'applied', inboxSeq: 1 });
      expect(await s.claimedIds(await s.worker())).toEqual([held.run.workflowId]);
    }
  });

  test('a turn made under the lock sees the message that it waited for', async (s) => {
    const held = await s.held(await s.worker());
    const seen: number[] = [];
    const answer = await during(
      s,
      (within) => s.journal.send([s.signal(held.run)], within && { within }),
      () =>
        s.journal.commitLocked(held.lease, 0, async (messages) => {
          seen.push(...messages.map(({ n }) => n));
          return s.turn(held, { ...closing, consumedThrough: messages.length });
        }),
    );
    expect(answer).toEqual({ type: 'applied', inboxSeq: 0 });
    expect(seen).toEqual([1]);
  });

  test('a message that waited for another one comes after it', async (s) => {
    const held = await s.held(await s.worker());
    const answer = await during(
      s,
      (within) => s.journal.send([s.signal(held.run, { name: 'first' })], within && { within }),
      () => s.journal.send([s.signal(held.run, { name: 'second' })], { wait: true }),
    );
    expect(answer).toMatchObject([{ type: 'accepted', n: 2 }]);
    expect((await s.inboxOf(held.run)).map(({ name }) => name)).toEqual(['first', 'second']);
  });

  test('a message that waited for its own twin is a duplicate, and is accepted where the twin was rolled back', async (s) => {
    for (const end of ['commit', 'roll back'] as const) {
      const held = await s.held(await s.worker());
      const message = s.signal(held.run, { dedupeId: 'm' });
      const answer = await during(
        s,
        (within) => s.journal.send([message], within && { within }),
        () => s.journal.send([message], { wait: true }),
        end,
      );
      expect(answer).toMatchObject([end === 'commit' ? { type: 'duplicate' } : { type: 'accepted', n: 1 }]);
      expect(await s.inboxOf(held.run)).toHaveLength(1);
    }
  });

  test('a turn that waited for the termination of its run is lost', async (s) => {
    for (const end of ['commit', 'roll back'] as const) {
      const held = await s.held(await s.worker());
      const { workflowId } = held.run;
      const next = s.request({ workflowId, onConflict: 'terminateExisting' });
      const answer = await during(
        s,
        (within) => s.journal.start([next], within && { within }),
        () => s.commit(held, { entries: [step('a')] }, { wait: true }),
        end,
      );
      expect(answer.type).toBe(end === 'commit' ? 'lost' : 'applied');
      const types = (await s.historyOf(held.run)).map(({ type }) => type);
      expect(types).toEqual(['run_started', end === 'commit' ? 'run_terminated' : 'side_effect_recorded']);
    }
  });

  test('a message that waited for a run that was replaced reaches its successor', async (s) => {
    const held = await s.held(await s.worker());
    const { workflowId } = held.run;
    const next = s.request({ workflowId, onConflict: 'terminateExisting' });
    const answer = await during(
      s,
      (within) => s.journal.start([next], within && { within }),
      async () => {
        const first = only(await s.journal.send([s.signal(held.run)], { wait: true }));
        return first.type === 'again' ? await s.send(s.signal(held.run)) : first;
      },
    );
    expect(answer).toMatchObject({ type: 'accepted', actorId: next.runId, n: 2 });
    expect(await s.inboxOf(next)).toHaveLength(2);
  });

  test('a termination that waited for a message ends the run and its inbox', async (s) => {
    const held = await s.held(await s.worker());
    const { workflowId } = held.run;
    const answer = await during(
      s,
      (within) => s.journal.send([s.signal(held.run)], within && { within }),
      () => s.journal.terminate([{ namespace: NAMESPACE, workflowId, runId: null, reason: null }]),
    );
    expect(answer).toMatchObject([{ type: 'terminated' }]);
    expect(await s.inboxOf(held.run)).toEqual([]);
    expect(await s.historyOf(held.run)).toHaveLength(2);
  });

  test('a rescue goes round a row in a transaction, and a later one frees it, claimable with its new messages', async (s) => {
    const held = await s.held(await s.worker({ leaseTimeout: SECOND }));
    await s.harness.elapse(HOUR);
    await during(
      s,
      (within) => s.journal.send([s.signal(held.run)], within && { within }),
      () => s.journal.rescue(NAMESPACE),
    );
    await s.journal.rescue(NAMESPACE);
    expect(only(await s.claim(await s.worker()))).toMatchObject({
      inboxSeq: 1,
      inboxConsumed: 0,
      failedTurns: 1,
    });
  });
}

/**
 * Begins `waiting` while an application's transaction has done `first` and is still open, and then ends the
 * transaction. An adapter without transactions does one after the other: the end must be the same.
 */
export async function during<T>(
  { harness }: Scenario,
  first: (within?: Transaction) => Promise<unknown>,
  waiting: () => Promise<T>,
  end: 'commit' | 'roll back' = 'commit',
): Promise<T> {
  const { transaction } = harness;
  if (transaction === undefined) {
    if (end === 'commit') await first();
    return await waiting();
  }
  const { done, finish } = await opened(transaction, first, end);
  const later = watch(waiting());
  // Enough time to arrive at the row. Whether it does before the transaction ends makes no difference to the end.
  for (let i = 0; i < 5 && !later.settled(); i++) await harness.now();
  finish();
  await done;
  return await later.promise;
}

async function opened(
  transaction: NonNullable<JournalHarness['transaction']>,
  first: (within: Parameters<Parameters<typeof transaction>[0]>[0]) => Promise<unknown>,
  end: 'commit' | 'roll back',
): Promise<{ readonly done: Promise<void>; readonly finish: () => void }> {
  const begun = gate();
  const finished = gate();
  const done = transaction(async (within) => {
    await first(within);
    begun.open();
    await finished.opened;
  }, end);
  await Promise.race([begun.opened, done]);
  return { done, finish: finished.open };
}
