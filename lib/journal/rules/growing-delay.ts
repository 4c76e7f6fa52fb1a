/** How long to wait after something went wrong: twice as long each time, up to a limit. */
export interface GrowingDelay {
  /** From which time on to wait. For earlier times callers either do not wait, or wait as long as for this one. */
  readonly from: number;
  /** After that time, in ms. */
  readonly first: number;
  /** In ms. */
  readonly longest: number;
}

/** In ms, for the `times`-th time. */
export const delayOf = ({ from, first, longest }: GrowingDelay, times: number): number =>
  Math.min(first * 2 ** Math.max(times - from, 0), longest);

/** The same in SQL: `times` is an expression of a whole number, and so is made a duration. */
export const delaySql = ({ from, first, longest }: GrowingDelay, times: string): string =>
  // A power without limit would overflow. So often doubled, everything is longer than the longest.
  `least(${first} * power(2, least(greatest(${times} - ${from}, 0), ${DOUBLINGS})), ${longest}) * interval '1 millisecond'`;

const DOUBLINGS = 30;
