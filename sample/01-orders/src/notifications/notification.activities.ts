import { Injectable } from '@nestjs/common';
import { Activity, ActivityContext } from 'nestjs-continuum';
import type { PlacedOrder } from '../orders/order.js';
import { untilItWorks } from '../orders/retry.js';

@Injectable()
export class NotificationActivities {
  /** Plays a mail server. A mail may arrive twice: an activity runs at least once. */
  @Activity(untilItWorks)
  async shipped(order: PlacedOrder, tracking: string, ctx = ActivityContext.current()): Promise<void> {
    ctx.logger.log(`Mail to ${order.customer}: your order is on its way, follow it as ${tracking}`);
  }
}
