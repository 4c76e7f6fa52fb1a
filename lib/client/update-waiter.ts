import { setTimeout, clearTimeout } from 'node:timers';
import { ChurningMap, LongTimer, inRootContext } from '../concurrency/index.js';
import { JournalUnavailableError, JournalRetry } from '../journal/index.js';
import type { ActorId, JournalReading, UpdateAnswer, UpdateRef } from '../journal/index.js';
import type { Hint, Wakeup } from '../wakeup/index.js';

/** In ms. */
const POLL = 1_000;
/** How long after a hint to look: hints come in crowds, and one query serves them all. In ms. */
const GATHER = 2;

/** What a waiter gets: the answer, that there is none any more, that its time ran out, or that it need not wait any longer. */
export type AwaitedAnswer = Exclude<UpdateAnswer, { type: 'open' }> | 'timeout' | 'aborted' | 'closed';

export interface Patience {
  /** In ms; `null` for no limit. */
  readonly timeout: number | null;
  readonly signal: AbortSignal | undefined;
}

interface Awaited {
  readonly ref: UpdateRef;
  /** Who has it; `null` where the send did not tell. */
  readonly actorId: ActorId | null;
  /** Everybody who waits for it. */
  readonly settlers: Set<(answer: AwaitedAnswer) => void>;
}

/**
 * Waits for answers of updates: all waiters of a process share one query, asked when a hint came and by polling. What this
 * process has answered itself it knows without a query.
 */
export class UpdateWaiter {
  readonly #journal: Pick<JournalReading, 'answers'>;
  readonly #wakeup: Wakeup;
  readonly #journalRetry: JournalRetry;
  readonly #waiting = new ChurningMap<string, Awaited>();
  #timer: NodeJS.Timeout | undefined;
  #timerIn = Number.POSITIVE_INFINITY;
  #asking = false;
  #unlisten: (() => void) | undefined;
  #stopped = false;

  constructor(journal: Pick<JournalReading, 'answers'>, wakeup: Wakeup, journalRetry = new JournalRetry()) {
    this.#journal = journal;
    this.#wakeup = wakeup;
    this.#journalRetry = journalRetry;
  }

  /**
   * What the update came to.
   *
   * @param actorId who got it; `null` where that is not known, as of one that was sent before
   */
  wait(ref: UpdateRef, actorId: ActorId | null, { timeout, signal }: Patience): Promise<AwaitedAnswer> {
    return new Promise((resolve) => {
      if (this.#stopped) return resolve('closed');
      if (signal?.aborted) return resolve('aborted');
      const key = keyOf(ref);
      let timer: LongTimer | undefined;
      const aborted = (): void => settle('aborted');
      const settle = (answer: AwaitedAnswer): void => {
        timer?.cancel();
        signal?.removeEventListener('abort', aborted);
        const awaited = this.#waiting.get(key);
        awaited?.settlers.delete(settle);
        if (awaited?.settlers.size === 0) this.#waiting.delete(key);
        resolve(answer);
      };
      if (timeout !== null) timer = LongTimer.start(timeout, () => settle('timeout'), true);
      signal?.addEventListener('abort', aborted);
      const awaited = this.#waiting.get(key);
      if (awaited) awaited.settlers.add(settle);
      else this.#waiting.set(key, { ref, actorId, settlers: new Set([settle]) });
      this.#unlisten ??= this.#wakeup.listen((hint) => {
        if (this.#concerns(hint)) this.#look(GATHER);
      });
      // One that was sent just now has an answer after a turn at the earliest, and a hint tells of it.
      this.#look(actorId === null ? 0 : POLL);
    });
  }

  /** An answer was committed in this process. */
  answered(ref: UpdateRef, answer: Exclude<UpdateAnswer, { type: 'open' }>): void {
    for (const settle of this.#waiting.get(keyOf(ref))?.settlers ?? []) settle(answer);
  }

  /** A run ended, or was ended, in this process: it answers nothing more. */
  lookSoon(): void {
    if (this.#waiting.size > 0) this.#look(GATHER);
  }

  stop(): void {
    this.#stopped = true;
    this.#unlisten?.();
    clearTimeout(this.#timer);
    for (const { settlers } of this.#waiting.values()) for (const settle of settlers) settle('closed');
  }

  #concerns(hint: Hint): boolean {
    if (hint.type === 'run closed') return this.#waiting.size > 0;
    if (hint.type !== 'updates answered') return false;
    if (hint.actorId === '*') return this.#waiting.size > 0;
    for (const { actorId } of this.#waiting.values())
      if (actorId === null || actorId === hint.actorId) return true;
    return false;
  }

  #look(within: number): void {
    if (this.#stopped || this.#timerIn <= within) return;
    clearTimeout(this.#timer);
    this.#timerIn = within;
    // In an empty context: the query is for all waiters, not only for the one that asked first.
    this.#timer = inRootContext(() => setTimeout(() => void this.#ask(), within));
  }

  async #lookFor(refs: readonly UpdateRef[]): Promise<void> {
    if (refs.length === 0) return;
    try {
      const answers = await this.#journalRetry.once('looking for answers', () => this.#journal.answers(refs));
      answers.forEach((answer, i) => {
        if (answer.type !== 'open') this.answered(refs[i]!, answer);
      });
    } catch (error) {
      // An answer that cannot be read must not keep the waiters of others from getting theirs.
      if (error instanceof JournalUnavailableError || refs.length === 1) throw error;
      const middle = refs.length >> 1;
      await Promise.allSettled([this.#lookFor(refs.slice(0, middle)), this.#lookFor(refs.slice(middle))]);
    }
  }

  async #ask(): Promise<void> {
    this.#timerIn = Number.POSITIVE_INFINITY;
    if (this.#asking) return this.#look(GATHER);
    this.#asking = true;
    try {
      await this.#lookFor([...this.#waiting.values()].map(({ ref }) => ref));
    } catch {
      // Unreachable: asked again at the next poll.
    } finally {
      this.#asking = false;
      if (this.#waiting.size > 0) this.#look(POLL);
    }
  }
}

const keyOf = ({ namespace, workflowId, updateId }: UpdateRef): string =>
  `${namespace}\u0000${workflowId}\u0000${updateId}`;
