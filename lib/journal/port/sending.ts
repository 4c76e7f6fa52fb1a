import type { Encoded, HistoryEntry, Instant } from '../../core/index.js';
import type { Unanswered } from '../errors.js';
import type { ActorId, RunId, WorkerId } from '../ids.js';
import type { Deadlines, TimeLimits } from './deadlines.js';
import type { RunState } from './reading.js';

/** What can be asked of runs from outside, no matter which worker holds them: to begin, to take a message, to end at once. */
export interface JournalSending {
  /**
   * Starts runs. A run without `first` is claimable at `startAt`, and finds its `start` message in the inbox.
   * With `first` it is leased to that owner from the beginning, and the entries of its first turn are part of the same write.
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
   * `wait`: waits some seconds for a locked row instead of answering `again`. Use it after some tries, with one target
   * alone. Within its caller's transaction a send waits as that connection does.
   */
  send(
    messages: readonly Message[],
    options?: { wait?: boolean; within?: Transaction },
  ): Promise<readonly SendAnswer[]>;

  /**
   * Starts a run together with its first message, or, by `onConflict: 'useExisting'`, sends the message to the run that has the
   * workflow id: in one transaction, so that neither is there without the other. A message that was sent before starts nothing.
   * A signal comes before the start, so that its handler runs before `run`; an update comes after it. Waits some seconds for a
   * locked row.
   */
  startWith(request: StartWithRequest): Promise<StartWithAnswer>;

  /**
   * Closes runs without running their code or their rollback. Works against a live holder, whose turns are `lost` from
   * then on. Waits some seconds for a locked row. Each request waits for its own row only.
   */
  terminate(requests: readonly TerminateRequest[]): Promise<readonly TerminateAnswer[]>;

  /**
   * Opens a run again that has ended with an incomplete rollback, in one transaction: its actor is there again, under a token
   * that no holder has had, without a parent, a time limit and whatever was unread; it takes no signal, update or cancel. Its
   * history stays as it is, and the message `rollback_retry` is the first one of its inbox. Of two callers one opens it. Waits
   * some seconds for whoever is about to have the workflow id.
   */
  retryRollback(request: RetryRollbackRequest): Promise<RetryRollbackAnswer>;
}

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
  /** Instead: not before so many ms have passed. */
  readonly startDelay?: number | null;
  /**
   * Held back for its `startDelay`, in which a later start of this kind takes its place: a run of this workflow that has this id
   * and that nobody has begun gets the input, the attributes and the limits of that one, and waits anew.
   */
  readonly debounce?: HoldBack | null;
  readonly onConflict: OnConflict;
  readonly onReuse: OnReuse;
  /** What lists filter by. */
  readonly attributes: Readonly<Record<string, unknown>> | null;
  /** Counted from when it may begin. Defaults to none. */
  readonly limits?: TimeLimits | null;
  /** Not of one that is held back. */
  readonly first: FirstTurn | null;
  /** Who asked for it: it is told in the entry that comes of it, and in a row of operations. Defaults to nobody. */
  readonly by?: string | null | undefined;
}

/** How a start is held back for later ones. */
export interface HoldBack {
  /** So long at most the first of these starts is held back, in ms; `null` for no limit. */
  readonly longest: number | null;
}

/** The first turn of a run that is leased from the beginning. It only appends entries: for anything else there is the next turn. */
export interface FirstTurn {
  readonly owner: WorkerId;
  readonly entries: readonly HistoryEntry[];
  /** What lists show of the run after it, where that is something else than what the run is started with. */
  readonly shown?: FirstShown;
}

/** All of it: attributes of the start are in `attributes` too, as far as the turn has left them. */
export interface FirstShown {
  readonly attributes: Readonly<Record<string, unknown>> | null;
  readonly details: string | null;
}

export type StartAnswer =
  | Unanswered
  /** An open transaction has started the workflow id, or has locked the run that would have to end. Nothing was written. */
  | { readonly type: 'again' }
  /**
   * Also for a repeated start of the same `runId`. `token` of the lease where `first` was given; 0 where it was not, or
   * where its owner has no live session (any more): the run is then unleased, as without `first`.
   */
  | {
      readonly type: 'started';
      readonly runId: RunId;
      readonly token: number;
      /** Absent: it has no time limit. */
      readonly deadlines?: Deadlines;
    }
  /** `debounce`: it has taken the place of the start of this run, which nobody has begun. */
  | { readonly type: 'debounced'; readonly runId: RunId }
  /** `onConflict: 'useExisting'`: this run has the workflow id; `onReuse: 'useExisting'`: this closed run had it last. */
  | { readonly type: 'existing'; readonly runId: RunId }
  /** `onConflict: 'fail'`: this run has the workflow id. */
  | { readonly type: 'conflict'; readonly runId: RunId }
  /** `onReuse`: this closed run had the workflow id. */
  | { readonly type: 'reuse refused'; readonly runId: RunId; readonly state: RunState };

export interface StartWithRequest {
  /** Without `first` and `debounce`. */
  readonly start: StartRequest;
  /** A signal or an update to the same workflow id, with a dedupe id. */
  readonly message: Message;
}

