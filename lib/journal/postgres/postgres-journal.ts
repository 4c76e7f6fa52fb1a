import { TimeLimit } from '../../concurrency/index.js';
import { JournalError } from '../errors.js';
import type { Journal } from '../journal.js';
import type {
  CallbackAnswer,
  CallbackSettlement,
  Claim,
  ClaimRequest,
  CommitAnswer,
  Delivery,
  HeartbeatAnswer,
  InboxMessage,
  Lease,
  ListQuery,
  Loaded,
  LoadRequest,
  Message,
  OverdueAnswer,
  OverdueRequest,
  NewOperation,
  OperationsPage,
  OperationsQuery,
  OwnedActor,
  RefenceAnswer,
  RescueAnswer,
  RetryRollbackAnswer,
  RetryRollbackRequest,
  RunDescription,
  RunFilter,
  RunOutcome,
  RunPage,
  RunRef,
  SendAnswer,
  ServedWorkflow,
  StartAnswer,
  StartRequest,
  StartWithAnswer,
  StartWithRequest,
  StuckMark,
  SuspectRequest,
  TerminateAnswer,
  TerminateRequest,
  Transaction,
  Turn,
  UpdateAnswer,
  UpdateRef,
  WorkerSession,
} from '../port/index.js';
import { refuseMalformed } from '../rules/malformed-turns.js';
import type { RunId, WorkerId } from '../ids.js';
import { claim, claimSuspects } from './claim-actors.js';
import { commitApart, commitLocked } from './commit-turns.js';
import { Database } from './connection.js';
import { deliver } from './deliver-outbox.js';
import { endOverdue } from './end-overdue.js';
import { notify } from './hints.js';
import { ListeningConnection } from './listening-connection.js';
import { load } from './load-runs.js';
import { migrate } from './migrate.js';
import { type PostgresJournalOptions, type ResolvedOptions, resolveOptions } from './options.js';
import { untilDone, untilFree } from './held-rows.js';
import { readPage, record } from './operations.js';
import { LockQueue } from './lock-queue.js';
import { readPlanGeneration } from './plan-generation.js';
import { PostgresSending } from './postgres-sending.js';
import { count, describe, list, outcomes } from './read-runs.js';
import { answers } from './update-answers.js';
import { refence } from './refence-leases.js';
import {
  giveBack,
  heartbeat,
  leave,
  lockKeyOf,
  owned,
  register,
  rescue,
  served,
  unserved,
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
  readonly #sending: PostgresSending;
  #refreshing = false;

  /** Throws a `JournalError` for options that cannot work. */
  constructor(options: PostgresJournalOptions) {
    this.#options = resolveOptions(options);
    this.#database = new Database(this.#options);
    this.#listening = new ListeningConnection(this.#database);
    this.#lockQueue = new LockQueue(Math.max(1, Math.floor(this.#options.poolSize / 2)));
    this.#sending = new PostgresSending(this.#database, this.#lockQueue);
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
    options?: { wait?: boolean; within?: Transaction },
  ): Promise<readonly StartAnswer[]> {
    return await this.#sending.start(requests, options);
  }

  async send(
    messages: readonly Message[],
    options?: { wait?: boolean; within?: Transaction },
  ): Promise<readonly SendAnswer[]> {
    return await this.#sending.send(messages, options);
  }

  async startWith(request: StartWithRequest): Promise<StartWithAnswer> {
    return await this.#sending.startWith(request);
  }

  async terminate(requests: readonly TerminateRequest[]): Promise<readonly TerminateAnswer[]> {
    return await this.#sending.terminate(requests);
  }

  async retryRollback(request: RetryRollbackRequest): Promise<RetryRollbackAnswer> {
    return await this.#sending.retryRollback(request);
  }

  async record(operations: readonly NewOperation[]): Promise<void> {
    await record(this.#database, operations);
  }

  async operations(query: OperationsQuery): Promise<OperationsPage> {
    return await readPage(this.#database, query);
  }

  async settleCallbacks(requests: readonly CallbackSettlement[]): Promise<readonly CallbackAnswer[]> {
    return await this.#sending.settleCallbacks(requests);
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
    if (!wait) return await commitApart(this.#database, turns, 'skip locked');
    return await untilDone(
      turns,
      (left, end) => this.#lockQueue.pass(() => commitApart(this.#database, left, ''), end),
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

  async deliver(namespace: string, limit: number): Promise<Delivery> {
    return await deliver(this.#database, namespace, limit);
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
      // Vacuum has the table to itself for a moment now and then.
      await untilFree(() => register(this.#database, session, lockKey));
    } catch (error) {
      await this.#listening.letGo(lockKey);
      throw error;
    }
  }

  async heartbeat(owner: WorkerId): Promise<HeartbeatAnswer> {
    const answer = await heartbeat(this.#database, owner);
    if (answer.type === 'dead') await this.#listening.letGo(lockKeyOf(owner));
    else void this.#refreshPlansBeside();
    return answer;
  }

  async leave(owner: WorkerId): Promise<void> {
    await leave(this.#database, owner);
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

  async endOverdue(request: OverdueRequest): Promise<OverdueAnswer> {
    return await endOverdue(this.#database, request);
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

  async answers(updates: readonly UpdateRef[]): Promise<readonly UpdateAnswer[]> {
    return await answers(this.#database, updates);
  }

  async list(query: ListQuery): Promise<RunPage> {
    return await this.#database.reading((dataSource) => list(dataSource, query));
  }

  async unserved(namespace: string): Promise<readonly Pick<ServedWorkflow, 'workflow' | 'version'>[]> {
    return await unserved(this.#database, namespace);
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

  /**
   * Runs a statement of a holder that waits for a lock, ahead of those of callers, who may be many: it waits for a moment only,
   * and its runs wait with it.
   */
  async #waitingAhead<T>(work: () => Promise<T>): Promise<T> {
    return await untilFree(() => this.#lockQueue.passAhead(work));
  }

  /**
   * Beside a heartbeat, whose answer does not wait for it: tables may have to be counted, which takes seconds on a slow disk, and
   * a worker that is not told that it lives gives up its runs. What fails is left to the next heartbeat: old plans are slower, and
   * answer the same. It ends with its connection at the latest, so with the journal.
   */
  async #refreshPlansBeside(): Promise<void> {
    if (this.#refreshing) return;
    this.#refreshing = true;
    try {
      await this.#refreshPlans();
    } catch (error) {
      if (!(error instanceof JournalError)) throw error;
    } finally {
      this.#refreshing = false;
    }
  }

  /** The plans of prepared statements follow the sizes of the tables. */
  async #refreshPlans(): Promise<void> {
    const { planGeneration } = this.#database;
    this.#database.planGeneration = await readPlanGeneration(this.#database, planGeneration);
  }
}
