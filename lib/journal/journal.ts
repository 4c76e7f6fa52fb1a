import type { Encoded, FailureSummary, HistoryEntry, Instant } from '../core/index.js';
import type { JournalError } from './errors.js';
import type { ActorId, RunId, WorkerId } from './ids.js';
import type { CommitAnswer, Lease, RunState, Turn } from './turn.js';

/**
 * Where history is kept. Two adapters have it, `in-memory/` and `postgres/`, and one contract suite tests both.
 *
 * Verbs take batches and answer in the order of what they were given. A verb that fails as a whole throws a
 * {@link JournalError}; whatever can be the fate of one item of a batch is an answer, not an error. Where a batch is
 * written in several transactions, one that fails does not take back what the others were answered: its items are
 * {@link Unanswered}.
 *
 * A verb that was not told to `wait` answers within a fraction of a second that a row is held. Whoever waits keeps
 * nothing from others: no place in a batch, and no connection for longer than a moment.
 * Time is the database's: a caller's clock decides nothing here.
 */
export interface Journal {
  /** Connects, and migrates or verifies the schema. Throws {@link JournalUnavailableError} or {@link SchemaError}. */
  open(): Promise<void>;
  /** Ends every connection. Twice is harmless. */
  close(): Promise<void>;

  // -------------------------------------------------------------------------------- runs from outside

  /**
   * Starts runs. A run without `first` is claimable at `startAt`, and finds its `start` message in the inbox.
   * With `first` it is born leased to its owner, and that turn's entries are part of the same write.
   *
   * One transaction decides conflicts: of many callers with one workflow id exactly one starts it. While somebody's open
   * transaction has started the workflow id, the answer is `again`. `wait`: as for {@link send}.
   */
  start(
    requests: readonly StartRequest[],
    options?: { wait?: boolean; within?: Transaction },
  ): Promise<readonly StartAnswer[]>;

  /**
   * Puts messages into inboxes. Arrival order is commit order, numbered without gaps. A run that has not begun, and waits
   * for its `startAt`, is claimable at once for a `cancel`.
   * Answers of `again` wrote nothing and are sent again by the caller, in the order per target.
   * `wait`: rather than answer `again`, wait some seconds for whoever holds the row (use it after some tries, one
   * target alone). Within its caller's transaction a send waits as that connection does.
   */
  send(
    messages: readonly Message[],
    options?: { wait?: boolean; within?: Transaction },
  ): Promise<readonly SendAnswer[]>;

  /**
   * Closes runs without running their code or their rollback. Works against a live holder, whose turns are `lost` from
   * then on. Waits some seconds for whoever holds a row; none of them waits for another's.
   */
  terminate(requests: readonly TerminateRequest[]): Promise<readonly TerminateAnswer[]>;

  // -------------------------------------------------------------------------------------- the holder

  /**
   * Leases up to `limit` due actors of these workflows in one namespace to a live worker, by priority, then by how long
   * they are due. Suspects are not among them.
   */
  claim(request: ClaimRequest): Promise<readonly Claim[]>;

  /**
   * Leases due suspects to a live worker: runs that three workers or more died with, one after the other. The one that is
   * due the longest, alone, if that is for `waited` ms; or, if it died together with more than eight suspects, an eighth of
   * them. Whoever gets one alone should take it up with nothing else in memory: the lease keeps others from
   * making themselves free for the same one.
   */
  claimSuspects(request: SuspectRequest): Promise<readonly Claim[]>;

  /** Reads history behind `historyAfter` and inbox behind `inboxAfter`, each in order. */
  load(requests: readonly LoadRequest[]): Promise<readonly Loaded[]>;

  /**
   * Applies turns, at most one per actor, all of one owner. `wait`: as for {@link send}, instead of `busy`.
   * Throws {@link JournalUnavailableError} with `ambiguous: true` when the connection died after the write was sent:
   * then {@link refence} tells what became of it.
   */
  commit(turns: readonly Turn[], options?: { wait?: boolean }): Promise<readonly CommitAnswer[]>;

  /**
   * Takes a deciding turn while the actor is locked, so that no message can arrive in between (F17): `take` gets the
   * inbox behind `inboxAfter` and makes the turn. Throws what `take` throws, with nothing written.
   */
  commitLocked(
    lease: Lease,
    inboxAfter: number,
    take: (messages: readonly InboxMessage[]) => Promise<Turn>,
  ): Promise<CommitAnswer>;

  /**
   * After an ambiguous failure: moves the fence of each lease that is still held, so that bytes still on their way
   * write nothing, and then reads where history ends.
   */
  refence(leases: readonly Lease[]): Promise<readonly RefenceAnswer[]>;

  // ----------------------------------------------------------------------------------------- workers

