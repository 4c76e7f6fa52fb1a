// The examples in the doc comments of @Activity and ActivityContext.
import { Injectable } from '@nestjs/common';
import { Activity, ActivityContext } from 'nestjs-continuum';

export interface Order {
  readonly id: string;
  readonly total: number;
}
export interface Receipt {
  readonly number: string;
}
export type Payment = Receipt;
export interface ShipInput {
  readonly order: string;
}

@Injectable()
export class StockActivities {
  @Activity()
  async reserve(order: Order): Promise<void> {
    void order;
  }
}

@Injectable()
export class PaymentActivities {
  @Activity({ retry: { maxAttempts: 5 }, timeout: '30s' })
  async charge(order: Order, ctx = ActivityContext.current()): Promise<Payment> {
    return { number: `${order.id}, attempt ${ctx.attempt}` };
  }
}

@Activity({ concurrency: 4 })
export class ShipOrder {
  async execute(input: ShipInput, ctx: ActivityContext): Promise<Receipt> {
    return { number: `${input.order}, attempt ${ctx.attempt}` };
  }
}

export abstract class Gateway {
  abstract charge(
    total: number,
    options: { readonly idempotencyKey: string; readonly signal: AbortSignal },
  ): Promise<Payment>;
}

@Injectable()
export class CardPayments {
  constructor(private readonly gateway: Gateway) {}

  @Activity()
  async charge(order: Order, ctx = ActivityContext.current()): Promise<Payment> {
    return this.gateway.charge(order.total, { idempotencyKey: ctx.idempotencyKey, signal: ctx.signal });
  }
}

@Injectable()
export class BillingActivities {
  @Activity({ name: 'billing.charge', aliases: ['PaymentActivities.charge'] })
  async charge(order: Order): Promise<Payment> {
    return { number: order.id };
  }
}
