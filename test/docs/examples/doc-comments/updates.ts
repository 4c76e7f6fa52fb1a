// The examples in the doc comments of updates.
import type { WorkflowClient } from 'nestjs-continuum';
import {
  describeHandlers,
  OnSignal,
  OnUpdate,
  ValidateUpdate,
  Workflow,
  WorkflowContext,
} from 'nestjs-continuum';
import { z } from 'zod';

@Workflow({ name: 'subscription' })
export class SubscriptionWorkflow {
  protected cancelled = false;
  protected readonly total: number = 0;

  @OnUpdate() async changePlan(plan: string): Promise<number> {
    return plan.length;
  }
  @ValidateUpdate('changePlan') protected checkPlan(_plan: string): void {
    if (this.cancelled) throw new Error('The subscription has ended.');
  }

  async run(ctx: WorkflowContext): Promise<number> {
    await ctx.condition(() => ctx.handlersFinished());
    return this.total;
  }
}

@Workflow({ name: 'subscription', version: 2 })
export class CheckedSubscriptionWorkflow {
  @OnUpdate({ input: z.enum(['basic', 'pro']) }) async changePlan(plan: 'basic' | 'pro'): Promise<number> {
    return plan.length;
  }
  async run(ctx: WorkflowContext): Promise<void> {
    await ctx.sleep('1 day');
  }
}

interface Item {
  readonly sku: string;
}
@Workflow({ name: 'approval-with-updates' })
class ApprovalWorkflow {
  async run(): Promise<void> {}
}

@Workflow({ name: 'cart' })
export class CartWorkflow {
  private readonly items: Item[] = [];
  @OnSignal() add(item: Item): void {
    this.items.push(item);
  }
  @OnUpdate() price(item: Item): number {
    return this.items.indexOf(item);
  }
  async run(ctx: WorkflowContext): Promise<void> {
    await ctx.condition(() => this.items.length > 3);
  }
}

export function show(): void {
  for (const { kind, name, input } of describeHandlers(ApprovalWorkflow)) console.log(kind, name, input);
}

export async function fill(client: WorkflowClient, customer: string, item: Item): Promise<unknown> {
  const handle = await client.signalWithStart(CartWorkflow, undefined, 'add', item, {
    id: `cart-${customer}`,
  });
  return handle.result();
}
export async function ask(client: WorkflowClient, item: Item): Promise<unknown> {
  const { handle, result } = await client.updateWithStart(CartWorkflow, undefined, 'price', item, {
    id: 'cart-17',
  });
  return [handle.workflowId, result];
}

export async function change(client: WorkflowClient, request: { readonly id: string }): Promise<number> {
  const handle = client.handle(SubscriptionWorkflow, 'subscription-17');
  const price = await handle.update('changePlan', 'pro', { dedupeId: request.id, timeout: '10s' });
  return price;
}
