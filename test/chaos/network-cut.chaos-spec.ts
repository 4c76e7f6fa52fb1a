import { afterEach, expect, it } from '@jest/globals';
import { isLonger } from './support/chaos-run.js';
import { Cluster } from './support/cluster.js';
import { within } from './support/patience.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { effectViolations, historyViolations } from './support/violations.js';
import { Held } from './worker/held.js';

let cluster: Cluster | undefined;
let proxy: TcpProxy | undefined;
afterEach(async () => {
  await cluster?.close();
  await proxy?.close();
});

const LEASE = { leaseTimeout: 1_500, heartbeatInterval: 150 };

/** The last one takes as long as connections that hang are waited for: only in a longer look. */
const FATES = isLonger()
  ? (['arrives', 'is lost', 'is never heard of'] as const)
  : (['arrives', 'is lost'] as const);
const RECOVERY = 90_000;

it.each(FATES)(
  'lets go of its runs when the network is cut; afterwards, what was on its way %s',
  async (onItsWay) => {
    cluster = await Cluster.open();
    proxy = await TcpProxy.open(cluster.url);
    const { client } = cluster;
    const cutOff = await cluster.worker({ ...LEASE, url: proxy.through(cluster.url) });
    const ids = ['committing', 'working'];
    for (const id of ids) await client.start(Held, { labels: [id, `then ${id}`] }, { id });
    for (const id of ids) await cutOff.holds(id);
    const other = await cluster.worker(LEASE);

    proxy.cut();
    const heardSoFar = cutOff.reports.length;
    // Its effect is written through another connection of the same process, and so is its end: both hang.
    cutOff.letGo('committing');
    await within(10_000, 'the end of its session', cutOff.hears('worker lost', heardSoFar));
    await within(
      10_000,
      'being stopped',
      cutOff.until((report) => report.type === 'stopped' && report.label === 'working'),
    );
    for (const id of ids) await within(10_000, `the takeover of ${id}`, other.holds(id, 2));
    for (const id of ids) other.letGo(id);
    for (const id of ids) await other.holds(`then ${id}`);

    proxy.heal(onItsWay);
    await within(RECOVERY, 'a new session', cutOff.hears('worker registered', heardSoFar));
    cutOff.letGo('working');
    for (const id of ids) other.letGo(`then ${id}`);
    for (const id of ids) expect(await client.handle(id).result()).toEqual([]);
    const effects = await cluster.effects();
    for (const id of ids) {
      const run = await cluster.recorded(id);
      expect(historyViolations(run)).toEqual([]);
      expect(effectViolations(run, effects.get(run.runId) ?? [])).toEqual([]);
    }
    // It works again.
    await other.kill();
    const next = await client.start(Held, { labels: ['next'] });
    await within(RECOVERY, 'the next activity', cutOff.holds('next'));
    cutOff.letGo('next');
    expect(await next.result()).toEqual([]);
    expect(cutOff.exit).toBeUndefined();
  },
  RECOVERY + 30_000,
);
