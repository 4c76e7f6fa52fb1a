import { uuidv7 } from 'uuidv7';
import type { StartRequest, WorkerId } from '../../../journal/index.js';
import { only, race, range } from '../concurrency.js';
import { runStarted, step } from '../entries.js';
import { NAMESPACE, HOUR, MINUTE, SECOND, type Scenario, type Topic } from '../scenario.js';
import { asWorkerId } from '../../../journal/index.js';

/** A worker that nobody has heard of for longer than its session lives. */
const expired = async (s: Scenario): Promise<WorkerId> => {
  const owner = await s.worker({ leaseTimeout: SECOND });
  await s.harness.elapse(2 * SECOND);
  return owner;
};

export function rescueTopic({ test, expect }: Topic): void {
  test('an expired worker is dead: its actors are free at once, and what it still commits is lost', async (s) => {
    const owner = await s.worker({ leaseTimeout: 20 * SECOND });
    const all = await s.heldMany(5, owner);
    const zombie = all[0];
    if (!zombie) throw new Error('Five runs were started.');
    await s.harness.elapse(21 * SECOND);
    expect(await s.journal.rescue(NAMESPACE)).toEqual({ deadWorkers: [owner], freedActors: 5, blocked: [] });
    expect(await s.commit(zombie, { entries: [step('late')] })).toEqual({ type: 'lost' });
    const next = await s.worker();
    const claims = await s.claim(next);
    expect(claims.map(({ workflowId }) => workflowId).toSorted()).toEqual(
      all.map(({ run }) => run.workflowId).toSorted(),
    );
    for (const { lease } of claims) expect(lease.token).toBeGreaterThan(1);
    expect(await s.commit(zombie, { entries: [step('late')] })).toEqual({ type: 'lost' });
    expect(await s.historyOf(zombie.run)).toHaveLength(1);
    expect(await s.journal.rescue(NAMESPACE)).toEqual({ deadWorkers: [], freedActors: 0, blocked: [] });
  });

  test('a live worker keeps its actors, whatever happens to others', async (s) => {
    const alive = await s.worker({ leaseTimeout: HOUR });
    const held = await s.heldMany(10, alive);
    const dead = await s.worker({ leaseTimeout: SECOND });
    await s.heldMany(10, dead);
    await s.harness.elapse(MINUTE);
    expect(await s.journal.rescue(NAMESPACE)).toEqual({ deadWorkers: [dead], freedActors: 10, blocked: [] });
    const answers = await s.journal.commit(held.map((one) => s.turn(one, { entries: [step('a')] })));
    expect(answers).toEqual(held.map(() => ({ type: 'applied', inboxSeq: 0 })));
  });

  test('a process that is gone is dead after two missed heartbeats, long before its session expires', async (s) => {
    const second = await s.harness.second();
    const owner = await s.worker({ leaseTimeout: HOUR, heartbeatInterval: 10 * SECOND }, second);
    const held = await s.held(owner);
    await s.harness.killWorker(owner);
    await s.harness.elapse(15 * SECOND);
    expect(await s.journal.rescue(NAMESPACE)).toEqual({ deadWorkers: [], freedActors: 0, blocked: [] });
    await s.harness.elapse(6 * SECOND);
    expect(await s.journal.rescue(NAMESPACE)).toEqual({ deadWorkers: [owner], freedActors: 1, blocked: [] });
    expect(await s.claimedIds(await s.worker())).toEqual([held.run.workflowId]);
  });

  test('a process that is there but stalls lives until its session expires', async (s) => {
    const owner = await s.worker({ leaseTimeout: HOUR, heartbeatInterval: 10 * SECOND });
    const held = await s.held(owner);
    await s.harness.elapse(MINUTE);
    expect(await s.journal.rescue(NAMESPACE)).toEqual({ deadWorkers: [], freedActors: 0, blocked: [] });
    await s.applies(held, { entries: [step('a')] });
    await s.harness.elapse(HOUR);
    expect(await s.journal.rescue(NAMESPACE)).toEqual({ deadWorkers: [owner], freedActors: 1, blocked: [] });
  });

  test('two rescuers at the same time free each actor once', async (s) => {
    const second = await s.harness.second();
    for (const i of range(10)) {
      const owner = await s.worker({ leaseTimeout: SECOND });
      await s.heldMany(5, owner);
      await s.harness.elapse(2 * SECOND);
      const [one, other] = await race(
        i,
        () => s.journal.rescue(NAMESPACE),
        () => second.rescue(NAMESPACE),
      );
      expect([...one.deadWorkers, ...other.deadWorkers]).toEqual([owner]);
      // Whoever came second may have gone round rows that the first held.
      const last = await s.journal.rescue(NAMESPACE);
      expect(one.freedActors + other.freedActors + last.freedActors).toBe(5);
      const next = await s.worker();
      const claims = await s.claim(next);
      expect(claims.map(({ failedTurns }) => failedTurns)).toEqual(range(5).map(() => 1));
      await s.journal.terminate(claims.map((claim) => ({ ...claim, runId: null, reason: null })));
    }
  });

  test('a claim in flight when its worker is declared dead strands no actor', async (s) => {
    const second = await s.harness.second();
    for (const i of range(60)) {
      const runs = await s.startedMany(4);
      const owner = await expired(s);
      await race(
        i,
        () => s.claim(owner, 10, second),
        () => s.journal.rescue(NAMESPACE),
      );
      // What the claim got in the last moment is found by the rescue after it.
      await s.journal.rescue(NAMESPACE);
      expect(await s.claim(owner)).toEqual([]);
      const living = await s.worker();
      expect(await s.claimedIds(living)).toEqual(runs.map(({ workflowId }) => workflowId).toSorted());
      await s.journal.terminate(runs.map((run) => ({ ...run, runId: null, reason: null })));
    }
  });

  test('a worker that registers and claims while a rescue looks around keeps what it got', async (s) => {
    const second = await s.harness.second();
    const busy = await s.worker({ leaseTimeout: HOUR });
    await s.heldMany(50, busy);
    for (const i of range(60)) {
      const run = await s.started();
      const [claims] = await race(
        i,
        async () => await s.claim(await s.worker({ leaseTimeout: HOUR })),
        async () => [await second.rescue(NAMESPACE), await second.rescue(NAMESPACE)],
      );
      const { lease } = only(claims);
      const answer = await s.commit({ run, lease, seq: 0, consumed: 0 }, { entries: [step('a')] });
      expect(answer).toEqual({ type: 'applied', inboxSeq: 1 });
    }
  });

  test('a run born leased to a worker that is dead by then is found by the next rescue', async (s) => {
    const dead = await expired(s);
    expect((await s.journal.rescue(NAMESPACE)).deadWorkers).toEqual([dead]);
    const runs: StartRequest[] = [];
    for (const owner of [dead, asWorkerId(uuidv7())])
      runs.push(await s.started({ first: { owner, entries: [runStarted()] } }));
    await s.journal.rescue(NAMESPACE);
    expect(await s.claimedIds(await s.worker())).toEqual(runs.map(({ workflowId }) => workflowId).toSorted());
  });

  test('a late heartbeat against the rescuer: one of them wins, and both know which', async (s) => {
    const second = await s.harness.second();
    for (const i of range(40)) {
      const owner = await s.worker({ leaseTimeout: 10 * MINUTE });
      const held = await s.held(owner);
      await s.harness.elapse(11 * MINUTE);
      const [alive, rescued] = await race(
        i,
        () => s.journal.heartbeat(owner),
        () => second.rescue(NAMESPACE),
      );
      const lives = alive.type === 'alive' && !rescued.deadWorkers.includes(owner);
      const died = rescued.deadWorkers.includes(owner) && (await s.journal.heartbeat(owner)).type === 'dead';
      expect(lives === died).toBe(false);
      await s.journal.rescue(NAMESPACE);
      expect((await s.commit(held, { entries: [step('a')] })).type).toBe(lives ? 'applied' : 'lost');
      await s.journal.terminate([{ ...held.run, runId: null, reason: null }]);
      await s.journal.unregister(owner);
    }
  });

  test('an actor whose row somebody holds is freed by a later rescue', async (s) => {
    const owner = await s.worker({ leaseTimeout: SECOND });
    const [free, locked] = await s.heldMany(2, owner);
    if (!free || !locked) throw new Error('Two runs were started.');
    await s.harness.elapse(2 * SECOND);
    const release = await s.harness.holdActor(locked.lease.actorId);
    expect(await s.journal.rescue(NAMESPACE)).toEqual({ deadWorkers: [owner], freedActors: 1, blocked: [] });
    await release();
    expect(await s.journal.rescue(NAMESPACE)).toEqual({ deadWorkers: [], freedActors: 1, blocked: [] });
    expect(await s.claim(await s.worker())).toHaveLength(2);
  });

  test('a worker lost with a run counts as a failed turn; from the third on the run waits', async (s) => {
    const run = await s.started();
    const lose = async (failedTurns: number): Promise<void> => {
      const owner = await s.worker({ leaseTimeout: SECOND });
      expect(only(await s.claim(owner)).failedTurns).toBe(failedTurns);
      await s.harness.elapse(2 * SECOND);
      expect(await s.journal.rescue(NAMESPACE)).toEqual({
        deadWorkers: [owner],
        freedActors: 1,
        blocked: [],
      });
    };
    /** In steps of half a second, until a probe gets it. Its own end is no failure. */
    const waited = async (): Promise<number> => {
      for (let steps = 0; steps < 20; steps++) {
        const probe = await s.worker();
        const claimed = [...(await s.claim(probe)), ...(await s.claimSuspects(probe))];
        await s.journal.unregister(probe);
        if (claimed.length > 0) return steps;
        await s.harness.elapse(SECOND / 2);
      }
      throw new Error('The run was not claimable again within ten seconds.');
    };
    await lose(0);
    expect(await waited()).toBe(0);
    await lose(1);
    expect(await waited()).toBe(0);
    await lose(2);
    await s.accepted(s.signal(run));
    expect(await waited()).toBeGreaterThan(0);
  });

  test('a turn that applies with entries makes up for the lost ones', async (s) => {
    const run = await s.started();
    for (const _ of range(2)) {
      await s.claim(await s.worker({ leaseTimeout: SECOND }));
      await s.harness.elapse(2 * SECOND);
      await s.journal.rescue(NAMESPACE);
    }
    const held = await s.reclaimed(await s.worker(), run);
    await s.applies(held, {
      entries: [step('a')],
      consumedThrough: 1,
      outcome: { type: 'release', wakeAt: 0 },
    });
    expect(only(await s.claim(await s.worker())).failedTurns).toBe(0);
  });
}
