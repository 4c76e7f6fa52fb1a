import { ConflictException, Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import {
  CancelledError,
  WorkflowCancelledError,
  WorkflowClient,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowTerminatedError,
} from 'nestjs-continuum';
import type { RunDescription, RunState, WorkflowHandle } from 'nestjs-continuum';
import { DataSource, In, IsNull, Repository } from 'typeorm';
import { z } from 'zod';
import { Approval } from '../approvals/approval.entity.js';
import { Settings } from '../settings.js';
import { fromCents, needsApproval, orderId, totalOf } from './order.js';
import type { NewOrder } from './order.js';
import type { Failure, OrderDetails, OrderPage, OrderStatus, OrderSummary } from './order-view.js';
import { OrderWorkflow } from './order.workflow.js';

/** What lists of runs show, so that nobody has to look into their histories. */
const orderAttributes = z.object({ customer: z.string(), cents: z.number() });

const PREFIX = 'order-';

@Injectable()
export class OrdersService {
  constructor(
    private readonly workflows: WorkflowClient,
    @InjectRepository(Approval) private readonly approvals: Repository<Approval>,
    private readonly dataSource: DataSource,
    private readonly settings: Settings,
  ) {}

  /** Places an order, once for each id: placed again, it is the one that is known already, running or ended. */
  async place(order: NewOrder): Promise<{ workflowId: string }> {
    const cents = totalOf(order.items);
    const attributes = { customer: order.customer, cents };
    const { workflowId } = await this.workflows.start(
      OrderWorkflow,
      { ...order, cents, approvalTimeout: this.settings.approvalTimeout },
      { id: PREFIX + order.id, onConflict: 'useExisting', onReuse: 'useExisting', attributes },
    );
    return { workflowId };
  }

  async find(id: string): Promise<OrderDetails> {
    const run = await this.#handle(id).describe();
    const [order] = await this.#summaries([run]);
    if (run.state === 'running') return order!;
    const ended = this.workflows.handle(OrderWorkflow, run.workflowId, run.runId);
    try {
      return { ...order!, result: await ended.result() };
    } catch (error) {
      return { ...order!, failure: failureOf(error) };
    }
  }

  /** One page of the journal. It may be shorter than `limit`: what tells the last one is that no cursor follows. */
  async list(status: OrderStatus | undefined, limit: number, cursor: string | undefined): Promise<OrderPage> {
    const state = status && STATES[status];
    for (;;) {
      const page = await this.workflows.list({ where: { workflow: OrderWorkflow, state }, limit, cursor });
      const summaries = await this.#summaries(page.runs);
      const orders = summaries.filter((order) => status === undefined || order.status === status);
      if (orders.length > 0 || page.cursor === undefined) return { orders, cursor: page.cursor };
      cursor = page.cursor;
    }
  }

  /** The list of approvals and the workflow hear of it in one transaction: both, or neither. */
  async approve(id: string, by: string): Promise<void> {
    const handle = this.#handle(id);
    const run = await handle.describe();
    if (!needsApproval(attributesOf(run))) {
      throw new ConflictException(`The order "${id}" needs no approval: its total is not over 1,000.`);
    }
    await this.dataSource.transaction(async (manager) => {
      await manager.query(
        `insert into approvals (order_id, approved_by) values ($1, $2)
         on conflict (order_id) do update set approved_by = coalesce(approvals.approved_by, excluded.approved_by)`,
        [id, by],
      );
      await handle.signal('approve', by, { manager });
    });
  }

  async cancel(id: string, reason: string | undefined): Promise<void> {
    await this.#handle(id).cancel({ reason });
  }

  #handle(id: string): WorkflowHandle<OrderWorkflow> {
    if (!orderId.safeParse(id).success) throw new WorkflowNotFoundError(PREFIX + id);
    return this.workflows.handle(OrderWorkflow, PREFIX + id);
  }

  /** Two statements for any number of runs: their own, and one for the approvals that are open. */
  async #summaries(runs: readonly RunDescription[]): Promise<OrderSummary[]> {
    const large = runs
      .filter((run) => run.state === 'running' && needsApproval(attributesOf(run)))
      .map(orderIdOf);
    const open =
      large.length === 0
        ? []
        : await this.approvals.findBy({ orderId: In(large), approvedBy: IsNull(), withdrawnAt: IsNull() });
    const waiting = new Set(open.map(({ orderId: id }) => id));
    return runs.map((run) => {
      const { customer, cents } = attributesOf(run);
      const id = orderIdOf(run);
      return {
        id,
        workflowId: run.workflowId,
        status: run.state === 'running' && waiting.has(id) ? 'waiting for approval' : STATUS_OF[run.state],
        customer,
        total: fromCents(cents),
        placedAt: new Date(run.startedAt).toISOString(),
      };
    });
  }
}

const STATUS_OF: Readonly<Record<RunState, OrderStatus>> = {
  running: 'running',
  // No order continues as another run.
  continued: 'running',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
  timed_out: 'failed',
  terminated: 'failed',
};

/** In which states of their runs orders of a status are. */
const STATES: Readonly<Record<OrderStatus, readonly RunState[]>> = {
  running: ['running'],
  'waiting for approval': ['running'],
  completed: ['completed'],
  failed: ['failed', 'timed_out', 'terminated'],
  cancelled: ['cancelled'],
};

const orderIdOf = (run: RunDescription): string => run.workflowId.slice(PREFIX.length);
const attributesOf = (run: RunDescription) => orderAttributes.parse(run.attributes);

function failureOf(error: unknown): Failure {
  if (error instanceof WorkflowFailedError)
    return { reason: reasonOf(error.cause), rollback: error.rollback };
  if (error instanceof WorkflowCancelledError) {
    const { cause, rollback } = error;
    return {
      reason: (cause instanceof CancelledError && cause.reason) || 'The order was cancelled.',
      rollback,
    };
  }
  if (error instanceof WorkflowTerminatedError)
    return { reason: error.reason ?? error.message, rollback: 'none' };
  throw error;
}

/** What it all began with: a failed activity tells its own failure as the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : reasonOf(error.cause);
}
