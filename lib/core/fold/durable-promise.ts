import { ignore } from './ignore.js';

/**
 * The promise of a durable call: knows whether anybody ever took it up, by `await`, `then`, a combinator or in any
 * other way (F6).
 *
 * All of them read `constructor` of a promise, by the rules of the language: `await` to see whether it may use the
 * promise as it is, `then` to know what to make. So a getter sees them all. It answers `Promise`, hence whatever is
 * made of this promise is a plain one, and nothing takes a hop more than with a plain one (F29). The class of its own
 * keeps the engine's fast paths for all other promises of the process.
 */
export class DurablePromise<T = unknown> extends Promise<T> {
  #isAwaited = false;

  static {
    // A class cannot declare an accessor of this name.
    void Object.defineProperty(DurablePromise.prototype, 'constructor', {
      configurable: true,
      get(this: object) {
        if (#isAwaited in this) this.#isAwaited = true;
        return Promise;
      },
    });
  }

  get isAwaited(): boolean {
    return this.#isAwaited;
  }

  /** Its rejection does not count as one that floats (F24). Calling this does not count as awaiting the promise. */
  mayStayUnhandled(): this {
    const isAwaited = this.#isAwaited;
    this.catch(ignore);
    this.#isAwaited = isAwaited;
    return this;
  }
}
