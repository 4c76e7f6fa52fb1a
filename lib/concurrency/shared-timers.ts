import { performance } from 'node:perf_hooks';
import { LongTimer } from './long-timer.js';

/** Waits for one time; {@link SharedTimers.start} makes it. */
export interface SharedTimer {
  cancel(): void;
}

/**
 * Waits of a few lengths, nearly all of which are cancelled, such as the timeouts of attempts. All of one length share one
 * timer of Node's, and each costs an entry in a set. They end in the order in which they began, so only the first needs a timer.
 */
export class SharedTimers {
  readonly #lines = new Map<number, Line>();

  /** @param ms one of few: each length that is in use has a timer */
  start(ms: number, then: () => void): SharedTimer {
    let line = this.#lines.get(ms);
    if (!line) this.#lines.set(ms, (line = new Line(ms, () => void this.#lines.delete(ms))));
    return line.enter(then);
  }
}

class Line {
  readonly #waits = new Set<Wait>();
  readonly #ms: number;
  readonly #emptied: () => void;

  constructor(ms: number, emptied: () => void) {
    this.#ms = ms;
    this.#emptied = emptied;
    this.#waitForFirst(ms);
  }

  enter(then: () => void): SharedTimer {
    const wait = new Wait(this.#waits, performance.now() + this.#ms, then);
    this.#waits.add(wait);
    return wait;
  }

  #waitForFirst(left: number): void {
    LongTimer.start(left, () => this.#end());
  }

  /** Ends those whose time has come. Most that the timer was set for were cancelled meanwhile. */
  #end(): void {
    const now = performance.now();
    for (const wait of this.#waits) {
      if (wait.at > now) return this.#waitForFirst(wait.at - now);
      this.#waits.delete(wait);
      wait.ends();
    }
    // A set visits what is added meanwhile: it is empty.
    this.#emptied();
  }
}

class Wait implements SharedTimer {
  constructor(
    readonly line: Set<Wait>,
    /** By the monotonic clock. */
    readonly at: number,
    readonly ends: () => void,
  ) {}

  cancel(): void {
    this.line.delete(this);
  }
}
