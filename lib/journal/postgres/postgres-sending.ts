import type {
  CallbackAnswer,
  CallbackSettlement,
  JournalCallbacks,
  JournalSending,
  Message,
  RetryRollbackAnswer,
  RetryRollbackRequest,
  SendAnswer,
  StartAnswer,
  StartRequest,
  StartWithAnswer,
  StartWithRequest,
  TerminateAnswer,
  TerminateRequest,
  Transaction,
} from '../port/index.js';
import {
  refuseUnstorableMessage,
  refuseUnstorableSettlement,
  refuseUnstorableRetry,
  refuseUnstorableStart,
  refuseUnstorableStartWith,
  refuseUnstorableTermination,
} from '../rules/storable.js';
import { inCallersTransaction } from './caller-transaction.js';
import type { Database } from './connection.js';
import { startAlone } from './debounce-start.js';
import { isWorthAnotherTry, untilDone, untilFree } from './held-rows.js';
import type { LockQueue } from './lock-queue.js';
import { orUnanswered, portionByPortion } from './portions.js';
import { retryRollback } from './retry-rollback.js';
import { sendMessages, sendWithin } from './send-messages.js';
import { settleOne } from './settle-callbacks.js';
import { StartRefused, inPortions, isSimple, startTogether, startWithin } from './start-runs.js';
import { MessageWasSent, startWith } from './start-with.js';
import { terminateRun } from './terminate-runs.js';

/** Starts, messages, callbacks and terminations: what of it goes together, what waits for locks, and what is tried again. */
export class PostgresSending implements JournalSending, JournalCallbacks {
  readonly #database: Database;
  readonly #lockQueue: LockQueue;

  constructor(database: Database, lockQueue: LockQueue) {
    this.#database = database;
    this.#lockQueue = lockQueue;
  }

  async start(
    requests: readonly StartRequest[],
    { wait = false, within }: { wait?: boolean; within?: Transaction } = {},
  ): Promise<readonly StartAnswer[]> {
    requests.forEach(refuseUnstorableStart);
    return await portionByPortion(inPortions(requests), (portion) => {
      if (within !== undefined) return this.#startWithin(portion, within);
      return wait ? Promise.all(portion.map((one) => this.#startWaiting(one))) : this.#start(portion);
    });
  }

  async send(
    messages: readonly Message[],
    { wait = false, within }: { wait?: boolean; within?: Transaction } = {},
  ): Promise<readonly SendAnswer[]> {
    messages.forEach(refuseUnstorableMessage);
    if (within !== undefined) {
      return await inCallersTransaction(this.#database, within, (sql) =>
        sendWithin(sql, messages, wait ? '' : 'skip locked'),
      );
    }
    if (!wait) return await sendMessages(this.#database, messages, 'skip locked');
    return await untilDone(
      messages,
      (left, end) => this.#lockQueue.pass(() => sendMessages(this.#database, left, ''), end),
      { type: 'again' },
      (answer) => answer.type === 'again',
    );
  }

  async startWith(request: StartWithRequest): Promise<StartWithAnswer> {
    refuseUnstorableStartWith(request);
    try {
      return await this.#waiting(() => this.#database.transaction((sql) => startWith(sql, request)));
    } catch (error) {
      if (error instanceof MessageWasSent) return { type: 'duplicate' };
      if (error instanceof StartRefused) return error.answer;
      throw error;
    }
  }

  async terminate(requests: readonly TerminateRequest[]): Promise<readonly TerminateAnswer[]> {
    requests.forEach(refuseUnstorableTermination);
    return await Promise.all(requests.map((request) => orUnanswered(() => this.#terminate(request))));
  }

  async settleCallbacks(requests: readonly CallbackSettlement[]): Promise<readonly CallbackAnswer[]> {
    requests.forEach(refuseUnstorableSettlement);
    return await Promise.all(
      requests.map((request) =>
        orUnanswered(() => this.#soon(() => this.#database.transaction((sql) => settleOne(sql, request)))),
      ),
    );
  }

  async retryRollback(request: RetryRollbackRequest): Promise<RetryRollbackAnswer> {
    refuseUnstorableRetry(request);
    return await this.#waiting(() => retryRollback(this.#database, request));
  }

  /** Waits for no lock longer than one `lock_timeout`; a start that would have to wait longer is answered `again`. */
  async #start(portion: readonly StartRequest[]): Promise<readonly StartAnswer[]> {
    const [request, ...others] = portion;
    if (request === undefined) return [];
    try {
      return isSimple(request)
        ? await startTogether(this.#database, portion)
        : [await this.#startAlone(request)];
    } catch (error) {
      if (!isWorthAnotherTry(error)) throw error;
      if (others.length === 0) return [{ type: 'again' }];
    }
    // An open transaction has started some of the ids. In halves, so that as few others as possible wait along with them.
    const middle = portion.length >> 1;
    return await portionByPortion([portion.slice(0, middle), portion.slice(middle)], (half) =>
      this.#start(half),
    );
  }

  async #startWaiting(request: StartRequest): Promise<StartAnswer> {
    return await orUnanswered(() =>
      this.#waiting(async () => {
        if (!isSimple(request)) return await this.#startAlone(request);
        const [answer] = await startTogether(this.#database, [request]);
        // It answers every request, or throws.
        return answer as StartAnswer;
      }),
    );
  }

  async #startAlone(request: StartRequest): Promise<StartAnswer> {
    return await orRefused(() => this.#database.transaction((sql) => startAlone(sql, request)));
  }

  async #terminate(request: TerminateRequest): Promise<TerminateAnswer> {
    return await this.#soon(() => this.#database.transaction((sql) => terminateRun(sql, request)));
  }

  /** As {@link #waiting}. The first try waits in no line, because mostly nobody has the row locked. */
  async #soon<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!isWorthAnotherTry(error)) throw error;
      return await this.#waiting(work);
    }
  }

  async #startWithin(portion: readonly StartRequest[], within: Transaction): Promise<readonly StartAnswer[]> {
    const [request] = portion;
    if (request === undefined) return [];
    if (isSimple(request)) {
      return await inCallersTransaction(this.#database, within, (sql) => startWithin(sql, portion));
    }
    return [
      await orRefused(() => inCallersTransaction(this.#database, within, (sql) => startAlone(sql, request))),
    ];
  }

  /** Runs what waits for a lock: not too many at a time, and again while the lock is not given. */
  async #waiting<T>(work: () => Promise<T>): Promise<T> {
    return await untilFree((end) => this.#lockQueue.pass(work, end));
  }
}

async function orRefused(start: () => Promise<StartAnswer>): Promise<StartAnswer> {
  try {
    return await start();
  } catch (error) {
    if (error instanceof StartRefused) return error.answer;
    throw error;
  }
}
