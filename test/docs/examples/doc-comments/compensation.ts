// The examples in the doc comments of @Compensate.
import { Injectable } from '@nestjs/common';
import { Activity, Compensate } from 'nestjs-continuum';
import type { Order, Payment, Receipt, ShipInput } from './activities.js';

@Activity()
export class ShipOrder {
  async execute(input: ShipInput): Promise<Receipt> {
    return { number: input.order };
  }
  @Compensate() async recall(receipt: Receipt, input: ShipInput): Promise<void> {
    void [receipt, input];
  }
}

@Injectable()
export class Payments {
  @Activity() async charge(order: Order): Promise<Payment> {
    return { number: order.id };
  }
  @Compensate('charge') async refund(payment: Payment, order: Order): Promise<void> {
    void [payment, order];
  }
}

export interface FlightInput {
  readonly to: string;
}
export interface Booking {
  readonly seat: string;
}

@Activity()
export class BookFlight {
  async execute(input: FlightInput): Promise<Booking> {
    return { seat: input.to };
  }
}

@Compensate(BookFlight)
export class CancelFlight {
  async execute(booking: Booking, input: FlightInput): Promise<void> {
    void [booking, input];
  }
}
