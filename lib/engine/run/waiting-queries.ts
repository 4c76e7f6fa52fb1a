import { RunNotReadyError } from '../../core/index.js';
import { LongTimer } from '../../concurrency/index.js';

/** Says a {@link RunNotReadyError} of a run that does not come to its messages. */
export const INBOX_UNREAD = 'The workflow has not taken up yet what it was sent before. Ask again later.';

/** The run left the memory before it answered. Ask the journal: what the run knew may never have been committed. */
export class RunGoneError extends Error {
  override readonly name: string = 'RunGoneError';
}

interface WaitingQuery {
  /** Answered once the inbox is consumed up to here. */
  readonly through: number;
  readonly answer: () => void;
  readonly refuse: (error: Error) => void;
}

/** Queries of one run that wait for the turn under way, or for messages that were acknowledged before they were asked (F21). */
export class WaitingQueries {
  #waiting: WaitingQuery[] = [];

  /**
   * @param ask reads the answer; what it throws is the answer too
   * @param patience in ms; `null`: it waits for the turn under way only, and is answered when its commit is
   * @throws RunNotReadyError when the inbox is not consumed up to `through` within `patience`
   */
  ask(ask: () => unknown, through: number, patience: number | null): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const query: WaitingQuery = {
        through,
        answer: () => {
          timer?.cancel();
          try {
            resolve(ask());
          } catch (error) {
            reject(error);
          }
        },
        refuse: (error) => {
          timer?.cancel();
          reject(error);
        },
      };
      const timer =
        patience === null
          ? undefined
          : LongTimer.start(patience, () => {
              this.#waiting = this.#waiting.filter((other) => other !== query);
              reject(new RunNotReadyError(INBOX_UNREAD));
            });
      this.#waiting.push(query);
    });
  }

  /** Between turns: answers those that need no more than what is consumed. */
  answer(consumed: number): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ through }) => through > consumed);
    for (const { through, answer } of waiting) if (through <= consumed) answer();
  }

  /** The run is closed, and consumes nothing more. */
  answerAll(): void {
    this.answer(Number.POSITIVE_INFINITY);
  }

  /** @param why made only where somebody is told: an error takes a stack */
  refuseAll(why: () => Error): void {
    if (this.#waiting.length === 0) return;
    const error = why();
    for (const { refuse } of this.#waiting.splice(0)) refuse(error);
  }
}
