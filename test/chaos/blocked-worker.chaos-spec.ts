import { afterEach, expect, it } from '@jest/globals';
import { Cluster } from './support/cluster.js';
import { within } from './support/patience.js';
import { effectViolations, historyViolations } from './support/violations.js';
import { Held } from './worker/held.js';

let cluster: Cluster | undefined;
afterEach(() => cluster?.close());

const LEASE = { leaseTimeout: 1_000, heartbeatInterval: 100 };

it('is fenced off when an activity keeps its process busy for longer than the lease', async () => {
  cluster = await Cluster.open();
  const { client } = cluster;
  const blocked = await cluster.worker(LEASE);
  const neighbour = await client.start(Held, { labels: ['beside'] }, { id: 'neighbour' });
  await blocked.holds('beside');
  const blocking = await client.start(Held, { labels: ['busy'], blocks: 4_000 }, { id: 'blocking' });
  await blocked.holds('busy');
  const other = await cluster.worker(LEASE);
  const heardSoFar = blocked.reports.length;
  // The second one is heard of when the process can do anything again: both attempts end at the worst moment.
  blocked.letGo('busy');
  blocked.letGo('beside');
  await within(10_000, 'the takeover', Promise.all([other.holds('busy', 2), other.holds('beside', 2)]));
  await within(10_000, 'the end of its session', blocked.hears('worker lost', heardSoFar));
  await within(10_000, 'a new session', blocked.hears('worker registered', heardSoFar));
  other.letGo('busy');
  other.letGo('beside');
  await Promise.all([neighbour.result(), blocking.result()]);

  const effects = await cluster.effects();
  for (const id of ['neighbour', 'blocking']) {
    const run = await cluster.recorded(id);
    expect(historyViolations(run)).toEqual([]);
    expect(effectViolations(run, effects.get(run.runId) ?? [])).toEqual([]);
    const attempts = run.history.flatMap(({ entry }) =>
      entry.type === 'activity_attempt' ? entry.attempt : [],
    );
    expect(attempts).toEqual([2]);
  }
  // It goes on working.
  await other.kill();
  const next = await client.start(Held, { labels: ['next'] });
  await within(10_000, 'the next activity', blocked.holds('next'));
  blocked.letGo('next');
  expect(await next.result()).toEqual([]);
  expect(blocked.exit).toBeUndefined();
});