  /** Opens a worker's session. Runs of its namespace that are blocked under other builds become claimable at once. */
  register(session: WorkerSession): Promise<void>;
  /** Prolongs a session, and tells what its worker should know. */
  heartbeat(owner: WorkerId): Promise<HeartbeatAnswer>;
  /** What a worker owns: all of it, or the actors with unread messages. */
  owned(owner: WorkerId, which: 'all' | 'unread'): Promise<readonly OwnedActor[]>;
  /**
   * Frees actors that their owner was given and does not know of, each only under this token: they become claimable, and
   * nothing counts as failed. A row that somebody else holds is left as it is. Answers how many were freed.
   */
  giveBack(owner: WorkerId, actors: readonly OwnedActor[]): Promise<number>;
  /**
   * Ends a session and frees every actor it still holds; takeover is immediate. Waits some seconds for whoever holds a row,
   * when all others are free.
   */
  unregister(owner: WorkerId): Promise<void>;
  /**
   * Finds dead workers of a namespace (their session expired, or their process is known to be gone and missed two
   * heartbeats), marks them dead and frees the namespace's actors that they hold, also those that a late claim gave to a
   * session already dead. A freed actor counts as a failed turn; from the third on it is not claimable before a growing
   * delay. It also has one death more, and remembers whose: nothing else counts one. From the third death on it is a
   * suspect. One that two dead workers in a row held as their only suspect is blocked: for ten minutes at first, twice as
   * long each time, six hours at most, or until a worker of another build than those that died comes; not so where nearly
   * each of them was of a build of its own. Answers which ones it has blocked, and why.
   */
  rescue(namespace: string): Promise<RescueAnswer>;
  /**
   * How a thread of this process marks the run whose code has stopped the event loop: nothing else of the process could.
   * Whoever rescues the worker then knows which of its runs it was. `null` where no thread can: in memory there is
   * nobody left who could look, and on Postgres a password that is a function cannot be handed to a thread.
   */
  stuckMark(): StuckMark | null;

  // ----------------------------------------------------------------------------------------- reading

  /** Describes runs: of a workflow id its latest run, or the one named. `null` for one that is not known. */
  describe(refs: readonly RunRef[]): Promise<readonly (RunDescription | null)[]>;
  /** How runs ended: the description and the last entry; `null` while they run. Throws nothing for unknown runs: `null` too. */
  outcomes(runIds: readonly RunId[]): Promise<readonly (RunOutcome | null)[]>;
  /** A page of runs by the filter, newest first unless told otherwise; pages follow `cursor` (keyset). */
  list(query: ListQuery): Promise<RunPage>;
  count(filter: RunFilter): Promise<number>;
  /**
   * Whether a live worker takes runs of these workflows. One that died without a word counts until its session ends; one
   * that is away for a moment does as well.
   */
  served(workflows: readonly ServedWorkflow[]): Promise<readonly boolean[]>;

  // ------------------------------------------------------------------------------------------- hints

  /** Tells other processes that there may be work. Best effort: a lost hint costs one poll interval, nothing else. */
  notify(hints: readonly string[]): Promise<void>;
  /** Listens to {@link notify} of every process, this one included. Resolves to what ends it. */
  listen(onHints: (hints: readonly string[]) => void): Promise<() => Promise<void>>;
}

/**
 * The caller's own transaction: a TypeORM `EntityManager`. Opaque here, so that nothing but the adapters knows of
 * TypeORM. Postgres writes in the transaction itself; in memory what was asked for is written when it has committed.
 */
export interface Transaction {
  readonly manager: unknown;
  /** Called once after the transaction has committed; never when it rolled back. Best effort, as hints are. */
  readonly onCommit?: () => void;
}

export type OnConflict = 'fail' | 'useExisting' | 'terminateExisting';
export type OnReuse = 'allow' | 'allowIfFailed' | 'reject' | 'useExisting';

export interface StartRequest {
  /** The id of the actor and of its first run: a UUID (v7) drawn by the caller, so that a repeated start is recognised. */
  readonly runId: RunId;
  readonly namespace: string;
  readonly workflowId: string;
  readonly workflow: string;
  readonly version: number;
  /** 0 (first) to 4. */
  readonly priority: number;
  readonly input: Encoded;
  /** Not before this time; `null` for now. A signal does not start it earlier. */
  readonly startAt: Instant | null;
  readonly onConflict: OnConflict;
  readonly onReuse: OnReuse;
  /** What lists filter by. */
  readonly attributes: Readonly<Record<string, unknown>> | null;
  readonly first: FirstTurn | null;
}
/** The first turn of a run that is born leased. It only appends: whatever else it wants is done by the turn after it. */
export interface FirstTurn {
  readonly owner: WorkerId;
  readonly entries: readonly HistoryEntry[];
}
/**
 * An error that is the fate of this item alone. Where it is `ambiguous`, the item may have been written; otherwise nothing
 * was.
 */
