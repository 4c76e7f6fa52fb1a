import { TimeLimit } from '../../concurrency/index.js';
import type { Journal } from '../journal.js';
import type {
  Claim,
  ClaimRequest,
  CommitAnswer,
  HeartbeatAnswer,
  InboxMessage,
  Lease,
  ListQuery,
  Loaded,
  LoadRequest,
  Message,
  OwnedActor,
  RefenceAnswer,
  RescueAnswer,
  RunDescription,
  RunFilter,
  RunOutcome,
  RunPage,
  RunRef,
  SendAnswer,
  ServedWorkflow,
  StartAnswer,
  StartRequest,
  StuckMark,
  SuspectRequest,
  TerminateAnswer,
  TerminateRequest,
  Transaction,
  Turn,
  WorkerSession,
} from '../port/index.js';
import { refuseMalformed } from '../rules/malformed-turns.js';
import {
  refuseUnstorableMessage,
  refuseUnstorableStart,
  refuseUnstorableTermination,
} from '../rules/storable.js';
import type { RunId, WorkerId } from '../ids.js';
import { inCallersTransaction } from './caller-transaction.js';
import { claim, claimSuspects } from './claim-actors.js';
import { commitLocked, commitTurns } from './commit-turns.js';
import { Database } from './connection.js';
import { notify } from './hints.js';
import { ListeningConnection } from './listening-connection.js';
import { load } from './load-runs.js';
import { migrate } from './migrate.js';
import { type PostgresJournalOptions, type ResolvedOptions, resolveOptions } from './options.js';
import { isWorthAnotherTry, untilDone, untilFree } from './held-rows.js';
import { LockQueue } from './lock-queue.js';
import { orUnanswered, portionByPortion } from './portions.js';
import { readPlanGeneration } from './plan-generation.js';
import { count, describe, list, outcomes } from './read-runs.js';
import { refence } from './refence-leases.js';
import { sendMessages, sendWithin } from './send-messages.js';
import {
  StartRefused,
  inPortions,
  isSimple,
  startByPolicy,
  startTogether,
  startWithin,
} from './start-runs.js';
import { terminateRun } from './terminate-runs.js';
import {
  giveBack,
  heartbeat,
  lockKeyOf,
  owned,
  register,
  rescue,
  served,
  unregister,
} from './worker-sessions.js';

/** How long connections may take to end, in ms. */
const CLOSE_TIMEOUT = 1_000;

/**
 * The durable adapter: everything is in PostgreSQL, version 13 or newer.
 *
 * Each verb is a statement, or a few of them where a later one must see what an earlier one has waited for. This class
 * decides where they run, how long they wait and what is tried again.
 */
export class PostgresJournal implements Journal {
  readonly #options: ResolvedOptions;
  readonly #database: Database;
  readonly #listening: ListeningConnection;
  /** Statements that wait for locks leave at least half of the connections to those that do not. */
  readonly #lockQueue: LockQueue;

  /** Throws a `JournalError` for options that cannot work. */
  constructor(options: PostgresJournalOptions) {
    this.#options = resolveOptions(options);
    this.#database = new Database(this.#options);
    this.#listening = new ListeningConnection(this.#database);
    this.#lockQueue = new LockQueue(Math.max(1, Math.floor(this.#options.poolSize / 2)));
  }

