import { setTimeout, clearTimeout } from 'node:timers';
import { ChurningMap, inRootContext } from '../concurrency/index.js';
import { JournalUnavailableError } from '../journal/index.js';
import type { JournalRetry } from '../journal/index.js';
import type { Hint, Wakeup } from '../wakeup/index.js';
import type { Patience, WhyOver } from './patience.js';

/** In ms. */
const POLL = 1_000;

/** What a waiter gets in place of an answer: why it waits no longer, or that this process is closing. */
export type NoAnswer = WhyOver | 'closed';

/** What is waited for, and how it is looked up. */
export interface Awaiting<S, A extends object> {
  /** For the notice of an outage. */
  readonly what: string;
  /** How long after a hint to look, in ms: hints come in crowds, and one query serves them all. */
  readonly gather: number;
  /** One text for each subject. */
  keyOf(subject: S): string;
  /** Whether a hint may mean an answer for one of these. */
  concerns(hint: Hint, waiter: AnswerWaiter<S, A>): boolean;
  /** One query. `null`: no answer yet. */
  read(subjects: readonly S[]): Promise<readonly (A | null)[]>;
}

interface Waited<S, A extends object> {
  readonly subject: S;
  /** Everybody who waits for it. */
  readonly settlers: Set<(answer: A | NoAnswer) => void>;
}

/** Waits for answers: all waiters of a process share one query, asked when a hint came and by polling. */
export class AnswerWaiter<S, A extends object> {
  readonly #awaiting: Awaiting<S, A>;
  readonly #wakeup: Wakeup;
  readonly #journalRetry: JournalRetry;
  readonly #waiting = new ChurningMap<string, Waited<S, A>>();
  #timer: NodeJS.Timeout | undefined;
  #timerIn = Number.POSITIVE_INFINITY;
  #asking = false;
  #unlisten: (() => void) | undefined;
  #stopped = false;

  constructor(awaiting: Awaiting<S, A>, wakeup: Wakeup, journalRetry: JournalRetry) {
    this.#awaiting = awaiting;
    this.#wakeup = wakeup;
    this.#journalRetry = journalRetry;
  }

  /** @param atOnce whether there may be an answer already; otherwise a hint tells of it, or the next poll finds it */
  wait(subject: S, patience: Patience, atOnce: boolean): Promise<A | NoAnswer> {
    return new Promise((resolve) => {
      if (this.#stopped) return resolve('closed');
      if (patience.signal?.aborted) return resolve('aborted');
      const key = this.#awaiting.keyOf(subject);
      const settle = (answer: A | NoAnswer): void => {
        forget();
        const waited = this.#waiting.get(key);
        waited?.settlers.delete(settle);
        if (waited?.settlers.size === 0) this.#waiting.delete(key);
        resolve(answer);
      };
      const forget = patience.whenOver(settle);
      const waited = this.#waiting.get(key);
      if (waited) waited.settlers.add(settle);
      else this.#waiting.set(key, { subject, settlers: new Set([settle]) });
      this.#unlisten ??= this.#wakeup.listen((hint) => {
        if (this.#awaiting.concerns(hint, this)) this.lookSoon();
      });
      this.#look(atOnce ? 0 : POLL);
    });
  }

  /** The answer is known. */
  answered(subject: S, answer: A): void {
    for (const settle of this.#waiting.get(this.#awaiting.keyOf(subject))?.settlers ?? []) settle(answer);
  }

  has(key: string): boolean {
    return this.#waiting.has(key);
  }
  some(matches: (subject: S) => boolean): boolean {
    for (const { subject } of this.#waiting.values()) if (matches(subject)) return true;
    return false;
  }

  lookSoon(): void {
    if (this.#waiting.size > 0) this.#look(this.#awaiting.gather);
  }

  stop(): void {
    this.#stopped = true;
    this.#unlisten?.();
    clearTimeout(this.#timer);
    for (const { settlers } of this.#waiting.values()) for (const settle of settlers) settle('closed');
  }

  #look(within: number): void {
    if (this.#stopped || this.#timerIn <= within) return;
    clearTimeout(this.#timer);
    this.#timerIn = within;
    // In an empty context: the query is for all waiters, not only for the one that asked first.
    this.#timer = inRootContext(() => setTimeout(() => void this.#ask(), within));
  }

  async #ask(): Promise<void> {
    this.#timerIn = Number.POSITIVE_INFINITY;
    if (this.#asking) return this.#look(this.#awaiting.gather);
    this.#asking = true;
    try {
      await this.#lookFor([...this.#waiting.values()].map(({ subject }) => subject));
    } catch {
      // Unreachable: asked again at the next poll.
    } finally {
      this.#asking = false;
      if (this.#waiting.size > 0) this.#look(POLL);
    }
  }

  async #lookFor(subjects: readonly S[]): Promise<void> {
    if (subjects.length === 0) return;
    const { what } = this.#awaiting;
    try {
      const answers = await this.#journalRetry.once(what, () => this.#awaiting.read(subjects));
      answers.forEach((answer, i) => {
        if (answer !== null) this.answered(subjects[i]!, answer);
      });
    } catch (error) {
      // An answer that cannot be read must not keep the waiters of others from getting theirs.
      if (error instanceof JournalUnavailableError || subjects.length === 1) throw error;
      const middle = subjects.length >> 1;
      await Promise.allSettled([
        this.#lookFor(subjects.slice(0, middle)),
        this.#lookFor(subjects.slice(middle)),
      ]);
    }
  }
}
