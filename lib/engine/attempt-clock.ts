import { clearTimeout, setTimeout } from 'node:timers';
import { TimeoutFailure } from '../core/index.js';
import type { ResolvedActivityOptions } from '../core/index.js';
import type { StopSwitch } from './stop-switch.js';

/** Ends an attempt that takes too long, or that has not been heard of for too long. */
export class AttemptClock {
  readonly expired: Promise<never>;
  #expire!: (error: Error) => void;
  readonly #timeout: NodeJS.Timeout;
  #silence: NodeJS.Timeout | undefined;
  readonly #heartbeatTimeout: number | null;
  readonly #label: string;

  constructor(name: string, attempt: number, options: ResolvedActivityOptions, stop: StopSwitch) {
    this.#label = `Attempt ${attempt} of ${name}`;
    this.#heartbeatTimeout = options.heartbeatTimeout;
    this.expired = new Promise((_, reject) => {
      this.#expire = (error) => {
        reject(error);
        // The activity may still be at work: tell it.
        stop.stop(error);
      };
    });
    this.expired.catch(() => {});
    // Longer waits overflow the timer and would fire at once.
    this.#timeout = setTimeout(
      () =>
        this.#expire(
          new TimeoutFailure(`${this.#label} took longer than its timeout of ${options.timeout} ms.`),
        ),
      Math.min(options.timeout, LONGEST_TIMER),
    ).unref();
    this.heardOf();
  }

  heardOf(): void {
    if (this.#heartbeatTimeout === null) return;
    clearTimeout(this.#silence);
    this.#silence = setTimeout(
      () =>
        this.#expire(
          new TimeoutFailure(`${this.#label} sent no heartbeat for ${this.#heartbeatTimeout} ms.`),
        ),
      Math.min(this.#heartbeatTimeout, LONGEST_TIMER),
    ).unref();
  }

  stop(): void {
    clearTimeout(this.#timeout);
    clearTimeout(this.#silence);
  }
}
const LONGEST_TIMER = 2 ** 31 - 1;
