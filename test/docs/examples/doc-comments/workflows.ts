// The examples in the doc comments of @Workflow, @OnSignal, @OnQuery, @WorkflowSafe and the module.
import { Inject, Injectable, Module } from '@nestjs/common';
import {
  ContinuumModule,
  OnQuery,
  OnSignal,
  Workflow,
  WorkflowContext,
  WorkflowSafe,
} from 'nestjs-continuum';
import { z } from 'zod';
import { type Order, PaymentActivities, type Receipt, StockActivities } from './activities.js';

@Workflow({ name: 'order', version: 1 })
export class OrderWorkflow {
  constructor(private readonly payments: PaymentActivities) {}

  async run(ctx: WorkflowContext, order: Order): Promise<Receipt> {
    await ctx.sleep('1 hour');
    return this.payments.charge(order);
  }
}

@Module({
  imports: [ContinuumModule.forRoot({ connection: { url: process.env['DATABASE_URL'] } })],
  providers: [OrderWorkflow, StockActivities, PaymentActivities],
})
export class AppModule {}

@Workflow({ name: 'approval', version: 1 })
export class ApprovalWorkflow {
  private approvedBy: string | undefined;

  @OnSignal() approve(by: string): void {
    this.approvedBy = by;
  }

  @OnQuery() status(): string {
    return this.approvedBy ? 'approved' : 'waiting';
  }

  async run(ctx: WorkflowContext): Promise<void> {
    await ctx.condition(() => this.approvedBy !== undefined);
  }
}

@Workflow({ name: 'approval', version: 2 })
export class CheckedApprovalWorkflow {
  private approvedBy: string | undefined;

  @OnSignal({ input: z.string().min(1) }) approve(by: string): void {
    this.approvedBy = by;
  }

  async run(ctx: WorkflowContext): Promise<void> {
    await ctx.condition(() => this.approvedBy !== undefined);
  }
}

@WorkflowSafe()
@Injectable()
export class PriceCalculator {
  gross(net: number, tax: number): number {
    return net * (1 + tax);
  }
}

@Workflow({ name: 'invoice', version: 1 })
export class InvoiceWorkflow {
  constructor(
    private readonly prices: PriceCalculator,
    @Inject('TAX') @WorkflowSafe() private readonly tax: number,
  ) {}

  async run(ctx: WorkflowContext, net: number): Promise<number> {
    return this.prices.gross(
      net,
      ctx.sideEffect(() => this.tax),
    );
  }
}

@Workflow({ name: 'purchase', aliases: ['order'] })
export class PurchaseWorkflow extends OrderWorkflow {}
