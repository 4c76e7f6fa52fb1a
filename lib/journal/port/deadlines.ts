import type { Instant } from '../../core/index.js';

/** When the time limits of an open run end, by the database's clock. */
export interface Deadlines {
  /** That of this run; `null` for none. */
  readonly run: Instant | null;
  /** That of all the runs of one start; `null` for none. */
  readonly chain: Instant | null;
  /** How long each run of the chain may take, in ms; `null` for no limit. */
  readonly runLimit: number | null;
}

/** How long it may take, in ms, from the start, or from its `startAt`; `null` for no limit. */
export interface TimeLimits {
  readonly run: number | null;
  readonly chain: number | null;
}
