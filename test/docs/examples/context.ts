import { Injectable } from '@nestjs/common';
import { Activity, milliseconds, Workflow, WorkflowContext } from 'nestjs-continuum';

@Injectable()
export class Offers {
  @Activity()
  async ask(supplier: string): Promise<{ supplier: string; cents: number }> {
    return { supplier, cents: 100 + supplier.length };
  }

  @Activity()
  async refuse(supplier: string): Promise<string> {
    return supplier;
  }
}

// '3600' would be refused: it has no unit.
const patience = milliseconds(process.env['OFFER_TIMEOUT'] ?? '2 days');

@Workflow({ name: 'purchase', version: 1, compensation: 'automatic', mistakes: 'block' })
export class PurchaseWorkflow {
  private accepted?: string;

  constructor(
    private readonly ctx: WorkflowContext, // may stand here instead of in run
    private readonly offers: Offers,
  ) {}

  async run(_: WorkflowContext, suppliers: readonly string[]): Promise<string> {
    const { ctx } = this;
    const number = ctx.uuid();
    ctx.log.log('Asking', { number, suppliers: suppliers.length, since: ctx.now() });
    const offers = await ctx.withTimeout(patience, () =>
      Promise.all(suppliers.map((supplier) => this.offers.ask(supplier))),
    );
    offers.sort((a, b) => a.cents - b.cents);
    this.accepted = offers[0]?.supplier ?? 'nobody';
    for (const { supplier } of offers.slice(1)) {
      await ctx.activities(Offers, { timeout: '30s', retry: { maxAttempts: 5 } }).refuse(supplier);
    }
    return `${this.accepted} of ${ctx.info.workflowId}`;
  }
}
