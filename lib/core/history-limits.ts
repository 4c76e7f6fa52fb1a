/** How large the history of a run is, or may become. */
export interface HistorySize {
  readonly entries: number;
  /** About what the journal keeps: values, names and failures count in full, and 100 bytes for each entry. */
  readonly bytes: number;
}

/** From where on a run is told to continue as new. Recorded where it is another, because code sees it (F9). */
export const USUALLY_CONTINUES_AFTER: HistorySize = { entries: 10_000, bytes: 10_000_000 };

/** A run whose history is that large takes no event any more. No code sees it, so it can be changed at any time. */
export const LARGEST_HISTORY: HistorySize = { entries: 50_000, bytes: 50_000_000 };

/**
 * So many signals that nobody has taken, of so many bytes, do not travel to the run that this one would continue as: they are one
 * entry of its history, read whenever it is taken up, and it would be told at its start to continue as new again.
 */
export const carriedWithin = (largest: HistorySize): HistorySize => ({
  entries: Math.min(USUALLY_CONTINUES_AFTER.entries, largest.entries),
  bytes: Math.min(USUALLY_CONTINUES_AFTER.bytes, largest.bytes),
});

export const reaches = (size: HistorySize, limit: HistorySize): boolean =>
  size.entries >= limit.entries || size.bytes >= limit.bytes;
