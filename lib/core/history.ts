/**
 * What a history is made of. A run's history is one sequence of entries, each of one of three classes:
 *
 * - an **event** came from outside and was delivered to the workflow's code (F2);
 * - a **command** was made by the code while an event was delivered, or by the engine's own rollback (F6, F22);
 * - a **note** is a fact, about work in flight or of the code: never delivered, never compared by position (F4).
 *
 * An event and the commands and notes after it form a **segment**, which is committed whole (F4).
 *
 * What else there is to know of a type of entry stands in {@link ENTRY_CATALOGUE}. Every name of this file is public.
 */

import type { HistorySize } from './history-limits.js';

/** A value as the codec wrote it: JSON text. Encoded at the call, decoded at the delivery (F8). */
export type Encoded = string;

/** A failure as the codec wrote it: JSON text of name, message, stack, facts and causes. */
export type EncodedFailure = string;

/** Milliseconds since the epoch, on the database's clock. */
export type Instant = number;

/** Numbers the commands of one run that something can refer to: 0, 1, 2 … (F6). */
export type CommandId = number;

// ---------------------------------------------------------------------------------------------- events

/** The first event of a run, unless a signal was sent together with the start. */
export interface RunStarted {
  readonly type: 'run_started';
  readonly at: Instant;
  readonly input: Encoded;
  /** Seeds every random stream of this run (F9). */
  readonly seed: string;
  /** Which rules of delivery and derivation this run was recorded under (F29). */
  readonly semanticsVersion: number;
  /** The attributes it was started with, so that a replay knows them (F9); missing where there were none. */
  readonly attributes?: Encoded;
  /** Of a child: who started it. Absent of a run that was started from outside. */
  readonly lineage?: Lineage;
  /** From where on it is told to continue as new (F9); missing where that is the usual. */
  readonly continueAfter?: HistorySize;
  /** The run of the same workflow id that continued as this one. */
  readonly continuedFrom?: string;
  /** What that run had received and nobody had taken: it is buffered here before anything else, in order of arrival (F17). */
  readonly signals?: readonly CarriedSignal[];
  /** Who asked for it, where that was said. Told to people only: no code of a workflow sees it (F9). */
  readonly by?: string;
}
/** A signal that travels from a run to its successor. */
export interface CarriedSignal {
  readonly name: string;
  readonly payload: Encoded;
  /** A schema has accepted it, as of {@link SignalReceived} or by a {@link SignalAccepted}. */
  readonly checked?: true;
}
/** Whose child a run is, and of which tree. */
export interface Lineage {
  readonly parent: RunLink;
  /** The run at the top, which nobody's code has started. */
  readonly root: RunLink;
  /** How many runs stand above it: 1 for a child of the root. */
  readonly depth: number;
}
export interface RunLink {
  readonly workflowId: string;
  readonly runId: string;
}
export interface SignalReceived {
  readonly type: 'signal_received';
  readonly at: Instant;
  readonly name: string;
  readonly payload: Encoded;
  /** When it arrived; `at` is when it was consumed (F9). */
  readonly arrivedAt: Instant;
  /** Waits are not looked at after this event: more signals of the same refused close follow (F17). */
  readonly hold: boolean;
  /** The schema of `defineSignal` accepted it when it was sent: who waits for it under a schema takes it as it is. */
  readonly checked?: true;
  /** As of {@link RunStarted}. */
  readonly by?: string;
}
/** What a schema yields of a signal that somebody waits for under it: from here on its payload (F34). */
export interface SignalAccepted {
  readonly type: 'signal_accepted';
  readonly at: Instant;
  readonly name: string;
  /** The sequence number of its `signal_received`. */
  readonly signal: number;
  readonly payload: Encoded;
}
/** A schema refused a signal: no handler is called for it, and no wait takes it (F34). Its payload is not kept here. */
export interface SignalRefused {
  readonly type: 'signal_refused';
  readonly at: Instant;
  readonly name: string;
  /** The sequence number of its `signal_received`; `null` where its handler's schema refused it before it was received. */
  readonly signal: number | null;
  /** What the schema says, one text of bounded length. */
  readonly issues: Encoded;
  /** When it arrived; `null` where `signal` tells. */
  readonly arrivedAt: Instant | null;
  /** As of {@link SignalReceived}. */
  readonly hold: boolean;
  /** As of {@link RunStarted}. */
  readonly by?: string;
}
/** An update that its validator let through: its handler is called (F5, F17). One that is refused is no entry. */
export interface UpdateAccepted {
  readonly type: 'update_accepted';
  readonly at: Instant;
  readonly name: string;
  /** Names it over all runs of the workflow id: asked for twice, it is answered once. */
  readonly updateId: string;
  /** What its schema yielded, if it has one. */
  readonly payload: Encoded;
  /** As of {@link SignalReceived}. */
  readonly arrivedAt: Instant;
  readonly hold: boolean;
  /** As of {@link RunStarted}. */
  readonly by?: string;
}
export interface CancelRequested {
  readonly type: 'cancel_requested';
  readonly at: Instant;
  readonly reason: string | null;
  /** As of {@link RunStarted}. */
  readonly by?: string;
}
/**
 * Somebody has asked for the rollback of a run that had ended without having undone everything: it goes on behind the entry that
 * had ended it. What could not be undone is to be undone again; what was in flight at that end concerns nobody any more (F22).
 */