export interface Unanswered {
  readonly type: 'unanswered';
  readonly error: JournalError;
}

export type StartAnswer =
  | Unanswered
  /** Somebody's open transaction has the workflow id, or holds the run that would have to end. Nothing was written. */
  | { readonly type: 'again' }
  /**
   * Also for a repeated start of the same `runId`. `token` of the lease where `first` was given; 0 where it was not, or
   * where its owner has no live session (any more): the run is then unleased, as without `first`.
   */
  | { readonly type: 'started'; readonly runId: RunId; readonly token: number }
  /** `onConflict: 'useExisting'`: this run has the workflow id; `onReuse: 'useExisting'`: this closed run had it last. */
  | { readonly type: 'existing'; readonly runId: RunId }
  /** `onConflict: 'fail'`: this run has the workflow id. */
  | { readonly type: 'conflict'; readonly runId: RunId }
  /** `onReuse`: this closed run had the workflow id. */
  | { readonly type: 'reuse refused'; readonly runId: RunId; readonly state: RunState };

export type MessageKind = 'signal' | 'cancel' | 'activity_result';
/**
 * Which schema has accepted a signal's payload before it was sent: that of its handler in the workflow's class, or that of
 * the signal itself. No schema is applied twice, for it may yield what it would not take.
 */
export type CheckedBy = 'handler' | 'signal';
export interface Message {
  readonly namespace: string;
  readonly workflowId: string;
  /** Only for this run; `null` for whichever is open. */
  readonly runId: RunId | null;
  /**
   * `activity_result` comes from the holder itself: it gives the run back before it could take the result (its turn failed),
   * or workers have died with the run, and it keeps the result before it takes it. It is accepted while the run rolls back
   * too, and never refuses a close.
   */
  readonly kind: MessageKind;
  /** The signal's name; the command id, as text, of an activity's result; `null` for a cancel. */
  readonly name: string | null;
  /** The signal's payload, the cancel's reason or the activity's outcome, as encoded text. */
  readonly payload: Encoded | null;
  /** Absent: no schema has seen the payload. */
  readonly checkedBy?: CheckedBy | undefined;
  /** Sent twice with one id it counts once, over all runs of the workflow id; `null` for none. */
  readonly messageId: string | null;
}
export type SendAnswer =
  | Unanswered
  | {
      readonly type: 'accepted';
      readonly actorId: ActorId;
      readonly n: number;
      readonly owner: WorkerId | null;
    }
  | { readonly type: 'duplicate' }
  /** Locked, or changed while it was looked at. */
  | { readonly type: 'again' }
  /** No open run has the workflow id, or it rolls back and this is no result. `known`: a closed or closing run has or had it. */
  | { readonly type: 'not running'; readonly known: boolean };

export interface TerminateRequest {
  readonly namespace: string;
  readonly workflowId: string;
  readonly runId: RunId | null;
  readonly reason: string | null;
}
export type TerminateAnswer =
  | Unanswered
  | { readonly type: 'terminated'; readonly runId: RunId }
  | { readonly type: 'not running'; readonly known: boolean };

export interface ClaimRequest {
  readonly owner: WorkerId;
  readonly namespace: string;
  readonly workflows: readonly { readonly name: string; readonly version: number }[];
  readonly limit: number;
}
export interface SuspectRequest extends ClaimRequest {
  /** How long one that is to be alone has been due, in ms: a worker that is at work leaves it to another one for a while. */
  readonly waited: number;
}
export interface Claim {
  readonly lease: Lease;
  readonly namespace: string;
  readonly workflowId: string;
  readonly workflow: string;
  readonly version: number;
  readonly inboxSeq: number;
  readonly inboxConsumed: number;
  /** How many turns failed, or were lost with their worker, since one applied. */
  readonly failedTurns: number;
  /** How many workers died while they held it, since a turn with {@link Turn.clearsDeaths} applied. */
  readonly deaths: number;
}

export interface LoadRequest {
  readonly actorId: ActorId;
  readonly runId: RunId;
  /** `null` reads no history. */
  readonly historyAfter: number | null;
  /** `null` reads no inbox. */
  readonly inboxAfter: number | null;
}
export interface Loaded {
  /** Entry `i` has the sequence number `historyAfter + 1 + i`. */
  readonly history: readonly HistoryEntry[];
  readonly messages: readonly InboxMessage[];
}
export interface InboxMessage {
  readonly n: number;
  readonly kind: 'start' | MessageKind;
  readonly name: string | null;
  readonly payload: Encoded | null;
  /** As of {@link Message}. */
  readonly checkedBy?: CheckedBy | undefined;
  readonly at: Instant;
}

