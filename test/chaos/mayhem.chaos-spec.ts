import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, it } from '@jest/globals';
import { startPostgres } from '../../tools/postgres.mjs';
import type { PostgresServer } from '../../tools/postgres.mjs';
import { Chance } from '../support/random.js';
import { chaosSeconds, chaosSeed } from './support/chaos-run.js';
import { Cluster } from './support/cluster.js';
import { within } from './support/patience.js';
import { SagaLoad } from './support/saga-load.js';
import type { WorkerProcess } from './support/worker-process.js';

const SECONDS = chaosSeconds(6);
/** For what is left when nothing is disturbed any more, in ms. */
const AFTERWARDS = 60_000;
/** Shorter than some outages and some stops. */
const LEASE = { leaseTimeout: 1_500, heartbeatInterval: 150, shutdownTimeout: 300 };

let server: PostgresServer | undefined;
let cluster: Cluster | undefined;
afterEach(async () => {
  await cluster?.close();
  await server?.stop();
});

it(
  'ends every saga right whatever happens at once',
  async () => {
    const chance = new Chance(chaosSeed());
    server = await startPostgres({ settings: { fsync: 'off' } });
    cluster = await Cluster.open({ url: server.url });
    const serving = await Promise.all([cluster.worker(LEASE), cluster.worker(LEASE), cluster.worker(LEASE)]);
    const load = new SagaLoad(cluster, chance);
    const ended = load.run(SECONDS * 10, (SECONDS - 1) * 1_000);
    const end = performance.now() + SECONDS * 1_000;
    while (performance.now() < end) {
      await pause(chance.below(1_200));
      const i = chance.below(serving.length);
      const victim = serving[i]!;
      switch (chance.pick(['kill', 'shut down', 'stop', 'crash'] as const)) {
        case 'kill':
          await victim.kill();
          serving[i] = cluster.spawn(LEASE);
          break;
        case 'shut down':
          victim.signal('SIGTERM');
          victim.resume();
          serving[i] = cluster.spawn(LEASE);
          break;
        case 'stop':
          victim.pause();
          void pause(chance.below(2_500)).then(() => victim.resume());
          break;
        case 'crash':
          await server.crash();
          await pause(chance.below(2_000));
          await server.resume();
      }
    }
    // Who began while there was no database has ended at once.
    for (const worker of serving) if (worker.exit) cluster.spawn(LEASE);
    await within(AFTERWARDS, () => `the end of ${load.open.join(', ')}\n${cluster!.summary()}`, ended);
    expect(await load.violations()).toEqual([]);
    expect(cluster.workers.flatMap((worker) => worker.heard('turn failed'))).toEqual([]);
    expect(cluster.workers.filter(hasGivenUp).map(({ name, output }) => `${name}\n${output}`)).toEqual([]);
  },
  SECONDS * 1_000 + AFTERWARDS + 30_000,
);

/** It served once, and has ended by itself. */
function hasGivenUp({ exit, reports }: WorkerProcess): boolean {
  const wasToldTo = exit?.signal === 'SIGKILL' || exit?.signal === 'SIGTERM';
  return exit !== undefined && !wasToldTo && reports.some(({ type }) => type === 'ready');
}