export interface RollbackRetried {
  readonly type: 'rollback_retried';
  readonly at: Instant;
  readonly reason: string | null;
  /** As of {@link RunStarted}. */
  readonly by?: string;
}
/** The time limit of the run has passed: it is cancelled, and ends timed out (F15). */
export interface DeadlinePassed {
  readonly type: 'deadline_passed';
  readonly at: Instant;
  /** `at` is when the holder took it in. */
  readonly deadlineAt: Instant;
  /** Whose limit it was: this run's, or that of all the runs of one start. */
  readonly whose: 'run' | 'chain';
}
export interface TimerFired {
  readonly type: 'timer_fired';
  readonly at: Instant;
  readonly id: CommandId;
}
export interface ActivityCompleted {
  readonly type: 'activity_completed';
  readonly at: Instant;
  readonly id: CommandId;
  readonly result: Encoded;
}
/** The last attempt failed, or an error said that no other one may follow. */
export interface ActivityFailed {
  readonly type: 'activity_failed';
  readonly at: Instant;
  readonly id: CommandId;
  readonly failure: EncodedFailure;
  /** How many attempts were made. */
  readonly attempts: number;
}
/** The activity stopped because it was asked to: by a cancelled scope or a rollback. */
export interface ActivityCancelled {
  readonly type: 'activity_cancelled';
  readonly at: Instant;
  readonly id: CommandId;
}
/** The journal has started a child whose handle is waited for (`ctx.startChild`). */
export interface ChildAccepted {
  readonly type: 'child_accepted';
  readonly at: Instant;
  readonly id: CommandId;
}
/** Another run has the workflow id that the child was to get: there is no child. */
export interface ChildNotStarted {
  readonly type: 'child_not_started';
  readonly at: Instant;
  readonly id: CommandId;
}
export interface ChildCompleted {
  readonly type: 'child_completed';
  readonly at: Instant;
  readonly id: CommandId;
  readonly result: Encoded;
}
export interface ChildFailed {
  readonly type: 'child_failed';
  readonly at: Instant;
  readonly id: CommandId;
  readonly failure: EncodedFailure;
}
/** The child was cancelled, by whomever, and has cleaned up. */
export interface ChildCancelled {
  readonly type: 'child_cancelled';
  readonly at: Instant;
  readonly id: CommandId;
  readonly failure: EncodedFailure;
}
/** The child was ended at once, without its clean-up. */
export interface ChildTerminated {
  readonly type: 'child_terminated';
  readonly at: Instant;
  readonly id: CommandId;
  readonly reason: string | null;
}
/** What was sent to another run is in its inbox. */
export interface MessageDelivered {
  readonly type: 'message_delivered';
  readonly at: Instant;
  readonly id: CommandId;
}
/** Nobody was there to take it. */
export interface MessageNotDelivered {
  readonly type: 'message_not_delivered';
  readonly at: Instant;
  readonly id: CommandId;
  /** No run has ever had the workflow id; or the one that has it is over, or rolls back. */
  readonly why: 'not found' | 'not running';
}
/** What was given to a callback from outside. */
export interface CallbackCompleted {
  readonly type: 'callback_completed';
  readonly at: Instant;
  readonly id: CommandId;
  readonly result: Encoded;
  /** Who completed it, where that was said. */
  readonly by?: string;
}
/** Whoever was to settle it says that it cannot be done; or a schema refused what was given. */
export interface CallbackFailed {
  readonly type: 'callback_failed';
  readonly at: Instant;
  readonly id: CommandId;
  readonly failure: EncodedFailure;
  /** Who settled it, where that was said. */
  readonly by?: string;
}
/** Another callback that is open has the key: there is no callback. */
export interface CallbackNotOpened {
  readonly type: 'callback_not_opened';
  readonly at: Instant;
  readonly id: CommandId;
}
export type HistoryEvent =
  | RunStarted
  | SignalReceived
  | SignalAccepted
  | SignalRefused
  | UpdateAccepted
  | CancelRequested
  | RollbackRetried
  | DeadlinePassed
  | TimerFired
  | ActivityCompleted
  | ActivityFailed
  | ActivityCancelled
  | ChildAccepted
  | ChildNotStarted
  | ChildCompleted
  | ChildFailed
  | ChildCancelled
  | ChildTerminated
  | MessageDelivered
  | MessageNotDelivered
  | CallbackCompleted
  | CallbackFailed
  | CallbackNotOpened;

