import { OnSignal, RunInput, Workflow } from 'nestjs-continuum';
import type { WorkflowContext } from 'nestjs-continuum';
import { InvoiceWorkflow } from '../invoices/invoice.workflow.js';
import { PLANS } from './subscription.js';
import type { Subscription, SubscriptionEnd } from './subscription.js';
import { SubscriptionWorkflow } from './subscription.workflow.js';

/**
 * As subscriptions were before plans could be changed. Those that began so finish their month here, and go on with the next
 * version. When none is left, this class can be deleted.
 */
@Workflow({ name: 'subscription', version: 1 })
export class SubscriptionWorkflowV1 {
  private isEnding = false;

  constructor(@RunInput() private readonly subscription: Subscription) {}

  @OnSignal()
  end(): void {
    this.isEnding = true;
  }

  async run(
    ctx: WorkflowContext,
    { customer, month, monthLength, dunningTime, plan }: Subscription,
  ): Promise<SubscriptionEnd> {
    await ctx.child(
      InvoiceWorkflow,
      { customer, month, cents: PLANS[plan], dunningTime },
      { id: `invoice-${customer}-${month}` },
    );
    await ctx.condition(() => this.isEnding, monthLength);
    if (this.isEnding) return { months: month, why: 'cancelled' };
    return ctx.continueAsNew(SubscriptionWorkflow, { ...this.subscription, month: month + 1 });
  }
}
