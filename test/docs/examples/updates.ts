import type { WorkflowClient } from 'nestjs-continuum';
import {
  Activity,
  OnSignal,
  OnUpdate,
  UpdateRefusedError,
  UpdateTimeoutError,
  ValidateUpdate,
  Workflow,
  WorkflowContext,
} from 'nestjs-continuum';
import { z } from 'zod';

const change = z.object({ plan: z.enum(['basic', 'pro']) });
type Change = z.infer<typeof change>;

@Activity()
export class PriceOf {
  async execute(plan: string): Promise<number> {
    return plan === 'pro' ? 20 : 5;
  }
}

@Workflow({ name: 'membership' })
export class MembershipWorkflow {
  private plan = 'basic';
  private ended = false;

  constructor(private readonly ctx: WorkflowContext) {}

  @OnUpdate({ input: change })
  async changePlan({ plan }: Change): Promise<{ plan: string; price: number }> {
    const price = await this.ctx.run(PriceOf, plan);
    this.plan = plan;
    return { plan, price };
  }

  @ValidateUpdate('changePlan')
  protected checkPlan({ plan }: Change): void {
    if (plan === this.plan) throw new Error(`The plan is ${plan} already.`);
  }

  @OnSignal() end(): void {
    this.ended = true;
  }

  async run(ctx: WorkflowContext): Promise<string> {
    await ctx.condition(() => this.ended);
    await ctx.condition(() => ctx.handlersFinished());
    return this.plan;
  }
}

export async function subscribe(
  client: WorkflowClient,
  customer: string,
  plan: Change,
  requestId: string,
): Promise<string> {
  const asked = await client.updateWithStart(MembershipWorkflow, undefined, 'changePlan', plan, {
    id: `membership-${customer}`,
    dedupeId: requestId,
  });
  return `${asked.handle.workflowId}: ${asked.result.plan}`;
}

export async function changePlan(
  client: WorkflowClient,
  id: string,
  plan: 'basic' | 'pro',
  requestId: string,
): Promise<string> {
  const handle = client.handle(MembershipWorkflow, id);
  try {
    const { price } = await handle.update('changePlan', { plan }, { dedupeId: requestId, timeout: '10s' });
    return `${plan} for ${price}`;
  } catch (error) {
    if (error instanceof UpdateRefusedError) return `refused: ${(error.cause as Error).message}`;
    if (error instanceof UpdateTimeoutError) return `ask again with ${error.dedupeId}: ${error.waitingFor}`;
    throw error;
  }
}
