import type { RescueAnswer, StartRequest, WorkerId } from '../../../journal/index.js';
import { only, race, range } from '../concurrency.js';
import { step } from '../entries.js';
import { HOUR, MINUTE, NAMESPACE, SECOND, type Held, type Scenario, type Topic } from '../scenario.js';

/** Long enough for every pause of a suspect, and shorter than a block. */
const PAUSE = 8 * MINUTE;

export function suspectsTopic({ test, expect }: Topic): void {
  test('a run that three workers died with is claimed apart from the others', async (s) => {
    const [suspect] = await suspects(s);
    const other = await s.started();
    const owner = await s.worker();
    expect(await s.claimedIds(owner)).toEqual([other.workflowId]);
    const claim = only(await s.claimSuspects(owner));
    expect(claim).toMatchObject({
      workflowId: suspect?.workflowId,
      deaths: 3,
      lease: { owner, token: 4 },
    });
    expect(await s.claimSuspects(await s.worker())).toEqual([]);
  });

  test('two deaths are none', async (s) => {
    const run = await s.started();
    for (const _ of range(2)) await dieTogether(s);
    const owner = await s.worker();
    expect(await s.claimSuspects(owner)).toEqual([]);
    expect(await s.claimedIds(owner)).toEqual([run.workflowId]);
  });

  test('few that died together are taken one at a time, by different workers at once', async (s) => {
    const runs = await suspects(s, 8);
    const second = await s.harness.second();
    const [one, other] = [await s.worker(), await s.worker({}, second)];
    const got: string[] = [];
    for (const i of range(4)) {
      const answers = await race(
        i,
        () => s.claimSuspects(one),
        () => s.claimSuspects(other, { journal: second }),
      );
      for (const answer of answers) {
        expect(answer.length).toBeLessThanOrEqual(1);
        got.push(...idsOf(answer));
      }
    }
    while (got.length < 8) got.push(only(await s.claimSuspects(one)).workflowId);
    expect(got.toSorted()).toEqual(idsOf(runs));
    expect(await s.claimSuspects(one)).toEqual([]);
  });

  test('a crowd is taken in eighths, so that nobody waits for many others; and no more than asked for', async (s) => {
    const runs = await suspects(s, 100);
    const sizes: number[] = [];
    const got: string[] = [];
    for (const limit of [5, ...range(8).map(() => 50)]) {
      const claims = await s.claimSuspects(await s.worker(), { limit });
      sizes.push(claims.length);
      got.push(...idsOf(claims));
    }
    expect(sizes).toEqual([5, 13, 13, 13, 13, 13, 13, 13, 4]);
    expect(got.toSorted()).toEqual(idsOf(runs));
  });

  test('what kills its workers is alone after a few deaths more, however many died with it', async (s) => {
    const [killer] = await suspects(s, 100);
    if (!killer) throw new Error('A hundred runs were started.');
    const sizes: number[] = [];
    for (let rounds = 0; (await s.describe(killer)).blocked === null; rounds++) {
      if (rounds === 100) throw new Error('The run was not blocked.');
      const owner = await s.worker({ leaseTimeout: HOUR });
      const claims = await s.claimSuspects(owner);
      if (claims.some(({ workflowId }) => workflowId === killer.workflowId)) {
        sizes.push(claims.length);
        await dead(s, owner);
        await s.harness.elapse(PAUSE);
      } else await cleared(s, claims);
    }
    expect(sizes).toEqual([13, 2, 1, 1]);
    const others = await s.journal.list({
      filter: { namespace: NAMESPACE },
      order: 'oldest',
      cursor: null,
      limit: 200,
    });
    expect(others.runs.filter(({ blocked }) => blocked !== null)).toHaveLength(1);
  });

  test('one that dies alone twice is blocked with those that it killed, and waits longer each time', async (s) => {
    const [run] = await suspects(s);
    if (!run) throw new Error('A run was started.');
    // Once may be chance.
    expect((await dies(s, 'hoist')).blocked).toEqual([]);
    await s.harness.elapse(MINUTE);
    const rescued = await dies(s, 'crane');
    const { blocked, deaths } = await s.describe(run);
    const { workflow, workflowId, runId } = run;
    expect(rescued.blocked).toEqual([{ workflow, workflowId, runId, reason: blocked?.reason }]);
    expect(deaths?.count).toBe(5);
    const told = ['crane', 'hoist', 'worker', 'worker', 'worker'].map(
      (name) => `${name} (process 4711 on localhost)`,
    );
    expect(blocked?.reason).toBe(`5 workers died while they ran it: ${told.join(', ')}`);
    await s.harness.elapse(9 * MINUTE);
    expect(await s.claimSuspects(await s.worker())).toEqual([]);
    // A signal does not shorten it.
    await s.accepted(s.signal(run));
    expect(await s.claimSuspects(await s.worker())).toEqual([]);
    await s.harness.elapse(2 * MINUTE);
    await dies(s, 'derrick');
    await s.harness.elapse(19 * MINUTE);
    expect(await s.claimSuspects(await s.worker())).toEqual([]);
    await s.harness.elapse(2 * MINUTE);
    await dies(s, 'winch');
    expect((await s.describe(run)).blocked?.reason).toMatch(
      /^7 workers died while they ran it: winch .*, derrick .*, crane .*, hoist .*, and others before$/,
    );
  });

  test('another build takes a blocked one up at once, alone', async (s) => {
    const [run] = await suspects(s);
    await diesAlone(s);
    const owner = await s.worker({ buildId: 'build-2' });
    expect(await s.claim(owner)).toEqual([]);
    const { lease, inboxConsumed } = only(await s.claimSuspects(owner));
    if (!run) throw new Error('A run was started.');
    const held = { run, lease, seq: 0, consumed: inboxConsumed };
    await s.applies(held, { entries: [step('a')], consumedThrough: 1, clearsDeaths: true });
    expect(await s.describe(run)).toMatchObject({ blocked: null, deaths: null });
    await s.releases(held, 0);
    expect(await s.claimedIds(await s.worker())).toEqual([run.workflowId]);
  });

  test('a process that calls itself another build, as each before it did, is no deployment', async (s) => {
    await suspects(s, 1, (death) => `started ${death}`);
    await diesAlone(s);
    await s.worker({ buildId: 'started 4' });
    expect(await s.claimSuspects(await s.worker({ buildId: 'started 5' }))).toEqual([]);
    await s.harness.elapse(11 * MINUTE);
    expect(await s.claimSuspects(await s.worker())).toHaveLength(1);
  });

  test('a build that has died with it before is no other one', async (s) => {
    await suspects(s, 1, (death) => (death === 0 ? 'build-2' : 'build-1'));
    await diesAlone(s);
    expect(await s.claimSuspects(await s.worker({ buildId: 'build-2' }))).toEqual([]);
    expect(await s.claimSuspects(await s.worker({ buildId: 'build-3' }))).toHaveLength(1);
  });

  test('nobody is blocked that died with other suspects, nor before its third death', async (s) => {
    const runs = await suspects(s, 3);
    const owner = await s.worker({ leaseTimeout: HOUR });
    expect(await s.claimSuspects(owner)).toHaveLength(1);
    expect(await s.claimSuspects(owner)).toHaveLength(1);
    expect((await dead(s, owner)).blocked).toEqual([]);
    for (const run of runs) expect((await s.describe(run)).blocked).toBeNull();
    await s.harness.elapse(PAUSE);
    for (const _ of runs) only(await s.claimSuspects(await s.worker()));
  });

  test('only those that have waited for so long, where that is asked for', async (s) => {
    await s.started();
    for (const _ of range(3)) await dieTogether(s);
    await s.harness.elapse(30 * SECOND);
    const owner = await s.worker();
    expect(await s.claimSuspects(owner, { waited: MINUTE })).toEqual([]);
    await s.harness.elapse(MINUTE);
    expect(await s.claimSuspects(owner, { waited: MINUTE })).toHaveLength(1);
  });

  test('workers that lose power at once, three times over, find all their runs again after a second, in few groups', async (s) => {
    const runs = await s.startedMany(240);
    for (const _ of range(3)) {
      const owners = await Promise.all(range(3).map(() => s.worker({ leaseTimeout: SECOND })));
      for (const owner of owners) expect(await s.claim(owner, 80)).toHaveLength(80);
      await s.harness.elapse(2 * SECOND);
      await s.journal.rescue(NAMESPACE);
    }
    await s.harness.elapse(1.5 * SECOND);
    const owners = await Promise.all(range(3).map(() => s.worker()));
    const found = new Set<string>();
    for (const _ of range(8))
      for (const owner of owners)
        for (const { workflowId } of await s.claimSuspects(owner, { waited: MINUTE, limit: 50 }))
          found.add(workflowId);
    expect([...found].toSorted()).toEqual(idsOf(runs));
    for (const run of runs.slice(0, 10)) expect((await s.describe(run)).blocked).toBeNull();
  });

  test('only of the own namespace and workflows, and only for a live worker', async (s) => {
    await suspects(s);
    const owner = await s.worker();
    const request = { owner, namespace: NAMESPACE, limit: 10, waited: 0 };
    for (const workflows of [[], [{ name: 'order', version: 2 }], [{ name: 'refund', version: 1 }]])
      expect(await s.journal.claimSuspects({ ...request, workflows })).toEqual([]);
    expect(await s.claimSuspects(owner, { namespace: 'other' })).toEqual([]);
    const gone = await s.worker({ leaseTimeout: SECOND });
    await s.harness.elapse(2 * SECOND);
    await s.journal.rescue(NAMESPACE);
    expect(await s.claimSuspects(gone)).toEqual([]);
    expect(await s.claimSuspects(await s.worker())).toHaveLength(1);
  });

  test('one whose row somebody holds is passed over', async (s) => {
    const runs = await suspects(s, 2);
    const release = await s.harness.holdActor(only(runs.slice(0, 1).map(({ runId }) => runId as never)));
    const owner = await s.worker();
    expect(idsOf(await s.claimSuspects(owner))).toEqual([runs[1]?.workflowId]);
    expect(await s.claimSuspects(owner)).toEqual([]);
    await release();
    expect(idsOf(await s.claimSuspects(owner))).toEqual([runs[0]?.workflowId]);
  });

  async function dead(s: Scenario, owner: WorkerId): Promise<RescueAnswer> {
    await s.harness.elapse(2 * HOUR);
    const rescued = await s.journal.rescue(NAMESPACE);
    expect(await s.journal.heartbeat(owner)).toEqual({ type: 'dead' });
    return rescued;
  }
  /** A worker takes up one suspect, and dies. */
  async function dies(s: Scenario, name: string): Promise<RescueAnswer> {
    expect(await s.claimSuspects(await s.worker({ leaseTimeout: SECOND, name }))).toHaveLength(1);
    await s.harness.elapse(2 * SECOND);
    return s.journal.rescue(NAMESPACE);
  }
  /** Twice, so that it is blocked. */
  async function diesAlone(s: Scenario): Promise<void> {
    await dies(s, 'hoist');
    await s.harness.elapse(MINUTE);
    expect((await dies(s, 'crane')).blocked).toHaveLength(1);
  }
  /** They go on, and end. */
  async function cleared(
    s: Scenario,
    claims: readonly { readonly lease: Held['lease']; readonly workflowId: string }[],
  ): Promise<void> {
    const { length } = claims;
    const answers = await s.journal.terminate(
      claims.map(({ workflowId }) => ({ namespace: NAMESPACE, workflowId, runId: null, reason: null })),
    );
    expect(answers).toHaveLength(length);
  }
}

/** A worker takes up everything that is due, and dies. */
async function dieTogether(s: Scenario, buildId = 'build-1'): Promise<void> {
  const owner = await s.worker({ leaseTimeout: SECOND, buildId });
  await s.claim(owner);
  await s.harness.elapse(2 * SECOND);
  await s.journal.rescue(NAMESPACE);
}

/** Runs that three workers died with, all of them together. */
async function suspects(
  s: Scenario,
  count = 1,
  buildOf: (death: number) => string = () => 'build-1',
): Promise<readonly StartRequest[]> {
  const runs = await s.startedMany(count);
  for (const i of range(3)) await dieTogether(s, buildOf(i));
  await s.harness.elapse(PAUSE);
  return runs;
}

const idsOf = (claims: readonly { readonly workflowId: string }[]): readonly string[] =>
  claims.map(({ workflowId }) => workflowId).toSorted();
