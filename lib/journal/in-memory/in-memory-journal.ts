import { setImmediate } from 'node:timers/promises';
import { ContentionError, notOpen } from '../errors.js';
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
  SuspectRequest,
  TerminateAnswer,
  TerminateRequest,
  Transaction,
  Turn,
  UpdateAnswer,
  UpdateRef,
  WorkerSession,
} from '../port/index.js';
import {
  refuseUnstorableMessage,
  refuseUnstorableSettlement,
  refuseUnstorableRetry,
  refuseUnstorableStart,
  refuseUnstorableStartWith,
  refuseUnstorableTermination,
} from '../rules/storable.js';
import type { RunId, WorkerId } from '../ids.js';
import { refuseMalformed, refuseOthersTurn } from '../rules/malformed-turns.js';
import { sendWithin, startWithin } from './caller-transaction.js';
import { claimActors, claimSuspects } from './claim-actors.js';
import { applyTurn, childIds, childIdsHeld, heldBy, refenceLease, refuseUnarrived } from './commit-turn.js';
import { type Actor, InMemoryStore } from './in-memory-store.js';
import { answerOf, countRuns, describeRef, listRuns, loadRun, outcomeOf } from './read-runs.js';
import { readPage, record } from './operations.js';
import { deliverLetters } from './deliver-letters.js';
import { endOverdue } from './end-overdue.js';
import { retryRollback } from './retry-rollback.js';
import { sendMessage, targetOf } from './send-message.js';
import { settleOne, settlementTarget } from './settle-callback.js';
import { startWith, startWithNeeds } from './start-with.js';
import { startNeeds, startRun, terminateRun, terminationTarget } from './start-runs.js';
import {
  endSession,
  giveBackActors,
  ownedActors,
  ownedBy,
  leaveSession,
  prolongSession,
  registerWorker,
  servedBy,
  unservedIn,
  rescueActors,
} from './worker-sessions.js';

/**
 * The reference adapter: plain maps, for tests and for applications that need no durability. Nothing survives the
 * process.
 *
 * Every verb first lets other work of the process run once, as a database would, and then looks and writes in one synchronous
 * go. Several journals over one {@link InMemoryStore} are like several processes over one database.
 */
export class InMemoryJournal implements Journal {
  readonly #store: InMemoryStore;
  readonly #ends = new Set<() => void>();
  #open = false;

  constructor(store: InMemoryStore = new InMemoryStore()) {
    this.#store = store;
  }

  async open(): Promise<void> {
    await setImmediate();
    this.#open = true;
  }

