import { CancelledError } from '../errors.js';
import { isError } from './error-text.js';

/** Which scope's cancellation an error stands for. */
const origins = new WeakMap<object, Scope>();

/**
 * A place in the tree of cancellation scopes (F15). Cancelling is sticky, and reaches everything below up to the
 * next nonCancellable scope.
 */
export class Scope {
  readonly #parent: Scope | null;
  readonly #cancellable: boolean;
  /** Whether a nonCancellable scope stands between the run and this one: then it goes on after the decision (F16). */
  readonly shielded: boolean;
  #cancellation: { readonly message: string; readonly reason: string | null } | null = null;

  private constructor(parent: Scope | null, cancellable: boolean) {
    this.#parent = parent;
    this.#cancellable = cancellable;
    this.shielded = !cancellable || (parent?.shielded ?? false);
  }

  static root(): Scope {
    return new Scope(null, true);
  }
  cancellable(): Scope {
    return new Scope(this, true);
  }
  nonCancellable(): Scope {
    return new Scope(this, false);
  }

  cancel(message: string, reason: string | null): void {
    this.#cancellation = { message, reason };
  }

  /** The scope by which calls in this one are cancelled: itself or one above it; `null` for none. */
  get cancelledBy(): Scope | null {
    if (this.#cancellation !== null) return this;
    return this.#cancellable && this.#parent ? this.#parent.cancelledBy : null;
  }

  /** Whether cancelling `scope` cancels what was called in this one. */
  isReachedBy(scope: Scope): boolean {
    if (this === scope) return true;
    return this.#cancellable && this.#parent !== null && this.#parent.isReachedBy(scope);
  }

  /** An error of its own for every await (F15). */
  error(): CancelledError {
    const { message, reason } = this.#cancellation ?? { message: 'cancelled', reason: null };
    const error = new CancelledError(message, reason);
    origins.set(error, this);
    return error;
  }
}

/**
 * Whether an error is a cancellation, also one that `Promise.any` wrapped or that ended an activity (F15).
 *
 * @param by only of this scope
 */
export function isCancellation(error: unknown, by?: Scope): boolean {
  if (!isError(error)) return false;
  switch (error.name) {
    case 'CancelledError':
      return by === undefined || origins.get(error) === by;
    case 'AggregateError': {
      const { errors } = error as Partial<AggregateError>;
      return Array.isArray(errors) && errors.length > 0 && errors.every((each) => isCancellation(each, by));
    }
    case 'ActivityFailure':
      return isCancellation(error.cause, by);
    default:
      return false;
  }
}
