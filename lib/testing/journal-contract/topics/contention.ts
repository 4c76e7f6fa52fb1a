import { gate, only, range, watch } from '../concurrency.js';
import { runCompleted, step, stepsOf } from '../entries.js';
import { NAMESPACE } from '../scenario.js';
import type { Scenario, Topic } from '../scenario.js';
import { actorOf } from '../../../journal/index.js';

export function contentionTopic({ test, expect }: Topic): void {
  test('commit: busy, with nothing written; its batch-mates apply, and so does it once the row is free', async (s) => {
    const [locked, mate] = await s.heldMany(2, await s.worker());
    if (!locked || !mate) throw new Error('Two runs were started.');
    const release = await s.harness.holdActor(locked.lease.actorId);
    const turns = [s.turn(locked, { entries: [step('a')] }), s.turn(mate, { entries: [step('b')] })];
    expect(await s.journal.commit(turns)).toEqual([{ type: 'busy' }, { type: 'applied', inboxSeq: 0 }]);
    expect(await s.historyOf(locked.run)).toHaveLength(1);
    await release();
    await s.applies(locked, { entries: [step('a')] });
    expect(stepsOf(await s.historyOf(mate.run))).toEqual(['b']);
  });

  test('commit of every outcome is busy on a held row', async (s) => {
    const held = await s.held(await s.worker());
    const release = await s.harness.holdActor(held.lease.actorId);
    const outcomes = [
      { type: 'roll back' },
      { type: 'release', wakeAt: null },
      { type: 'block', reason: 'no', delay: 0 },
      { type: 'close', state: 'completed' },
    ] as const;
    for (const outcome of outcomes) expect(await s.commit(held, { outcome })).toEqual({ type: 'busy' });
    await release();
    await s.completes(held);
  });

  test('commit with wait: applied as soon as the row is free', async (s) => {
    const held = await s.held(await s.worker());
    const release = await s.harness.holdActor(held.lease.actorId);
    const waiting = watch(s.commit(held, { entries: [step('a')] }, { wait: true }));
    await s.describe(held.run);
    expect(waiting.settled()).toBe(false);
    await release();
    expect(await waiting.promise).toEqual({ type: 'applied', inboxSeq: 0 });
  });

  test('send: again, with nothing written; others of the batch are accepted', async (s) => {
    const [locked, mate] = await s.heldMany(2, await s.worker());
    if (!locked || !mate) throw new Error('Two runs were started.');
    const release = await s.harness.holdActor(locked.lease.actorId);
    const message = s.signal(locked.run, { dedupeId: 'm' });
    expect(await s.journal.send([message, s.signal(mate.run), s.cancel(locked.run)])).toEqual([
      { type: 'again' },
      { type: 'accepted', actorId: mate.lease.actorId, n: 1, owner: mate.lease.owner },
      { type: 'again' },
    ]);
    expect(await s.inboxOf(locked.run)).toEqual([]);
    await release();
    expect(await s.accepted(message)).toBe(1);
  });

  test('send with wait: accepted as soon as the row is free', async (s) => {
    const held = await s.held(await s.worker());
    const release = await s.harness.holdActor(held.lease.actorId);
    const waiting = watch(s.journal.send([s.signal(held.run)], { wait: true }));
    await s.describe(held.run);
    expect(waiting.settled()).toBe(false);
    await release();
    expect(await waiting.promise).toMatchObject([{ type: 'accepted', n: 1 }]);
  });

  test('start over a held run: again, with nothing written; its batch-mates start', async (s) => {
    const held = await s.held(await s.worker());
    const release = await s.harness.holdActor(held.lease.actorId);
    const over = s.request({ workflowId: held.run.workflowId, onConflict: 'terminateExisting' });
    const [before, after] = [s.request(), s.request()];
    const answers = await s.journal.start([before, over, after]);
    expect(answers.map(({ type }) => type)).toEqual(['started', 'again', 'started']);
    expect(await s.describe(held.run)).toMatchObject({ state: 'running' });
    const waiting = watch(s.journal.start([over], { wait: true }));
    await s.describe(held.run);
    expect(waiting.settled()).toBe(false);
    await release();
    expect(await waiting.promise).toMatchObject([{ type: 'started', runId: over.runId }]);
  });

  test('terminate waits for one held row, and ends the others meanwhile', async (s) => {
    const [locked, ...mates] = await s.heldMany(4, await s.worker());
    if (!locked) throw new Error('Four runs were started.');
    const release = await s.harness.holdActor(locked.lease.actorId);
    const requests = [locked, ...mates].map(({ run: { workflowId } }) => ({
      namespace: NAMESPACE,
      workflowId,
      runId: null,
      reason: null,
    }));
    const terminating = watch(s.journal.terminate(requests));
    for (const { run } of mates) while ((await s.describe(run)).state === 'running');
    expect(terminating.settled()).toBe(false);
    await release();
    expect((await terminating.promise).map(({ type }) => type)).toEqual(requests.map(() => 'terminated'));
  });

  test('claim goes round a held row, and takes it later', async (s) => {
    const [locked, free] = await s.startedMany(2);
    if (!locked || !free) throw new Error('Two runs were started.');
    const release = await s.harness.holdActor(actorOf(locked.runId));
    expect(await s.claimedIds(await s.worker())).toEqual([free.workflowId]);
    await release();
    expect(await s.claimedIds(await s.worker())).toEqual([locked.workflowId]);
  });

  test('reading, heartbeats and starts of others pass a held row', async (s) => {
    const owner = await s.worker();
    const held = await s.held(owner);
    const release = await s.harness.holdActor(held.lease.actorId);
    expect(await s.historyOf(held.run)).toHaveLength(1);
    expect(await s.describe(held.run)).toMatchObject({ state: 'running' });
    expect(await s.journal.heartbeat(owner)).toMatchObject({ type: 'alive' });
    expect(await s.tryStart({ workflowId: held.run.workflowId })).toMatchObject({ type: 'conflict' });
    await s.started();
    await s.worker({ buildId: 'build-2' });
    await release();
  });

  test('one actor held for long: all others go on at full rate, round after round', async (s) => {
    await goesOnRound(s, (held) => s.harness.holdActor(held.lease.actorId), expect);
  });

  test('an application transaction that has signalled one actor and stays open: all others go on', async (s) => {
    const { transaction } = s.harness;
    // Without transactions of its callers an adapter has only the test above.
    if (transaction === undefined) return;
    await goesOnRound(
      s,
      async (held) => {
        const signalled = gate();
        const end = gate();
        const done = transaction(async (within) => {
          const answer = only(await s.journal.send([s.signal(held.run, { name: 'within' })], { within }));
          expect(answer).toMatchObject({ type: 'accepted', n: 1 });
          signalled.open();
          await end.opened;
        }, 'roll back');
        await Promise.race([signalled.opened, done]);
        return async () => {
          end.open();
          await done;
        };
      },
      expect,
    );
  });
}

