import { Injectable } from '@nestjs/common';
import { Activity, ActivityContext, Compensate } from 'nestjs-continuum';
import type { PlacedOrder } from '../orders/order.js';
import { untilItWorks } from '../orders/retry.js';
import { PaymentGateway } from './payment-gateway.js';

export interface Payment {
  readonly id: string;
  readonly cents: number;
}

@Injectable()
export class PaymentActivities {
  constructor(private readonly gateway: PaymentGateway) {}

  /** Every attempt has the same idempotency key, so the card is charged once. */
  @Activity(untilItWorks)
  async charge(order: PlacedOrder, { idempotencyKey } = ActivityContext.current()): Promise<Payment> {
    const { id: orderId, customer, cents } = order;
    const { paymentId } = await this.gateway.charge({ idempotencyKey, orderId, customer, cents });
    return { id: paymentId, cents };
  }

  @Compensate('charge', untilItWorks)
  async refund(payment: Payment, { id: orderId, customer }: PlacedOrder): Promise<void> {
    const idempotencyKey = `refund of ${payment.id}`;
    await this.gateway.refund({ idempotencyKey, orderId, customer, cents: payment.cents });
  }
}
