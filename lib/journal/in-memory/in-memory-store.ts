import type { CommandId, Encoded, HistoryEntry, Instant, Lineage, ParentClose } from '../../core/index.js';
import type {
  CheckedBy,
  Deadlines,
  InboxMessage,
  Message,
  RunState,
  OutgoingStart,
  Successor,
  UpdateRefusal,
  WorkerDeath,
  WorkerSession,
} from '../port/index.js';
import { actorOf } from '../ids.js';
import type { ActorId, RunId, WorkerId } from '../ids.js';
import { firstDeadline, runFrom } from '../rules/deadlines.js';
import { CallbackRows } from './callbacks.js';
import { RowLock } from './row-lock.js';

/** One row for every open workflow id; gone when its run is closed. */
export interface Actor {
  readonly id: ActorId;
  runId: RunId;
  readonly namespace: string;
  readonly workflowId: string;
  workflow: string;
  version: number;
  priority: number;
  readonly lock: RowLock;
  /** When it is claimable; `null` for never. Looked at only while nobody owns it. */
  wakeAt: Instant | null;
  /** Nothing makes it claimable before this: a start in the future, or the pause after a failed turn. */
  notBefore: Instant | null;
  deadlines: Deadlines;
  /** Of a start that is held back: which one it is, and until when at most. */
  debounced: { by: RunId; readonly until: Instant } | null;
  owner: WorkerId | null;
  token: number;
  /** Of the latest message, and of the latest consumed one. */
  inboxSeq: number;
  inboxConsumed: number;
  /** Of the latest signal or update: what a deciding turn must have consumed (F17). */
  signalSeq: number;
  /** Unread messages, by number. */
  inbox: readonly InboxMessage[];
  /** The rollback has begun: it takes no messages any more (F17). */
  closing: boolean;
  failedTurns: number;
  /** Workers that died while they held it, since it last showed that it goes on; and the latest, the last one first. */
  deaths: number;
  killed: readonly WorkerDeath[];
  /** How many suspects were on the last of those workers; 0 of no suspect. */
  crowd: number;
  blocked: { readonly reason: string; readonly since: Instant; readonly buildId: string | null } | null;
  /** Of a child: who is told of its end. */
  readonly parent: ParentOf | null;
  readonly lineage: Lineage | null;
  /** What becomes of it when its parent ends; `null` once that was done, and of what is no child. */
  parentClose: ParentClose | null;
}

/** The run that has started a child, and the command by which it did. */
export interface ParentOf {
  readonly actorId: ActorId;
  readonly runId: RunId;
  readonly command: CommandId;
}

/** What goes from one run to another, and is not delivered yet. */
export type Letter =
  | {
      readonly type: 'message';
      readonly source: ActorId;
      readonly message: Message;
      /** The run that a signal starts where none is open. */
      readonly start?: OutgoingStart;
      /** The command of the sender's run that asks what becomes of it. */
      readonly reply: Pick<ParentOf, 'runId' | 'command'> | null;
    }
  | {
      readonly type: 'terminate';
      readonly source: ActorId;
      readonly namespace: string;
      readonly workflowId: string;
      readonly actorId: ActorId | null;
    }
  /** The children of this run, which is over, follow it. */
  | {
      readonly type: 'parent closed';
      readonly source: ActorId;
      readonly namespace: string;
      readonly runId: RunId;
    };

/** One row for every execution. */
export interface Run {
  readonly id: RunId;
  readonly actorId: ActorId;
  readonly namespace: string;
  readonly workflowId: string;
  readonly workflow: string;
  version: number;
  readonly startedAt: Instant;
  /** The token of the lease it was started with, to answer a repeated start. */
  readonly firstToken: number;
  /** JSON text. */
  attributes: string | null;
  details: string | null;
  deadlineAt: Instant | null;
  /** Entry `i` has the sequence number `i + 1`. JSON text, so that nobody shares an object with the store. */
  readonly history: string[];
  readonly lineage: Lineage | null;
  state: RunState;
  closedAt: Instant | null;
  /** The token it was closed under. */
  closedToken: number;
  continuedTo: RunId | null;
}

/** One row for every update that was sent: by it an id counts once, and its answer is found. */
export interface StoredUpdate {
  readonly actorId: ActorId;
  readonly name: string;
  /** Where its answer is recorded. */
  answer: { readonly runId: RunId; readonly seq: number } | UpdateRefusal | null;
}

export interface StoredSession {
  readonly session: WorkerSession;
  heartbeatAt: Instant;
  expiresAt: Instant;
  /** When somebody found it dead. */
  deadAt: Instant | null;
  /** In order, and not found dead: nothing that it held counts a death. */
  ended: boolean;
  /** Its process is known to be gone. */
  abandoned: boolean;
  /** It takes no new runs any more. */
  leaving: boolean;
}