/** Somebody sits on one of the actors of a batch, while everything else is done as always. */
async function goesOnRound(
  s: Scenario,
  sitOn: (held: Awaited<ReturnType<Scenario['held']>>) => Promise<() => Promise<void>>,
  expect: Topic['expect'],
): Promise<void> {
  const owner = await s.worker();
  const second = await s.harness.second();
  const [locked, ...mates] = await s.heldMany(20, owner);
  if (!locked) throw new Error('Twenty runs were started.');
  const getUp = await sitOn(locked);
  for (const round of range(30)) {
    const turns = [locked, ...mates].map((held) =>
      s.turn(held, { entries: [step(`${round}`)], consumedThrough: held.consumed }),
    );
    const answers = await s.journal.commit(turns);
    expect(answers.map(({ type }) => type)).toEqual(['busy', ...mates.map(() => 'applied')]);
    for (const held of mates) held.seq++;
    const sent = await second.send([locked, ...mates].map(({ run }) => s.signal(run)));
    expect(sent.map(({ type }) => type)).toEqual(['again', ...mates.map(() => 'accepted')]);
    for (const held of mates) held.consumed++;
    const other = await s.started();
    expect(await s.claimedIds(owner)).toEqual([other.workflowId]);
    expect(await s.journal.heartbeat(owner)).toMatchObject({ type: 'alive' });
  }
  await getUp();
  expect(await s.historyOf(locked.run)).toHaveLength(1);
  await s.applies(locked, { entries: [runCompleted()] });
}