  async open(): Promise<void> {
    await this.#database.open();
    try {
      await migrate(this.#database, this.#options.migrations);
      await this.#refreshPlans();
    } catch (error) {
      await this.#database.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const closing = new TimeLimit(CLOSE_TIMEOUT);
    const ended = Promise.all([this.#listening.close(), this.#database.close()]);
    try {
      await closing.meet(ended);
    } finally {
      // A server that says nothing would be waited for without end; and what waits for it hears of the end here.
      this.#database.destroySockets();
    }
    await new TimeLimit(CLOSE_TIMEOUT / 5).meet(ended);
  }

  // -------------------------------------------------------------------------------- runs from outside

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

  async terminate(requests: readonly TerminateRequest[]): Promise<readonly TerminateAnswer[]> {
    requests.forEach(refuseUnstorableTermination);
    return await Promise.all(requests.map((request) => orUnanswered(() => this.#terminate(request))));
  }

  // -------------------------------------------------------------------------------------- the holder

  async claim(request: ClaimRequest): Promise<readonly Claim[]> {
    return await claim(this.#database, request);
  }

  async claimSuspects(request: SuspectRequest): Promise<readonly Claim[]> {
    return await claimSuspects(this.#database, request);
  }

  async load(requests: readonly LoadRequest[]): Promise<readonly Loaded[]> {
    return await load(this.#database, requests);
  }

  async commit(
    turns: readonly Turn[],
    { wait = false }: { wait?: boolean } = {},
  ): Promise<readonly CommitAnswer[]> {
    refuseMalformed(turns);
    if (!wait) return await commitTurns(this.#database, turns, 'skip locked');
    return await untilDone(
      turns,
      (left, end) => this.#lockQueue.pass(() => commitTurns(this.#database, left, ''), end),
      { type: 'busy' },
      (answer) => answer.type === 'busy',
    );
  }

  async commitLocked(
    lease: Lease,
    inboxAfter: number,
    take: (messages: readonly InboxMessage[]) => Promise<Turn>,
  ): Promise<CommitAnswer> {
    let taken = false;
    const takeOnce = async (messages: readonly InboxMessage[]): Promise<Turn> => {
      taken = true;
      return await take(messages);
    };
    return await untilFree(
      () =>
        this.#lockQueue.passAhead(() =>
          this.#database.transaction((sql) => commitLocked(sql, lease, inboxAfter, takeOnce)),
        ),
      () => !taken,
    );
  }

  async refence(leases: readonly Lease[]): Promise<readonly RefenceAnswer[]> {
    return await refence(this.#database, leases, (work) => this.#waitingAhead(work));
  }

  // ----------------------------------------------------------------------------------------- workers

  async register(session: WorkerSession): Promise<void> {
    const lockKey = lockKeyOf(session.id);
    // Before the session is registered: one whose lock is free may be taken for dead.
    await this.#listening.hold(lockKey);
    try {
      await register(this.#database, session, lockKey);
    } catch (error) {
      await this.#listening.letGo(lockKey);
      throw error;
    }
  }

  async heartbeat(owner: WorkerId): Promise<HeartbeatAnswer> {
    const answer = await heartbeat(this.#database, owner);
    if (answer.type === 'dead') await this.#listening.letGo(lockKeyOf(owner));
    else await this.#refreshPlans();
    return answer;
  }

  async owned(owner: WorkerId, which: 'all' | 'unread'): Promise<readonly OwnedActor[]> {
    return await owned(this.#database, owner, which);
  }

  async giveBack(owner: WorkerId, actors: readonly OwnedActor[]): Promise<number> {
    return await giveBack(this.#database, owner, actors);
  }

  async unregister(owner: WorkerId): Promise<void> {
    await unregister(this.#database, owner, (work) => this.#waitingAhead(work));
    await this.#listening.letGo(lockKeyOf(owner));
  }

  async rescue(namespace: string): Promise<RescueAnswer> {
    return await rescue(this.#database, namespace);
  }

  stuckMark(): StuckMark | null {
    return this.#database.stuckMark();
  }

  // ----------------------------------------------------------------------------------------- reading

  async describe(refs: readonly RunRef[]): Promise<readonly (RunDescription | null)[]> {
    return await describe(this.#database, refs);
  }

  async outcomes(runIds: readonly RunId[]): Promise<readonly (RunOutcome | null)[]> {
    return await outcomes(this.#database, runIds);
  }

  async list(query: ListQuery): Promise<RunPage> {
    return await this.#database.reading((dataSource) => list(dataSource, query));
  }

  async served(workflows: readonly ServedWorkflow[]): Promise<readonly boolean[]> {
    return await served(this.#database, workflows);
  }

  async count(filter: RunFilter): Promise<number> {
    return await this.#database.reading((dataSource) => count(dataSource, filter));
  }

  // ------------------------------------------------------------------------------------------- hints

  async notify(hints: readonly string[]): Promise<void> {
    await notify(this.#database, this.#database.channel, hints);
  }

  async listen(onHints: (hints: readonly string[]) => void): Promise<() => Promise<void>> {
    this.#database.requireOpen();
    return await this.#listening.listen(onHints);
  }

  // ------------------------------------------------------------------------------------------- inside

  /** Runs what waits for a lock: not too many at a time, and again while the lock is not given. */
  async #waiting<T>(work: () => Promise<T>): Promise<T> {
    return await untilFree((end) => this.#lockQueue.pass(work, end));
  }

  /** The same for a holder, which comes first: it waits for a moment only, and its runs wait with it. Callers may be many. */
  async #waitingAhead<T>(work: () => Promise<T>): Promise<T> {
    return await untilFree(() => this.#lockQueue.passAhead(work));
  }

  /** Waits for no lock longer than one `lock_timeout`; a start that would have to wait longer is answered `again`. */
  async #start(portion: readonly StartRequest[]): Promise<readonly StartAnswer[]> {
    const [request, ...others] = portion;
    if (request === undefined) return [];
    try {
      return isSimple(request)
        ? await startTogether(this.#database, portion)
        : [await this.#startByPolicy(request)];
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
        if (!isSimple(request)) return await this.#startByPolicy(request);
        const [answer] = await startTogether(this.#database, [request]);
        // It answers every request, or throws.
        return answer as StartAnswer;
      }),
    );
  }

  async #startByPolicy(request: StartRequest): Promise<StartAnswer> {
    return await orRefused(() => this.#database.transaction((sql) => startByPolicy(sql, request)));
  }

  /** The first try waits in no line, because mostly nobody has the row locked. */
  async #terminate(request: TerminateRequest): Promise<TerminateAnswer> {
    const terminate = (): Promise<TerminateAnswer> =>
      this.#database.transaction((sql) => terminateRun(sql, request));
    try {
      return await terminate();
    } catch (error) {
      if (!isWorthAnotherTry(error)) throw error;
      return await this.#waiting(terminate);
    }
  }

  async #startWithin(portion: readonly StartRequest[], within: Transaction): Promise<readonly StartAnswer[]> {
    const [request] = portion;
    if (request === undefined) return [];
    if (isSimple(request)) {
      return await inCallersTransaction(this.#database, within, (sql) => startWithin(sql, portion));
    }
    return [
      await orRefused(() =>
        inCallersTransaction(this.#database, within, (sql) => startByPolicy(sql, request)),
      ),
    ];
  }

  /** The plans of prepared statements follow the sizes of the tables. */
  async #refreshPlans(): Promise<void> {
    this.#database.planGeneration = await readPlanGeneration(this.#database);
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
