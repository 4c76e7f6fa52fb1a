import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Activity, OnUpdate, Workflow, WorkflowContext, WorkflowHandle } from 'nestjs-continuum';
import { closeApps, openApp } from './support/app.js';
import { describeUpdates, TourWorkflow } from './suites/updates.js';
import { PostgresBackend } from './support/backend.js';
import { caught } from './support/helpers.js';

describeUpdates(new PostgresBackend(), 'sticky');

@Injectable()
class Porters {
  private arrived = (): void => {};
  readonly called = new Promise<void>((resolve) => (this.arrived = resolve));
  private readonly answers: boolean;

  constructor() {
    this.answers = Porters.answering;
  }
  /** Of those that are made next: whether they ever come back. */
  static answering = true;

  @Activity() carry(thing: string): Promise<string> {
    this.arrived();
    return this.answers ? Promise.resolve(`${thing} is there`) : new Promise(() => undefined);
  }
}

@Workflow({ name: 'hotel' })
class HotelWorkflow {
  constructor(private readonly porters: Porters) {}
  @OnUpdate() async carry(thing: string): Promise<string> {
    return await this.porters.carry(thing);
  }
  async run(ctx: WorkflowContext): Promise<void> {
    await ctx.sleep('1 day');
  }
}

describe('updates of several processes', () => {
  const backend = new PostgresBackend();
  afterEach(closeApps);
  afterAll(() => backend.clear());

  it('are answered wherever they were asked, once for each id', async () => {
    const continuum = await backend.fresh();
    await openApp({ continuum, providers: [TourWorkflow] });
    const [one, two] = [
      await openApp({ continuum: { ...continuum, worker: false }, providers: [TourWorkflow] }),
      await openApp({ continuum: { ...continuum, worker: false }, providers: [] }),
    ];
    const handle: WorkflowHandle = await one.client.start(TourWorkflow);
    const elsewhere = two.client.handle(handle.workflowId);
    const twice = { dedupeId: 'ann' };
    expect(
      await Promise.all([handle.update('book', 'ann', twice), elsewhere.update('book', 'ann', twice)]),
    ).toEqual([2, 2]);
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        (i % 2 === 0 ? handle : elsewhere).update('grow', { seats: 1 }, { dedupeId: `g${i}` }),
      ),
    );
    expect(answers.map(Number).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 100 }, (_, i) => i + 3),
    );
    await elsewhere.signal('depart');
    await handle.result();
    expect(await caught(elsewhere.update('book', 'late'))).toMatchObject({ reason: 'closed' });
    expect(await elsewhere.update('book', 'ann', twice)).toBe(2);
  });

  it('that a worker accepted and did not answer are answered by the next one', async () => {
    const continuum = await backend.fresh();
    const providers = [HotelWorkflow, Porters];
    const worker = { shutdownTimeout: 50 };
    Porters.answering = false;
    const first = await openApp({ continuum: { ...continuum, worker }, providers });
    const { client } = await openApp({ continuum: { ...continuum, worker: false }, providers });
    const handle = await client.start(HotelWorkflow);
    const asked = handle.update('carry', 'the trunk', { dedupeId: 'trunk' });
    await first.app.get(Porters).called;
    Porters.answering = true;
    await openApp({ continuum, providers });
    await first.app.close();
    expect(await asked).toBe('the trunk is there');
    expect(await client.handle(handle.workflowId).update('carry', 'another', { dedupeId: 'trunk' })).toBe(
      'the trunk is there',
    );
  }, 30_000);
});
