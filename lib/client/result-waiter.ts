import { setTimeout, clearTimeout } from 'node:timers';
import { ChurningMap, LongTimer, inRootContext } from '../concurrency/index.js';
import type { TerminalEntry } from '../core/index.js';
import { isTerminal } from '../core/index.js';
import { JournalUnavailableError, JournalRetry } from '../journal/index.js';
import type { JournalReading, RunId } from '../journal/index.js';
import type { Wakeup } from '../wakeup/index.js';

/** In ms. */
const POLL = 1_000;
/** How long after a hint to look: hints come in crowds, and one query serves them all. In ms. */
const GATHER = 5;

/** What a waiter gets: how the run ended, that its time ran out, that its signal ended the wait, or that this process is closing. */
export type WaitAnswer = TerminalEntry | 'timeout' | 'aborted' | 'closed';

/** Waits for runs to end: all waiters of a process share one query, asked when a hint came and by polling. */
export class ResultWaiter {
  readonly #journal: JournalReading;
  readonly #wakeup: Wakeup;
  readonly #journalRetry: JournalRetry;
  readonly #waiting = new ChurningMap<RunId, Set<(answer: WaitAnswer) => void>>();
  #timer: NodeJS.Timeout | undefined;
  #timerIn = Number.POSITIVE_INFINITY;
  #asking = false;
  #unlisten: (() => void) | undefined;
  #stopped = false;

  constructor(journal: JournalReading, wakeup: Wakeup, journalRetry = new JournalRetry()) {
    this.#journal = journal;
    this.#wakeup = wakeup;
    this.#journalRetry = journalRetry;
  }

  /**
   * How the run ended.
   *
   * @param timeout in ms; `null` for none
   * @param resident the run is in memory here: when it ends this process knows, so the journal need not be asked at once
   * @param signal ends the wait; defaults to none
   */
  wait(runId: RunId, timeout: number | null, resident: boolean, signal?: AbortSignal): Promise<WaitAnswer> {
    return new Promise((resolve) => {
      let timer: LongTimer | undefined;
      const aborted = (): void => settle('aborted');
      const settle = (answer: WaitAnswer): void => {
        timer?.cancel();
        signal?.removeEventListener('abort', aborted);
        const others = this.#waiting.get(runId);
        others?.delete(settle);
        if (others?.size === 0) this.#waiting.delete(runId);
        resolve(answer);
      };
      if (this.#stopped) return resolve('closed');
      if (signal?.aborted) return resolve('aborted');
      signal?.addEventListener('abort', aborted);
      if (timeout !== null) timer = LongTimer.start(timeout, () => settle('timeout'), true);
      const others = this.#waiting.get(runId);
      if (others) others.add(settle);
      else this.#waiting.set(runId, new Set([settle]));
      this.#unlisten ??= this.#wakeup.listen((hint) => {
        if (hint.type === 'run closed' && (hint.runId === '*' || this.#waiting.has(hint.runId)))
          this.#look(GATHER);
      });
      this.#look(resident ? POLL : 0);
    });
  }

  /** A run ended in this process. */
  ended(runId: RunId, last: TerminalEntry): void {
    for (const settle of this.#waiting.get(runId) ?? []) settle(last);
  }

  stop(): void {
    this.#stopped = true;
    this.#unlisten?.();
    clearTimeout(this.#timer);
    for (const waiters of this.#waiting.values()) for (const settle of waiters) settle('closed');
  }

  #look(within: number): void {
    if (this.#stopped || this.#timerIn <= within) return;
    clearTimeout(this.#timer);
    this.#timerIn = within;
    // In an empty context: the query is for all waiters, not only for the one that asked first.
    this.#timer = inRootContext(() => setTimeout(() => void this.#ask(), within));
  }

  async #lookFor(ids: readonly RunId[]): Promise<void> {
    if (ids.length === 0) return;
    try {
      const outcomes = await this.#journalRetry.once('looking for results', () =>
        this.#journal.outcomes(ids),
      );
      outcomes.forEach((outcome, i) => {
        if (outcome && isTerminal(outcome.last)) this.ended(ids[i]!, outcome.last);
      });
    } catch (error) {
      // A run whose end cannot be read must not keep the waiters of other runs from getting their answers.
      if (error instanceof JournalUnavailableError || ids.length === 1) throw error;
      const middle = ids.length >> 1;
      await Promise.allSettled([this.#lookFor(ids.slice(0, middle)), this.#lookFor(ids.slice(middle))]);
    }
  }

  async #ask(): Promise<void> {
    this.#timerIn = Number.POSITIVE_INFINITY;
    if (this.#asking) return this.#look(GATHER);
    this.#asking = true;
    try {
      await this.#lookFor([...this.#waiting.keys()]);
    } catch {
      // Unreachable: asked again at the next poll.
    } finally {
      this.#asking = false;
      if (this.#waiting.size > 0) this.#look(POLL);
    }
  }
}
