/** How processes tell each other that there may be work. Nothing depends on a hint: without one, the next poll finds the work. */
export interface JournalHints {
  /** Tells other processes that there may be work. Best effort: a lost hint costs one poll interval, nothing else. */
  notify(hints: readonly string[]): Promise<void>;
  /** Listens to {@link notify} of every process, this one included. Resolves to what ends it. */
  listen(onHints: (hints: readonly string[]) => void): Promise<() => Promise<void>>;
}