  async close(): Promise<void> {
    await setImmediate();
    this.#open = false;
    for (const end of this.#ends) end();
  }

  async start(
    requests: readonly StartRequest[],
    options: { wait?: boolean; within?: Transaction } = {},
  ): Promise<readonly StartAnswer[]> {
    const store = await this.#enter();
    requests.forEach(refuseUnstorableStart);
    if (options.within !== undefined) return await startWithin(store, options.within, requests);
    const held = (request: StartRequest): boolean => startNeeds(store, request).some(({ lock }) => lock.held);
    return await store.whenFree(
      () => (options.wait ? requests.flatMap((request) => startNeeds(store, request)) : []),
      () => requests.map((request) => (held(request) ? { type: 'again' } : startRun(store, request))),
    );
  }

  async send(
    messages: readonly Message[],
    options: { wait?: boolean; within?: Transaction } = {},
  ): Promise<readonly SendAnswer[]> {
    const store = await this.#enter();
    messages.forEach(refuseUnstorableMessage);
    if (options.within !== undefined) return await sendWithin(store, options.within, messages);
    return await store.whenFree(
      () => (options.wait ? present(messages.map((message) => targetOf(store, message))) : []),
      () => messages.map((message) => sendMessage(store, message)),
    );
  }

  async startWith(request: StartWithRequest): Promise<StartWithAnswer> {
    const store = await this.#enter();
    refuseUnstorableStartWith(request);
    return await store.whenFree(
      () => startWithNeeds(store, request),
      () => startWith(store, request),
    );
  }

  async settleCallbacks(requests: readonly CallbackSettlement[]): Promise<readonly CallbackAnswer[]> {
    const store = await this.#enter();
    requests.forEach(refuseUnstorableSettlement);
    return await Promise.all(
      requests.map((request) =>
        store.whenFree(
          () => present([settlementTarget(store, request)]),
          () => settleOne(store, request),
        ),
      ),
    );
  }

  async terminate(requests: readonly TerminateRequest[]): Promise<readonly TerminateAnswer[]> {
    const store = await this.#enter();
    requests.forEach(refuseUnstorableTermination);
    return await Promise.all(
      requests.map((request) =>
        store.whenFree(
          () => present([terminationTarget(store, request)]),
          () => terminateRun(store, request),
        ),
      ),
    );
  }

  async retryRollback(request: RetryRollbackRequest): Promise<RetryRollbackAnswer> {
    const store = await this.#enter();
    refuseUnstorableRetry(request);
    const { namespace, workflowId } = request;
    return await store.whenFree(
      () => [store.reservation(namespace, workflowId)],
      () => retryRollback(store, request),
    );
  }

  async record(operations: readonly NewOperation[]): Promise<void> {
    const store = await this.#enter();
    for (const operation of operations) record(store, operation);
  }

  async operations(query: OperationsQuery): Promise<OperationsPage> {
    return readPage(await this.#enter(), query);
  }

  async claim(request: ClaimRequest): Promise<readonly Claim[]> {
    return claimActors(await this.#enter(), request);
  }

  async claimSuspects(request: SuspectRequest): Promise<readonly Claim[]> {
    return claimSuspects(await this.#enter(), request);
  }

  async load(requests: readonly LoadRequest[]): Promise<readonly Loaded[]> {
    const store = await this.#enter();
    return requests.map((request) => loadRun(store, request));
  }

  async commit(turns: readonly Turn[], options: { wait?: boolean } = {}): Promise<readonly CommitAnswer[]> {
    const store = await this.#enter();
    refuseMalformed(turns);
    const actorOf = (turn: Turn): Actor | undefined => store.actors.get(turn.lease.actorId);
    return await store.whenFree(
      () =>
        options.wait
          ? [...present(turns.map(actorOf)), ...turns.flatMap((turn) => childIds(store, turn))]
          : [],
      () => {
        refuseUnarrived(store, turns);
        return turns.map((turn): CommitAnswer =>
          actorOf(turn)?.lock.held === true || childIdsHeld(store, turn)
            ? { type: 'busy' }
            : applyTurn(store, turn),
        );
      },
    );
  }

  async commitLocked(
    lease: Lease,
    inboxAfter: number,
    take: (messages: readonly InboxMessage[]) => Promise<Turn>,
  ): Promise<CommitAnswer> {
    const store = await this.#enter();
    const release = await store.actors.get(lease.actorId)?.lock.hold();
    try {
      if (heldBy(store, lease) === undefined) return { type: 'lost' };
      const { messages } = loadRun(store, { ...lease, historyAfter: null, inboxAfter });
      const turn = await take(messages);
      refuseOthersTurn(turn, lease);
      refuseUnarrived(store, [turn]);
      if (childIdsHeld(store, turn)) throw new ContentionError(CHILD_ID_HELD);
      return applyTurn(store, turn);
    } finally {
      release?.();
    }
  }

  async deliver(namespace: string, limit: number): Promise<Delivery> {
    return deliverLetters(await this.#enter(), namespace, limit);
  }

  async refence(leases: readonly Lease[]): Promise<readonly RefenceAnswer[]> {
    const store = await this.#enter();
    return await store.whenFree(
      () => present(leases.map((lease) => store.actors.get(lease.actorId))),
      () => leases.map((lease) => refenceLease(store, lease)),
    );
  }

  async register(session: WorkerSession): Promise<void> {
    registerWorker(await this.#enter(), session);
  }

  async heartbeat(owner: WorkerId): Promise<HeartbeatAnswer> {
    return prolongSession(await this.#enter(), owner);
  }

  async leave(owner: WorkerId): Promise<void> {
    leaveSession(await this.#enter(), owner);
  }

  async owned(owner: WorkerId, which: 'all' | 'unread'): Promise<readonly OwnedActor[]> {
    return ownedActors(await this.#enter(), owner, which);
  }

  async giveBack(owner: WorkerId, actors: readonly OwnedActor[]): Promise<number> {
    return giveBackActors(await this.#enter(), owner, actors);
  }

  async unregister(owner: WorkerId): Promise<void> {
    const store = await this.#enter();
    endSession(store, owner);
    // Actors whose rows are locked are freed later, each as soon as its lock is.
    await Promise.all(
      ownedBy(store, owner).map((actor) =>
        store.whenFree(
          () => [actor],
          () => {
            if (actor.owner === owner) store.free(actor);
          },
        ),
      ),
    );
  }

  stuckMark(): null {
    return null;
  }

  async rescue(namespace: string): Promise<RescueAnswer> {
    return rescueActors(await this.#enter(), namespace);
  }

  async endOverdue(request: OverdueRequest): Promise<OverdueAnswer> {
    return endOverdue(await this.#enter(), request);
  }

  async describe(refs: readonly RunRef[]): Promise<readonly (RunDescription | null)[]> {
    const store = await this.#enter();
    return refs.map((ref) => describeRef(store, ref));
  }

  async outcomes(runIds: readonly RunId[]): Promise<readonly (RunOutcome | null)[]> {
    const store = await this.#enter();
    return runIds.map((runId) => outcomeOf(store, runId));
  }

  async answers(updates: readonly UpdateRef[]): Promise<readonly UpdateAnswer[]> {
    const store = await this.#enter();
    return updates.map((update) => answerOf(store, update));
  }

  async list(query: ListQuery): Promise<RunPage> {
    return listRuns(await this.#enter(), query);
  }

  async count(filter: RunFilter): Promise<number> {
    return countRuns(await this.#enter(), filter);
  }

  async unserved(namespace: string): Promise<readonly Pick<ServedWorkflow, 'workflow' | 'version'>[]> {
    return unservedIn(await this.#enter(), namespace);
  }
  async served(workflows: readonly ServedWorkflow[]): Promise<readonly boolean[]> {
    return servedBy(await this.#enter(), workflows);
  }

  async notify(hints: readonly string[]): Promise<void> {
    const store = await this.#enter();
    for (const listener of store.listeners) listener([...hints]);
  }

  async listen(onHints: (hints: readonly string[]) => void): Promise<() => Promise<void>> {
    const store = await this.#enter();
    // A new function for each call, so that one that is given twice listens twice.
    const listener = (hints: readonly string[]): void => onHints(hints);
    const end = (): void => {
      store.listeners.delete(listener);
      this.#ends.delete(end);
    };
    store.listeners.add(listener);
    this.#ends.add(end);
    return async () => end();
  }

  async #enter(): Promise<InMemoryStore> {
    await setImmediate();
    if (!this.#open) throw notOpen();
    return this.#store;
  }
}

const CHILD_ID_HELD =
  'An open transaction has started a run with the workflow id of a child of this turn. Nothing was written: try again.';

const present = (actors: readonly (Actor | undefined)[]): readonly Actor[] =>
  actors.filter((actor) => actor !== undefined);
