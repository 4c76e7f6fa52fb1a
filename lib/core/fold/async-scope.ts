import type { Accountable } from './ownership.js';
import type { Scope } from './scope.js';

/** What follows a run's code through its awaits (F25). Which run a call belongs to is never read from here. */
export interface Ambient {
  readonly run: Accountable;
  readonly scope: Scope;
  /** Left behind by a query or a condition: may do nothing durable, and cannot fault the run (F21). */
  readonly readOnly: boolean;
}

/** Carries {@link Ambient} along promises; the engine makes it of AsyncLocalStorage (F3, F25). */
export interface AsyncScope {
  enter<A extends unknown[], R>(ambient: Ambient, fn: (...args: A) => R, ...args: A): R;
  /** The same in an empty context: code must see nothing of the request or the job that woke its run. */
  begin<A extends unknown[], R>(ambient: Ambient, fn: (...args: A) => R, ...args: A): R;
  store(): Ambient | undefined;
  /** Runs something outside every run, and outside whatever the process is doing: activities, for instance. */
  detached<R>(fn: () => R): R;
}
