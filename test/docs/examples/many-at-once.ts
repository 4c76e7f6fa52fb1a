import { Injectable } from '@nestjs/common';
import { Activity, Compensate, NonRetryableError, Workflow, WorkflowContext } from 'nestjs-continuum';

export const refunded: string[] = [];

@Injectable()
export class Till {
  @Activity()
  async charge(order: string): Promise<string> {
    if (order === 'unpaid') throw new NonRetryableError('no money');
    return `receipt of ${order}`;
  }

  @Compensate('charge')
  async refund(_receipt: string, order: string): Promise<void> {
    refunded.push(order);
  }
}

@Workflow({ name: 'charge-all' })
export class ChargeAllWorkflow {
  constructor(private readonly till: Till) {}

  async run(ctx: WorkflowContext, orders: readonly string[]): Promise<readonly string[]> {
    const receipts = await ctx.map(orders, (order) => this.till.charge(order), { concurrency: 20 });
    return receipts;
  }
}

@Workflow({ name: 'charge-what-goes' })
export class ChargeWhatGoesWorkflow {
  constructor(private readonly till: Till) {}

  async run(ctx: WorkflowContext, orders: readonly string[]): Promise<readonly string[]> {
    const outcomes = await ctx.map(orders, (order) =>
      this.till.charge(order).catch((error: Error) => `not charged: ${error.message}`),
    );
    return outcomes;
  }
}
