import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, it } from '@jest/globals';
import type { WorkflowClient, WorkflowHandle } from '../../lib/index.js';
import { Cluster } from './support/cluster.js';
import { within } from './support/patience.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { historyViolations } from './support/violations.js';
import type { WorkerProcess } from './support/worker-process.js';
import { Held } from './worker/held.js';

let cluster: Cluster | undefined;
let proxy: TcpProxy | undefined;
afterEach(async () => {
  await cluster?.close();
  await proxy?.close();
  proxy = undefined;
});

/** Whoever takes over has been given the runs: these leases would not have expired. */
const LEASE = { leaseTimeout: 120_000, heartbeatInterval: 1_000 };
const AT_ONCE = 30_000;

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

/** Starts runs that do nothing, one after the other, until it is told to end. */
class Arrivals {
  readonly #client: WorkflowClient;
  readonly #runs: WorkflowHandle<Held>[] = [];
  #most = Number.POSITIVE_INFINITY;
  readonly #arriving: Promise<void>;

  constructor(client: WorkflowClient) {
    this.#client = client;
    this.#arriving = this.#arrive();
  }

  /** Resolves when so many more have arrived, to all that there were. */
  async endAfter(more: number): Promise<readonly WorkflowHandle<Held>[]> {
    this.#most = this.#runs.length + more;
    await this.#arriving;
    return this.#runs;
  }

  async #arrive(): Promise<void> {
    while (this.#runs.length < this.#most) {
      const id = `arrival-${this.#runs.length}`;
      this.#runs.push(await this.#client.start(Held, { labels: [] }, { id }));
      await pause(5);
    }
  }
}

const TEN = Array.from({ length: 10 }, (_, i) => `long-${i}`);

const attemptsOf = (label: string, workers: readonly WorkerProcess[]): readonly number[] =>
  workers
    .flatMap(({ reports }) => reports)
    .flatMap((report) => (report.type === 'held' && report.label === label ? [report.attempt] : []));

it.each(['claim actors', 'load history'])(
  'makes nothing again, and keeps nothing, where it is told to leave while it waits for the answer to "%s"',
  async (statement) => {
    cluster = await Cluster.open();
    proxy = await TcpProxy.open(cluster.url);
    const { client } = cluster;
    const url = proxy.through(cluster.url);
    const leaving = await cluster.worker({ ...LEASE, url, heartbeatInterval: 100, shutdownTimeout: 60_000 });
    const long = await Promise.all(TEN.map((id) => client.start(Held, { labels: [id] }, { id })));
    await Promise.all(TEN.map((label) => leaving.holds(label)));

    proxy.slow(100);
    const arrivals = new Arrivals(client);
    // The second one: a run has arrived before it.
    for (const _ of ['first', 'second']) await within(AT_ONCE, statement, proxy.sends(statement));
    leaving.signal('SIGTERM');
    const arrived = await arrivals.endAfter(50);
    const other = await cluster.worker(LEASE);
    // Long before the activities are done, whatever was claimed meanwhile is free for others.
    for (const run of arrived) await within(AT_ONCE, `the end of ${run.workflowId}`, run.result());
    expect(await cluster.leasedTo(leaving)).toEqual(TEN);
    expect(leaving.exit).toBeUndefined();

    for (const label of TEN) leaving.letGo(label);
    await within(AT_ONCE, 'the end of the process', leaving.exited);
    expect(await cluster.leasedTo(leaving)).toEqual([]);
    for (const run of long) expect(await within(AT_ONCE, run.workflowId, run.result())).toEqual([]);
    for (const label of TEN) expect(attemptsOf(label, [leaving, other])).toEqual([1]);
    for (const id of TEN) expect(historyViolations(await cluster.recorded(id))).toEqual([]);
    expect(leaving.heard('worker registered')).toHaveLength(1);
    expect(leaving.heard('worker lost')).toEqual([]);
    // Given back as it came, not found later by the sweep.
    expect(leaving.heard('unheld leases given back')).toEqual([]);
  },
);

/** What closing may take at most, whatever the network does, beyond the time that activities are given. In ms. */
const BEYOND = 5_000;
/** What a process on a busy machine may take beyond that: silence would be waited for much longer. In ms. */
const BUSY = 5_000;

it.each(['serves', 'has lost its session'])(
  'ends in time where the network swallows everything while it %s, and leaves its runs to others',
  async (state) => {
    cluster = await Cluster.open();
    proxy = await TcpProxy.open(cluster.url);
    const { client } = cluster;
    const url = proxy.through(cluster.url);
    const shutdownTimeout = 1_000;
    const lease = { leaseTimeout: 5_000, heartbeatInterval: 500 };
    const leaving = await cluster.worker({ ...lease, url, shutdownTimeout });
    const works = await client.start(Held, { labels: ['works'] }, { id: 'works' });
    await leaving.holds('works');
    proxy.cut();
    if (state === 'has lost its session') await within(AT_ONCE, 'the loss', leaving.hears('worker lost'));
    leaving.signal('SIGTERM');
    await within(shutdownTimeout + BEYOND + BUSY, 'the end of the process', leaving.exited);
    expect(leaving.exit).toEqual({ code: null, signal: 'SIGTERM' });
    const other = await cluster.worker(lease);
    await within(AT_ONCE, 'the takeover', other.holds('works', 2));
    other.letGo('works');
    expect(await works.result()).toEqual([]);
    expect(historyViolations(await cluster.recorded('works'))).toEqual([]);
  },
);
