import type { TerminalEntry } from '../core/index.js';
import { isTerminal } from '../core/index.js';
import { JournalRetry } from '../journal/index.js';
import type { JournalReading, RunId } from '../journal/index.js';
import type { Wakeup } from '../wakeup/index.js';
import { AnswerWaiter } from './answer-waiter.js';
import type { NoAnswer } from './answer-waiter.js';
import type { Patience } from './patience.js';

/** Waits for runs to end. What ends in this process it knows without a query. */
export class ResultWaiter {
  readonly #waiter: AnswerWaiter<RunId, TerminalEntry>;

  constructor(
    journal: Pick<JournalReading, 'outcomes'>,
    wakeup: Wakeup,
    journalRetry: JournalRetry = new JournalRetry(),
  ) {
    this.#waiter = new AnswerWaiter(
      {
        what: 'looking for results',
        gather: 5,
        keyOf: (runId) => runId,
        concerns: (hint, waiter) =>
          hint.type === 'run closed' && (hint.runId === '*' || waiter.has(hint.runId)),
        read: async (runIds) => {
          const outcomes = await journal.outcomes(runIds);
          return outcomes.map((outcome) => (outcome && isTerminal(outcome.last) ? outcome.last : null));
        },
      },
      wakeup,
      journalRetry,
    );
  }

  /**
   * How the run ended.
   *
   * @param resident the run is in memory here: when it ends this process knows, so the journal need not be asked at once
   */
  wait(runId: RunId, patience: Patience, resident: boolean): Promise<TerminalEntry | NoAnswer> {
    return this.#waiter.wait(runId, patience, !resident);
  }

  /** A run ended in this process. */
  ended(runId: RunId, last: TerminalEntry): void {
    this.#waiter.answered(runId, last);
  }

  stop(): void {
    this.#waiter.stop();
  }
}