/** What an open transaction can hold. */
export interface Lockable {
  readonly lock: RowLock;
}

export interface InMemoryStoreOptions {
  /** Tells the time, in milliseconds since the epoch. Defaults to `Date.now`. */
  readonly clock?: () => Instant;
}

/**
 * What several {@link InMemoryJournal}s share, as processes share a database.
 *
 * Every verb looks and writes in one synchronous go, so it is a transaction by itself. Locks are for what stays open
 * longer than that: `commitLocked`, transactions of callers, and {@link holdActor}.
 */
export class InMemoryStore {
  readonly actors = new Map<ActorId, Actor>();
  readonly runs = new Map<RunId, Run>();
  readonly sessions = new Map<WorkerId, StoredSession>();
  readonly callbacks = new CallbackRows();
  /** In the order in which it was sent. */
  outbox: readonly Letter[] = [];
  /** Who asked for what, in the order in which it was written. JSON text. */
  readonly operations: string[] = [];
  readonly listeners = new Set<(hints: readonly string[]) => void>();
  readonly #clock: () => Instant;
  /** The runs of each workflow id, in the order of their starts. */
  readonly #runsOf = new Map<string, Run[]>();
  readonly #openActors = new Map<string, Actor>();
  readonly #dedupeIds = new Map<string, Set<string>>();
  /** The updates of each workflow id, by their ids. */
  readonly #updates = new Map<string, Map<string, StoredUpdate>>();
  readonly #reservations = new Map<string, Lockable>();

  constructor(options: InMemoryStoreOptions = {}) {
    this.#clock = options.clock ?? Date.now;
  }

  now(): Instant {
    return this.#clock();
  }

  add(actor: Actor, run: Run): void {
    const key = keyOf(actor.namespace, actor.workflowId);
    this.#addActor(key, actor);
    this.#addRun(key, run);
  }

  /** The actor of a run that has ended: both are open again. */
  reopen(actor: Actor, run: Run): void {
    Object.assign(run, { state: 'running', closedAt: null } satisfies Partial<Run>);
    this.#addActor(keyOf(actor.namespace, actor.workflowId), actor);
  }

