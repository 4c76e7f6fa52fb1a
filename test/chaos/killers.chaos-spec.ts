import { afterEach, expect, it } from '@jest/globals';
import { Cluster } from './support/cluster.js';
import { until, within } from './support/patience.js';
import type { WorkerProcess } from './support/worker-process.js';
import { Neighbour, Poison, Suicide } from './worker/killers.js';

const WORKERS = 3;
/** So many at a time. */
const NEIGHBOURS = 12;
/** How long the killers may take until they are found, in ms. */
const FOUND = 120_000;
/** Three deaths with the others, and two alone, for each of two; and room for what a loaded machine adds. */
const DEATHS = 14;

let cluster: Cluster | undefined;
/** No process is started anew any more. */
let over = false;
afterEach(async () => {
  over = true;
  await cluster?.close();
});

it(
  'blocks what kills its workers, and the others hardly notice',
  async () => {
    cluster = await Cluster.open();
    const { client } = cluster;
    const died: WorkerProcess[] = [];
    const keepAlive = async (worker: WorkerProcess): Promise<void> => {
      await worker.exited;
      if (over) return;
      died.push(worker);
      await keepAlive(cluster!.spawn());
    };
    for (const worker of await Promise.all(Array.from({ length: WORKERS }, () => cluster!.worker())))
      void keepAlive(worker);

    const killers = [
      await client.start(Poison, undefined, { id: 'poison' }),
      await client.start(Suicide, undefined, { id: 'suicide' }),
    ];
    const found = until(async () => {
      const described = await Promise.all(killers.map((killer) => killer.describe()));
      return described.every(({ blocked }) => blocked?.reason.includes('workers died while they ran it'));
    });
    // No worker is ever without work.
    const attempts: number[] = [];
    const enough = new AbortController();
    const load = Promise.all(
      Array.from({ length: NEIGHBOURS }, async () => {
        do attempts.push(await client.execute(Neighbour, 10));
        while (!enough.signal.aborted);
      }),
    );
    // Awaited below; a failure before that ends the test.
    load.catch(() => undefined);
    await within(FOUND, () => `the end of the killers\n${cluster!.summary()}`, found);
    enough.abort();
    await within(60_000, () => `the end of the neighbours\n${cluster!.summary()}`, load);
    process.stdout.write(
      `chaos: ${died.length} workers died, ${attempts.length} neighbours, attempt ${Math.max(...attempts)} at most\n`,
    );
    // Each killer alone would take five.
    expect(died.length).toBeLessThanOrEqual(DEATHS);
    expect(Math.max(...attempts)).toBeLessThanOrEqual(5);

    const pids = new Set(died.map(({ pid }) => pid));
    for (const killer of killers) {
      const { blocked, deaths, state } = await killer.describe();
      expect(state).toBe('running');
      expect(deaths?.count).toBeGreaterThanOrEqual(5);
      expect(deaths?.workers.filter(({ pid }) => !pids.has(pid))).toEqual([]);
      expect(deaths?.workers.length).toBe(5);
      expect(blocked?.reason).toMatch(/^\d+ workers died while they ran it: worker-\d+ \(process \d+ on /);
    }
    // Nobody takes them up again so soon.
    expect(await Promise.all(['poison', 'suicide'].map((id) => cluster!.holder(id)))).toEqual([null, null]);
  },
  FOUND + 90_000,
);
