// The examples in the doc comments of updates.
import type { WorkflowClient } from 'nestjs-continuum';
import { OnUpdate, ValidateUpdate, Workflow, WorkflowContext } from 'nestjs-continuum';
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

export async function change(client: WorkflowClient, request: { readonly id: string }): Promise<number> {
  const handle = client.handle(SubscriptionWorkflow, 'subscription-17');
  const price = await handle.update('changePlan', 'pro', { dedupeId: request.id, timeout: '10s' });
  return price;
}
