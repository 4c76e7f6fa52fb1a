import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, it } from '@jest/globals';
import { Chance } from '../support/random.js';
import { chaosSeconds, chaosSeed } from './support/chaos-run.js';
import { Cluster } from './support/cluster.js';
import { within } from './support/patience.js';
import { SagaLoad } from './support/saga-load.js';

const SECONDS = chaosSeconds(6);
const SAGAS = 300;
const KILL_EVERY = 2_000;
/** For what is left when nobody is killed any more, in ms. */
const AFTERWARDS = 60_000;

let cluster: Cluster | undefined;
afterEach(() => cluster?.close());

it(
  'ends every saga right while workers are killed',
  async () => {
    const chance = new Chance(chaosSeed());
    cluster = await Cluster.open();
    const workers = await Promise.all([cluster.worker(), cluster.worker()]);
    const load = new SagaLoad(cluster, chance);
    const ended = load.run(SAGAS, (SECONDS - 1) * 1_000);
    const end = performance.now() + SECONDS * 1_000;
    let kills = 0;
    for (; performance.now() < end; kills++) {
      await pause(KILL_EVERY);
      const victim = chance.below(workers.length);
      // One that serves: to kill a process that has not begun yet would prove little.
      await workers[victim]!.ready();
      await workers[victim]!.kill();
      workers[victim] = cluster.spawn();
    }
    await within(AFTERWARDS, () => `the end of ${load.open.join(', ')}\n${cluster!.summary()}`, ended);
    expect(await load.violations()).toEqual([]);
    expect(load.records).toHaveLength(SAGAS);
    // The plans are drawn so that there is some of everything.
    const endings = new Set(load.records.map(({ ending }) => ending));
    expect(endings).toEqual(new Set(['completed', 'failed', 'cancelled']));
    const transactionEnds = new Set(load.transactions.map((transaction) => transaction.end));
    expect(transactionEnds).toEqual(new Set(['committed', 'rolled back']));
    expect(kills).toBeGreaterThanOrEqual(2);
    expect(cluster.workers.flatMap((worker) => worker.heard('turn failed'))).toEqual([]);
    // Only those that were killed have ended.
    expect(workers.map(({ exit }) => exit)).toEqual([undefined, undefined]);
  },
  SECONDS * 1_000 + AFTERWARDS + 30_000,
);
