import type { ActivityCallOptions, ResolvedActivityOptions, ResolvedRetryOptions } from './definitions.js';

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
 * How long to wait before the attempt that follows the failed one, in ms: exponential, capped, and shortened by chance
 * so that what failed together does not come back together ("equal jitter" of the AWS architecture blog, with the share as an option).
 *
 * @param failedAttempt 1 for the first
 * @param chance from 0 up to 1
 */
export function retryDelay(retry: ResolvedRetryOptions, failedAttempt: number, chance: number): number {
  const exponential = retry.initialInterval * retry.backoff ** (failedAttempt - 1);
  const interval = Math.min(exponential, retry.maxInterval);
  return Math.round(interval * (1 - retry.jitter * chance));
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
