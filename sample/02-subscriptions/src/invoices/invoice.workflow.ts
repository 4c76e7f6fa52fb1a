import { Workflow, WorkflowFailure } from 'nestjs-continuum';
import type { WorkflowContext } from 'nestjs-continuum';
import { CardActivities } from './card.activities.js';
import { DunningWorkflow } from './dunning.workflow.js';
import { InvoiceActivities } from './invoice.activities.js';

export interface InvoiceRequest {
  readonly customer: string;
  readonly month: number;
  readonly cents: number;
  readonly dunningTime: number;
}
export interface PaidInvoice extends InvoiceRequest {
  readonly number: string;
}

/** One invoice: written, charged, and if the card is refused, dunned for a while. One that is not paid is voided. */
@Workflow({ name: 'invoice' })
export class InvoiceWorkflow {
  constructor(
    private readonly invoices: InvoiceActivities,
    private readonly cards: CardActivities,
  ) {}

  async run(ctx: WorkflowContext, request: InvoiceRequest): Promise<PaidInvoice> {
    const { customer, cents, dunningTime } = request;
    // If anything below fails, it is voided: that is its compensation.
    const number = await this.invoices.write(request);
    if (!(await this.cards.charge(customer, cents))) {
      const paid = await ctx
        .child(
          DunningWorkflow,
          { customer, number },
          {
            id: `dunning-${number}`,
            executionTimeout: dunningTime,
          },
        )
        .catch(() => false);
      if (!paid) throw new WorkflowFailure(`The invoice ${number} was not paid in time.`);
    }
    return { ...request, number };
  }
}