export type StartWithAnswer =
  /** Also for a repeated one of the same `runId`, as long as that run is open. */
  | { readonly type: 'started'; readonly runId: RunId }
  /** To the run that has the workflow id. */
  | { readonly type: 'sent'; readonly runId: RunId; readonly sent: Extract<SendAnswer, { type: 'accepted' }> }
  /** The message was sent before: nothing was started. */
  | { readonly type: 'duplicate' }
  /** The run that has the workflow id rolls back: it takes no message, and no other one can be started yet. */
  | { readonly type: 'closing'; readonly runId: RunId }
  | Extract<StartAnswer, { type: 'existing' | 'conflict' | 'reuse refused' }>;

export type OnConflict = 'fail' | 'useExisting' | 'terminateExisting';

export type OnReuse = 'allow' | 'allowIfFailed' | 'reject' | 'useExisting';

export interface Message {
  readonly namespace: string;
  readonly workflowId: string;
  /** Only for this run; `null` for whichever is open. */
  readonly runId: RunId | null;
  /** Only for runs of this actor: the one that its first run began, and those that it continued as. Defaults to any. */
  readonly actorId?: ActorId | null | undefined;
  /**
   * `activity_result` comes from the holder itself: it gives the run back before it could take the result (its turn failed),
   * or workers have died with the run, and it keeps the result before it takes it. It is accepted while the run rolls back
   * too, and never refuses a close. So it is with `child_end`, a child of the run has ended, and with
   * `message_result`, what became of a message that it has sent to another run.
   */
  readonly kind: MessageKind;
  /** The signal's or update's name; the command id and the number of the attempt of an activity's result; which child, and how it ended, of a child's end; `null` for a cancel. */
  readonly name: string | null;
  /** The signal's or update's payload, the cancel's reason or the activity's outcome, as encoded text. */
  readonly payload: Encoded | null;
  /** Absent: no schema has seen the payload. */
  readonly checkedBy?: CheckedBy | undefined;
  /**
   * Sent twice with one id it counts once, over all runs of the workflow id; `null` for none. An update always has one: by it
   * its answer is asked for. Ids of updates and those of other messages have nothing to do with each other.
   */
  readonly dedupeId: string | null;
  /** Who asked for it: it is told in the entry that comes of it, and in a row of operations. Defaults to nobody. */
  readonly by?: string | null | undefined;
  /** Of a cancel, for the row of operations: its payload is encoded. */
  readonly reason?: string | null | undefined;
}

export type MessageKind = 'signal' | 'update' | 'cancel' | 'activity_result' | 'child_end' | 'message_result';

/**
 * Which schema has accepted the payload before it was sent: that of the handler of a signal or an update in the workflow's class, or
 * that of the signal or the callback itself. No schema is applied twice: it may not accept its own output.
 */
export type CheckedBy = 'handler' | 'signal' | 'callback';

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
  /**
   * No open run has the workflow id, or it rolls back and this is no result. `known`: a closed or closing run has or had it.
   * `closing`: it rolls back.
   */
  | { readonly type: 'not running'; readonly known: boolean; readonly closing?: true };

export interface TerminateRequest {
  readonly namespace: string;
  readonly workflowId: string;
  readonly runId: RunId | null;
  /** As of {@link Message}. */
  readonly actorId?: ActorId | null | undefined;
  readonly reason: string | null;
  /** Who asked for it: it is told in the entry that comes of it, and in a row of operations. Defaults to nobody. */
  readonly by?: string | null | undefined;
}

export type TerminateAnswer =
  | Unanswered
  | { readonly type: 'terminated'; readonly runId: RunId }
  | { readonly type: 'not running'; readonly known: boolean };

export interface RetryRollbackRequest {
  readonly namespace: string;
  readonly workflowId: string;
  readonly runId: RunId;
  /** Why, for people, as encoded text. */
  readonly payload: Encoded | null;
  /** The same, for the row of operations. */
  readonly reason: string | null;
  /** Who asked for it: it is told in the entry that comes of it, and in a row of operations. Defaults to nobody. */
  readonly by?: string | null | undefined;
}

export type RetryRollbackAnswer =
  | { readonly type: 'retried'; readonly actorId: ActorId }
  /** The run has not ended, or somebody has opened it again already. */
  | { readonly type: 'open' }
  /** It has ended with everything undone that was to be undone. */
  | { readonly type: 'nothing left'; readonly state: RunState }
  /** Another run has the workflow id. */
  | { readonly type: 'taken'; readonly runId: RunId }
  | { readonly type: 'unknown' };

/**
 * The caller's own transaction: a TypeORM `EntityManager`. Opaque here, so that nothing but the adapters knows of
 * TypeORM. Postgres writes in the transaction itself; in memory what was asked for is written when it has committed.
 */
export interface Transaction {
  readonly manager: unknown;
  /** Called once after the transaction has committed; never when it rolled back. Best effort, as hints are. */
  readonly onCommit?: () => void;
}
