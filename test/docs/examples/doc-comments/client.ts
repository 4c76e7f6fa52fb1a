// The examples in the doc comments of the client and of its handles.
import { Body, Controller, Injectable, Param, Post } from '@nestjs/common';
import {
  InjectWorkflowClient,
  OnSignal,
  Workflow,
  WorkflowClient,
  WorkflowContext,
  WorkflowFailedError,
} from 'nestjs-continuum';
import type { Order, Payment, Receipt } from './activities.js';

@Workflow({ name: 'order', version: 1 })
export class OrderWorkflow {
  @OnSignal() approve(by: string): void {
    void by;
  }

  async run(ctx: WorkflowContext, order: Order): Promise<Receipt> {
    return { number: `${order.id} of ${ctx.info.workflowId}` };
  }
}

@Controller('orders')
export class OrdersController {
  constructor(private readonly workflows: WorkflowClient) {}

  @Post()
  async create(@Body() order: Order) {
    const handle = await this.workflows.start(OrderWorkflow, order, { id: `order-${order.id}` });
    return { workflowId: handle.workflowId };
  }
}

@Controller()
export class PaymentsController {
  constructor(private readonly workflows: WorkflowClient) {}

  @Post('payments/:token')
  async paid(@Param('token') token: string, @Body() payment: Payment) {
    await this.workflows.callback<Payment>(token).complete(payment);
  }
}

export async function paidByHand(
  client: WorkflowClient,
  orderId: string,
  payment: Payment,
  event: { readonly id: string },
): Promise<boolean> {
  const answer = await client
    .callback<Payment>(`payment-${orderId}`)
    .complete(payment, { dedupeId: event.id });
  return answer === 'applied';
}

@Injectable()
export class Bills {
  constructor(@InjectWorkflowClient('billing') private readonly billing: WorkflowClient) {}

  async count(): Promise<number> {
    return this.billing.count();
  }
}

export async function lateOnes(workflows: WorkflowClient, today: Date): Promise<number> {
  const late = await workflows.list({
    where: { attributes: { stage: { in: ['paid', 'packed'] }, due: { lt: today.toISOString() } } },
  });
  return late.runs.length;
}

export async function review(client: WorkflowClient, order: Order): Promise<void> {
  const debounce = { period: '10s', longest: '5m' } as const;
  await client.start(OrderWorkflow, order, { id: `review-${order.id}`, debounce });
}

export async function approve(client: WorkflowClient): Promise<Receipt> {
  const handle = client.handle(OrderWorkflow, 'order-17');
  await handle.signal('approve', 'ann');
  const receipt = await handle.result({ timeout: '30s' });
  for (const { seq, entry } of await handle.history())
    if (entry.type === 'activity_completed') console.log(seq, entry.result);
  return receipt;
}

export async function whoAsked(client: WorkflowClient): Promise<void> {
  const handle = client.handle(OrderWorkflow, 'order-17');
  await handle.cancel({ reason: 'sold out', actor: { name: 'ann' } });
  await handle.terminate({ reason: 'a test', actor: { name: 'ann' } });
  const { operations } = await handle.operations({ limit: 20 });
  for (const { at, by, verb, outcome } of operations) console.log(new Date(at), by, verb, outcome);
}

export async function undoneAfterAll(client: WorkflowClient): Promise<string> {
  const handle = client.handle(OrderWorkflow, 'order-17');
  await handle.retryRollback({ reason: 'the bank is back', actor: { name: 'ann' } });
  const error = await handle.result().catch((failure: WorkflowFailedError) => failure);
  return error instanceof WorkflowFailedError ? error.rollback : error.number;
}

export async function notUndone(client: WorkflowClient): Promise<boolean> {
  const handle = client.handle(OrderWorkflow, 'order-17');
  const { state, rollback } = await handle.describe();
  const kept = rollback?.filter(({ outcome }) => outcome !== 'undone');
  return state === 'failed' && kept !== undefined && kept.length > 0;
}
