/** Of a rejection that the code may pick up later, or never: a durable call's own promise is no floating one (F6). */
export const ignore = (): void => undefined;

/** A promise with its two handles. */
export class Deferred {
  readonly promise: Promise<unknown>;
  // Set by the promise's executor, which runs at once.
  resolve!: (value?: unknown) => void;
  reject!: (error: unknown) => void;

  constructor() {
    this.promise = new Promise<unknown>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

/** What an inert call returns (F14, F16). */
export const never = (): Promise<never> => new Promise<never>(ignore);

/** A rejected promise that may stay unhandled. */
export function rejected(reason: unknown): Promise<never> {
  const promise = Promise.reject(reason);
  promise.catch(ignore);
  return promise;
}

/** By duck typing: promises of another realm are promises too (F8). */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    value !== null &&
    (typeof value === 'object' || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}
