import { clearTimeout, setTimeout } from 'node:timers';
import { ContentionError } from '../errors.js';

/**
 * Lets at most so many pieces of work run at a time. There are two lines: work that passes ahead comes first. Work in the other
 * line waits until a given time only, because those inside may wait for a database that does not answer.
 */
export class LockQueue {
  #free: number;
  readonly #ahead: (() => void)[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(places: number) {
    this.#free = places;
  }

  /** Comes before all that {@link pass}, and waits for those inside without a limit. */
  passAhead<T>(work: () => Promise<T>): Promise<T> {
    return this.#pass(work, () => new Promise((resolve) => this.#ahead.push(resolve)));
  }

  /**
   * Throws {@link ContentionError} where its turn has not come by `end`: then `work` was not begun.
   *
   * @param end by the monotonic clock, in ms
   */
  pass<T>(work: () => Promise<T>, end: number): Promise<T> {
    return this.#pass(work, () => this.#stand(end));
  }

  async #pass<T>(work: () => Promise<T>, stand: () => Promise<void>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await stand();
    try {
      return await work();
    } finally {
      const [first] = this.#waiting;
      const next = this.#ahead.shift() ?? first;
      if (next === undefined) this.#free += 1;
      else next();
    }
  }

  #stand(end: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(enter);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.delete(enter);
        reject(
          new ContentionError(
            'So many wait for rows that somebody else holds that the turn of this one did not come. Nothing was written: try again.',
          ),
        );
      };
      const timer = setTimeout(leave, Math.max(0, end - performance.now()));
      this.#waiting.add(enter);
    });
  }
}
