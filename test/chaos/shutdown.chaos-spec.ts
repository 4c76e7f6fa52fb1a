import { afterEach, expect, it } from '@jest/globals';
import { Cluster } from './support/cluster.js';
import { within } from './support/patience.js';
import { historyViolations } from './support/violations.js';
import { Held } from './worker/held.js';

let cluster: Cluster | undefined;
afterEach(() => cluster?.close());

/** Whoever takes over has been given the runs: these leases would not have expired. */
const LEASE = { leaseTimeout: 120_000, heartbeatInterval: 1_000 };
const AT_ONCE = 5_000;

it('finishes its activities within the grace period, and hands its runs over at once', async () => {
  cluster = await Cluster.open();
  const { client } = cluster;
  const leaving = await cluster.worker({ ...LEASE, shutdownTimeout: 60_000 });
  const waits = await client.start(Held, { labels: ['quick', 'next'] }, { id: 'waits' });
  await leaving.holds('quick');
  const other = await cluster.worker(LEASE);
  leaving.signal('SIGTERM');
  // It is given the time it needs, and nothing new is begun.
  leaving.letGo('quick');
  await within(AT_ONCE, 'the takeover', other.holds('next', 1));
  // As Nest does it: the process ends itself by the signal it was sent.
  expect(await within(AT_ONCE, 'the end of the process', leaving.exited)).toEqual({
    code: null,
    signal: 'SIGTERM',
  });
  other.letGo('next');
  expect(await waits.result()).toEqual([]);
  const run = await cluster.recorded('waits');
  expect(historyViolations(run)).toEqual([]);
  expect(leaving.output).toBe('');
});

it('stops what takes longer, and counts the attempt', async () => {
  cluster = await Cluster.open();
  const { client } = cluster;
  const leaving = await cluster.worker({ ...LEASE, shutdownTimeout: 200 });
  const obeys = await client.start(Held, { labels: ['obeys'], obeys: true }, { id: 'obeys' });
  const ignores = await client.start(Held, { labels: ['ignores'] }, { id: 'ignores' });
  await leaving.holds('obeys');
  await leaving.holds('ignores');
  const other = await cluster.worker(LEASE);
  leaving.signal('SIGTERM');
  for (const label of ['obeys', 'ignores']) {
    expect(
      await leaving.until((report) => report.type === 'stopped' && report.label === label),
    ).toMatchObject({ attempt: 1, why: 'shutting down' });
    await within(AT_ONCE, 'the takeover', other.holds(label, 2));
    other.letGo(label);
  }
  expect(await within(AT_ONCE, 'the end of the process', leaving.exited)).toEqual({
    code: null,
    signal: 'SIGTERM',
  });
  expect(await Promise.all([obeys.result(), ignores.result()])).toEqual([[], []]);
  for (const id of ['obeys', 'ignores']) expect(historyViolations(await cluster.recorded(id))).toEqual([]);
});

it('hands each run over as soon as it has come to rest, while another one still works', async () => {
  cluster = await Cluster.open();
  const { client } = cluster;
  const leaving = await cluster.worker({ ...LEASE, shutdownTimeout: 60_000 });
  await client.start(Held, { labels: ['slow'] }, { id: 'slow' });
  const quick = await client.start(Held, { labels: ['quick', 'next'] }, { id: 'quick' });
  await leaving.holds('slow');
  await leaving.holds('quick');
  const other = await cluster.worker(LEASE);
  leaving.signal('SIGTERM');
  leaving.letGo('quick');
  await within(AT_ONCE, 'the takeover', other.holds('next', 1));
  other.letGo('next');
  expect(await quick.result()).toEqual([]);
  expect(leaving.exit).toBeUndefined();
  leaving.letGo('slow');
  expect(await client.handle('slow').result()).toEqual([]);
  expect(await within(AT_ONCE, 'the end of the process', leaving.exited)).toEqual({
    code: null,
    signal: 'SIGTERM',
  });
});
