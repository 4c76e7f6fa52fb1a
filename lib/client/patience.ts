import { LongTimer } from '../concurrency/index.js';

/** Why a wait ended without what it was for: its time ran out, or its caller's `AbortSignal` ended it. */
export type WhyOver = 'timeout' | 'aborted';

/**
 * How long a caller waits, from now on, over everything that is done for its call: until the time is up, or until its signal ends
 * the wait. What was begun for the call goes on.
 */
export class Patience {
  /** In ms; `null` for no limit. */
  readonly timeout: number | null;
  readonly signal: AbortSignal | undefined;
  /** By the monotonic clock. */
  readonly #until: number | null;

  constructor(timeout: number | null, signal?: AbortSignal) {
    this.timeout = timeout;
    this.signal = signal;
    this.#until = timeout === null ? null : performance.now() + timeout;
  }

  /** Whether nobody waits any more. */
  get over(): boolean {
    return this.signal?.aborted === true || (this.#until !== null && performance.now() >= this.#until);
  }

  /** Calls back when it is over. Gives what takes that back. */
  whenOver(over: (why: WhyOver) => void): () => void {
    const { signal } = this;
    const aborted = (): void => over('aborted');
    signal?.addEventListener('abort', aborted);
    const left = this.#until === null ? null : Math.max(0, this.#until - performance.now());
    const timer = left === null ? undefined : LongTimer.start(left, () => over('timeout'), true);
    return () => {
      timer?.cancel();
      signal?.removeEventListener('abort', aborted);
    };
  }

  /** What the work comes to, or why that was not waited for. Throws what the work rejects with in time. */
  within<T extends object | null>(work: Promise<T>): Promise<T | WhyOver> {
    return new Promise((resolve, reject) => {
      const over = (why: WhyOver): void => {
        forget();
        resolve(why);
      };
      const forget = this.whenOver(over);
      if (this.signal?.aborted) over('aborted');
      work.finally(forget).then(resolve, reject);
    });
  }
}