  #addActor(key: string, actor: Actor): void {
    this.actors.set(actor.id, actor);
    this.#openActors.set(key, actor);
  }

  #addRun(key: string, run: Run): void {
    this.runs.set(run.id, run);
    const runs = this.#runsOf.get(key) ?? [];
    this.#runsOf.set(key, runs);
    runs.push(run);
  }

  /** The workflow id is free, and what is left in the inbox is gone. */
  close(actor: Actor, state: RunState, token: number): void {
    const run = this.runOf(actor);
    run.state = state;
    run.closedAt = this.now();
    run.closedToken = token;
    this.actors.delete(actor.id);
    this.#openActors.delete(keyOf(actor.namespace, actor.workflowId));
  }

  /** The run is over, and its actor goes on with another one, whose start comes before everything that is unread. */
  continueAs(actor: Actor, successor: Successor): void {
    const before = this.runOf(actor);
    const { runId, workflow, version, start, runLimit } = successor;
    const now = this.now();
    const deadlines = runFrom(now, actor.deadlines, runLimit);
    Object.assign(before, {
      state: 'continued',
      closedAt: now,
      closedToken: actor.token,
      continuedTo: runId,
    } satisfies Partial<Run>);
    this.#addRun(keyOf(actor.namespace, actor.workflowId), {
      ...before,
      id: runId,
      workflow,
      version,
      // Later than the run before, so that lists show them in order.
      startedAt: Math.max(now, before.startedAt + 1),
      firstToken: actor.token,
      history: [],
      state: 'running',
      closedAt: null,
      closedToken: 0,
      continuedTo: null,
      deadlineAt: firstDeadline(deadlines),
    });
    const n = actor.inboxConsumed;
    const message = { n, kind: 'start', name: before.id, payload: start, at: now } as const;
    Object.assign(actor, {
      runId,
      workflow,
      version,
      deadlines,
      inboxConsumed: n - 1,
      inbox: [message, ...actor.inbox],
    });
  }

  openActor(namespace: string, workflowId: string): Actor | undefined {
    return this.#openActors.get(keyOf(namespace, workflowId));
  }

  runsOf(namespace: string, workflowId: string): readonly Run[] {
    return this.#runsOf.get(keyOf(namespace, workflowId)) ?? [];
  }

  runOf(actor: Actor): Run {
    const run = this.runs.get(actor.runId);
    if (run === undefined) throw new Error(`The actor ${actor.id} has no run ${actor.runId}.`);
    return run;
  }

  /** Held by an open transaction that has started a run with this workflow id. */
  reservation(namespace: string, workflowId: string): Lockable {
    const key = keyOf(namespace, workflowId);
    const reservation = this.#reservations.get(key) ?? { lock: new RowLock() };
    this.#reservations.set(key, reservation);
    return reservation;
  }

  /** A store with copies of what is stored under one workflow id: what is written there is not seen here. */
  copyOf(namespace: string, workflowId: string): InMemoryStore {
    const key = keyOf(namespace, workflowId);
    const copy = new InMemoryStore({ clock: this.#clock });
    for (const [id, session] of this.sessions) copy.sessions.set(id, session);
    for (const run of this.runsOf(namespace, workflowId))
      copy.#addRun(key, { ...run, history: [...run.history] });
    const actor = this.#openActors.get(key);
    if (actor !== undefined) copy.#addActor(key, { ...actor, lock: new RowLock() });
    copy.#dedupeIds.set(key, new Set(this.#dedupeIds.get(key)));
    copy.#updates.set(key, new Map(this.#updates.get(key)));
    return copy;
  }

  updateOf(namespace: string, workflowId: string, updateId: string): StoredUpdate | undefined {
    return this.#updates.get(keyOf(namespace, workflowId))?.get(updateId);
  }

  addUpdate(actor: Actor, updateId: string, name: string): void {
    const key = keyOf(actor.namespace, actor.workflowId);
    const updates = this.#updates.get(key) ?? new Map<string, StoredUpdate>();
    this.#updates.set(key, updates.set(updateId, { actorId: actor.id, name, answer: null }));
  }

  knowsMessage(namespace: string, workflowId: string, dedupeId: string): boolean {
    return this.#dedupeIds.get(keyOf(namespace, workflowId))?.has(dedupeId) ?? false;
  }

  rememberMessage(namespace: string, workflowId: string, dedupeId: string): void {
    const key = keyOf(namespace, workflowId);
    const ids = this.#dedupeIds.get(key) ?? new Set<string>();
    this.#dedupeIds.set(key, ids.add(dedupeId));
  }

  /** Appends a message to the inbox, and answers its number. */
  deliver(
    actor: Actor,
    message: {
      readonly kind: InboxMessage['kind'];
      readonly name: string | null;
      readonly payload: Encoded | null;
      readonly checkedBy?: CheckedBy | undefined;
      readonly forRun?: RunId | undefined;
      readonly updateId?: string | undefined;
      readonly by?: string | null | undefined;
    },
  ): number {
    const n = actor.inboxSeq + 1;
    const { kind, name, payload, checkedBy, forRun, updateId, by } = message;
    actor.inboxSeq = n;
    if (kind === 'signal' || kind === 'update') actor.signalSeq = n;
    actor.inbox = [
      ...actor.inbox,
      {
        n,
        kind,
        name,
        payload,
        ...(checkedBy && { checkedBy }),
        ...(forRun && { forRun }),
        ...(updateId !== undefined && { updateId }),
        ...(by != null && { by }),
        at: this.now(),
      },
    ];
    return n;
  }

  /** Of a run that was started just now: its signal comes before its start. */
  putFirst(runId: RunId): void {
    const actor = this.actors.get(actorOf(runId));
    if (!actor) return;
    actor.signalSeq = 1;
    actor.inbox = actor.inbox.toReversed().map((message, i) => ({ ...message, n: i + 1 }));
  }

  append(run: Run, entries: readonly HistoryEntry[]): void {
    for (const entry of entries) run.history.push(JSON.stringify(entry));
  }

  /** The live session of a worker. */
  liveSession(owner: WorkerId): StoredSession | undefined {
    const found = this.sessions.get(owner);
    return found?.deadAt === null ? found : undefined;
  }

  /** Ends the lease. The actor is claimable again, but not before its `notBefore`. */
  free(actor: Actor): void {
    actor.owner = null;
    actor.wakeAt = floored(this.now(), actor.notBefore);
  }

  /** Does `work` at a moment when none of the `rows` is locked. */
  async whenFree<T>(rows: () => readonly Lockable[], work: () => T): Promise<T> {
    for (;;) {
      const held = rows().find(({ lock }) => lock.held);
      if (held === undefined) return work();
      await held.lock.released();
    }
  }

  /**
   * For tests: holds an actor's row, as somebody else's open transaction would. Claims, commits and sends pass over
   * it until the function that this answers with is called.
   */
  async holdActor(actorId: ActorId): Promise<() => void> {
    const actor = this.actors.get(actorId);
    if (actor === undefined) throw new Error(`There is no open actor ${actorId}.`);
    return await actor.lock.hold();
  }

  /** For tests: the process of this worker is known to be gone. */
  killProcess(owner: WorkerId): void {
    const found = this.sessions.get(owner);
    if (found !== undefined) found.abandoned = true;
  }
}

/** A time, but not before the floor. */
export const floored = (at: Instant, floor: Instant | null): Instant => Math.max(at, floor ?? at);

const keyOf = (namespace: string, workflowId: string): string => JSON.stringify([namespace, workflowId]);