// -------------------------------------------------------------------------------------------- commands

export interface ActivityScheduled {
  readonly type: 'activity_scheduled';
  readonly at: Instant;
  readonly id: CommandId;
  readonly name: string;
  /** The array of arguments. */
  readonly args: Encoded;
  /** The activity that undoes this one once it has completed, if it has one. */
  readonly compensation: string | null;
  /** Of a compensation: the command it undoes. */
  readonly undoes: CommandId | null;
  /** What the call itself asked for, over the activity's own options. Never compared (F7). */
  readonly options: RecordedActivityOptions | null;
}
/** Durations in milliseconds. */
export interface RecordedActivityOptions {
  readonly retry?: RecordedRetryOptions;
  readonly timeout?: number;
  readonly scheduleToCloseTimeout?: number;
  readonly heartbeatTimeout?: number;
}
export interface RecordedRetryOptions {
  /** `null` stands for without end. */
  readonly maxAttempts?: number | null;
  readonly initialInterval?: number;
  readonly backoff?: number;
  readonly maxInterval?: number;
  readonly jitter?: number;
  /** Names of error classes. */
  readonly nonRetryable?: readonly string[];
}
export interface ActivityCancelRequested {
  readonly type: 'activity_cancel_requested';
  readonly at: Instant;
  /** The scheduled activity. */
  readonly of: CommandId;
}
/** A child run: its rows are written in the commit of this entry. */
export interface ChildStarted {
  readonly type: 'child_started';
  readonly at: Instant;
  readonly id: CommandId;
  /** The workflow. */
  readonly name: string;
  /** Its input. */
  readonly args: Encoded;
  readonly version: number;
  readonly workflowId: string;
  readonly runId: string;
  readonly parentClose: ParentClose;
  /** Code waits for its handle: the journal tells that it has started, too, and not only that it has not. */
  readonly confirms: boolean;
  /** What undoes the child once it has completed, if anything does. */
  readonly compensation: ChildCompensation | null;
  /** Of a child that is a compensation: the command it undoes. */
  readonly undoes: CommandId | null;
  /** How long it may take. Absent: it has no limits. */
  readonly limits?: RunLimits;
}
/** How long a run, and all the runs of its start, may take, in ms; `null` for no limit. */
export interface RunLimits {
  readonly run: number | null;
  readonly chain: number | null;
}
/** What becomes of a child that is under way when its parent ends. */
export type ParentClose = 'terminate' | 'cancel' | 'abandon';
export type ChildCompensation =
  | { readonly type: 'activity'; readonly name: string }
  | { readonly type: 'workflow'; readonly name: string; readonly version: number };

