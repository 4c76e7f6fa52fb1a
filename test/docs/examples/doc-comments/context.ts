// The examples in the doc comments of the context, of signals that are declared once, and of what is stored.
import { Injectable } from '@nestjs/common';
import { Activity, defineSignal, RunInput, Workflow, WorkflowContext } from 'nestjs-continuum';
import { z } from 'zod';

export const Approved = defineSignal<{ by: string }>('approved');
export const Rejected = defineSignal('rejected', z.object({ by: z.string() }));
export const Paid = defineSignal<{ receipt: string }>('paid');

class Price {
  constructor(readonly cents: number) {}
  euros() {
    return this.cents / 100;
  }
}

@Activity()
export class LoadPrice {
  async execute(sku: string): Promise<Price> {
    return new Price(sku.length);
  }
}

@Workflow({ name: 'invoice' })
class InvoiceWorkflow {
  async run(_: WorkflowContext, { customer }: { customer: string; month: number }): Promise<string> {
    return customer;
  }
}

@Workflow({ name: 'month', version: 1 })
export class MonthWorkflow {
  async run(ctx: WorkflowContext, customer: string): Promise<string> {
    const month = 3;
    const receipt = await ctx.child(InvoiceWorkflow, { customer, month });
    return receipt;
  }
}

@Workflow({ name: 'year', version: 1 })
export class YearWorkflow {
  async run(ctx: WorkflowContext, customer: string): Promise<string> {
    const month = 3;
    const invoice = await ctx.startChild(InvoiceWorkflow, { customer, month });
    const receipt = await invoice.result();
    return receipt;
  }
}

@Activity()
export class FindSupplier {
  async execute(sku: string): Promise<{ supplier: string }> {
    return { supplier: `of ${sku}` };
  }
}

@Workflow({ name: 'purchase', version: 1 })
export class PurchaseWorkflow {
  async run(ctx: WorkflowContext, sku: string): Promise<string | undefined> {
    const price = await ctx.run(LoadPrice, sku); // Stored<Price>: { readonly cents: number }
    ctx.log.log(`It costs ${price.cents} cents.`);
    const first = await ctx.race({
      paid: () => ctx.waitForSignal(Paid),
      late: () => ctx.sleep('3 days'),
    });
    if (first.key === 'paid') return first.value.receipt;
    const { supplier } = await ctx.run(FindSupplier, sku);
    ctx.setDetails(`Waiting for ${supplier} to confirm`);
    ctx.setAttributes({ stage: 'shipping', parcels: 3, hint: undefined });
    return undefined;
  }
}

@Injectable()
export class FraudActivities {
  @Activity() async check(order: string): Promise<string> {
    return order;
  }
}
@Injectable()
export class PaymentActivities {
  @Activity() async charge(order: string): Promise<string> {
    return order;
  }
}

@Workflow({ name: 'patched-order' })
export class PatchedOrderWorkflow {
  constructor(
    private readonly fraud: FraudActivities,
    private readonly payments: PaymentActivities,
  ) {}

  async run(ctx: WorkflowContext, order: string): Promise<void> {
    if (ctx.patched('check-fraud')) await this.fraud.check(order);
    await this.payments.charge(order);
  }

  async later(ctx: WorkflowContext, order: string): Promise<void> {
    ctx.deprecatePatch('check-fraud');
    await this.fraud.check(order);
  }
}

@Workflow({ name: 'charged-orders' })
export class ChargedOrdersWorkflow {
  constructor(private readonly payments: PaymentActivities) {}

  async run(ctx: WorkflowContext, orders: readonly string[]): Promise<readonly string[]> {
    const receipts = await ctx.map(orders, (order) => this.payments.charge(order), { concurrency: 20 });
    return receipts;
  }
}

export interface Order {
  id: string;
}
@Injectable()
class StockActivities {
  @Activity()
  async reserve(_order: Order): Promise<void> {}
}

@Workflow({ name: 'reserving' })
export class ReservingWorkflow {
  constructor(
    @RunInput() private readonly order: Order,
    private readonly stock: StockActivities,
  ) {}

  async run(): Promise<void> {
    await this.stock.reserve(this.order);
  }
}

export const Usage = defineSignal<{ gigabytes: number }>('usage');

@Injectable()
class Billing {
  @Activity()
  async charge(_usage: { gigabytes: number }): Promise<void> {}
}

@Workflow()
export class AccountWorkflow {
  constructor(private readonly billing: Billing) {}

  async run(ctx: WorkflowContext, account: { customer: string; month: number }): Promise<never> {
    for (let day = 0; day < 30; day++) await this.billing.charge(await ctx.waitForSignal(Usage));
    return ctx.continueAsNew({ ...account, month: account.month + 1 });
  }
}

export async function tellUsage(ctx: WorkflowContext, customer: string): Promise<void> {
  await ctx
    .external(AccountWorkflow, customer)
    .signalWithStart({ customer, month: 1 }, Usage, { gigabytes: 12 });
}

@Injectable()
export class HotelActivities {
  @Activity() async book(city: string): Promise<string> {
    return city;
  }
}
@Injectable()
export class FlightActivities {
  @Activity() async book(city: string): Promise<string> {
    return city;
  }
}

interface Payment {
  readonly receipt: string;
}
@Injectable()
export class PaymentProvider {
  @Activity() async begin(order: { readonly id: string }, token: string): Promise<string> {
    return `${order.id} ${token}`;
  }
}

@Workflow({ name: 'paid-order' })
export class PaidOrderWorkflow {
  constructor(private readonly payments: PaymentProvider) {}

  async run(ctx: WorkflowContext, order: { readonly id: string }): Promise<string | undefined> {
    const paid = ctx.callback<Payment>({ key: `payment-${order.id}`, timeout: '3 days' });
    await this.payments.begin(order, paid.token);
    const payment = await paid.result;
    return payment?.receipt;
  }
}

@Workflow({ name: 'saga-trip' })
export class SagaTripWorkflow {
  constructor(
    private readonly hotels: HotelActivities,
    private readonly flights: FlightActivities,
  ) {}

  async run(ctx: WorkflowContext, city: string): Promise<boolean> {
    const trip = await ctx
      .saga(() => Promise.all([this.hotels.book(city), this.flights.book(city)]))
      .catch(() => null); // nothing is booked
    return trip !== null;
  }
}
