import type {
  CommandId,
  Encoded,
  EncodedFailure,
  HistoryEntry,
  Instant,
  Lineage,
  ParentClose,
  ShownChange,
} from '../../core/index.js';
import type { TimeLimits } from './deadlines.js';
import type { ActorId, RunId, WorkerId } from '../ids.js';

/**
 * The right to write one actor's history. `token` is the fencing token: it grows with every claim, so that a
 * holder that was taken for dead writes nothing more.
 */
export interface Lease {
  readonly owner: WorkerId;
  readonly actorId: ActorId;
  readonly runId: RunId;
  readonly token: number;
}

/**
 * What a holder did, as data. It applies whole or not at all. A turn that cannot apply comes back with the reason, and the
 * others of its batch apply.
 */
export interface Turn {
  readonly lease: Lease;
  /** Where the holder believes history ends: the first of `entries` gets the number after it. 0 for an empty history. */
  readonly previousSeq: number;
  /** Whole segments and notes (F4); may be empty. */
  readonly entries: readonly HistoryEntry[];
  /** The inbox is consumed up to this number, this one included. */
  readonly consumedThrough: number;
  /**
   * A turn that decides or concludes the run: refused as `signals unread` while a signal or an update is in the inbox after
   * `consumedThrough` (F17). Cancel requests and results never refuse it.
   */
  readonly decides: boolean;
  /** The due time of the latest timer fired in this turn; refused as `not due` while it is ahead of the database's clock. */
  readonly firedUpTo: Instant | null;
  /**
   * The run has shown that it is not what its workers died of: its deaths are forgotten. A turn without it, which is
   * nearly every one, leaves them as they are. Defaults to `false`.
   */
  readonly clearsDeaths?: boolean;
  /** What changes of what lists show of the run. A turn without it, which is nearly every one, leaves that as it is. */
  readonly shows?: ShownChange | null;
  /** Updates among the consumed messages that were not accepted. Nothing of them is in `entries`. Defaults to none. */
  readonly refusals?: readonly UpdateRefusal[] | undefined;
  /** Children that the run starts: their rows are part of the same write. Defaults to none. */
  readonly children?: readonly ChildStart[];
  /** What other runs get: kept by the same write, and delivered by `deliver`. Defaults to nothing. */
  readonly sends?: readonly Outgoing[];
  /** Callbacks that the run opens: who has their keys or tokens can settle them from this write on. Defaults to none. */
  readonly opens?: readonly CallbackOpening[];
  /** The commands of callbacks that cannot be settled any more. Defaults to none. */
  readonly withdraws?: readonly CommandId[];
  /** Of a turn with which the run closes, continues or begins to roll back: all that are open are withdrawn. Defaults to `false`. */
  readonly endsCallbacks?: boolean;
  /** Of a turn that closes a child: its parent is told, by the same write. Defaults to `false`. */
  readonly tellsParent?: boolean;
  /** Of a turn that closes the run: children under way follow their {@link ChildStart.parentClose}. Defaults to `false`. */
  readonly closesChildren?: boolean;
  readonly outcome: TurnOutcome;
}

/**
 * A child that is started, in the namespace and with the priority of its parent. The message `child_start` in the inbox of the
 * parent tells that the workflow id was taken, or also that it was not, where the parent asked for that.
 */
export interface ChildStart {
  readonly runId: RunId;
  readonly workflowId: string;
  readonly workflow: string;
  readonly version: number;
  readonly input: Encoded;
  /** The command that starts it. */
  readonly command: CommandId;
  readonly parentClose: ParentClose;
  readonly lineage: Lineage;
  readonly confirms: boolean;
  /** How long it may take, from this commit. Absent: without limits. */
  readonly limits?: TimeLimits;
}

/** A callback that a run opens. The message `callback_result` in its inbox tells that the key was taken. */
export interface CallbackOpening {
  /** The command that opens it. */
  readonly command: CommandId;
  /** Unique in the namespace among those that are open; `null` for none. */
  readonly key: string | null;
}

