import ms from 'ms';
import { textOf } from './thrown.js';

type Unit =
  | 'ms'
  | 'millisecond'
  | 'milliseconds'
  | 's'
  | 'sec'
  | 'second'
  | 'seconds'
  | 'm'
  | 'min'
  | 'minute'
  | 'minutes'
  | 'h'
  | 'hour'
  | 'hours'
  | 'd'
  | 'day'
  | 'days'
  | 'w'
  | 'week'
  | 'weeks';

/** `'30s'`, `'3 days'`, `'1.5h'`: checked by the compiler. */
export type DurationString = `${number}${Unit}` | `${number} ${Unit}`;

/** Milliseconds, or text with a unit. */
export type Duration = number | DurationString;

/**
 * Milliseconds of a duration. Also for text from outside, which the compiler cannot check:
 * `milliseconds(process.env.APPROVAL_TIMEOUT ?? '10 minutes')`.
 *
 * Throws a `RangeError` for text without a unit, for what is no duration, and for one below zero.
 */
export function milliseconds(duration: string | number): number {
  const value = typeof duration === 'number' ? duration : parse(duration);
  if (value === undefined || !Number.isFinite(value) || value < 0) {
    throw new RangeError(
      `"${textOf(duration)}" is not a duration. Write milliseconds as a number, or text with a unit such as "30s" or "3 days".`,
    );
  }
  return value;
}

/** A bare `"3600"` is refused: whoever wrote it may have meant seconds. */
function parse(text: string): number | undefined {
  // Code that no compiler has checked may give anything.
  if (typeof text !== 'string' || !/^\s*\d+(\.\d+)?\s*[a-z]+\s*$/i.test(text)) return undefined;
  // The cast: the library's type lists its texts, this one comes from outside and was just looked at.
  return ms(text.trim() as DurationString);
}
