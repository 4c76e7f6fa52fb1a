import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import type { Type } from '@nestjs/common';
import {
  Activity,
  Compensate,
  OnSignal,
  Workflow,
  WorkflowContext,
  WorkflowFailedError,
  WorkflowMistakeError,
} from 'nestjs-continuum';
import type { ContinuumModuleOptions } from 'nestjs-continuum';
import type { App } from './support/app.js';
import { closeApps, openApp } from './support/app.js';
import { PostgresBackend } from './support/backend.js';
import { caught, until } from './support/helpers.js';

// Two applications over one journal: one with the mistake, and one with the mended code.
const backend = new PostgresBackend();
afterEach(closeApps);
afterAll(() => backend.clear());

const released: string[] = [];

@Injectable()
class Warehouse {
  @Activity() async reserve(sku: string): Promise<string> {
    return `reserved ${sku}`;
  }
  @Compensate('reserve') async release(reserved: string): Promise<void> {
    released.push(reserved);
  }
  /** No activity. */
  label(sku: string): string {
    return `label of ${sku}`;
  }
}

type Mistakes = 'fail' | 'block';

function orderWith(mistake: (warehouse: Warehouse, sku: string) => unknown, mistakes?: Mistakes): Type {
  @Workflow(mistakes ? { name: 'order', mistakes } : { name: 'order' })
  class OrderWorkflow {
    private approved = false;
    constructor(private readonly warehouse: Warehouse) {}
    @OnSignal() approve(): void {
      this.approved = true;
    }
    async run(ctx: WorkflowContext, sku: string): Promise<string> {
      const reserved = await this.warehouse.reserve(sku);
      await ctx.condition(() => this.approved);
      await mistake(this.warehouse, sku);
      return reserved;
    }
  }
  return OrderWorkflow;
}

const misused = (warehouse: Warehouse, sku: string): unknown => warehouse.label(sku);
const broken = (): unknown => (undefined as unknown as { address: { city: string } }).address.city;
const mended = (): unknown => null;

/** Runs an order up to the mistake. */
async function orderUpToMistake(continuum: ContinuumModuleOptions, workflow: Type) {
  const app = await openApp({
    continuum: { ...continuum, buildId: '1' },
    providers: [Warehouse, workflow],
  });
  const { workflowId } = await app.client.start('order', 'pen');
  const handle = (of: App) => of.client.handle(workflowId);
  await handle(app).signal('approve');
  return { app, handle };
}

describe('a mistake in the code of a workflow', () => {
  it.each<[string, Type, Mistakes | undefined, RegExp]>([
    ['calls what is no activity', orderWith(misused), undefined, /Warehouse.*label/s],
    ['throws a TypeError, and says "block"', orderWith(broken, 'block'), undefined, /TypeError/],
    ['throws a TypeError where the module says "block"', orderWith(broken), 'block', /TypeError/],
  ])(
    'that %s blocks its run, undoes nothing, and is healed by a deploy',
    async (_, workflow, mistakes, says) => {
      released.length = 0;
      const continuum = { ...(await backend.fresh()), mistakes };
      const { app, handle } = await orderUpToMistake(continuum, workflow);
      await until(async () => (await handle(app).describe()).blocked !== null);
      const { blocked, state } = await handle(app).describe();
      expect(state).toBe('running');
      expect(blocked?.reason).toMatch(/^WorkflowMistakeError: .*Mend it and deploy/s);
      expect(blocked?.reason).toMatch(says);
      expect((await app.events.until('turn failed')).error).toBeInstanceOf(WorkflowMistakeError);
      await closeApps();

      const providers = [Warehouse, orderWith(mended)];
      const again = await openApp({ continuum: { ...continuum, buildId: '2' }, providers });
      expect(await handle(again).result()).toBe('reserved pen');
      expect(released).toEqual([]);
    },
  );

  it.each<[string, Type, Mistakes | undefined]>([
    ['by default', orderWith(broken), undefined],
    ['where the workflow says "fail", whatever the module says', orderWith(broken, 'fail'), 'block'],
  ])('that throws a TypeError fails its run, which is rolled back, %s', async (_, workflow, mistakes) => {
    released.length = 0;
    const continuum = { ...(await backend.fresh()), mistakes };
    const { app, handle } = await orderUpToMistake(continuum, workflow);
    const error = await caught(handle(app).result());
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect(error).toMatchObject({ rollback: 'complete', cause: { name: 'TypeError' } });
    expect(released).toEqual(['reserved pen']);
  });
});
