import type { ActivityCallOptions, ResolvedActivityOptions, ResolvedRetryOptions } from './definitions.js';
import type { Instant } from './history.js';

/** The activity's own options, with what the call asked for over them. */
export function effectiveOptions(
  declared: ResolvedActivityOptions,
  call: ActivityCallOptions | null,
): ResolvedActivityOptions {
  if (call === null) return declared;
  const { retry, ...rest } = call;
  const maxAttempts = retry?.maxAttempts === null ? Number.POSITIVE_INFINITY : retry?.maxAttempts;
  return {
    ...declared,
    ...rest,
    retry: { ...declared.retry, ...retry, maxAttempts: maxAttempts ?? declared.retry.maxAttempts },
  };
}

/**
 * How long to wait before the attempt that follows the failed one, in ms: exponential, capped, and shortened by chance so
 * that what failed together does not come back together ("equal jitter" of the AWS architecture blog, with the share as an
 * option).
 *
 * @param failedAttempt 1 for the first; attempts that do not count are not among them
 * @param chance from 0 up to 1
 */
export function retryDelay(retry: ResolvedRetryOptions, failedAttempt: number, chance: number): number {
  // Nothing stays nothing, also times what has grown beyond all numbers.
  const exponential = retry.initialInterval && retry.initialInterval * retry.backoff ** (failedAttempt - 1);
  const interval = Math.min(exponential, retry.maxInterval, LONGEST_INTERVAL);
  return Math.round(interval * (1 - retry.jitter * chance));
}

/** A thousand years: a time so far away is still one that a date, and a database, can tell. In ms. */
const LONGEST_INTERVAL = 1_000 * 365 * 24 * 60 * 60 * 1_000;

/** When the whole activity has to be over; `null` when nothing says so. */
export function deadlineOf(
  { scheduleToCloseTimeout }: ResolvedActivityOptions,
  scheduledAt: Instant,
): Instant | null {
  return scheduleToCloseTimeout === null ? null : scheduledAt + scheduleToCloseTimeout;
}

/** Errors that another attempt would only meet again. */
const NEVER_RETRIED: ReadonlySet<string> = new Set([
  'NonRetryableError',
  'PayloadTooLargeError',
  'UnstorableValueError',
]);

/** Whether another attempt may follow the failed one, whose error has these names. */
export function mayRetry(
  retry: ResolvedRetryOptions,
  failedAttempt: number,
  errorNames: readonly string[],
): boolean {
  if (failedAttempt >= retry.maxAttempts) return false;
  return !errorNames.some((name) => NEVER_RETRIED.has(name) || retry.nonRetryable.includes(name));
}
