import {
  ChildWorkflowFailure,
  OnQuery,
  OnSignal,
  OnUpdate,
  RunInput,
  ValidateUpdate,
  Workflow,
} from 'nestjs-continuum';
import type { WorkflowContext } from 'nestjs-continuum';
import { AccountWorkflow } from '../accounts/account.workflow.js';
import { InvoiceActivities } from '../invoices/invoice.activities.js';
import { InvoiceWorkflow } from '../invoices/invoice.workflow.js';
import type { InvoiceRequest, PaidInvoice } from '../invoices/invoice.workflow.js';
import { PLANS } from './subscription.js';
import type { Plan, Subscription, SubscriptionEnd, SubscriptionStatus } from './subscription.js';

/**
 * A subscription, for as many years as it lasts. Each run is one month: it sends the invoice, waits for the month to end, and
 * continues as new, so that its history never grows.
 */
@Workflow({ name: 'subscription', version: 2 })
export class SubscriptionWorkflow {
  private plan: Plan;
  private isEnding = false;

  constructor(
    @RunInput() private readonly subscription: Subscription,
    private readonly invoices: InvoiceActivities,
  ) {
    this.plan = subscription.plan;
  }

  /** Counts from the next month. @returns what it will cost, in cents */
  @OnUpdate()
  changePlan(plan: Plan): number {
    this.plan = plan;
    return PLANS[plan];
  }
  @ValidateUpdate('changePlan')
  protected checkPlan(plan: Plan): void {
    if (this.isEnding) throw new Error('The subscription ends with this month.');
    if (plan === this.plan) throw new Error(`The plan is "${plan}" already.`);
  }

  @OnSignal()
  end(): void {
    this.isEnding = true;
  }

  @OnQuery()
  status(): SubscriptionStatus {
    const { month } = this.subscription;
    return { plan: this.plan, month, state: this.isEnding ? 'ending' : 'active' };
  }

  async run(ctx: WorkflowContext, subscription: Subscription): Promise<SubscriptionEnd> {
    const { customer, month, monthLength, dunningTime, plan } = subscription;
    ctx.setAttributes({ customer, plan, month });
    const ends = new Date(ctx.now().getTime() + monthLength);

    if (!(await this.paid(ctx, { customer, month, cents: PLANS[plan], dunningTime })))
      return { months: month - 1, why: 'not paid' };

    await ctx.condition(() => this.isEnding, Math.max(0, ends.getTime() - ctx.now().getTime()));
    // What callers have asked for is answered before the month is over.
    await ctx.condition(() => ctx.handlersFinished());
    if (this.isEnding) return { months: month, why: 'cancelled' };
    return ctx.continueAsNew({ ...subscription, plan: this.plan, month: month + 1 });
  }

  /** Whether the invoice of the month is paid. */
  private async paid(ctx: WorkflowContext, request: InvoiceRequest): Promise<boolean> {
    const { customer, month } = request;
    let invoice: PaidInvoice;
    try {
      invoice = await ctx.child(InvoiceWorkflow, request, { id: `invoice-${customer}-${month}` });
    } catch (error) {
      // A cancellation is none of its business.
      if (!(error instanceof ChildWorkflowFailure)) throw error;
      ctx.log.warn(`The month ${month} was not paid: ${error.message}`);
      return false;
    }
    // Added while subscriptions were running: those whose month had begun before go on as they began.
    if (ctx.patched('send receipts')) await this.invoices.receipt(invoice);
    await ctx.external(AccountWorkflow, `account-${customer}`).signal('invoicePaid', invoice.cents);
    return true;
  }
}
