import { uuidv7 } from 'uuidv7';
import { range, watch } from '../concurrency.js';
import { step } from '../entries.js';
import { NAMESPACE, HOUR, MINUTE, SECOND, type Topic } from '../scenario.js';
import { asWorkerId } from '../../../journal/index.js';
import type { ServedWorkflow, WorkerId, WorkerSession } from '../../../journal/index.js';

const byActor = (a: { readonly actorId: string }, b: { readonly actorId: string }): number =>
  a.actorId < b.actorId ? -1 : 1;

const kind = (workflow: string, version = 1, namespace = NAMESPACE): ServedWorkflow => ({
  namespace,
  workflow,
  version,
});

/** What a session has. */
const has = (versions: Readonly<Record<string, readonly number[]>>): WorkerSession['workflows'] =>
  Object.entries(versions).flatMap(([name, all]) => all.map((version) => ({ name, version })));

export function workerTopic({ test, expect }: Topic): void {
  test('a heartbeat tells the clock of the journal', async (s) => {
    const owner = await s.worker();
    const before = await s.harness.now();
    const answer = await s.journal.heartbeat(owner);
    expect(answer).toMatchObject({ type: 'alive', owned: 0, unread: [] });
    const now = answer.type === 'alive' ? answer.now : 0;
    expect(now).toBeGreaterThanOrEqual(Math.floor(before));
    expect(now).toBeLessThanOrEqual(Math.ceil(await s.harness.now()));
  });

  test('a heartbeat tells which own actors have unread messages, and under which token', async (s) => {
    const owner = await s.worker();
    const [one, other, read, gone] = await s.heldMany(4, owner);
    if (!one || !other || !read || !gone) throw new Error('Four runs were started.');
    const stranger = await s.held(await s.worker());
    for (const { run } of [one, other, other, read, gone, stranger]) await s.accepted(s.signal(run));
    await s.applies(read, { consumedThrough: 1 });
    await s.applies(gone, { consumedThrough: 1, outcome: { type: 'release', wakeAt: null } });
    await s.accepted(s.signal(gone.run));
    const answer = await s.journal.heartbeat(owner);
    const unread = answer.type === 'alive' ? answer.unread : [];
    expect(unread.toSorted(byActor)).toEqual(
      [
        { actorId: one.lease.actorId, token: 1, inboxSeq: 1 },
        { actorId: other.lease.actorId, token: 1, inboxSeq: 2 },
      ].toSorted(byActor),
    );
  });

  test('served: whether a live worker takes runs of a workflow, in this version and this namespace', async (s) => {
    const asked = [
      kind('order'),
      kind('order', 2),
      kind('refund', 3),
      kind('order', 1, 'other'),
      kind('nobody'),
    ];
    expect(await s.journal.served(asked)).toEqual([false, false, false, false, false]);
    const both = [
      { name: 'refund', version: 3 },
      { name: 'order', version: 1 },
    ];
    const one = await s.worker({ workflows: both, leaseTimeout: HOUR });
    await s.worker({ workflows: [{ name: 'order', version: 1 }], leaseTimeout: MINUTE });
    await s.worker({ workflows: [{ name: 'order', version: 1 }], leaseTimeout: MINUTE, namespace: 'other' });
    expect(await s.journal.served(asked)).toEqual([true, false, true, true, false]);
    await s.journal.unregister(one);
    expect(await s.journal.served(asked)).toEqual([true, false, false, true, false]);
    // Nobody has looked after those that expired.
    await s.harness.elapse(2 * MINUTE);
    expect(await s.journal.served(asked)).toEqual([false, false, false, false, false]);
    expect(await s.journal.served([])).toEqual([]);
  });

  test('a heartbeat tells what others have in a newer version: those that will last, of this namespace', async (s) => {
    const newer = async (owner: WorkerId): Promise<Record<string, number>> => {
      const answer = await s.journal.heartbeat(owner);
      if (answer.type === 'dead') throw new Error('The session is over.');
      return Object.fromEntries(answer.newer.map(({ name, version }) => [name, version]));
    };
    const lasting = { leaseTimeout: HOUR, heartbeatInterval: MINUTE };
    const own = has({ order: [1, 2], refund: [3], payout: [7] });
    const one = await s.worker({ workflows: own, ...lasting });
    expect(await newer(one)).toEqual({});
    // The same, older ones, and what this worker has nothing of.
    await s.worker({ workflows: own, ...lasting });
    await s.worker({ workflows: has({ order: [1], refund: [2, 3], other: [9] }), ...lasting });
    await s.worker({ workflows: has({ order: [3], payout: [9] }), namespace: 'other', ...lasting });
    expect(await newer(one)).toEqual({});
    // A deploy comes, and another one behind it.
    const next = await s.worker({ workflows: has({ order: [2, 3], refund: [3] }), ...lasting });
    expect(await newer(one)).toEqual({ order: 3 });
    const last = await s.worker({ workflows: has({ order: [2, 4, 3], refund: [4] }), ...lasting });
    expect(await newer(one)).toEqual({ order: 4, refund: 4 });
    expect(await newer(next)).toEqual({ order: 4, refund: 4 });
    expect(await newer(last)).toEqual({});
    // One that leaves is there, and serves; but it takes nothing that is to come. Twice is harmless.
    for (const _ of range(2)) await s.journal.leave(last);
    expect(await newer(one)).toEqual({ order: 3 });
    expect(await newer(last)).toEqual({});
    expect(await s.journal.served([kind('order', 4)])).toEqual([true]);
    expect((await s.claim(last)).length).toBe(0);
    // One that was not heard of for two heartbeats may be dead, long before its session ends.
    for (const _ of range(3)) {
      await s.harness.elapse(50 * SECOND);
      expect(await newer(one)).toEqual(_ < 2 ? { order: 3 } : {});
    }
    expect(await newer(next)).toEqual({});
    expect(await newer(one)).toEqual({ order: 3 });
    await s.journal.unregister(next);
    expect(await newer(one)).toEqual({});
    await s.journal.leave(next);
  });

  test('a heartbeat prolongs the session by its whole leaseTimeout', async (s) => {
    const owner = await s.worker({ leaseTimeout: MINUTE });
    const held = await s.held(owner);
    for (const _ of range(4)) {
      await s.harness.elapse(40 * SECOND);
      expect(await s.journal.heartbeat(owner)).toMatchObject({ type: 'alive' });
      expect(await s.journal.rescue(NAMESPACE)).toEqual({ deadWorkers: [], freedActors: 0, blocked: [] });
    }
    await s.applies(held, { entries: [step('a')] });
    await s.harness.elapse(61 * SECOND);
    expect(await s.journal.rescue(NAMESPACE)).toMatchObject({ deadWorkers: [owner] });
  });

  test('a heartbeat of a session that is unknown, ended or dead says so', async (s) => {
    const ended = await s.worker();
    await s.journal.unregister(ended);
    const dead = await s.worker({ leaseTimeout: SECOND });
    await s.harness.elapse(MINUTE);
    await s.journal.rescue(NAMESPACE);
    for (const owner of [asWorkerId(uuidv7()), ended, dead])
      expect(await s.journal.heartbeat(owner)).toEqual({ type: 'dead' });
    expect(await s.journal.heartbeat(dead)).toEqual({ type: 'dead' });
  });

  test('a worker that was taken for dead registers anew and works on', async (s) => {
    const run = await s.started();
    const first = await s.worker({ leaseTimeout: SECOND });
    await s.reclaimed(first, run);
    await s.harness.elapse(MINUTE);
    await s.journal.rescue(NAMESPACE);
    const again = await s.worker();
    const held = await s.reclaimed(again, run);
    await s.applies(held, { entries: [step('a')] });
  });

  test('unregister frees every actor at once, counts no failed turn, and leaves others alone', async (s) => {
    const leaving = await s.worker();
    const held = await s.heldMany(5, leaving);
    const staying = await s.held(await s.worker());
    await s.journal.unregister(leaving);
    const next = await s.worker();
    const claims = await s.claim(next);
    expect(claims.map(({ workflowId }) => workflowId).toSorted()).toEqual(
      held.map(({ run }) => run.workflowId).toSorted(),
    );
    expect(claims.map(({ failedTurns }) => failedTurns)).toEqual(held.map(() => 0));
    for (const zombie of held)
      expect(await s.commit(zombie, { entries: [step('late')] })).toEqual({ type: 'lost' });
    await s.applies(staying, { entries: [step('a')] });
    expect(await s.journal.rescue(NAMESPACE)).toEqual({ deadWorkers: [], freedActors: 0, blocked: [] });
  });

  test('unregister keeps no actor from others because somebody holds the row of another', async (s) => {
    const leaving = await s.worker();
    const [locked, free] = await s.heldMany(2, leaving);
    if (!locked || !free) throw new Error('Two runs were started.');
    const release = await s.harness.holdActor(locked.lease.actorId);
    const unregistering = watch(s.journal.unregister(leaving));
    const next = await s.worker();
    let claims = await s.claim(next);
    for (let tries = 0; claims.length === 0 && tries < 1_000; tries++) claims = await s.claim(next);
    expect(claims.map(({ workflowId }) => workflowId)).toEqual([free.run.workflowId]);
    expect(unregistering.settled()).toBe(false);
    expect(await s.journal.heartbeat(leaving)).toEqual({ type: 'dead' });
    await release();
    await unregistering.promise;
    const [last] = await s.claim(next);
    expect(last).toMatchObject({ workflowId: locked.run.workflowId, failedTurns: 0 });
  });

  test('unregister twice, and of nobody, does nothing', async (s) => {
    const owner = await s.worker();
    await s.journal.unregister(owner);
    await s.journal.unregister(owner);
    await s.journal.unregister(asWorkerId(uuidv7()));
    await s.harness.elapse(HOUR);
    expect(await s.journal.rescue(NAMESPACE)).toEqual({ deadWorkers: [], freedActors: 0, blocked: [] });
  });
}
