import type { ResolvedActivityOptions } from './definitions.js';
import type { Duration } from './duration.js';
import { milliseconds } from './duration.js';
import type { RecordedActivityOptions, RecordedRetryOptions } from './history.js';
import { misuse } from './misuse.js';
import { effectiveOptions } from './retry-policy.js';
import { textOf } from './thrown.js';
import type { ActivityCallOptionsInput, RetryOptions } from './workflow-context.js';

/** What `@Activity()` and `@Compensate()` take. */
export interface ActivityOptions extends ActivityCallOptionsInput {
  /**
   * What the activity is recorded as. Give one when the code is minified, or before a class or method is renamed:
   * histories know it by this name. Defaults to `Class.method`, or `Class` for a class that is one activity.
   */
  readonly name?: string | undefined;
  /**
   * Names that the activity had before. What histories know by one of them is done by this activity: attempts under way,
   * compensations, and calls that are replayed. No other activity may have them. Defaults to none.
   *
   * ```ts
   * @Activity({ name: 'billing.charge', aliases: ['PaymentActivities.charge'] })
   * ```
   */
  readonly aliases?: readonly string[] | undefined;
  /** How many attempts of this activity run at a time in this process. Defaults to no limit of its own. */
  readonly concurrency?: number | undefined;
}

/** What holds where neither the activity nor the call says otherwise. */
export const DEFAULT_ACTIVITY_OPTIONS: ResolvedActivityOptions = {
  retry: {
    maxAttempts: 3,
    initialInterval: milliseconds('1s'),
    backoff: 2,
    maxInterval: milliseconds('1m'),
    jitter: 0.2,
    nonRetryable: [],
  },
  timeout: milliseconds('5m'),
  scheduleToCloseTimeout: null,
  heartbeatTimeout: null,
  concurrency: null,
};

/** Options of an activity that cannot be. */
export class InvalidActivityOptionsError extends RangeError {
  override readonly name: string = 'InvalidActivityOptionsError';
  constructor(
    /** One text for each option: the rule and what was given. */
    readonly problems: readonly string[],
  ) {
    super(problems.join(' '));
  }
}

const CALL_OPTIONS = ['retry', 'timeout', 'scheduleToCloseTimeout', 'heartbeatTimeout'] as const;
const OPTIONS = [...CALL_OPTIONS, 'name', 'aliases', 'concurrency'] as const;
const RETRY_OPTIONS = [
  'maxAttempts',
  'initialInterval',
  'backoff',
  'maxInterval',
  'jitter',
  'nonRetryable',
] as const satisfies readonly (keyof RetryOptions)[];

/**
 * The options of an activity with every default filled in.
 *
 * @throws InvalidActivityOptionsError listing every option that is out of range or unknown
 */
export function resolveActivityOptions(options: ActivityOptions): ResolvedActivityOptions {
  const problems: string[] = [];
  const recorded = read(options, OPTIONS, problems);
  if (options.name !== undefined && (typeof options.name !== 'string' || options.name === '')) {
    problems.push(`"name" is a text that is not empty, not ${shown(options.name)}.`);
  }
  const concurrency = check(options.concurrency, 'concurrency', atLeastOne, problems) ?? null;
  if (problems.length > 0) throw misuse(new InvalidActivityOptionsError(problems));
  return { ...effectiveOptions(DEFAULT_ACTIVITY_OPTIONS, recorded), concurrency };
}

/**
 * The options of one call as they are recorded: in milliseconds and names, only what was given; `null` for nothing.
 *
 * @throws InvalidActivityOptionsError listing every option that is out of range or unknown
 */
export function recordedOptions(
  options: ActivityCallOptionsInput | undefined,
): RecordedActivityOptions | null {
  if (options === undefined) return null;
  const problems: string[] = [];
  const recorded = read(options, CALL_OPTIONS, problems);
  if (problems.length > 0) throw misuse(new InvalidActivityOptionsError(problems));
  return Object.keys(recorded).length > 0 ? recorded : null;
}

