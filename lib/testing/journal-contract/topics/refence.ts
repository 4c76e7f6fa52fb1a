import { uuidv7 } from 'uuidv7';
import { only, watch } from '../concurrency.js';
import { runCompleted, step, stepsOf } from '../entries.js';
import { COMPLETED, MINUTE, NAMESPACE, SECOND, type Topic } from '../scenario.js';
import { asActorId, asRunId } from '../../../journal/index.js';

// A holder whose connection died around a commit knows nothing: the bytes may have been applied, may be lost, and may
// still be on their way. Reading alone does not tell; the fence must move first.

export function refenceTopic({ test, expect }: Topic): void {
  test('a turn that arrives late, under the old token, is lost and writes nothing', async (s) => {
    const held = await s.held(await s.worker());
    const onItsWay = s.turn(held, { entries: [step('late')] });
    const answer = only(await s.journal.refence([held.lease]));
    expect(answer).toEqual({
      type: 'held',
      lease: { ...held.lease, token: held.lease.token + 1 },
      lastSeq: 1,
      inboxConsumed: 0,
    });
    expect(await s.journal.commit([onItsWay])).toEqual([{ type: 'lost' }]);
    expect(await s.historyOf(held.run)).toHaveLength(1);
  });

  test('the turn is taken again under the new token, and its late bytes change nothing', async (s) => {
    const held = await s.held(await s.worker());
    await s.accepted(s.signal(held.run));
    const onItsWay = s.turn(held, { entries: [step('charge')], consumedThrough: 1 });
    const answer = only(await s.journal.refence([held.lease]));
    if (answer.type !== 'held') throw new Error(`It was ${answer.type}.`);
    await s.applies({ ...held, lease: answer.lease }, { entries: [step('charge')], consumedThrough: 1 });
    expect(await s.journal.commit([onItsWay])).toEqual([{ type: 'lost' }]);
    expect(stepsOf(await s.historyOf(held.run))).toEqual(['charge']);
    expect(await s.inboxOf(held.run)).toEqual([]);
  });

  test('a turn that had been applied is seen in the end of history, and the holder goes on after it', async (s) => {
    const held = await s.held(await s.worker());
    await s.accepted(s.signal(held.run));
    const { lease } = held;
    await s.applies(held, { entries: [step('a'), step('b')], consumedThrough: 1 });
    const answer = only(await s.journal.refence([lease]));
    expect(answer).toMatchObject({ type: 'held', lastSeq: 3, inboxConsumed: 1 });
    if (answer.type !== 'held') return;
    await s.applies({ ...held, lease: answer.lease }, { entries: [step('c')] });
    expect(stepsOf(await s.historyOf(held.run))).toEqual(['a', 'b', 'c']);
  });

  test('a release that had been applied: lost, with the end of history', async (s) => {
    const held = await s.held(await s.worker());
    await s.applies(held, { entries: [step('a')], outcome: { type: 'release', wakeAt: null } });
    expect(await s.journal.refence([held.lease])).toEqual([{ type: 'lost', lastSeq: 2 }]);
    await s.accepted(s.signal(held.run));
    const next = await s.reclaimed(await s.worker(), held.run);
    expect(await s.journal.refence([held.lease])).toEqual([{ type: 'lost', lastSeq: 2 }]);
    await s.applies(next, { entries: [step('b')] });
  });

  test('a lease that went to another worker: lost, and the fence of the other stays where it is', async (s) => {
    const held = await s.held(await s.worker({ leaseTimeout: SECOND }));
    await s.harness.elapse(MINUTE);
    await s.journal.rescue(NAMESPACE);
    const next = await s.reclaimed(await s.worker(), held.run);
    await s.applies(next, { entries: [step('taken over')] });
    expect(await s.journal.refence([held.lease])).toEqual([{ type: 'lost', lastSeq: 2 }]);
    await s.applies(next, { entries: [step('goes on')] });
  });

  test('a close that had been applied: closed, under the token of the holder', async (s) => {
    const held = await s.held(await s.worker());
    await s.applies(held, { entries: [step('a'), runCompleted()], decides: true, outcome: COMPLETED });
    const { token } = held.lease;
    expect(await s.journal.refence([held.lease])).toEqual([{ type: 'closed', lastSeq: 3, token }]);
  });

  test('a run that somebody terminated: closed, under a token that the holder never had', async (s) => {
    const held = await s.held(await s.worker());
    const { workflowId } = held.run;
    await s.journal.terminate([{ namespace: NAMESPACE, workflowId, runId: null, reason: null }]);
    const answer = only(await s.journal.refence([held.lease]));
    expect(answer).toMatchObject({ type: 'closed', lastSeq: 2 });
    expect(answer.type === 'closed' && answer.token === held.lease.token).toBe(false);
  });

  test('the fence moves again and again, and only for who holds the lease now', async (s) => {
    const held = await s.held(await s.worker());
    const first = only(await s.journal.refence([held.lease]));
    if (first.type !== 'held') throw new Error(`It was ${first.type}.`);
    expect(await s.journal.refence([held.lease])).toEqual([{ type: 'lost', lastSeq: 1 }]);
    expect(await s.journal.refence([first.lease])).toMatchObject([{ type: 'held', lease: { token: 3 } }]);
  });

  test('a batch is answered in its order, each on its own', async (s) => {
    const owner = await s.worker();
    const [held, released, closed] = await s.heldMany(3, owner);
    if (!held || !released || !closed) throw new Error('Three runs were started.');
    await s.releases(released);
    await s.completes(closed);
    const nowhere = { owner, actorId: asActorId(uuidv7()), runId: asRunId(uuidv7()), token: 1 };
    const answers = await s.journal.refence([closed.lease, nowhere, held.lease, released.lease]);
    expect(answers.map(({ type }) => type)).toEqual(['closed', 'lost', 'held', 'lost']);
  });

  test('it waits for bytes that already hold the row', async (s) => {
    const held = await s.held(await s.worker());
    const release = await s.harness.holdActor(held.lease.actorId);
    const refencing = watch(s.journal.refence([held.lease]));
    await s.describe(held.run);
    expect(refencing.settled()).toBe(false);
    await release();
    expect(await refencing.promise).toMatchObject([{ type: 'held', lease: { token: 2 } }]);
  });
}
