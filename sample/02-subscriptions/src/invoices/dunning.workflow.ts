import { OnSignal, Workflow } from 'nestjs-continuum';
import type { WorkflowContext } from 'nestjs-continuum';
import { InvoiceActivities } from './invoice.activities.js';

export interface DunningCase {
  readonly customer: string;
  readonly number: string;
}

/** Reminds a customer of an invoice until it is paid. How long it may take at most is its `executionTimeout`, given by who starts it. */
@Workflow({ name: 'dunning' })
export class DunningWorkflow {
  private isPaid = false;

  constructor(private readonly invoices: InvoiceActivities) {}

  @OnSignal()
  paid(): void {
    this.isPaid = true;
  }

  async run(ctx: WorkflowContext, dunned: DunningCase): Promise<true> {
    for (let reminder = 1; !this.isPaid; reminder++) {
      await this.invoices.remind(dunned, reminder);
      // Ever more patient: a second, two, four …
      await ctx.condition(() => this.isPaid, 1_000 * 2 ** Math.min(reminder - 1, 10));
    }
    return true;
  }
}
