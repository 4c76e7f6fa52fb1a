import { CancelledError } from '../errors.js';
import type { SagaSteps } from './saga-steps.js';
import { isArray, isError, lengthOf, readProperty } from '../thrown.js';

/** Which scope's cancellation an error stands for. */
const origins = new WeakMap<object, Scope>();

/**
 * A place in the tree of cancellation scopes (F15). Cancelling is sticky, and reaches everything below up to the
 * next nonCancellable scope.
 */
export class Scope {
  readonly parent: Scope | null;
  readonly #cancellable: boolean;
  /** Whether a nonCancellable scope stands between the run and this one: then it goes on after the decision (F16). */
  readonly shielded: boolean;
  /** Whether it stands in a branch of a race: what is waited for there may be given up at any window (F33). */
  readonly contested: boolean;
  #cancellation: { readonly message: string; readonly reason: string | null } | null = null;

  /** Keeps what the innermost saga around has to undo (F36). */
  readonly saga: SagaSteps | null;

  private constructor(
    parent: Scope | null,
    cancellable: boolean,
    contested: boolean,
    saga: SagaSteps | null = parent?.saga ?? null,
  ) {
    this.parent = parent;
    this.#cancellable = cancellable;
    this.shielded = !cancellable || (parent?.shielded ?? false);
    this.contested = contested;
    this.saga = saga;
  }

  static root(): Scope {
    return new Scope(null, true, false);
  }
  cancellable(): Scope {
    return new Scope(this, true, this.contested);
  }
  nonCancellable(): Scope {
    return new Scope(this, false, this.contested);
  }
  /** Of a race (F33). */
  branch(): Scope {
    return new Scope(this, true, true);
  }
  withSaga(steps: SagaSteps): Scope {
    return new Scope(this, true, this.contested, steps);
  }

  cancel(message: string, reason: string | null): void {
    this.#cancellation = { message, reason };
  }

  /** The scope by which calls in this one are cancelled: itself or one above it; `null` for none. */
  get cancelledBy(): Scope | null {
    if (this.#cancellation !== null) return this;
    return this.#cancellable && this.parent ? this.parent.cancelledBy : null;
  }

  /** Whether cancelling `scope` cancels what was called in this one. */
  isReachedBy(scope: Scope): boolean {
    if (this === scope) return true;
    return this.#cancellable && this.parent !== null && this.parent.isReachedBy(scope);
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
  return isWithin(error, by, 0);
}

/** Errors can stand in themselves: this deep, none is a cancellation. */
const DEEPEST = 16;

function isWithin(error: unknown, by: Scope | undefined, above: number): boolean {
  if (above > DEEPEST || !isError(error)) return false;
  const depth = above + 1;
  switch (readProperty(error, 'name')) {
    case 'CancelledError':
      return by === undefined || origins.get(error) === by;
    case 'AggregateError': {
      const errors = readProperty(error, 'errors');
      if (!isArray(errors) || lengthOf(errors) === 0) return false;
      for (let i = 0; i < lengthOf(errors); i++)
        if (!isWithin(readProperty(errors, i), by, depth)) return false;
      return true;
    }
    case 'ActivityFailure':
    case 'ChildWorkflowFailure':
      return isWithin(readProperty(error, 'cause'), by, depth);
    default:
      return false;
  }
}
