import { uuidv7 } from 'uuidv7';
import { only, race, range } from '../concurrency.js';
import { step } from '../entries.js';
import { NAMESPACE, HOUR, MINUTE, ORDERS, SECOND, type Topic } from '../scenario.js';
import { actorOf, asWorkerId } from '../../../journal/index.js';

export function claimTopic({ test, expect }: Topic): void {
  test('a claim is a lease with a token that grows, and tells all that a holder starts from', async (s) => {
    const run = await s.started();
    const [first, next] = [await s.worker(), await s.worker()];
    const claim = only(await s.claim(first));
    expect(claim).toEqual({
      lease: { owner: first, actorId: run.runId, runId: run.runId, token: 1 },
      namespace: run.namespace,
      workflowId: run.workflowId,
      lineage: null,
      workflow: 'order',
      version: 1,
      inboxSeq: 1,
      inboxConsumed: 0,
      failedTurns: 0,
      deaths: 0,
      deadlines: { run: null, chain: null, runLimit: null },
    });
    const held = { run, lease: claim.lease, seq: 0, consumed: 0 };
    await s.accepted(s.signal(run));
    await s.applies(held, {
      entries: [step('a')],
      consumedThrough: 1,
      outcome: { type: 'release', wakeAt: null },
    });
    expect(only(await s.claim(next))).toMatchObject({
      lease: { owner: next, actorId: run.runId, runId: run.runId, token: 2 },
      inboxSeq: 2,
      inboxConsumed: 1,
    });
  });

  test('what is claimed is not claimed again, not by its owner either', async (s) => {
    await s.startedMany(3);
    const owner = await s.worker();
    expect(await s.claim(owner)).toHaveLength(3);
    expect(await s.claim(owner)).toEqual([]);
    expect(await s.claim(await s.worker())).toEqual([]);
  });

  test('two workers that claim at the same time get each actor once', async (s) => {
    const second = await s.harness.second();
    const [one, other] = [await s.worker(), await s.worker({}, second)];
    for (const round of range(20)) {
      const runs = await s.startedMany(30);
      const got: string[] = [];
      while (got.length < runs.length) {
        const [left, right] = await race(
          round,
          () => s.claim(one, 7),
          () => s.claim(other, 7, second),
        );
        expect(left.length).toBeLessThanOrEqual(7);
        expect(right.length).toBeLessThanOrEqual(7);
        expect(left.length + right.length).toBeGreaterThan(0);
        got.push(...[...left, ...right].map(({ lease }) => lease.actorId));
      }
      expect(got.toSorted()).toEqual(runs.map(({ runId }) => runId).toSorted());
    }
  });

  test('four that claim at the same time do not starve each other while plenty is due', async (s) => {
    const second = await s.harness.second();
    const owner = await s.worker();
    for (const _ of range(10)) await s.startedMany(40);
    for (const _ of range(10)) {
      const claims = await Promise.all(
        range(4).map((i) => s.claim(owner, 8, i % 2 === 0 ? s.journal : second)),
      );
      for (const got of claims) expect(got.length).toBeGreaterThan(0);
    }
  });

  test('a run that is born leased is handed to nobody who claims at the same time', async (s) => {
    const second = await s.harness.second();
    const [own, other] = [await s.worker(), await s.worker({}, second)];
    for (const round of range(30)) {
      const [born, claims] = await race(
        round,
        () => s.held(own),
        () => s.claim(other, 10, second),
      );
      expect(claims).toEqual([]);
      await s.applies(born, { entries: [step('a')] });
      expect(await s.claim(other, 10, second)).toEqual([]);
    }
  });

  test('what cannot be claimed hides nothing from a claim of one run, whatever its priority', async (s) => {
    const ahead = { priority: 0 };
    const dying = await s.worker({ leaseTimeout: SECOND });
    const suspect = await s.held(dying, ahead);
    for (const _ of range(3)) {
      await s.harness.elapse(MINUTE);
      await s.journal.rescue(NAMESPACE);
      await s.claim(await s.worker({ leaseTimeout: SECOND }));
    }
    expect((await s.describe(suspect.run)).deaths?.count).toBe(3);
    await s.harness.elapse(HOUR);
    const live = await s.worker({ leaseTimeout: 100 * HOUR });
    await s.blocks(await s.held(live, ahead), HOUR);
    const held = await s.started(ahead);
    const release = await s.harness.holdActor(actorOf(held.runId));
    await s.startedMany(3, { ...ahead, version: 2 });
    await s.startedMany(3, { ...ahead, workflow: 'refund' });
    await s.startedMany(3, { ...ahead, namespace: 'other' });
    await s.started({ priority: 0, startAt: (await s.harness.now()) + HOUR });
    const behind = await s.started({ priority: 4 });
    expect(only(await s.claim(live, 1)).workflowId).toBe(behind.workflowId);
    await release();
    expect(only(await s.claim(live, 1)).workflowId).toBe(held.workflowId);
    expect(only(await s.claimSuspects(live)).workflowId).toBe(suspect.run.workflowId);
  });

  test('the limit is exactly respected, over several workflows and priorities', async (s) => {
    for (const version of [1, 2]) {
      for (const priority of [0, 2, 4]) await s.startedMany(5, { version, priority });
    }
    const owner = await s.worker();
    const workflows = [1, 2].map((version) => ({ name: 'order', version }));
    const sizes: number[] = [];
    for (const limit of [1, 7, 12, 100])
      sizes.push((await s.journal.claim({ owner, namespace: NAMESPACE, workflows, limit })).length);
    expect(sizes).toEqual([1, 7, 12, 10]);
  });

  test('by priority first, and then by how long they are due', async (s) => {
    const now = await s.harness.now();
    const due = { late: now - HOUR, later: now - 2 * HOUR, latest: now - 3 * HOUR };
    await s.started({ workflowId: '3 last', priority: 4, startAt: due.latest });
    await s.started({ workflowId: '2 third', priority: 2, startAt: due.late });
    await s.started({ workflowId: '1 second', priority: 2, startAt: due.later });
    await s.started({ workflowId: '0 first', priority: 0, startAt: now - MINUTE });
    const owner = await s.worker();
    const order: string[] = [];
    for (const _ of range(4)) order.push(only(await s.claim(owner, 1)).workflowId);
    // A start in the past is due since its start: where that is now for all of them, only the priorities are told apart.
    expect(order[0]).toBe('0 first');
    expect(order[3]).toBe('3 last');
  });

  test('of one priority those go first that are due the longest', async (s) => {
    const owner = await s.worker();
    const released = await s.heldMany(5, owner);
    const now = await s.harness.now();
    for (const [i, held] of released.entries()) await s.releases(held, now + ((i * 3) % 5) * MINUTE + SECOND);
    await s.harness.elapse(HOUR);
    const order: string[] = [];
    for (const _ of released) order.push(only(await s.claim(await s.worker(), 1)).workflowId);
    expect(order).toEqual([0, 2, 4, 1, 3].map((i) => released[i]?.run.workflowId));
  });

  test('only the workflows and versions asked for', async (s) => {
    const wanted = await s.started();
    await s.started({ version: 2 });
    await s.started({ workflow: 'refund' });
    const refund = await s.started({ workflow: 'refund', version: 2 });
    const owner = await s.worker();
    const workflows = [...ORDERS, { name: 'refund', version: 2 }];
    const claims = await s.journal.claim({ owner, namespace: NAMESPACE, workflows, limit: 10 });
    expect(claims.map(({ workflowId }) => workflowId).toSorted()).toEqual(
      [wanted, refund].map((r) => r.workflowId).toSorted(),
    );
    expect(await s.journal.claim({ owner, namespace: NAMESPACE, workflows: [], limit: 10 })).toEqual([]);
  });

  test('a worker without a live session gets nothing: unknown, ended, or dead', async (s) => {
    const ended = await s.worker();
    await s.journal.unregister(ended);
    const dead = await s.worker({ leaseTimeout: SECOND });
    await s.harness.elapse(MINUTE);
    await s.journal.rescue(NAMESPACE);
    const run = await s.started();
    for (const owner of [asWorkerId(uuidv7()), ended, dead]) expect(await s.claimedIds(owner)).toEqual([]);
    expect(await s.claimedIds(await s.worker())).toEqual([run.workflowId]);
  });

  test('a closed run is not claimed', async (s) => {
    for (const state of ['completed', 'terminated'] as const) await s.closed(state);
    expect(await s.claimedIds(await s.worker())).toEqual([]);
  });
}
