import type { ServerResponse } from 'node:http';
import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { approval, cancellation, newOrder } from './order.js';
import type { NewOrder } from './order.js';
import { orderQuery } from './order-view.js';
import type { OrderDetails, OrderQuery, OrderSummary } from './order-view.js';
import { OrdersService } from './orders.service.js';

@Controller('orders')
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  @Post()
  @HttpCode(202)
  place(@Body({ schema: newOrder }) order: NewOrder): Promise<{ workflowId: string }> {
    return this.orders.place(order);
  }

  /** The newest first. Further pages follow the header `Link: <…>; rel="next"`. */
  @Get()
  async list(
    @Query({ schema: orderQuery }) { status, limit, cursor }: OrderQuery,
    @Res({ passthrough: true }) response: ServerResponse,
  ): Promise<readonly OrderSummary[]> {
    const page = await this.orders.list(status, limit, cursor);
    if (page.cursor !== undefined) {
      const next = new URLSearchParams({
        ...(status && { status }),
        limit: String(limit),
        cursor: page.cursor,
      });
      response.setHeader('link', `</orders?${next.toString()}>; rel="next"`);
    }
    return page.orders;
  }

  @Get(':id')
  find(@Param('id') id: string): Promise<OrderDetails> {
    return this.orders.find(id);
  }

  @Post(':id/approve')
  @HttpCode(202)
  approve(@Param('id') id: string, @Body({ schema: approval }) { by }: { by: string }): Promise<void> {
    return this.orders.approve(id, by);
  }

  /** Accepted is not yet cancelled: an order that has been shipped meanwhile completes. */
  @Post(':id/cancel')
  @HttpCode(202)
  cancel(
    @Param('id') id: string,
    @Body({ schema: cancellation }) { reason }: { reason?: string },
  ): Promise<void> {
    return this.orders.cancel(id, reason);
  }
}