function read(
  options: ActivityCallOptionsInput,
  known: readonly string[],
  problems: string[],
): RecordedActivityOptions {
  refuseUnknown(options, known, '', problems);
  return given({
    retry: options.retry && readRetry(options.retry, problems),
    timeout: check(options.timeout, 'timeout', aboveZero, problems),
    scheduleToCloseTimeout: check(
      options.scheduleToCloseTimeout,
      'scheduleToCloseTimeout',
      aboveZero,
      problems,
    ),
    heartbeatTimeout: check(options.heartbeatTimeout, 'heartbeatTimeout', aboveZero, problems),
  });
}

function readRetry(retry: RetryOptions, problems: string[]): RecordedRetryOptions {
  refuseUnknown(retry, RETRY_OPTIONS, 'retry.', problems);
  return given({
    maxAttempts: check(retry.maxAttempts, 'retry.maxAttempts', attempts, problems),
    initialInterval: check(retry.initialInterval, 'retry.initialInterval', anyDuration, problems),
    backoff: check(retry.backoff, 'retry.backoff', factor, problems),
    maxInterval: check(retry.maxInterval, 'retry.maxInterval', anyDuration, problems),
    jitter: check(retry.jitter, 'retry.jitter', share, problems),
    nonRetryable: check(retry.nonRetryable, 'retry.nonRetryable', errorNames, problems),
  });
}

// ------------------------------------------------------------------------------------------------ rules

/** Gives the value as it is recorded, or throws a `RangeError` that ends the sentence "`option` is …". */
type Rule<T, R> = (value: T) => R;

const attempts: Rule<number, number | null> = (value) => {
  if (value === Number.POSITIVE_INFINITY) return null;
  if (!Number.isInteger(value) || value < 1) throw new RangeError('a whole number from 1, or Infinity');
  return value;
};
const atLeastOne: Rule<number, number> = (value) => {
  if (!Number.isInteger(value) || value < 1) throw new RangeError('a whole number from 1');
  return value;
};
const factor: Rule<number, number> = (value) => {
  if (!Number.isFinite(value) || value < 1) throw new RangeError('a number from 1');
  return value;
};
const share: Rule<number, number> = (value) => {
  if (!(value >= 0 && value <= 1)) throw new RangeError('a number from 0 to 1');
  return value;
};
const anyDuration: Rule<Duration, number> = (value) => {
  try {
    return milliseconds(value);
  } catch {
    throw new RangeError('a duration: milliseconds, or text with a unit such as "30s"');
  }
};
const aboveZero: Rule<Duration, number> = (value) => {
  const duration = anyDuration(value);
  if (duration === 0) throw new RangeError('a duration above zero');
  return duration;
};
const errorNames: Rule<NonNullable<RetryOptions['nonRetryable']>, readonly string[]> = (value) => {
  const names = Array.isArray(value)
    ? value.map((item: unknown) => (typeof item === 'function' ? item.name : item))
    : [];
  if (!Array.isArray(value) || !names.every((name) => typeof name === 'string' && name !== '')) {
    throw new RangeError('a list of error classes or of their names');
  }
  return names as string[];
};

function check<T, R>(
  value: T | undefined,
  option: string,
  rule: Rule<T, R>,
  problems: string[],
): R | undefined {
  if (value === undefined) return undefined;
  try {
    return rule(value);
  } catch (error) {
    problems.push(`"${option}" is ${(error as Error).message}, not ${shown(value)}.`);
    return undefined;
  }
}

function refuseUnknown(options: object, known: readonly string[], prefix: string, problems: string[]): void {
  for (const key of Object.keys(options)) {
    if (!known.includes(key))
      problems.push(`"${prefix}${key}" is an unknown option. There are ${known.join(', ')}.`);
  }
}

/** Without the members that were not given. */
function given<T extends object>(members: { [K in keyof T]: T[K] | undefined }): T {
  // What is left of the members are those that have a value.
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as T;
}

const shown = (value: unknown): string => (typeof value === 'string' ? `"${value}"` : textOf(value));
