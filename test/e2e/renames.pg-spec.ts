import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import type { Type } from '@nestjs/common';
import {
  Activity,
  Compensate,
  OnQuery,
  OnSignal,
  Workflow,
  WorkflowContext,
  WorkflowFailure,
  WorkflowTimedOutError,
} from 'nestjs-continuum';
import type { ContinuumModuleOptions } from 'nestjs-continuum';
import type { App } from './support/app.js';
import { closeApps, openApp } from './support/app.js';
import { PostgresBackend } from './support/backend.js';
import { caught, until } from './support/helpers.js';

// The application of yesterday, and that of today, in which a workflow, a child and activities have other names.
const backend = new PostgresBackend();
afterEach(closeApps);
afterAll(() => backend.clear());

const undone: string[] = [];

@Injectable()
class Payments {
  @Activity() async charge(sku: string): Promise<string> {
    return `charged ${sku}`;
  }
  @Compensate('charge') async refund(payment: string): Promise<void> {
    undone.push(`old: ${payment}`);
  }
}

@Workflow({ name: 'parcel' })
class ParcelWorkflow {
  async run(_ctx: WorkflowContext, sku: string): Promise<string> {
    return `sent ${sku}`;
  }
}

@Workflow({ name: 'order' })
class OrderWorkflow {
  private decision: string | null = null;
  constructor(private readonly payments: Payments) {}
  @OnSignal() decide(decision: string): void {
    this.decision = decision;
  }
  @OnQuery() decided(): string | null {
    return this.decision;
  }
  async run(ctx: WorkflowContext, sku: string): Promise<string> {
    const charged = await this.payments.charge(sku);
    const first = await ctx.child(ParcelWorkflow, sku);
    await ctx.condition(() => this.decision !== null);
    if (this.decision === 'no') throw new WorkflowFailure('refused');
    return `${charged}, ${first}, ${await ctx.child(ParcelWorkflow, 'a gift')}`;
  }
}

@Injectable()
class Billing {
  @Activity({ name: 'billing.debit', aliases: ['Payments.charge'] })
  async debit(sku: string): Promise<string> {
    return `debited ${sku}`;
  }
  @Compensate('debit', { aliases: ['Payments.refund'] })
  async credit(payment: string): Promise<void> {
    undone.push(`new: ${payment}`);
  }
}

@Workflow({ name: 'shipment', aliases: ['parcel'] })
class ShipmentWorkflow {
  async run(_ctx: WorkflowContext, sku: string): Promise<string> {
    return `shipped ${sku}`;
  }
}

@Workflow({ name: 'purchase', aliases: ['order'] })
class PurchaseWorkflow {
  private decision: string | null = null;
  constructor(private readonly billing: Billing) {}
  @OnSignal() decide(decision: string): void {
    this.decision = decision;
  }
  @OnQuery() decided(): string | null {
    return this.decision;
  }
  async run(ctx: WorkflowContext, sku: string): Promise<string> {
    const charged = await this.billing.debit(sku);
    const first = await ctx.child(ShipmentWorkflow, sku);
    await ctx.condition(() => this.decision !== null);
    if (this.decision === 'no') throw new WorkflowFailure('refused');
    return `${charged}, ${first}, ${await ctx.child(ShipmentWorkflow, 'a gift')}`;
  }
}

const deploy = (continuum: ContinuumModuleOptions, buildId: string, providers: Type[]): Promise<App> =>
  openApp({ continuum: { ...continuum, buildId }, providers });
const YESTERDAY = [Payments, ParcelWorkflow, OrderWorkflow];
const TODAY = [Billing, ShipmentWorkflow, PurchaseWorkflow];

describe('a deploy that gives workflows and activities other names', () => {
  it('goes on with open runs, undoes their steps, and lists them by the class', async () => {
    const continuum = await backend.fresh();
    const before = await deploy(continuum, '1', YESTERDAY);
    for (const id of ['kept', 'undone']) await before.client.start(OrderWorkflow, 'pen', { id });
    for (const id of ['kept', 'undone'])
      await until(async () => (await before.client.handle(id).history()).length >= 5);
    await closeApps();

    const after = await deploy(continuum, '2', TODAY);
    const { client } = after;
    const kept = client.handle(PurchaseWorkflow, 'kept');
    expect(await kept.query('decided')).toBeNull();
    // A client that has the class of yesterday reaches it as well: a handle means a workflow id.
    await client.handle(OrderWorkflow, 'kept').signal('decide', 'yes');
    expect(await kept.result()).toBe('charged pen, sent pen, shipped a gift');
    await client.handle(PurchaseWorkflow, 'undone').signal('decide', 'no');
    const error = await caught(client.handle('undone').result());
    expect(error).toMatchObject({ rollback: 'complete', cause: { message: 'refused' } });
    expect(undone.splice(0)).toEqual(['new: charged pen']);
    expect(after.events.count('turn failed')).toBe(0);

    // What was started tells the name of its day; whoever asks by the class finds both.
    const fresh = await client.start(PurchaseWorkflow, 'ink', { id: 'fresh' });
    await fresh.signal('decide', 'yes');
    expect(await fresh.result()).toBe('debited ink, shipped ink, shipped a gift');
    expect(await fresh.describe()).toMatchObject({ workflow: 'purchase' });
    expect(await kept.describe()).toMatchObject({ workflow: 'order' });
    const idsOf = async (workflow: string | typeof PurchaseWorkflow): Promise<readonly string[]> =>
      (await client.list({ where: { workflow } })).runs.map(({ workflowId }) => workflowId).toSorted();
    expect(await idsOf(PurchaseWorkflow)).toEqual(['fresh', 'kept', 'undone']);
    expect(await idsOf('order')).toEqual(['kept', 'undone']);
    expect(await client.count({ workflow: 'order', served: false })).toBe(0);
  });

  it('takes up what a client of yesterday still starts by the old name', async () => {
    const continuum = await backend.fresh();
    const after = await deploy(continuum, '2', TODAY);
    const client = await openApp({ continuum: { ...continuum, worker: false }, providers: [] });
    const handle = await client.client.start(OrderWorkflow, 'pen');
    await handle.signal('decide', 'yes');
    expect(await handle.result()).toBe('debited pen, shipped pen, shipped a gift');
    expect(await after.client.describe(handle.workflowId)).toMatchObject({ workflow: 'order' });
  });

  it('undoes by force a run whose code cannot go on at its time limit', async () => {
    const continuum = await backend.fresh();
    const before = await deploy(continuum, '1', YESTERDAY);
    const { workflowId } = await before.client.start(OrderWorkflow, 'pen', { executionTimeout: '2s' });
    await until(async () => (await before.client.handle(workflowId).history()).length >= 5);
    await closeApps();

    /** Does something else. */
    @Workflow({ name: 'purchase', aliases: ['order'] })
    class OtherWorkflow {
      async run(ctx: WorkflowContext): Promise<void> {
        await ctx.sleep('1 day');
      }
    }
    const after = await deploy(continuum, '2', [Billing, OtherWorkflow]);
    const error = await caught(after.client.handle(workflowId).result());
    expect(error).toBeInstanceOf(WorkflowTimedOutError);
    expect(error).toMatchObject({ rollback: 'complete' });
    expect(undone.splice(0)).toEqual(['new: charged pen']);
  });
});
