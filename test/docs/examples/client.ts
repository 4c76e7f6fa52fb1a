import { Injectable } from '@nestjs/common';
import {
  Workflow,
  WorkflowAlreadyStartedError,
  WorkflowClient,
  WorkflowContext,
  WorkflowFailedError,
} from 'nestjs-continuum';
import type { DataSource } from 'typeorm';
import { checkedOut, CartWorkflow } from './signals.js';

@Workflow({ name: 'reminder' })
export class ReminderWorkflow {
  async run(ctx: WorkflowContext, customer: string): Promise<string> {
    await ctx.sleep('1 second');
    return customer;
  }
}

@Injectable()
export class Carts {
  constructor(private readonly workflows: WorkflowClient) {}

  async open(customer: string): Promise<string> {
    const handle = await this.workflows.start(CartWorkflow, undefined, {
      id: `cart-${customer}`,
      onConflict: 'useExisting', // an open run has the id: a handle of it
      onReuse: 'allow', // a closed run had the id: start a new one
      attributes: { customer },
    });
    return handle.workflowId;
  }

  async openOnce(requestId: string): Promise<boolean> {
    const cart = await this.workflows.start(CartWorkflow, undefined, {
      id: `cart-${requestId}`,
      onConflict: 'useExisting', // it runs: a handle of it
      onReuse: 'useExisting', // it ran: a handle of it
    });
    return cart.created;
  }

  async remind(customer: string): Promise<void> {
    try {
      await this.workflows.start(ReminderWorkflow, customer, {
        id: `reminder-${customer}`,
        debounce: { period: '1 hour', longest: '1 day' },
      });
    } catch (error) {
      if (!(error instanceof WorkflowAlreadyStartedError)) throw error; // it has begun: too late for this input
    }
  }

  async fill(customer: string, sku: string, requestId: string): Promise<void> {
    const cart = this.workflows.handle(CartWorkflow, `cart-${customer}`);
    await cart.signal('add', { sku, quantity: 1 }, { dedupeId: requestId }); // sent twice, it counts once
  }

  async checkOut(customer: string): Promise<string> {
    const cart = this.workflows.handle(CartWorkflow, `cart-${customer}`);
    const entries = await cart.query('content');
    if (entries.length === 0) {
      await cart.cancel({ reason: 'nothing in it' });
      return 'cancelled';
    }
    await cart.signal(checkedOut, { by: customer });
    try {
      return await cart.result({ timeout: '30s' });
    } catch (error) {
      if (error instanceof WorkflowFailedError) return `failed: ${String(error.cause)}`;
      throw error; // ResultTimeoutError, for example: the run goes on, ask again later
    }
  }

  async giveUp(id: string, user: string): Promise<readonly string[]> {
    const order = this.workflows.handle(CartWorkflow, id);
    await order.cancel({ reason: 'sold out', actor: { name: user } });
    const { operations, cursor } = await order.operations({ limit: 20 });
    const lines = operations.map(
      ({ by, verb, outcome, facts }) => `${by}: ${verb} ${outcome} ${facts.reason ?? ''}`,
    );
    return cursor === undefined ? lines : [...lines, '…'];
  }

  async openOnes(customer: string): Promise<readonly string[]> {
    const ids: string[] = [];
    let cursor: string | undefined;
    do {
      const where = { workflow: CartWorkflow, state: 'running', attributes: { customer } } as const;
      const page = await this.workflows.list({ where, limit: 100, cursor });
      ids.push(...page.runs.map(({ workflowId }) => workflowId));
      ({ cursor } = page);
    } while (cursor !== undefined);
    return ids;
  }

  async openWith(dataSource: DataSource, customer: string, fail: boolean): Promise<void> {
    await dataSource.transaction(async (manager) => {
      await manager.query('insert into customers (name) values ($1)', [customer]);
      await this.workflows.start(CartWorkflow, undefined, { id: `cart-${customer}`, manager });
      if (fail) throw new Error('rolled back: neither the customer nor the cart exists');
    });
  }
}
