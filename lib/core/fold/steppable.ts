/** What a shell pumps: something that advances one window at a time (F3). */
export interface Steppable {
  /** Closes the open window and opens the next. `false`: quiet until something is fed. Never throws. */
  step(): boolean;
  /** Closes the open window. */
  close(): void;
  /** How many steps are worth queueing together. */
  hint(): number;
}
