import { FloatingRejectionError } from '../errors.js';
import { errorText } from '../thrown.js';

/**
 * Promises of a run that were rejected and that nobody handles (F24). Code may still pick one up: a rejection in a
 * window counts only when the run is about to complete.
 */
export class FloatingRejections {
  #reasons: Map<object, unknown> | null = null;

  get reasons(): readonly unknown[] {
    return this.#reasons ? [...this.#reasons.values()] : [];
  }

  add(promise: object, reason: unknown): void {
    (this.#reasons ??= new Map()).set(promise, reason);
  }
  delete(promise: object): void {
    this.#reasons?.delete(promise);
  }

  /** Why the run must not complete; `null` when it may. */
  get fault(): FloatingRejectionError | null {
    if (!this.#reasons?.size) return null;
    return floatingRejection(this.reasons[0], 'and the run was about to complete');
  }
}

export function floatingRejection(reason: unknown, when: string): FloatingRejectionError {
  return new FloatingRejectionError(
    `A promise that nobody awaits was rejected, ${when}: ${errorText(reason)}. Await it, or give it a catch.`,
    { cause: reason },
  );
}
