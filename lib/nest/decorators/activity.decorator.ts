import type { ActivityClass, ActivityOptions } from '../../core/index.js';
import { activityMarks, markInjectable } from '../activity-marks.js';

// `any` below stands in positions that only infer: a constraint with `unknown` would refuse every method.
/* oxlint-disable typescript/no-explicit-any */

export interface ActivityDecorator {
  /** On a class. */
  (target: ActivityClass): void;
  /** On a method. */
  <F extends (...args: any[]) => Promise<unknown>>(
    target: object,
    method: string | symbol,
    descriptor: TypedPropertyDescriptor<F>,
  ): void;
}

/**
 * Makes a method, or a class with `execute(input, ctx)`, an activity: a piece of work with effects. Called from a
 * workflow it is journaled and retried, and its result is recorded once. It may run more than once, so an effect
 * that must not happen twice uses `ctx.idempotencyKey`.
 *
 * ```ts
 * @Injectable()
 * export class PaymentActivities {
 *   @Activity({ retry: { maxAttempts: 5 }, timeout: '30s' })
 *   async charge(order: Order, ctx = ActivityContext.current()): Promise<Payment> { … }
 * }
 *
 * @Activity({ concurrency: 4 })
 * export class ShipOrder {
 *   async execute(input: ShipInput, ctx: ActivityContext): Promise<Receipt> { … }
 * }
 * ```
 *
 * Interceptors on the class or the method run around each attempt, with `context.getType() === 'activity'`. Global
 * ones, guards, filters and pipes do not: they are written for requests.
 *
 * @param options name, retries, timeouts and concurrency. Defaults to `Class.method` (or `Class` for a class), 3
 * attempts, 5 minutes for each.
 */
export function Activity(options: ActivityOptions = {}): ActivityDecorator {
  return (target: object, method?: string | symbol): void => {
    if (method === undefined) {
      markInjectable(target);
      activityMarks.add((target as { prototype: object }).prototype, 'execute', { form: 'class', options });
    } else {
      activityMarks.add(target, method, { form: 'method', options });
    }
  };
}