export interface ChildCancelRequested {
  readonly type: 'child_cancel_requested';
  readonly at: Instant;
  /** The started child. */
  readonly of: CommandId;
  /** `terminate`: ends it at once, without its clean-up. */
  readonly mode: 'cancel' | 'terminate';
}
/** A signal to another run, or a request that it cancels. */
export interface MessageSent {
  readonly type: 'message_sent';
  readonly at: Instant;
  readonly id: CommandId;
  /** The signal; `null` for a request to cancel. */
  readonly name: string | null;
  /** The payload, or the reason. */
  readonly args: Encoded;
  readonly workflowId: string;
  /** Of a child: only to it, and not to a later run that has the workflow id. */
  readonly child: CommandId | null;
  /** Where no run is open, this one is started with the signal. Absent: none is. */
  readonly start?: SignalStart;
  /** Of one that may be started. */
  readonly input?: Encoded;
}
/** A run that a signal may start. */
export interface SignalStart {
  /** Drawn by the run that sends. */
  readonly runId: string;
  readonly workflow: string;
  readonly version: number;
  readonly limits?: RunLimits;
}
/** Waits for whoever has its key or its token to settle it: its row is written in the commit of this entry. */
export interface CallbackOpened {
  readonly type: 'callback_opened';
  readonly at: Instant;
  readonly id: CommandId;
  /** Its key; `null` for one that only its token names. */
  readonly name: string | null;
}
/** Its time ran out, or its scope was cancelled: it cannot be settled any more. */
export interface CallbackWithdrawn {
  readonly type: 'callback_withdrawn';
  readonly at: Instant;
  /** The opened callback. */
  readonly of: CommandId;
}
export interface TimerStarted {
  readonly type: 'timer_started';
  readonly at: Instant;
  readonly id: CommandId;
  /** What waits for it: `sleep`, `condition`, `signal:<name>`, `callback`, `timeout`. */
  readonly name: string;
  /** How long it was asked to run, or until when: what is compared (F7). */
  readonly args: Encoded;
  readonly firesAt: Instant;
}
export interface TimerCancelled {
  readonly type: 'timer_cancelled';
  readonly at: Instant;
  readonly of: CommandId;
}
export interface SideEffectRecorded {
  readonly type: 'side_effect_recorded';
  readonly at: Instant;
  readonly id: CommandId;
  readonly name: string | null;
  readonly outcome: SideEffectOutcome;
}
export type SideEffectOutcome =
  | { readonly type: 'value'; readonly value: Encoded }
  | { readonly type: 'failure'; readonly failure: EncodedFailure };

/** Somebody waits under a schema for a signal that no schema has seen yet: whoever holds the run applies it (F34). */
export interface SignalCheckRequested {
  readonly type: 'signal_check_requested';
  readonly at: Instant;
  readonly name: string;
  /** The sequence number of its `signal_received`. */
  readonly signal: number;
}

/** The handler of an update has ended, or the run did before it: what whoever asked for it gets (F16, F19). */
export interface UpdateAnswered {
  readonly type: 'update_answered';
  readonly at: Instant;
  readonly updateId: string;
  readonly outcome: SideEffectOutcome;
  /** The handler never answered: the run ended, began to roll back or continued as a new one before it. `null`: it did answer. */
  readonly unanswered: 'closed' | 'closing' | 'continued' | null;
}

/** A step was added to the rollback by hand (`ctx.onRollback`). */
export interface RollbackStepAdded {
  readonly type: 'rollback_step_added';
  readonly at: Instant;
  readonly id: CommandId;
  readonly name: string;
  readonly args: Encoded;
}
/** The point of no return (`ctx.commit`): nothing before it is undone any more. */
export interface RollbackCleared {
  readonly type: 'rollback_cleared';
  readonly at: Instant;
  /** In a saga: the commands whose steps are gone. Missing stands for all of the run. */
  readonly steps?: readonly CommandId[];
}
/** The outcome is a failure or a cancellation, and what was done is being undone. From here on no user code runs (F22). */
export interface RollbackStarted {
  readonly type: 'rollback_started';
  readonly at: Instant;
  readonly outcome: 'failed' | 'cancelled' | 'timed_out';
  readonly failure: EncodedFailure;
  /** Signals that were buffered and that nobody took, for the terminal entry (F32). */
  readonly unreadSignals: number;
  /** In which order steps are undone (F20). Missing stands for `reverse`. */
  readonly order?: RollbackOrder;
  /** The code could not go on when the time limit passed, and took no part in it: no replay with code comes here (F22). */
  readonly forced?: true;
}

/** The last completed first, one at a time; or all side by side. */
export type RollbackOrder = 'reverse' | 'parallel';

/** How a rollback went: there was none to do, every step was undone, or some could not be. */
export type Rollback = 'none' | 'complete' | 'incomplete';

