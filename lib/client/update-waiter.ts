import { actorOf, JournalRetry } from '../journal/index.js';
import type { ActorId, JournalReading, UpdateAnswer, UpdateRef } from '../journal/index.js';
import type { Hint, Wakeup } from '../wakeup/index.js';
import { AnswerWaiter } from './answer-waiter.js';
import type { NoAnswer } from './answer-waiter.js';
import type { Patience } from './patience.js';

export type FinalAnswer = Exclude<UpdateAnswer, { type: 'open' }>;

/** An update, and who has it; `null` where the send did not tell. */
interface Asked extends UpdateRef {
  readonly actorId: ActorId | null;
}

/** Waits for answers of updates. What this process has answered itself it knows without a query. */
export class UpdateWaiter {
  readonly #waiter: AnswerWaiter<Asked, FinalAnswer>;

  constructor(
    journal: Pick<JournalReading, 'answers'>,
    wakeup: Wakeup,
    journalRetry: JournalRetry = new JournalRetry(),
  ) {
    this.#waiter = new AnswerWaiter(
      {
        what: 'looking for answers',
        gather: 2,
        keyOf: ({ namespace, workflowId, updateId }) => `${namespace}\u0000${workflowId}\u0000${updateId}`,
        concerns: (hint, waiter) => waiter.some(({ actorId }) => mayAnswer(hint, actorId)),
        read: async (asked) => {
          const answers = await journal.answers(asked);
          return answers.map((answer) => (answer.type === 'open' ? null : answer));
        },
      },
      wakeup,
      journalRetry,
    );
  }

  /**
   * What the update came to.
   *
   * @param actorId who got it; `null` where that is not known, as of one that was sent before
   */
  wait(ref: UpdateRef, actorId: ActorId | null, patience: Patience): Promise<FinalAnswer | NoAnswer> {
    // One that was sent just now has an answer after a turn at the earliest, and a hint tells of it.
    return this.#waiter.wait({ ...ref, actorId }, patience, actorId === null);
  }

  /** An answer was committed in this process. */
  answered(ref: UpdateRef, answer: FinalAnswer): void {
    this.#waiter.answered({ ...ref, actorId: null }, answer);
  }

  /** A run of this workflow id ended in this process: it answers nothing more. */
  closed({ namespace, workflowId }: Pick<UpdateRef, 'namespace' | 'workflowId'>): void {
    const isOfRun = (asked: Asked): boolean =>
      asked.workflowId === workflowId && asked.namespace === namespace;
    if (this.#waiter.some(isOfRun)) this.#waiter.lookSoon();
  }

  stop(): void {
    this.#waiter.stop();
  }
}

function mayAnswer(hint: Hint, actorId: ActorId | null): boolean {
  switch (hint.type) {
    case 'updates answered':
      return hint.actorId === '*' || actorId === null || actorId === hint.actorId;
    case 'run closed':
      // The hint tells no actor. That of a run which has continued another one is found by the next poll.
      return hint.runId === '*' || actorId === actorOf(hint.runId);
    case 'run ready':
    case 'message arrived':
    case 'messages to deliver':
      return false;
    default:
      return hint satisfies never;
  }
}
