import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, it } from '@jest/globals';
import { Chance } from '../support/random.js';
import { chaosSeconds, chaosSeed } from './support/chaos-run.js';
import { Cluster } from './support/cluster.js';
import { within } from './support/patience.js';
import { SagaLoad } from './support/saga-load.js';
import { historyViolations } from './support/violations.js';
import { Held } from './worker/held.js';

let cluster: Cluster | undefined;
afterEach(() => cluster?.close());

const LEASE = { leaseTimeout: 1_000, heartbeatInterval: 100 };

it('writes nothing more after it was stopped for longer than its lease', async () => {
  cluster = await Cluster.open();
  const { client } = cluster;
  const stopped = await cluster.worker(LEASE);
  const goesOn = await client.start(Held, { labels: ['one', 'two'] }, { id: 'goes on' });
  const ends = await client.start(Held, { labels: ['only'] }, { id: 'ends' });
  await stopped.holds('one');
  await stopped.holds('only');
  const other = await cluster.worker(LEASE);
  stopped.pause();
  // Taken over, and brought further.
  await within(10_000, 'the takeover', Promise.all([other.holds('one', 2), other.holds('only', 2)]));
  other.letGo('one');
  other.letGo('only');
  await other.holds('two');
  expect(await ends.result()).toEqual([]);
  const before = [await cluster.recorded('goes on'), await cluster.recorded('ends')];

  // It wakes up in the middle of its work, and finishes it.
  const heardSoFar = stopped.reports.length;
  stopped.letGo('one');
  stopped.letGo('only');
  stopped.resume();
  await within(5_000, 'the end of its session', stopped.hears('worker lost', heardSoFar));
  await within(5_000, 'a new session', stopped.hears('worker registered', heardSoFar));
  // Whoever is gone cannot have been the one who goes on now.
  await other.kill();
  await within(10_000, 'the takeover by the one that was stopped', stopped.holds('two', 2));
  const [later, ended] = [await cluster.recorded('goes on'), await cluster.recorded('ends')];
  expect(later.history.slice(0, before[0]!.history.length)).toEqual(before[0]!.history);
  expect(later.history.slice(before[0]!.history.length)).toMatchObject([
    { entry: { type: 'activity_attempt', attempt: 2 } },
  ]);
  expect(ended).toEqual(before[1]);

  stopped.letGo('two');
  expect(await goesOn.result()).toEqual([]);
  expect(historyViolations(await cluster.recorded('goes on'))).toEqual([]);
  expect(stopped.exit).toBeUndefined();
});

const SECONDS = chaosSeconds(5);
const AFTERWARDS = 60_000;

it(
  'ends every saga right while workers are stopped and woken up again',
  async () => {
    const chance = new Chance(chaosSeed());
    cluster = await Cluster.open();
    const workers = await Promise.all([cluster.worker(LEASE), cluster.worker(LEASE)]);
    const load = new SagaLoad(cluster, chance);
    const ended = load.run(SECONDS * 15, (SECONDS - 1) * 1_000);
    const end = performance.now() + SECONDS * 1_000;
    while (performance.now() < end) {
      const victim = chance.pick(workers);
      victim.pause();
      await pause(chance.happens(0.5) ? 1_500 + chance.below(500) : chance.below(900));
      victim.resume();
      await pause(chance.below(500));
    }
    await within(AFTERWARDS, () => `the end of ${load.open.join(', ')}\n${cluster!.summary()}`, ended);
    expect(await load.violations()).toEqual([]);
    expect(workers.flatMap((worker) => worker.heard('worker lost')).length).toBeGreaterThan(0);
    expect(workers.map(({ exit }) => exit)).toEqual([undefined, undefined]);
    expect(workers.flatMap((worker) => worker.heard('turn failed'))).toEqual([]);
  },
  SECONDS * 1_000 + AFTERWARDS + 30_000,
);
