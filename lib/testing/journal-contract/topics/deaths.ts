import { only, race, range } from '../concurrency.js';
import { step } from '../entries.js';
import { HOUR, NAMESPACE, SECOND, type Held, type Scenario, type Topic } from '../scenario.js';

export function deathsTopic({ test, expect }: Topic): void {
  test('a worker that dies is counted by each run that it held, and named', async (s) => {
    const before = await s.harness.now();
    const owner = await s.worker({
      leaseTimeout: SECOND,
      name: 'crane',
      host: 'dock',
      pid: 17,
      buildId: 'build-9',
    });
    const runs = (await s.heldMany(2, owner)).map(({ run }) => run);
    const spared = await s.held(await s.worker({ leaseTimeout: HOUR }));
    await buried(s);
    const after = await s.harness.now();
    for (const run of runs) {
      const { deaths } = await s.describe(run);
      expect(deaths).toEqual({
        count: 1,
        workers: [
          {
            name: 'crane',
            host: 'dock',
            pid: 17,
            buildId: 'build-9',
            at: deaths?.workers[0]?.at,
            stuck: false,
          },
        ],
      });
      expect(deaths?.workers[0]?.at).toBeGreaterThanOrEqual(Math.floor(before));
      expect(deaths?.workers[0]?.at).toBeLessThanOrEqual(Math.ceil(after));
      expect((await listed(s, run.workflowId)).deaths).toEqual(deaths);
    }
    expect((await s.describe(spared.run)).deaths).toBeNull();
    const claims = await s.claim(await s.worker());
    expect(claims.map(({ deaths }) => deaths)).toEqual([1, 1]);
  });

  test('the last five workers are remembered by name, the latest first', async (s) => {
    const run = await s.started();
    for (const i of range(7)) {
      await s.harness.elapse(HOUR);
      await dies(s, `worker ${i}`);
    }
    const { deaths } = await s.describe(run);
    expect(deaths?.count).toBe(7);
    expect(deaths?.workers.map(({ name }) => name)).toEqual([6, 5, 4, 3, 2].map((i) => `worker ${i}`));
  });

  test('names of workers are kept as they are', async (s) => {
    const name = `"quoted" \\ 'single' {}[] \u{1f4a5}\n`;
    const run = await s.started();
    await dies(s, name);
    expect((await s.describe(run)).deaths?.workers).toMatchObject([{ name }]);
  });

  test('nobody has died where a worker stops, gives back, releases or fails', async (s) => {
    const run = await s.started();
    const stops = await s.worker();
    await s.claim(stops);
    await s.journal.unregister(stops);
    const givesBack = await s.worker();
    const { lease } = only(await s.claim(givesBack));
    const { actorId, token } = lease;
    expect(await s.journal.giveBack(givesBack, [{ actorId, token, inboxSeq: 1 }])).toBe(1);
    await s.releases(await s.reclaimed(await s.worker(), run), 0);
    await s.blocks(await s.reclaimed(await s.worker(), run), 0);
    await s.harness.elapse(SECOND);
    await s.journal.rescue(NAMESPACE);
    expect((await s.describe(run)).deaths).toBeNull();
    expect(only(await s.claim(await s.worker())).deaths).toBe(0);
  });

  test('only a turn that says so makes them forgotten', async (s) => {
    const run = await s.started();
    for (const i of range(2)) await dies(s, `worker ${i}`);
    const held = await s.reclaimed(await s.worker(), run);
    await s.applies(held, { entries: [step('a')], consumedThrough: 1 });
    await s.applies(held, { outcome: { type: 'release', wakeAt: 0 } });
    expect((await s.describe(run)).deaths?.count).toBe(2);
    const next = await s.reclaimed(await s.worker(), run);
    await s.applies(next, { entries: [step('b')], clearsDeaths: true });
    expect((await s.describe(run)).deaths).toBeNull();
    expect(await s.historyOf(run)).toHaveLength(2);
    // The lease goes on.
    await s.applies(next, { entries: [step('c')] });
    await dies(s, 'later', next);
    expect((await s.describe(run)).deaths).toMatchObject({ count: 1, workers: [{ name: 'later' }] });
  });

  test('a turn that makes them forgotten leaves those of its batch-mates, and what is not applied leaves its own', async (s) => {
    const dead = await s.worker({ leaseTimeout: SECOND });
    await s.heldMany(3, dead);
    await buried(s);
    const owner = await s.worker();
    const [clears, plain, lost] = (await s.claim(owner)).map(({ lease, workflowId }): Held => ({
      run: s.request({ workflowId, runId: lease.runId }),
      lease,
      seq: 1,
      consumed: 0,
    }));
    if (!clears || !plain || !lost) throw new Error('Three runs were freed.');
    const answers = await s.journal.commit([
      s.turn(clears, { entries: [step('a')], clearsDeaths: true }),
      s.turn(plain, { entries: [step('a')] }),
      s.turn(lost, { entries: [step('a')], previousSeq: 7, clearsDeaths: true }),
    ]);
    expect(answers.map(({ type }) => type)).toEqual(['applied', 'applied', 'history lost']);
    const counts = await Promise.all([clears, plain, lost].map(({ run }) => s.describe(run)));
    expect(counts.map(({ deaths }) => deaths?.count ?? 0)).toEqual([0, 1, 1]);
  });

  test('a closed run has none', async (s) => {
    const run = await s.started();
    await dies(s, 'worker');
    const held = await s.reclaimed(await s.worker(), run);
    await s.completes({ ...held, consumed: 1 });
    expect((await s.describe(run)).deaths).toBeNull();
    expect((await listed(s, run.workflowId)).deaths).toBeNull();
  });

  test('two rescuers at the same time count a death once', async (s) => {
    const second = await s.harness.second();
    for (const i of range(10)) {
      const owner = await s.worker({ leaseTimeout: SECOND });
      const held = await s.heldMany(5, owner);
      await s.harness.elapse(2 * SECOND);
      await race(
        i,
        () => s.journal.rescue(NAMESPACE),
        () => second.rescue(NAMESPACE),
      );
      await s.journal.rescue(NAMESPACE);
      const described = await Promise.all(held.map(({ run }) => s.describe(run)));
      expect(described.map(({ deaths }) => deaths?.count)).toEqual(range(5).map(() => 1));
      await s.journal.terminate(held.map(({ run }) => ({ ...run, runId: null, reason: null })));
    }
  });
}

/** What has expired by now is found dead. */
async function buried(s: Scenario): Promise<void> {
  await s.harness.elapse(2 * SECOND);
  await s.journal.rescue(NAMESPACE);
}

/** A worker takes up everything that is due, and dies; or the one that holds a run dies. */
async function dies(s: Scenario, name: string, held?: Held): Promise<void> {
  if (held) await s.journal.giveBack(held.lease.owner, [{ ...held.lease, inboxSeq: 0 }]);
  const owner = await s.worker({ leaseTimeout: SECOND, name });
  await s.claim(owner);
  await s.claimSuspects(owner);
  await buried(s);
}

async function listed(s: Scenario, workflowId: string) {
  const filter = { namespace: NAMESPACE, workflowId };
  return only((await s.journal.list({ filter, order: 'newest', cursor: null, limit: 1 })).runs);
}
