import { Activity, defineSignal, OnSignal, Workflow, WorkflowContext } from 'nestjs-continuum';

export interface Order {
  readonly customer: string;
  readonly cents: number;
}
export interface Invoice {
  readonly number: string;
}

/** What was credited, for the spec. */
export const credited: string[] = [];

export const Paid = defineSignal<boolean>('paid');

@Workflow({ name: 'month invoice' })
export class InvoiceWorkflow {
  async run(ctx: WorkflowContext, { customer }: Order): Promise<Invoice> {
    return { number: `${customer} of ${ctx.info.parent?.workflowId}` };
  }
}

@Workflow({ name: 'month' })
export class MonthWorkflow {
  async run(ctx: WorkflowContext, customers: readonly string[]): Promise<number> {
    const invoices = await Promise.all(
      customers.map((customer) => ctx.child(InvoiceWorkflow, { customer, cents: 1_000 })),
    );
    return invoices.length;
  }
}

@Activity()
export class CreditInvoice {
  async execute({ result, input }: { result: Invoice; input: Order }): Promise<void> {
    credited.push(`${result.number}: ${input.cents}`);
  }
}

@Workflow({ name: 'sale' })
export class SaleWorkflow {
  async run(ctx: WorkflowContext, customer: string): Promise<void> {
    const invoice = await ctx.child(
      InvoiceWorkflow,
      { customer, cents: 2_500 },
      { id: `invoice-${customer}`, compensate: CreditInvoice },
    );
    throw new Error(`Nobody pays ${invoice.number}.`);
  }
}

@Workflow({ name: 'account' })
export class AccountWorkflow {
  private total = 0;

  @OnSignal()
  charged(euros: number): void {
    this.total += euros;
  }

  async run(ctx: WorkflowContext): Promise<number> {
    await ctx.condition(() => this.total > 0);
    return this.total;
  }
}

@Workflow({ name: 'charge' })
export class ChargeWorkflow {
  async run(ctx: WorkflowContext, customer: string): Promise<void> {
    const account = ctx.external(AccountWorkflow, customer);
    await account.signal('charged', 12);
  }
}

@Workflow({ name: 'first charge' })
export class FirstChargeWorkflow {
  async run(ctx: WorkflowContext, customer: string): Promise<void> {
    const account = ctx.external(AccountWorkflow, customer);
    await account.signalWithStart(undefined, 'charged', 30);
  }
}

@Workflow({ name: 'reminder' })
export class ReminderWorkflow {
  async run(ctx: WorkflowContext, customer: string): Promise<string> {
    await ctx.sleep('14 days');
    return `${customer} was reminded`;
  }
}

@Workflow({ name: 'dunning' })
export class DunningWorkflow {
  async run(ctx: WorkflowContext, customer: string): Promise<string> {
    const reminder = await ctx.startChild(ReminderWorkflow, customer, { parentClose: 'abandon' });
    const paid = await ctx.waitForSignal(Paid, { timeout: '30 days' });
    if (paid) reminder.cancel();
    return reminder.result().catch((error: Error) => error.name);
  }
}
