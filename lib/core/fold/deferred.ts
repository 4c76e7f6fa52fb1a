import { DurablePromise } from './durable-promise.js';
import { ignore } from './ignore.js';

/** The promise of a durable call with its two handles. */
export class Deferred {
  readonly promise: DurablePromise;
  // Set by the promise's executor, which runs at once.
  resolve!: (value?: unknown) => void;
  #reject!: (error: unknown) => void;

  constructor() {
    this.promise = new DurablePromise((resolve, reject) => {
      this.resolve = resolve;
      this.#reject = reject;
    });
  }

  reject(error: unknown): void {
    this.#reject(error);
  }
}

/** What an inert call returns (F14, F16). */
export const never = (): Promise<never> => new Promise<never>(ignore);

/** A rejected promise that may stay unhandled. */
export function rejected(reason: unknown): DurablePromise<never> {
  return new DurablePromise<never>((_resolve, reject) => reject(reason)).mayStayUnhandled();
}

/** By duck typing: promises of another realm are promises too (F8). */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    value !== null &&
    (typeof value === 'object' || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}
