import { z } from 'zod';

/** One line of text, as people write it. */
const line = (longest: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(longest)
    .regex(/^\P{Cc}*$/u, 'must have no control characters');

/** In the shop's currency. Inside the shop amounts are whole cents: sums of floats drift. */
const price = z
  .number()
  .positive()
  .max(1_000_000)
  .refine((value) => Math.abs(value * 100 - inCents(value)) < 1e-6, 'must have at most two decimals');

const item = z.object({ sku: line(100), quantity: z.int().positive().max(1_000_000_000), price });

export const orderId = z
  .string()
  .regex(/^[a-z0-9][\w.:-]{0,99}$/i, 'must have letters, digits, "_", ".", ":" and "-" only, at most 100');

/** What `POST /orders` takes. */
export const newOrder = z
  .object({ id: orderId, customer: line(100), items: z.array(item).min(1).max(100) })
  .refine((order) => Number.isSafeInteger(totalOf(order.items)), {
    path: ['items'],
    message: 'cost more than can be counted',
  });

export const approval = z.object({ by: line(100) });
export const cancellation = z.object({ reason: line(500).optional() }).default({});

export type NewOrder = z.infer<typeof newOrder>;
export type Item = z.infer<typeof item>;

/** The input of the workflow. What a run depends on travels with it: a setting may be another one after a restart. */
export interface PlacedOrder extends NewOrder {
  readonly cents: number;
  /** A duration, such as "10 minutes". */
  readonly approvalTimeout: string;
}

export interface Receipt {
  readonly orderId: string;
  readonly total: number;
  readonly paymentId: string;
  readonly tracking: string;
  readonly approvedBy: string | null;
}

const APPROVAL_ABOVE = inCents(1_000);

export const needsApproval = (order: { readonly cents: number }): boolean => order.cents > APPROVAL_ABOVE;

/** In cents. */
export function totalOf(items: readonly Item[]): number {
  return items.reduce((sum, { quantity, price: each }) => sum + quantity * inCents(each), 0);
}

export function inCents(amount: number): number {
  return Math.round(amount * 100);
}

export function fromCents(amount: number): number {
  return amount / 100;
}
