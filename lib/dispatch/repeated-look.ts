import { setTimeout, clearTimeout } from 'node:timers';

/** Looks for something again and again, until it is stopped; the pause begins when a look has ended. */
export class RepeatedLook {
  readonly #look: () => Promise<void>;
  /** In ms. */
  readonly #interval: number;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  /** @param look must not reject */
  constructor(look: () => Promise<void>, interval: number) {
    this.#look = look;
    this.#interval = interval;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** @param after when to look first, in ms; defaults to the interval */
  start(after = this.#interval): void {
    if (this.#stopped) return;
    // Workers that were started together should not all look at the same time.
    const wait = after * (0.75 + Math.random() / 2);
    this.#timer = setTimeout(() => {
      this.#running = this.#look().finally(() => this.start());
    }, wait).unref();
  }

  /** Resolves when a look that is under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }
}
