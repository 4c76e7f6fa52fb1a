import { Body, Controller, HttpCode, Injectable, Param, Post } from '@nestjs/common';
import {
  Activity,
  CallbackFailure,
  CallbackNotPendingError,
  Workflow,
  WorkflowClient,
  WorkflowContext,
} from 'nestjs-continuum';
import { z } from 'zod';

export interface Order {
  readonly id: string;
  readonly cents: number;
}

/** What the provider was asked for, for the spec: the URLs that it calls. */
export const asked: string[] = [];

export const PaymentSchema = z.object({ receipt: z.string().min(1) });

@Injectable()
export class PaymentProvider {
  @Activity()
  async begin({ cents }: Order, webhook: string): Promise<void> {
    // A POST to the provider, with the amount and the URL that it shall call.
    if (cents > 0) asked.push(webhook);
  }
}

@Workflow({ name: 'paid order' })
export class PaidOrderWorkflow {
  constructor(private readonly provider: PaymentProvider) {}

  async run(ctx: WorkflowContext, order: Order): Promise<string> {
    const paid = ctx.callback({
      key: `payment-${order.id}`,
      timeout: '3 days',
      schema: PaymentSchema,
    });
    await this.provider.begin(order, `https://shop.example/payments/${paid.token}`);
    try {
      const payment = await paid.result;
      return payment ? payment.receipt : 'nobody has paid';
    } catch (error) {
      if (error instanceof CallbackFailure) return `not paid: ${(error.cause as Error).message}`;
      throw error;
    }
  }
}

interface PaymentEvent {
  readonly id: string;
  readonly receipt?: string;
  readonly declined?: string;
}

@Controller('payments')
export class PaymentsController {
  constructor(private readonly workflows: WorkflowClient) {}

  @Post(':token')
  @HttpCode(204)
  async called(@Param('token') token: string, @Body() event: PaymentEvent): Promise<void> {
    const callback = this.workflows.callback(token, { schema: PaymentSchema });
    const { id: dedupeId, receipt = '', declined } = event;
    if (declined) await callback.fail(new Error(declined), { dedupeId });
    else await callback.complete({ receipt }, { dedupeId });
  }
}

@Injectable()
export class Desk {
  constructor(private readonly workflows: WorkflowClient) {}

  /** By hand, by whoever knows the order and nothing else. */
  async paidInCash(orderId: string): Promise<boolean> {
    try {
      const answer = await this.workflows
        .callback<{ receipt: string }>(`payment-${orderId}`)
        .complete({ receipt: 'cash' });
      return answer === 'applied'; // 'unchanged': it was paid, or declined, before
    } catch (error) {
      if (error instanceof CallbackNotPendingError) return false; // too late
      throw error;
    }
  }
}
