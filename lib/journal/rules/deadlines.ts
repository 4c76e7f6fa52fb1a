import type { Instant } from '../../core/index.js';
import type { Deadlines, TimeLimits } from '../port/index.js';

export const NO_DEADLINES: Deadlines = { run: null, chain: null, runLimit: null };

/** When limits end that are counted from this time. */
export function deadlinesFrom(begin: Instant, limits: TimeLimits | null | undefined): Deadlines {
  const chain = limits?.chain == null ? null : begin + limits.chain;
  return runFrom(begin, { run: null, chain, runLimit: limits?.run ?? null });
}

/** Those of a run that begins now, in a chain with these. `limit`: another limit of its runs from here on. */
export function runFrom(begin: Instant, { chain, ...before }: Deadlines, limit?: number): Deadlines {
  const runLimit = limit ?? before.runLimit;
  const run = runLimit === null ? null : begin + runLimit;
  // One that ends after the chain's never counts.
  return { run: run !== null && chain !== null && chain <= run ? null : run, chain, runLimit };
}

/** Whichever limit ends first; `null` for none. */
export const firstDeadline = ({ run, chain }: Deadlines): Instant | null =>
  run === null || chain === null ? (run ?? chain) : Math.min(run, chain);

/** As an answer has them: only where there are any. */
export const toldDeadlines = (deadlines: Deadlines): { readonly deadlines?: Deadlines } =>
  firstDeadline(deadlines) === null ? {} : { deadlines };
