import type { ActivityClass, ActivityExecute, ActivityOptions, Class } from '../../core/index.js';
import type { Undone } from '../activity-marks.js';
import { compensationMarks, markInjectable } from '../activity-marks.js';

// `any` below stands in positions that only infer: a constraint with `unknown` would refuse every method.
/* oxlint-disable typescript/no-explicit-any */

type Promising = (...args: any[]) => Promise<unknown>;
/** What may undo `F`: it gets the result, then the input. */
type CompensationOf<F> = F extends (...input: infer I) => Promise<infer R>
  ? (result: R, ...input: I) => void | Promise<void>
  : never;
/** In a class that is one activity the context follows the input, also where `execute` itself does without. */
type CompensationOfExecute<F> = F extends (...input: infer I) => Promise<infer R>
  ? (result: R, input: I[0], ...context: any[]) => void | Promise<void>
  : never;
type CompensationClassOf<A> =
  A extends ActivityExecute<infer I, infer R>
    ? { execute(result: R, input: I, ...context: any[]): Promise<void> }
    : never;

export type CompensateMethodDecorator<N extends string> = <
  T extends Record<N, Promising>,
  F extends CompensationOf<T[N]>,
>(
  target: T,
  method: string | symbol,
  descriptor: TypedPropertyDescriptor<F>,
) => void;
export type CompensateExecuteDecorator = <
  T extends Record<'execute', Promising>,
  F extends CompensationOfExecute<T['execute']>,
>(
  target: T,
  method: string | symbol,
  descriptor: TypedPropertyDescriptor<F>,
) => void;
export type CompensateClassDecorator<A extends ActivityExecute> = <
  C extends ActivityClass<CompensationClassOf<A>>,
>(
  target: C,
) => void;

/**
 * Makes a method the compensation of `execute`, in a class that is one activity. It gets `(result, input, ctx)`.
 *
 * ```ts
 * @Activity()
 * export class ShipOrder {
 *   async execute(input: ShipInput): Promise<Receipt> { … }
 *   @Compensate() async recall(receipt: Receipt, input: ShipInput): Promise<void> { … }
 * }
 * ```
 */
export function Compensate(): CompensateExecuteDecorator;
/**
 * Makes a method the compensation of an activity of the same class: what undoes it when the workflow fails or is
 * cancelled. It gets the result of what it undoes, then the arguments of that call. Compensations run in reverse
 * order, at least once for each completed activity, journaled and retried like activities.
 *
 * ```ts
 * @Activity() async charge(order: Order): Promise<Payment> { … }
 * @Compensate('charge') async refund(payment: Payment, order: Order): Promise<void> { … }
 * ```
 *
 * @param activity the name of the method it undoes
 * @param options its own name, retries and timeouts; those of the activity do not carry over. Defaults to the
 * defaults of `@Activity()`: 3 attempts. A step whose attempts are used up leaves the rollback incomplete, so give
 * one that must not be left undone more, for example `{ retry: { maxAttempts: Infinity } }`.
 */
export function Compensate<const N extends string>(
  activity: N,
  options?: ActivityOptions,
): CompensateMethodDecorator<N>;
/**
 * Makes a class the compensation of a class that is one activity. It gets `(result, input, ctx)`.
 *
 * ```ts
 * @Compensate(BookFlight)
 * export class CancelFlight {
 *   async execute(booking: Booking, input: FlightInput): Promise<void> { … }
 * }
 * ```
 *
 * @param activity the class it undoes
 * @param options its own name, retries and timeouts. Defaults to the defaults of `@Activity()`.
 */
export function Compensate<A extends ActivityExecute>(
  activity: ActivityClass<A>,
  options?: ActivityOptions,
): CompensateClassDecorator<A>;
export function Compensate(...given: [activity?: string | Class, options?: ActivityOptions]) {
  const undoes = given.length === 0 ? METHOD_EXECUTE : undone(given[0]);
  const options = given[1] ?? {};
  return (target: object, method?: string | symbol): void => {
    if (method === undefined) {
      markInjectable(target);
      compensationMarks.add((target as { prototype: object }).prototype, 'execute', {
        form: 'class',
        undoes,
        options,
      });
    } else {
      compensationMarks.add(target, method, { form: 'method', undoes, options });
    }
  };
}

const METHOD_EXECUTE: Undone = { type: 'method', method: 'execute' };

function undone(activity: string | Class | undefined): Undone {
  if (activity === undefined) return { type: 'not loaded' };
  return typeof activity === 'string' ? { type: 'method', method: activity } : { type: 'class', activity };
}
