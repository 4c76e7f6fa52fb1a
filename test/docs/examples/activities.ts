import { Injectable } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import {
  Activity,
  ActivityContext,
  ActivityFailure,
  NonRetryableError,
  Workflow,
  WorkflowContext,
} from 'nestjs-continuum';
import { gateway } from './gateway.js';
import type { Order } from './gateway.js';

export const pool = {
  closed: false,
  insert: async (_row: string): Promise<void> => {},
  close: async (): Promise<void> => {},
};

export class CardDeclinedError extends NonRetryableError {
  override readonly name = 'CardDeclinedError';
}

@Injectable()
export class Cards {
  @Activity({
    timeout: '30s', // of one attempt
    retry: { maxAttempts: 5, initialInterval: '500ms', maxInterval: '10s' },
  })
  async charge(order: Order, ctx = ActivityContext.current()): Promise<string> {
    if (order.card === 'expired') throw new CardDeclinedError('The card has expired.');
    ctx.logger.log('Charging', { cents: order.cents, attempt: ctx.attempt });
    return gateway.charge(order.card, order.cents, ctx.idempotencyKey);
  }
}

@Activity({ timeout: '1 hour', heartbeatTimeout: '30s' })
export class ImportRows {
  async execute(rows: readonly string[], ctx: ActivityContext): Promise<number> {
    const done = (ctx.lastHeartbeat as number | undefined) ?? 0;
    for (const [i, row] of rows.slice(done).entries()) {
      ctx.signal.throwIfAborted();
      await pool.insert(row);
      ctx.heartbeat(done + i + 1);
    }
    return rows.length;
  }
}

@Workflow({ name: 'import' })
export class ImportWorkflow {
  constructor(private readonly cards: Cards) {}

  async run(ctx: WorkflowContext, order: Order): Promise<string> {
    const rows = await ctx.run(ImportRows, ['a', 'b', 'c']);
    try {
      await ctx.activities(Cards, { timeout: '2m', retry: { maxAttempts: 1 } }).charge(order);
      return `${rows} rows, paid`;
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      return `${rows} rows, not paid: ${(error.cause as Error).message}`;
    }
  }

  /** For the page only: the plain form of the call above. */
  async charged(order: Order): Promise<string> {
    return this.cards.charge(order);
  }
}

@Injectable()
export class Database implements OnApplicationShutdown {
  async onApplicationShutdown(): Promise<void> {
    await pool.close(); // not in onModuleDestroy: activities may still run then
  }
}
