import type { Attributes, Duration } from '../core/index.js';
import type { OnConflict, OnReuse } from '../journal/index.js';
import type { ActorOption } from './operations.js';
import { checkOptions, durationOf, invalid } from './validation.js';

/** How a run is started: a start that is held back by `debounce` has an `id`, and no `startAt` or `startDelay`. */
export type StartOptions = StartSettings & ((StartTime & { readonly debounce?: undefined }) | DebouncedStart);

export interface StartSettings extends ActorOption {
  /** The workflow id: names one open run at a time. Defaults to a new UUID. */
  readonly id?: string | undefined;
  /** When an open run has the id: `'useExisting'` gives its handle. Defaults to `'fail'`. */
  readonly onConflict?: OnConflict | undefined;
  /**
   * When no open run has the id, but a closed one had it: `'useExisting'` gives the handle of the latest one, whose
   * `result()` is what that run came to. With `'useExisting'` for both policies a start may be repeated at any time, and
   * runs once. Defaults to `'allow'`: it runs again.
   */
  readonly onReuse?: OnReuse | undefined;
  /**
   * How long all the runs of this start may take together, from now or from `startAt`. Then what runs is cancelled, rolls back
   * and ends `timed_out`. Defaults to that of the class.
   */
  readonly executionTimeout?: Duration | undefined;
  /** The same for one run: what it continues as has its own. Defaults to that of the class. */
  readonly runTimeout?: Duration | undefined;
  /** What lists filter by: plain JSON, at most 32 attributes of 8,192 bytes in all. Defaults to none. */
  readonly attributes?: Attributes | undefined;
  /**
   * Start within this transaction: a TypeORM `EntityManager`. Rolled back, nothing was started; committed, it runs.
   * The transaction is READ COMMITTED. Defaults to none.
   */
  readonly manager?: object | undefined;
}

export interface StartTime {
  /** Not before this time. A signal does not start it earlier. Defaults to now. */
  readonly startAt?: Date | undefined;
  /** Not before so much time has passed, by the database's clock. Instead of `startAt`. Defaults to none. */
  readonly startDelay?: Duration | undefined;
}

export interface DebouncedStart {
  readonly id: string;
  /** Of many starts with one id that follow each other closely only the last one counts: it runs once it is quiet. */
  readonly debounce: Debounce;
  readonly startAt?: undefined;
  readonly startDelay?: undefined;
}

/**
 * ```ts
 * const debounce = { period: '10s', longest: '5m' } as const;
 * await client.start(OrderWorkflow, order, { id: `review-${order.id}`, debounce });
 * ```
 */
export interface Debounce {
  /** The run begins when so much time has passed without another such start, by the database's clock. */
  readonly period: Duration;
  /** It begins so long after the first of these starts at the latest; what that one says holds. Defaults to no limit. */
  readonly longest?: Duration | undefined;
}

/** In ms. Throws {@link InvalidInputError} for what cannot be held back so. */
export function debounceOf({ id, debounce, startAt, startDelay }: StartOptions): {
  readonly period: number;
  readonly longest: number | null;
} | null {
  if (debounce === undefined) return null;
  checkOptions('the option "debounce"', debounce, ['period', 'longest']);
  const period = limitOf('debounce.period', debounce.period);
  const longest = limitOf('debounce.longest', debounce.longest) ?? null;
  if (period === undefined) throw refusedDebounce('it has a "period", for which the start is held back');
  if (longest !== null && longest < period)
    throw refusedDebounce('its "longest" must not be shorter than its "period"');
  // Who is not held by the compiler may give anything.
  if ((id as string | undefined) === undefined)
    throw refusedDebounce('it goes with an "id": by it one start takes the place of another');
  if ((startAt ?? startDelay) !== undefined)
    throw refusedDebounce(
      'cannot be given together with "startAt" or "startDelay": when the run begins follows from it',
    );
  return { period, longest };
}

const refusedDebounce = (why: string): Error => invalid('the option "debounce"', why);

/** In ms; `undefined` for what was not asked. Throws {@link InvalidInputError} for what is no time. */
export function limitOf(option: string, duration: Duration | undefined): number | undefined {
  const limit = durationOf(option, duration);
  if (limit !== null && !(limit > 0)) throw invalid(`the option "${option}"`, 'must be more than nothing');
  return limit ?? undefined;
}
