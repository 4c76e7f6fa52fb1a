/** What a scheduler pumps: something that advances one window at a time (F3). */
export interface Steppable {
  /** What whoever steps it keeps about that, while it does. Nobody else reads it. */
  stepping?: object | null;
  /** Closes the open window and opens the next. `false`: quiet until something is fed. Never throws. */
  step(): boolean;
  /** Closes the open window. */
  close(): void;
  /** Closes the open window, and opens none. `true`: quiet, as after a {@link step} that answers `false`. Never throws. */
  rest(): boolean;
  /** How many windows are likely to be opened. */
  hint(): number;
}
