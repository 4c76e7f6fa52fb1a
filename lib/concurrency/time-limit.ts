import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';

/** One time limit over many waits. */
export class TimeLimit {
  readonly #at: number;

  /** @param ms from now on */
  constructor(ms: number) {
    this.#at = performance.now() + ms;
  }

  /** In ms. */
  get left(): number {
    return Math.max(0, this.#at - performance.now());
  }

  /** Waits for something, but no longer than there is time, or than `most` ms. Whether it came; throws what it rejects with. */
  meet(work: Promise<unknown>, most = Number.POSITIVE_INFINITY): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => resolve(false), Math.min(this.left, most));
      work.finally(() => clearTimeout(timer)).then(() => resolve(true), reject);
    });
  }
}
