import { Injectable } from '@nestjs/common';
import {
  Activity,
  defineSignal,
  OnQuery,
  OnSignal,
  RunInput,
  Workflow,
  WorkflowClient,
  WorkflowContext,
} from 'nestjs-continuum';

export const Used = defineSignal<number>('used');

export interface Subscription {
  readonly customer: string;
  readonly month: number;
  readonly paid: readonly number[];
}

@Injectable()
export class Invoices {
  @Activity()
  async charge(customer: string, cents: number): Promise<number> {
    return customer === '' ? 0 : cents;
  }
}

@Workflow({ name: 'subscription' })
export class SubscriptionWorkflow {
  private ended = false;

  constructor(
    @RunInput() private readonly subscription: Subscription,
    private readonly invoices: Invoices,
  ) {}

  @OnSignal()
  end(): void {
    this.ended = true;
  }

  @OnQuery()
  month(): number {
    return this.subscription.month;
  }

  async run(ctx: WorkflowContext, { customer, month, paid }: Subscription): Promise<readonly number[]> {
    await ctx.condition(() => this.ended, '30 days');
    const all = [...paid, await this.invoices.charge(customer, 900)];
    if (this.ended) return all;
    return ctx.continueAsNew(SubscriptionWorkflow, { customer, month: month + 1, paid: all });
  }
}

@Workflow({ name: 'meter' })
export class MeterWorkflow {
  async run(ctx: WorkflowContext, before: number): Promise<number> {
    let sum = before;
    while (sum < 1_000) {
      sum += await ctx.waitForSignal(Used);
      if (ctx.info.continueAsNewSuggested) return ctx.continueAsNew(MeterWorkflow, sum);
    }
    return sum;
  }
}

/** What becomes of a chain, from outside. */
export class Subscriptions {
  constructor(private readonly client: WorkflowClient) {}

  async endOf(customer: string): Promise<readonly number[]> {
    const subscription = this.client.handle(SubscriptionWorkflow, `subscription-${customer}`);
    await subscription.signal('end'); // whichever run is open now
    return subscription.result(); // of the last one
  }

  async months(customer: string): Promise<number> {
    const { runs } = await this.client.list({
      where: { id: `subscription-${customer}`, state: 'continued' },
    });
    return runs.length;
  }
}
