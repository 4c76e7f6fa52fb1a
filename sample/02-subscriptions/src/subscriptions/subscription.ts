import { z } from 'zod';

/** What a month of each plan costs, in cents. */
export const PLANS = { free: 0, basic: 900, pro: 2_900 } as const;

export const planName = z.enum(['free', 'basic', 'pro']);
export type Plan = z.infer<typeof planName>;

export const customerId = z
  .string()
  .regex(/^[a-z0-9][\w.-]{0,49}$/i, 'must have letters, digits, "_", "." and "-" only');

/** What `POST /subscriptions` takes. */
export const newSubscription = z.object({ customer: customerId, plan: planName });
export type NewSubscription = z.infer<typeof newSubscription>;

export const planChange = z.object({ plan: planName });

/** The input of every month. What a run depends on travels with it: a setting may be another one after a restart. */
export interface Subscription extends NewSubscription {
  /** 1 is the first month. */
  readonly month: number;
  /** How long a month takes, and how long a customer has to pay after a card was refused; in ms. */
  readonly monthLength: number;
  readonly dunningTime: number;
}

export interface SubscriptionStatus {
  readonly plan: Plan;
  readonly month: number;
  /** `ending` at the end of this month. */
  readonly state: 'active' | 'ending';
}

/** What is left of a subscription when it is over. */
export interface SubscriptionEnd {
  readonly months: number;
  readonly why: 'cancelled' | 'not paid';
}
