import { milliseconds } from '../duration.js';
import type { Duration } from '../duration.js';
import { misuse } from '../misuse.js';

/** A time limit that a call gives, in ms; `null` for none. Throws for what is no duration, and for one of nothing. */
export function timeLimit(what: string, option: string, duration: Duration | undefined): number | null {
  if (duration === undefined) return null;
  const limit = milliseconds(duration);
  if (limit > 0) return limit;
  throw misuse(new RangeError(`${what}: "${option}" must be more than nothing.`));
}