/** What one run sends to another one. */
export interface Outgoing {
  /** `terminate` ends the run at once, as `terminate` does. */
  readonly kind: 'signal' | 'signal_with_start' | 'cancel' | 'terminate';
  readonly workflowId: string;
  /** Only for this actor: not for a later one that has the workflow id. `null` for whichever has it. A termination has one. */
  readonly actorId: ActorId | null;
  /** Of a signal. */
  readonly name?: string | null;
  /** The signal's payload, or the cancel's reason, as encoded text. */
  readonly payload?: Encoded | null;
  /** Of `signal_with_start`: the run that is started with the signal where none is open, in the namespace of the sender. */
  readonly start?: OutgoingStart;
  /** The command that asks what becomes of it, which is told by a message `message_result`. Defaults to none. */
  readonly reply?: CommandId;
}

/** A run that a signal of another one may start. */
export interface OutgoingStart {
  /** Drawn by the sender. */
  readonly runId: RunId;
  readonly workflow: string;
  readonly version: number;
  readonly input: Encoded;
  /** How long it may take, from its start. Absent: without limits. */
  readonly limits?: TimeLimits;
}

/** Why an update was not accepted, and what whoever asked for it gets. */
export interface UpdateRefusal {
  readonly updateId: string;
  readonly why: RefusalReason;
  /** What was thrown, or what says the same. */
  readonly failure: EncodedFailure;
}
/**
 * Its validator threw; its schema refused the payload; there is no such handler; too many are open; the run is over or undoes
 * itself; or it is about to continue as a new one.
 */
export type RefusalReason = 'validator' | 'schema' | 'unknown' | 'too many' | 'not running' | 'continued';

export type TurnOutcome =
  /** The holder goes on. */
  | { readonly type: 'keep' }
  /** As `keep`; and the rollback has begun: from this commit on the actor refuses signals (F17). */
  | { readonly type: 'roll back' }
  /**
   * The lease is given back. The actor is claimable at `wakeAt` (never, where it is `null`), or at once when its
   * inbox has unread messages; in no case before `notBefore`.
   */
  | { readonly type: 'release'; readonly wakeAt: Instant | null }
  /**
   * The turn failed: nothing but this is recorded (`entries` is empty). The lease is given back, `failedTurns`
   * grows by one, and nothing, no signal either, wakes the actor before `delay` ms have passed.
   */
  | { readonly type: 'block'; readonly reason: string; readonly delay: number }
  /** The run is over and the actor with it: its workflow id is free. */
  | { readonly type: 'close'; readonly state: ClosedState }
  /**
   * The run is over, and the actor goes on with another one: with its lease and its token, its unread messages, its
   * attributes and its dedupe ids. Never refused for what is unread, which is the successor's.
   */
  | { readonly type: 'continue'; readonly successor: Successor };

/** The run that an actor goes on with. */
export interface Successor {
  /** Drawn by the holder. */
  readonly runId: RunId;
  readonly workflow: string;
  readonly version: number;
  /**
   * The payload of its `start` message, which has the number of the latest message that the turn consumes, and so comes
   * before everything that is unread. The name of that message is the id of the run before.
   */
  readonly start: Encoded;
  /** The holder goes on with it under the same lease. Otherwise the lease is given back, and it is claimable at once. */
  readonly kept: boolean;
  /** How long it may take, from this commit, and each run after it, in ms. Defaults to what the run before had. */
  readonly runLimit?: number;
}

export type ClosedState = 'completed' | 'failed' | 'cancelled' | 'timed_out';

export type CommitAnswer =
  | {
      readonly type: 'applied';
      /** The number of the latest message in the inbox; above `consumedThrough` there are unread messages. 0 after a close. */
      readonly inboxSeq: number;
    }
  /** The row is locked, perhaps by an application's open transaction. Nothing was written: commit it again. */
  | { readonly type: 'busy' }
  /** The lease is another's, or the actor is gone. Drop the run at once. */
  | { readonly type: 'lost' }
  /** History does not end where the holder believes: a failover lost commits. Drop the run and load it again. */
  | { readonly type: 'history lost' }
  /** Of a deciding turn: signals came in. Discard the turn and take it again with them (F17). */
  | { readonly type: 'signals unread'; readonly inboxSeq: number }
  /** A timer of this turn is ahead of the database's clock by this many ms. Nothing was written. */
  | { readonly type: 'not due'; readonly ahead: number };
