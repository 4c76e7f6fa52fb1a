import type { Instant } from '../core/index.js';

/**
 * A clock that stands still until a test moves it.
 *
 * ```ts
 * const clock = new ManualClock();
 * const store = new InMemoryStore({ clock: clock.now });
 * clock.advance(60_000);
 * ```
 */
export class ManualClock {
  #now: Instant;

  /** @param start where it stands at first, in milliseconds since the epoch. Defaults to the present time. */
  constructor(start: Instant = Date.now()) {
    this.#now = start;
  }

  /** Milliseconds since the epoch. Bound: it can be handed over as it is. */
  readonly now = (): Instant => this.#now;

  /** Moves the clock forward by `ms` milliseconds. Throws a `RangeError` below zero: time does not go back. */
  advance(ms: number): void {
    if (!(ms >= 0)) throw new RangeError(`A clock goes forward; ${ms} ms is none of its steps.`);
    this.#now += ms;
  }
}