export interface RunCompleted {
  readonly type: 'run_completed';
  readonly at: Instant;
  readonly result: Encoded;
  /** Commands still in flight, whose results will be refused (F16). */
  readonly abandoned: readonly CommandId[];
  /** Signals that were buffered and that nobody took (F32). */
  readonly unreadSignals: number;
}
export interface RunFailed {
  readonly type: 'run_failed';
  readonly at: Instant;
  readonly failure: EncodedFailure;
  readonly rollback: Rollback;
  readonly abandoned: readonly CommandId[];
  readonly unreadSignals: number;
}
export interface RunCancelled {
  readonly type: 'run_cancelled';
  readonly at: Instant;
  readonly failure: EncodedFailure;
  readonly rollback: Rollback;
  readonly abandoned: readonly CommandId[];
  readonly unreadSignals: number;
}
/** The run goes on as another one, with a history of its own, under the same workflow id (`ctx.continueAsNew`). */
export interface RunContinued {
  readonly type: 'run_continued';
  readonly at: Instant;
  /** Its successor, and what that runs: drawn and chosen when this was written. */
  readonly runId: string;
  readonly workflow: string;
  readonly version: number;
  /** What its successor is started with. */
  readonly input: Encoded;
  readonly abandoned: readonly CommandId[];
  /** Signals that were buffered and that nobody took: they travel to its successor. */
  readonly carriedSignals: number;
  /** How long its successor may take, and each run after that one, in ms. Absent: as long as this run. */
  readonly runLimit?: number;
}
/** By a time limit. */
export interface RunTimedOut {
  readonly type: 'run_timed_out';
  readonly at: Instant;
  readonly failure: EncodedFailure;
  readonly rollback: Rollback;
  readonly abandoned: readonly CommandId[];
  readonly unreadSignals: number;
  /** Nobody served the run, so that the journal ended it: no code took part, as with a termination. */
  readonly unserved?: true;
}
/** Written by the journal's `terminate`, never by a fold. */
export interface RunTerminated {
  readonly type: 'run_terminated';
  readonly at: Instant;
  readonly reason: string | null;
  /** As of {@link RunStarted}. */
  readonly by?: string;
}
export type TerminalEntry =
  RunCompleted | RunFailed | RunCancelled | RunTimedOut | RunContinued | RunTerminated;

export type HistoryCommand =
  | ActivityScheduled
  | ActivityCancelRequested
  | ChildStarted
  | ChildCancelRequested
  | MessageSent
  | CallbackOpened
  | CallbackWithdrawn
  | TimerStarted
  | TimerCancelled
  | SideEffectRecorded
  | SignalCheckRequested
  | UpdateAnswered
  | RollbackStepAdded
  | RollbackCleared
  | RollbackStarted
  | TerminalEntry;

// ----------------------------------------------------------------------------------------------- notes

/**
 * An attempt of an activity in flight follows the one that failed or was lost. The first attempt needs no
 * note: scheduling is its record.
 */
export interface ActivityAttempt {
  readonly type: 'activity_attempt';
  readonly at: Instant;
  readonly id: CommandId;
  /** The attempt that comes: 2, 3, … (or again 1 when the first was never begun). */
  readonly attempt: number;
  /** Not before this time. */
  readonly startsAt: Instant;
  /**
   * `true`: nobody has begun it yet; whoever holds the run at `startsAt` writes another note before it begins.
   * `false`: the holder that wrote this begins it, so that it counts even if its process dies.
   */
  readonly parked: boolean;
  /** Why the attempt before it ended; `null` when it was never begun. */
  readonly failure: EncodedFailure | null;
  /** What the activity last told by `heartbeat(details)`; `null` when it told nothing. */
  readonly heartbeat: Encoded | null;
  /**
   * Continuum itself ended the attempt before it, by a shutdown or by giving the run back: it does not count against
   * `maxAttempts`.
   */
  readonly interrupted?: true;
}
/** Progress of a running attempt, so that the next attempt can go on from it after a crash. */
export interface ActivityHeartbeat {
  readonly type: 'activity_heartbeat';
  readonly at: Instant;
  readonly id: CommandId;
  readonly details: Encoded;
}
/**
 * `ctx.patched(name)` answered `true`: from here on the run goes the new way (F18). It stands behind the event in which
 * the code asked first, and counts wherever the code asks.
 */
export interface Patched {
  readonly type: 'patched';
  readonly at: Instant;
  /** The patch's id. */
  readonly name: string;
}
/** What the code set by `ctx.setAttributes` in the event before it, merged, as far as it changed anything; `null` removes one. */
export interface AttributesSet {
  readonly type: 'attributes_set';
  readonly at: Instant;
  readonly patch: Encoded;
}
/** What the code last gave to `ctx.setDetails` in the event before it. */
export interface DetailsSet {
  readonly type: 'details_set';
  readonly at: Instant;
  readonly details: string | null;
}
/** What lists show of a run. The code itself has set it, so such a note may stand among the commands of its event (F4). */
export type ShownNote = AttributesSet | DetailsSet;
/** A fact about work in flight. */
export type WorkNote = ActivityAttempt | ActivityHeartbeat;
export type HistoryNote = WorkNote | Patched | ShownNote;

export type HistoryEntry = HistoryEvent | HistoryCommand | HistoryNote;
