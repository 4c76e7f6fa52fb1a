import { z } from 'zod';
import type { Receipt } from './order.js';

const STATUSES = ['running', 'waiting for approval', 'completed', 'failed', 'cancelled'] as const;
export type OrderStatus = (typeof STATUSES)[number];

/** What `GET /orders` takes. */
export const orderQuery = z.object({
  status: z.enum(STATUSES).optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(1_000),
  cursor: z.string().min(1).optional(),
});
export type OrderQuery = z.infer<typeof orderQuery>;

export interface OrderSummary {
  readonly id: string;
  readonly workflowId: string;
  readonly status: OrderStatus;
  readonly customer: string;
  readonly total: number;
  readonly placedAt: string;
}

export interface OrderDetails extends OrderSummary {
  readonly result?: Receipt;
  readonly failure?: Failure;
}

/** Why an order did not come to a good end, and whether everything that had been done for it is undone. */
export interface Failure {
  readonly reason: string;
  readonly rollback: 'none' | 'complete' | 'incomplete';
}

export interface OrderPage {
  readonly orders: readonly OrderSummary[];
  readonly cursor: string | undefined;
}
