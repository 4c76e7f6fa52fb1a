import { Body, Controller, Injectable, Module, Post } from '@nestjs/common';
import {
  Activity,
  ActivityContext,
  Compensate,
  ContinuumModule,
  OnSignal,
  Workflow,
  WorkflowClient,
  WorkflowContext,
  WorkflowFailure,
} from 'nestjs-continuum';
import { gateway } from './gateway.js';
import type { Order } from './gateway.js';

@Injectable()
export class Payments {
  @Activity({ retry: { maxAttempts: 5 } })
  async charge(order: Order, { idempotencyKey } = ActivityContext.current()): Promise<string> {
    return gateway.charge(order.card, order.cents, idempotencyKey);
  }

  @Compensate('charge')
  async refund(paymentId: string): Promise<void> {
    await gateway.refund(paymentId);
  }
}

@Workflow({ name: 'order' })
export class OrderWorkflow {
  private approvedBy?: string; // fields are the state of one run
  constructor(private readonly payments: Payments) {} // injected as a durable proxy

  @OnSignal()
  approve(by: string): void {
    this.approvedBy = by;
  }

  async run(ctx: WorkflowContext, order: Order): Promise<string> {
    const paymentId = await this.payments.charge(order); // retried; its result is recorded once
    const approved = await ctx.condition(() => this.approvedBy !== undefined, '3 days'); // nothing runs meanwhile
    if (!approved) throw new WorkflowFailure('not approved in time'); // refunds, then fails
    return paymentId;
  }
}

@Controller('orders')
export class OrdersController {
  constructor(private readonly workflows: WorkflowClient) {}

  @Post()
  async place(@Body() order: Order): Promise<void> {
    await this.workflows.start(OrderWorkflow, order, { id: order.id });
  }
}

@Module({
  imports: [ContinuumModule.forRoot({ connection: { url: process.env['DATABASE_URL'] } })],
  controllers: [OrdersController],
  providers: [OrderWorkflow, Payments],
})
export class AppModule {}
