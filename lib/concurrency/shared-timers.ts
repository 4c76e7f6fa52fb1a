import { performance } from 'node:perf_hooks';
import { LongTimer } from './long-timer.js';

/** Waits for one time; {@link SharedTimers.start} makes it. */
export interface SharedTimer {
  cancel(): void;
}

/**
 * Waits of a few lengths, nearly all of which are cancelled, such as the timeouts of attempts. All of one length share one
 * timer of Node's, and each costs an entry in a list. They end in the order in which they began, so only the first needs a timer.
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

/**
 * A list of its own, and no `Set`: one that is added to and deleted from all the time leaves a chain of old tables behind,
 * with what was in them, and minor garbage collections free none of it.
 */
class Line {
  #first: Wait | null = null;
  #last: Wait | null = null;
  readonly #ms: number;
  readonly #emptied: () => void;

  constructor(ms: number, emptied: () => void) {
    this.#ms = ms;
    this.#emptied = emptied;
    this.#waitForFirst(ms);
  }

  enter(then: () => void): SharedTimer {
    const wait = new Wait(this, performance.now() + this.#ms, then, this.#last);
    if (this.#last) this.#last.next = wait;
    else this.#first = wait;
    this.#last = wait;
    return wait;
  }

  leave(wait: Wait): void {
    const { previous, next } = wait;
    if (previous) previous.next = next;
    else this.#first = next;
    if (next) next.previous = previous;
    else this.#last = previous;
    wait.forget();
  }

  #waitForFirst(left: number): void {
    LongTimer.start(left, () => this.#end());
  }

  /** Ends those whose time has come. Most that the timer was set for were cancelled meanwhile. */
  #end(): void {
    const now = performance.now();
    try {
      for (let first = this.#first; first && first.at <= now; first = this.#first) {
        const { whatFollows } = first;
        this.leave(first);
        whatFollows?.();
      }
    } finally {
      // Also where one of them has thrown: those after it are waited for all the same.
      if (this.#first) this.#waitForFirst(this.#first.at - now);
      else this.#emptied();
    }
  }
}

class Wait implements SharedTimer {
  #line: Line | null;
  next: Wait | null = null;
  #then: (() => void) | null;

  constructor(
    line: Line,
    /** By the monotonic clock. */
    readonly at: number,
    then: () => void,
    public previous: Wait | null,
  ) {
    this.#line = line;
    this.#then = then;
  }

  get whatFollows(): (() => void) | null {
    return this.#then;
  }

  cancel(): void {
    this.#line?.leave(this);
  }

  /** It is over: whoever still has it keeps nothing alive with it. */
  forget(): void {
    this.#line = null;
    this.previous = null;
    this.next = null;
    this.#then = null;
  }
}
