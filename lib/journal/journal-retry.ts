import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';
import { toError } from '../core/index.js';
import { ContentionError, JournalUnavailableError } from './errors.js';

/** In ms. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 2_000;
/** A failure that nobody has tried again for so long no longer counts as part of an outage. In ms. */
const FORGOTTEN = 60_000;

/** Hears of outages: of each one when it begins, and when it is over. */
export interface OutageListener {
  began(during: string, error: Error): void;
  ended(): void;
}

export interface RepeatOptions {
  /** Whether a failure is waited out. Defaults to: where the journal cannot be reached. */
  readonly again?: (error: Error) => boolean;
  /** The longest pause, in ms. Defaults to 2,000. */
  readonly longest?: number;
}

/** Pauses in ms, each about twice as long as the one before: those who fail together do not come back together. */
export class Backoff {
  readonly #longest: number;
  readonly #first: number;
  #next: number;

  constructor(longest = LONGEST_PAUSE, first = FIRST_PAUSE) {
    this.#longest = longest;
    this.#first = first;
    this.#next = first;
  }

  next(): number {
    const pause = this.#next * (0.75 + Math.random() / 2);
    this.#next = Math.min(this.#next * 2, this.#longest);
    return pause;
  }

  reset(): void {
    this.#next = this.#first;
  }
}

/**
 * Waits out outages of the journal, for a whole process: a worker that holds runs waits rather than gives them up. An outage is
 * told once when it begins and once when it is over, however many wait and however often they try.
 */
export class JournalRetry {
  readonly #listener: OutageListener;
  readonly #now: () => number;
  /** What failed and has not worked since, and until when that is remembered. */
  readonly #failing = new Map<string, number>();
  readonly #pausing = new Set<() => void>();
  #ended = false;

  /** @param now a monotonic clock, in ms; defaults to the process's */
  constructor(
    listener: OutageListener = { began: () => undefined, ended: () => undefined },
    now: () => number = () => performance.now(),
  ) {
    this.#listener = listener;
    this.#now = now;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** From now on what fails fails, and nobody waits any more. */
  end(): void {
    this.#ended = true;
    for (const resume of this.#pausing) resume();
  }

  /** Repeats what can be repeated, until it works. Throws what is not to be tried again, and everything after {@link end}. */
  async through<T>(
    during: string,
    attempt: () => Promise<T>,
    { again = isOutage, longest }: RepeatOptions = {},
  ): Promise<T> {
    let backoff: Backoff | undefined;
    for (;;) {
      try {
        return await this.once(during, attempt);
      } catch (error) {
        if (this.#ended || !again(toError(error))) throw error;
        this.failed(during, error, longest);
      }
      await this.#pause((backoff ??= new Backoff(longest)).next());
    }
  }

  /** One try, for what is asked again later by itself. */
  async once<T>(during: string, attempt: () => Promise<T>): Promise<T> {
    try {
      const answer = await attempt();
      if (this.#failing.size > 0) this.worked(during);
      return answer;
    } catch (error) {
      if (isOutage(error)) this.failed(during, error);
      throw error;
    }
  }

  /** @param longest the longest pause before it is tried again, in ms */
  failed(during: string, error: unknown, longest = LONGEST_PAUSE): void {
    const begins = this.#failing.size === 0;
    this.#failing.set(during, this.#now() + Math.max(FORGOTTEN, 2 * longest));
    if (begins) this.#listener.began(during, toError(error));
  }

  worked(during: string): void {
    if (this.#failing.size === 0) return;
    const now = this.#now();
    this.#failing.delete(during);
    for (const [other, until] of this.#failing) if (until < now) this.#failing.delete(other);
    if (this.#failing.size === 0) this.#listener.ended();
  }

  #pause(ms: number): Promise<void> {
    if (this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      const resume = (): void => {
        clearTimeout(timer);
        this.#pausing.delete(resume);
        resolve();
      };
      const timer = setTimeout(resume, ms);
      this.#pausing.add(resume);
    });
  }
}

/** Whether the journal cannot be reached; everything else has another reason. */
export const isOutage = (error: unknown): error is JournalUnavailableError =>
  error instanceof JournalUnavailableError && !(error instanceof ContentionError);