export type RefenceAnswer =
  /** Somebody else holds the row: ask again. The lease may have been moved where the error is ambiguous. */
  | Unanswered
  /** Still held, under a new token. */
  | { readonly type: 'held'; readonly lease: Lease; readonly lastSeq: number; readonly inboxConsumed: number }
  /** Not held any more, but the run goes on elsewhere or unleased; history ended here when it was read. */
  | { readonly type: 'lost'; readonly lastSeq: number }
  /** The run is closed; `lastSeq` and the token it was closed under tell whether by this holder. */
  | { readonly type: 'closed'; readonly lastSeq: number; readonly token: number };

export interface WorkerSession {
  readonly id: WorkerId;
  /** Whose runs it takes. Its own: another namespace may have workflows of the same names that are other code. */
  readonly namespace: string;
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  /** What is deployed; runs blocked under another build are tried again. */
  readonly buildId: string;
  readonly workflows: readonly { readonly name: string; readonly version: number }[];
  /** How long the session lives without a heartbeat, in ms. */
  readonly ttl: number;
  /** How often it will prolong itself, in ms. */
  readonly heartbeatInterval: number;
}
export type HeartbeatAnswer =
  /** The session was ended by a rescuer: drop every run and register anew. */
  | { readonly type: 'dead' }
  | {
      readonly type: 'alive';
      /** The database's clock while it answered. */
      readonly now: Instant;
      /** How many actors the worker owns. */
      readonly owned: number;
      /** Those of them with unread messages. */
      readonly unread: readonly OwnedActor[];
    };
export interface OwnedActor {
  readonly actorId: ActorId;
  /** Of the lease. */
  readonly token: number;
  readonly inboxSeq: number;
}
/** What a thread can be given: text and plain data. */
export interface StuckMark {
  /** The body of a function `(run, data, require)` that returns a promise; `run` has `namespace`, `workflowId` and `runId`. */
  readonly program: string;
  readonly data: unknown;
}
export interface RescueAnswer {
  readonly deadWorkers: readonly WorkerId[];
  readonly freedActors: number;
  /** Those of them that were blocked by it. */
  readonly blocked: readonly BlockedRun[];
}
/** A run that is blocked because workers died with it. */
export interface BlockedRun {
  readonly workflow: string;
  readonly workflowId: string;
  readonly runId: RunId;
  readonly reason: string;
}

export type RunRef = {
  readonly namespace: string;
  readonly workflowId: string;
  readonly runId: RunId | null;
};

export interface RunDescription {
  readonly namespace: string;
  readonly workflowId: string;
  readonly runId: RunId;
  readonly actorId: ActorId;
  readonly workflow: string;
  readonly version: number;
  readonly state: RunState;
  readonly startedAt: Instant;
  readonly closedAt: Instant | null;
  readonly attributes: Readonly<Record<string, unknown>> | null;
  /** Of an open run that cannot go on: why, since when, and how many turns failed. */
  readonly blocked: { readonly reason: string; readonly since: Instant; readonly failedTurns: number } | null;
  /** Of a run that failed: what failed it. `null` of every other. */
  readonly failure: FailureSummary | null;
  /**
   * Of an open run that workers died with, one after the other, before it went on: how many, and the latest of them,
   * the last one first. The run may be why, or may only have been there.
   */
  readonly deaths: { readonly count: number; readonly workers: readonly WorkerDeath[] } | null;
  /**
   * Of an open run: how many messages its workflow id got so far, how many of them are consumed, and which worker has the
   * run in memory to consume them.
   */
  readonly mail: {
    readonly arrived: number;
    readonly consumed: number;
    readonly owner: WorkerId | null;
  } | null;
}
/** A worker that died, or was not heard of for so long that its runs were taken over. */
export interface WorkerDeath {
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  readonly buildId: string;
  /** When it was found dead. */
  readonly at: Instant;
  /** Whether its watchdog saw that it stood still in the code of this very run. */
  readonly stuck: boolean;
}
/** What somebody may serve. */
export type ServedWorkflow = Pick<RunDescription, 'namespace' | 'workflow' | 'version'>;
export interface RunOutcome {
  readonly run: RunDescription;
  readonly last: HistoryEntry;
}

export interface RunFilter {
  readonly namespace: string;
  readonly workflow?: string | undefined;
  readonly workflowId?: string | undefined;
  readonly state?: RunState | readonly RunState[] | undefined;
  readonly startedAfter?: Instant | undefined;
  readonly startedBefore?: Instant | undefined;
  /** Each of these attributes has this value. */
  readonly attributes?: Readonly<Record<string, unknown>> | undefined;
}
export interface ListQuery {
  readonly filter: RunFilter;
  readonly order: 'newest' | 'oldest';
  readonly cursor: string | null;
  /** 1 to 1,000. */
  readonly limit: number;
}
export interface RunPage {
  readonly runs: readonly RunDescription[];
  /** Of the next page; `null` on the last one. */
  readonly next: string | null;
}
