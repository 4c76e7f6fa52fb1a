import { milliseconds, OnSignal, Workflow, WorkflowContext, WorkflowFailure } from 'nestjs-continuum';
import { ApprovalActivities } from '../approvals/approval.activities.js';
import { NotificationActivities } from '../notifications/notification.activities.js';
import { PaymentActivities } from '../payments/payment.activities.js';
import { ShipOrder } from '../shipping/ship-order.activity.js';
import { StockActivities } from '../stock/stock.activities.js';
import { fromCents, needsApproval } from './order.js';
import type { PlacedOrder, Receipt } from './order.js';

/**
 * An order on its way from the shelf to the customer. When it fails or is cancelled, what was done is undone: the approval
 * withdrawn, the money refunded, the goods released.
 */
@Workflow({ name: 'order', version: 1 })
export class OrderWorkflow {
  private approvedBy: string | null = null;

  constructor(
    private readonly ctx: WorkflowContext,
    private readonly stock: StockActivities,
    private readonly payments: PaymentActivities,
    private readonly approvals: ApprovalActivities,
    private readonly notifications: NotificationActivities,
  ) {}

  @OnSignal()
  approve(by: string): void {
    this.approvedBy ??= by;
  }

  async run(ctx: WorkflowContext, order: PlacedOrder): Promise<Receipt> {
    await this.step(() => this.stock.reserve(order));
    const payment = await this.step(() => this.payments.charge(order));
    if (needsApproval(order)) await this.approval(order);
    const { tracking } = await this.step(() => ctx.run(ShipOrder, order));
    // The parcel is gone: from here on a cancellation comes too late, and nothing is undone.
    ctx.commit();
    await ctx.nonCancellable(() => this.notifications.shipped(order, tracking));
    return {
      orderId: order.id,
      total: fromCents(order.cents),
      paymentId: payment.id,
      tracking,
      approvedBy: this.approvedBy,
    };
  }

  private async approval(order: PlacedOrder): Promise<void> {
    await this.step(() => this.approvals.request(order.id));
    const approved = await this.ctx.condition(
      () => this.approvedBy !== null,
      milliseconds(order.approvalTimeout),
    );
    if (!approved) throw new WorkflowFailure(`Nobody approved the order within ${order.approvalTimeout}.`);
  }

  /**
   * A cancellation is met before a step or after it, never inside: a card that is being charged is charged to the end, or
   * nobody would know whether there is something to refund.
   */
  private async step<T>(work: () => Promise<T>): Promise<T> {
    // Holds at once, and throws when the order was cancelled.
    await this.ctx.condition(() => true);
    return this.ctx.nonCancellable(work);
  }
}
