import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, it } from '@jest/globals';
import { startPostgres } from '../../tools/postgres.mjs';
import type { PostgresServer } from '../../tools/postgres.mjs';
import { Chance } from '../support/random.js';
import { chaosSeconds, chaosSeed } from './support/chaos-run.js';
import { Cluster } from './support/cluster.js';
import { within } from './support/patience.js';
import { SagaLoad } from './support/saga-load.js';

const SECONDS = chaosSeconds(6);
/** For what is left when nothing is disturbed any more, in ms. */
const AFTERWARDS = 60_000;
/** Longer than any outage: none of them costs a worker its session. */
const LEASE = { leaseTimeout: 60_000, heartbeatInterval: 500 };

let server: PostgresServer | undefined;
let cluster: Cluster | undefined;
afterEach(async () => {
  await cluster?.close();
  await server?.stop();
});

it(
  'goes on by itself when the database crashes under its workers',
  async () => {
    const chance = new Chance(chaosSeed());
    // Only the server's processes die: what it has written to files is still there, and it comes back quickly.
    server = await startPostgres({ settings: { fsync: 'off' } });
    cluster = await Cluster.open({ url: server.url });
    const { workers } = cluster;
    await Promise.all([cluster.worker(LEASE), cluster.worker(LEASE)]);
    const load = new SagaLoad(cluster, chance);
    const ended = load.run(SECONDS * 15, (SECONDS - 1) * 1_000);
    const end = performance.now() + SECONDS * 1_000;
    while (performance.now() < end) {
      await pause(500 + chance.below(1_000));
      await server.crash();
      await pause(chance.below(1_000));
      await server.resume();
    }
    await within(AFTERWARDS, () => `the end of ${load.open.join(', ')}\n${cluster!.summary()}`, ended);
    expect(await load.violations()).toEqual([]);
    expect(workers.map(({ exit }) => exit)).toEqual([undefined, undefined]);
    expect(workers.flatMap((worker) => worker.heard('turn failed'))).toEqual([]);
    // Nobody was taken for dead because nobody could be heard, and an answer that got lost costs no session.
    expect(workers.flatMap((worker) => worker.heard('worker lost').map(({ text }) => text))).toEqual([]);
  },
  SECONDS * 1_000 + AFTERWARDS + 30_000,
);
