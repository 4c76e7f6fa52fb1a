import type { Duration } from '../duration.js';
import { milliseconds } from '../duration.js';
import { TimeoutFailure } from '../errors.js';
import type { CancellationScope } from '../workflow-context.js';
import { startTimer } from './calls.js';
import { Deferred, never, rejected } from './deferred.js';
import { DurablePromise } from './durable-promise.js';
import type { Execution } from './execution.js';
import type { PendingTimer } from './operation.js';
import type { Scope } from './scope.js';
import { isCancellation } from './scope.js';

/** Runs `fn` in a scope that code can cancel by itself (F15). */
export function cancellable<T>(run: Execution, fn: (scope: CancellationScope) => Promise<T>): Promise<T> {
  if (!run.admits('ctx.cancellable')) return never();
  const scope = run.scope().cancellable();
  return inScope(run, scope, () => fn({ cancel: (reason) => cancelScope(run, scope, reason) }));
}

function cancelScope(run: Execution, scope: Scope, reason: string | undefined): void {
  if (!run.admits('scope.cancel')) return;
  const message = reason === undefined ? 'The scope was cancelled.' : `The scope was cancelled: ${reason}`;
  run.cancel([scope], message, reason ?? null);
}

/** F16: what entered it is finished before the run ends, whatever the outcome. */
export function nonCancellable<T>(run: Execution, fn: () => Promise<T>): Promise<T> {
  if (!run.admits('ctx.nonCancellable', true)) return never();
  const scope = run.scope().nonCancellable();
  run.enterShield(scope);
  const leave = (): void => {
    if (run.ownWindow('A nonCancellable scope')) run.leaveShield(scope);
  };
  return inScope(run, scope, fn).then(
    (value) => {
      leave();
      return value;
    },
    (error: unknown) => {
      leave();
      throw error;
    },
  );
}

/**
 * F31: a cancellable scope, and a timer in the scope around it. It waits for `fn`: resolves with its value, also a
 * late one; turns a rejection by this scope's own timeout into a {@link TimeoutFailure}; passes any other error on.
 */
export function withTimeout<T>(run: Execution, timeout: Duration, fn: () => Promise<T>): Promise<T> {
  if (!run.admits('ctx.withTimeout')) return never();
  const parent = run.scope();
  if (parent.cancelledBy) return rejected(parent.cancelledBy.error());
  const timed = new TimedScope(run, parent);
  try {
    if (!timed.start(timeout)) return never();
  } catch (error) {
    return rejected(error);
  }
  const outcome = new Deferred();
  inScope(run, timed.scope, fn).then(
    (value) => timed.end(() => outcome.resolve(value)),
    (error: unknown) => timed.end(() => outcome.reject(timed.failureFor(error))),
  );
  // It is resolved with what `fn` gave.
  return outcome.promise as Promise<T>;
}

class TimedScope {
  readonly scope: Scope;
  readonly #run: Execution;
  readonly #parent: Scope;
  #timer: PendingTimer | null = null;
  #ranOut = false;
  #message = '';

  constructor(run: Execution, parent: Scope) {
    this.#run = run;
    this.#parent = parent;
    this.scope = parent.cancellable();
  }

  /** `false`: the turn is over. */
  start(timeout: Duration): boolean {
    this.#message = `It took longer than ${milliseconds(timeout)} ms.`;
    this.#timer = startTimer(this.#run, this.#parent, 'timeout', timeout, () => {
      this.#ranOut = true;
      this.#run.cancel([this.scope], this.#message, 'timeout');
    });
    return this.#timer !== null;
  }

  end(settle: () => void): void {
    if (!this.#run.ownWindow('ctx.withTimeout')) return;
    if (this.#timer) this.#run.cancelTimer(this.#timer);
    settle();
  }

  failureFor(error: unknown): unknown {
    if (!this.#ranOut || !isCancellation(error, this.scope)) return error;
    return new TimeoutFailure(this.#message, { cause: error });
  }
}

/**
 * F20: undoes now what a rollback would undo. A second call meanwhile gets the same promise; where it is shielded and the first
 * was not, it goes on after the decision, too (F16).
 */
export function compensate(run: Execution): Promise<unknown> {
  if (!run.admits('ctx.compensate')) return never();
  const scope = run.scope();
  run.compensating ??= { scope, deferred: new Deferred() };
  if (scope.shielded && !run.compensating.scope.shielded) run.compensating = { ...run.compensating, scope };
  return run.compensating.deferred.promise;
}

/** The promise of code in a scope, also of code that throws at once. Adds no hop (F29). */
export function inScope<T>(run: Execution, scope: Scope, fn: () => Promise<T>): Promise<T> {
  try {
    const promise = run.inScope(scope, fn);
    // Handing it on is not awaiting it (F6).
    return promise instanceof DurablePromise ? promise : Promise.resolve(promise);
  } catch (error) {
    return Promise.reject(error);
  }
}
