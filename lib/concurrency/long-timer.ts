import * as node from 'node:timers';

/** Node's timers count no further: a longer one would end at once. In ms. */
export const LONGEST_WAIT = 2 ** 31 - 1;

/** What a {@link LongTimer} waits with. */
export interface Timers {
  readonly setTimeout: (then: () => void, ms: number) => NodeJS.Timeout;
  readonly clearTimeout: (timer: NodeJS.Timeout | undefined) => void;
}

/** Waits for any time, also for more than the 24.8 days that Node's own timers can count. */
export class LongTimer {
  #timer: NodeJS.Timeout | undefined;
  readonly #timers: Timers;
  readonly #keepsProcess: boolean;

  private constructor(keepsProcess: boolean, timers: Timers) {
    this.#keepsProcess = keepsProcess;
    this.#timers = timers;
  }

  /**
   * @param ms below zero: as soon as possible; `Infinity`: never
   * @param keepsProcess whether the process stays alive for it
   */
  static start(ms: number, then: () => void, keepsProcess = false, timers: Timers = node): LongTimer {
    const timer = new LongTimer(keepsProcess, timers);
    timer.#wait(ms, then);
    return timer;
  }

  cancel(): void {
    this.#timers.clearTimeout(this.#timer);
  }

  #wait(left: number, then: () => void): void {
    // Never early: Node cuts fractions off.
    const now = Math.min(Math.ceil(left), LONGEST_WAIT);
    this.#timer = this.#timers.setTimeout(() => (left > now ? this.#wait(left - now, then) : then()), now);
    if (!this.#keepsProcess) this.#timer.unref();
  }
}
