import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Attributes } from '../attributes.js';
import type { Codec } from '../codec.js';
import type { WorkflowDefinition } from '../definitions.js';
import { isKnownEntry } from '../entry-catalogue.js';
import type { TurnFault } from '../errors.js';
import { FoldError, HistoryLimitError, RunNotReadyError, UnsupportedSemanticsError } from '../errors.js';
import { carriedWithin, LARGEST_HISTORY, reaches } from '../history-limits.js';
import type { HistorySize } from '../history-limits.js';
import type {
  CancelRequested,
  CarriedSignal,
  CommandId,
  DeadlinePassed,
  Encoded,
  HistoryCommand,
  HistoryEntry,
  HistoryEvent,
  HistoryNote,
} from '../history.js';
import { SEMANTICS_VERSION } from '../semantics-version.js';
import type { Mistakes } from '../misuse.js';
import type { RunProgress } from '../progress.js';
import { errorText } from '../thrown.js';
import type { AsyncScope } from './async-scope.js';
import type { ChooseSuccessor, Decision } from './decision.js';
import type { CodeFrame, Delivery, LogLine } from './execution.js';
import { Execution } from './execution.js';
import { FoldChildHandle } from './child-calls.js';
import { PendingCallback } from './pending-callback.js';
import { StartedChild } from './pending-child.js';
import type { RunIdentity } from './run-identity.js';
import type { Item } from './history-queue.js';
import { HistoryQueue, recordedEntry } from './history-queue.js';
import type { CallSite, OutwardCommand } from './ledger.js';
import { Ledger } from './ledger.js';
import { advanceSagas } from './saga.js';
import type { Segment } from './segment.js';
import type { ShownChange } from './shown.js';
import type { SignalCheck } from './signal-buffers.js';
import { advanceCompensation, conclude, forceRollback, refuseForeignAwait } from './settling.js';
import { snapshotOf } from './snapshot.js';
import type { Steppable } from './steppable.js';
import type { UnawaitedCall } from './unawaited-calls.js';
import type { UpdateVerdict } from './updates.js';
import { WorkflowObject } from './workflow-object.js';

/*
 * The fold: how plain async code is executed, recorded and replayed.
 *
 * Between windows a run is an object graph with an empty microtask queue. A window takes one delivery (a promise is
 * settled, or a handler called) and lasts until microtasks and ticks are drained; nothing else of the process runs in
 * it. So what the code does in a window follows from the graph and the delivery alone, and by induction the same
 * history gives the same run: live, replayed, after a crash, in batches of any size.
 *
 *       feed, replay            step                        drained
 *   quiet ───────────> event open ───> window ── delivery ──────────> agenda, then waits ──┐
 *     ^                                  ^─────────────── one more ────────────────────────┤
 *     └────────── commands compared or written, outcome concluded ── none is left ─────────┘
 *
 * Where what lives: `fold.ts` events and windows; `execution.ts` the inside of a run, and the gate of every call;
 * `calls.ts`, `callback-calls.ts`, `scope-calls.ts`, `race.ts`, `map.ts`, `saga.ts` the durable calls; `fold-context.ts` what users hold; `ledger.ts`, `segment.ts`,
 * `matching.ts` history compared and written; `patches.ts` which way the code goes after a change; `waits.ts`, `scope.ts` conditions and cancellation; `settling.ts` the
 * end; `ownership.ts` whose rejection it was; `../progress.ts` what is known without code.
 *
 * The invariants, by number and name. docs/internals/fold.md says of each what holds, what breaks without it, and which
 * spec shows it.
 *
 * Windows
 * - F1  Exact windows
 * - F2  One delivery per window
 * - F3  A core that is stepped
 * - F4  Whole segments
 * - F5  One order of events
 * Commands and values
 * - F6  Calls act at the call
 * - F7  Matching
 * - F8  Values go through text
 * - F9  Only the prefix
 * - F23 Side effects happen once
 * Waiting
 * - F10 One wait at a time
 * - F11 Conditions only read
 * - F12 Late ends settle nothing
 * - F32 No wait beside a handler
 * - F33 Races
 * - F34 Schemas are asked once
 * - F35 Many at once
 * - F36 Sagas
 * Detection
 * - F13 No foreign awaits
 * - F14 No runaways
 * - F24 Rejections have an owner
 * - F30 The second fold
 * Cancelling and ending
 * - F15 Cancelling is sticky
 * - F16 One decision
 * - F17 No signal is lost by an end
 * - F19 Whose error it is
 * - F20 The order of a rollback
 * - F22 A rollback needs no code
 * - F31 Timeouts are scopes
 * Around it
 * - F18 Patches are facts
 * - F21 Reading between windows
 * - F25 Scope is ambient, identity is bound
 * - F26 The real timers
 * - F27 Leaving memory runs nothing
 * - F28 Fair and small
 * - F29 The semantics version
 */

export type {
  ChooseSuccessor,
  CodeFrame,
  Decision,
  LogLine,
  OutwardCommand,
  RunIdentity,
  ShownChange,
  SignalCheck,
  UnawaitedCall,
  UpdateVerdict,
};

export interface FoldOptions {
  readonly definition: WorkflowDefinition;
  readonly codec: Codec;
  readonly run: RunIdentity;
  readonly asyncScope: AsyncScope;
  /** Accept commands in their recorded order and with their recorded arguments only (F7). Defaults to `false`. */
  readonly strict?: boolean;
  /** How many durable calls one event may make (F14). Defaults to 10,000. */
  readonly callLimit?: number;
  /**
   * Drive a recorded rollback from history alone (F22): the workflow's code is neither made nor run, and queries
   * throw. Defaults to `false`.
   */
  readonly withoutCode?: boolean;
  /** Where the workflow says nothing: what becomes of a run with an uncaught error of JavaScript itself. Defaults to `'fail'`. */
  readonly mistakes?: Mistakes;
  /** Stands around the run's code while it runs. */
  readonly frame?: CodeFrame;
  /** Keeps where the code is, at every command, for messages. Defaults to nothing: it costs a few µs each time. */
  readonly mark?: () => CallSite;
  /** A live event is refused as `HistoryLimitError` once the history is that large. Defaults to {@link LARGEST_HISTORY}. */
  readonly largestHistory?: HistorySize;
  /** Whom the run continues as (`ctx.continueAsNew`). A fold that only replays needs none. */
  readonly chooseSuccessor?: ChooseSuccessor;
  /** Tells the line of the code that is called from just now, for the message of a drift. Defaults to nothing. */
  readonly callSite?: CallSite;
  /** The turn cannot go on: told at once, also when it comes up while nothing is delivered (F13, F24). */
  readonly onFault?: () => void;
}

/** One run, in memory: folds its history into the state of its object, and goes on from there. */
export class Fold implements Steppable {
  stepping: object | null = null;
  readonly #ledger: Ledger;
  readonly #run: Execution;
  readonly #object: WorkflowObject;
  readonly #withoutCode: boolean;
  readonly #largest: HistorySize;
  readonly #queue: HistoryQueue;
  #started = false;
  /** The event whose windows are being opened. */
  #event: HistoryEvent | null = null;
  /** Whether the run was decided when that event began. */
  #wasDecided = false;
  /** A held signal has decided: what follows in its block is recorded, not handled (F17). */
  #decidedWhileHeld = false;
  /** The run was to be cancelled when it had already decided to continue. */
  #lateCancel: CancelRequested | null = null;

  constructor(options: FoldOptions) {
    const {
      definition,
      codec,
      asyncScope,
      strict = false,
      callLimit = 10_000,
      withoutCode = false,
    } = options;
    const { onFault = ignore, mark = null, callSite = null } = options;
    this.#ledger = new Ledger(definition, codec, strict, onFault, mark, callSite);
    this.#queue = new HistoryQueue(this.#ledger.patches);
    this.#run = new Execution(
      definition,
      codec,
      this.#ledger,
      asyncScope,
      callLimit,
      options.frame ?? null,
      definition.mistakes ?? options.mistakes ?? 'fail',
      options.chooseSuccessor ?? noSuccessor,
      options.run,
    );
    this.#object = new WorkflowObject(this.#run, options.run);
    this.#withoutCode = withoutCode;
    this.#largest = options.largestHistory ?? LARGEST_HISTORY;
    this.#run.carries = carriedWithin(this.#largest);
  }

  get progress(): RunProgress {
    return this.#ledger.progress;
  }
  /** Why the turn cannot go on. It is never recorded, and nothing is emitted after it. */
  get fault(): TurnFault | null {
    return this.#ledger.fault;
  }
  /** The outcome, once it is decided (F16). The run may go on for its nonCancellable scopes and its rollback. */
  get decided(): Decision | null {
    return this.#run.decision;
  }
  /** What lists show of the run, as far as its code has said so; `null` where it has none. */
  get attributes(): Attributes | null {
    return this.#run.shown?.attributes ?? null;
  }
  /** Signals that nobody took, in the order in which they came in: they travel to the successor of the run (F17). */
  get untakenSignals(): readonly CarriedSignal[] {
    return this.#run.signals.untaken();
  }
  /** A cancellation that has come after the run had decided to continue, for its successor; `null` for none. */
  get lateCancel(): CancelRequested | null {
    return this.#lateCancel;
  }
  /** The object of the run; `null` when there is none. */
  get instance(): object | null {
    return this.#object.instance;
  }
  /** The sequence number of the last entry. 0 when there is none. */
  get seq(): number {
    return this.#ledger.seq;
  }
  get reordered(): number {
    return this.#ledger.reordered;
  }
  get changedArguments(): number {
    return this.#ledger.changedArguments;
  }
  /** What promises that nobody awaits were rejected with (F24). */
  get floatingRejections(): readonly unknown[] {
    return this.#run.floating.reasons;
  }
  /**
   * Signals that one scope has waited for while an older wait of its own was open: the older one takes first, also
   * when it lost a race that nobody looks at any more (F10). Noted while not replaying.
   */
  get rivalWaits(): ReadonlySet<string> {
    return this.#run.signals.rivals;
  }
  /**
   * Durable calls that nobody has awaited so far, in any way, and that failed, ended unnoticed or are under way (F6).
   * Of a completed run: those that were forgotten.
   */
  get unawaitedCalls(): readonly UnawaitedCall[] {
    return this.#run.unawaitedCalls;
  }
  /**
   * Nothing is in flight: only a message can make it go on. In a class with signal handlers a foreign await looks the
   * same (F13). Keep such a run in memory for a moment: the await shows itself when it settles.
   */
  get waitsForMessagesOnly(): boolean {
    return this.#started && this.progress.closed === null && this.progress.inFlight.size === 0;
  }

  /**
   * A signal that the code waits for with a schema, and that no schema has checked yet. Whoever drives the fold applies the
   * schema, and feeds what it says (F34).
   */
  get requestedCheck(): SignalCheck | null {
    return this.fault !== null || this.#run.concluded ? null : this.#run.signals.requested;
  }

  /** What an open callback is given has to pass this schema, which whoever drives the fold applies (F34). */
  schemaOfCallback(id: CommandId): StandardSchemaV1 | undefined {
    const operation = this.#run.pending.operations.get(id);
    return operation instanceof PendingCallback ? operation.schema : undefined;
  }

  // ------------------------------------------------------------------------------------------ feeding

  /** Recorded history, in whole segments (F4). Then step until `false`. */
  replay(entries: readonly HistoryEntry[]): void {
    if (this.#withoutCode) return this.#resume(entries);
    this.#queue.pushHistory(entries);
  }

  /** F22: from the recorded `rollback_started` on, everything follows from history. */
  #resume(entries: readonly HistoryEntry[]): void {
    for (const entry of entries) {
      if (!isKnownEntry(entry)) return this.#ledger.fail(this.#ledger.driftAt(entry, NEWER));
      this.#ledger.applyRecorded(entry);
      if (entry.type === 'run_started') this.#run.started = entry;
    }
    // Nobody holds a run that has ended: somebody has asked for its rollback again.
    this.progress.reopen();
    const { rollback } = this.progress;
    if (rollback === null) return;
    this.#started = true;
    this.#run.concluded = true;
    this.#run.resumeDecision({ type: rollback.outcome, failure: rollback.failure });
  }

  /**
   * A new event. Feed one, step until `false`, feed the next.
   *
   * @returns `false`, recording nothing, for an event of a command no longer in flight, or of a closed run (F5)
   */
  feed(event: HistoryEvent): boolean {
    if (this.fault !== null || this.progress.closed !== null || !this.#isExpected(event)) return false;
    this.#queue.pushEvent(event);
    return true;
  }

  /**
   * Whether the end of its time limit would do anything: not once it is decided, or asked to end otherwise, and never in a
   * rollback, which is not cut short.
   */
  get awaitsDeadline(): boolean {
    const { endedBy, rollback, closed } = this.progress;
    return endedBy === null && rollback === null && closed === null && this.decided === null;
  }

  /**
   * The time limit has passed of a run whose code cannot go on: rolls it back without its code (F22). Only where the fold was
   * made so, and the history has no rollback yet. Then step as ever.
   */
  force(event: DeadlinePassed, error: Error): void {
    this.#ledger.beginEvent(event, null);
    this.#started = true;
    // Not null: the event is one of the two.
    const type = this.progress.endedBy!;
    this.#run.resumeDecision({ type, failure: this.#run.codec.encodeFailure(error) });
    forceRollback(this.#run);
    this.#ledger.endEvent();
  }

  /** Appends a fact about work in flight. */
  note(note: HistoryNote): void {
    if (this.#event !== null) this.#ledger.noteAfterEvent(note);
    else if (this.#queue.length > 0) this.#queue.pushNote(note);
    else this.#ledger.append(note);
  }

  /** Entries appended since they were last taken; replayed ones are never among them. */
  takeEmitted(): HistoryEntry[] {
    return this.#ledger.takeEmitted();
  }

  /** What changed of what lists show, in the entries that were last taken; `null` for nothing. */
  takeShown(): ShownChange | null {
    return this.#run.shown?.takeChange() ?? null;
  }

  /** Commands among them that reach other runs; `null`: none. */
  takeOutward(): readonly OutwardCommand[] | null {
    return this.#ledger.takeOutward();
  }

  /** Lines logged since they were last taken, while not replaying. They are printed after the commit (F21). */
  takeLogs(): LogLine[] {
    return this.#run.takeLogs();
  }

  /**
   * Asks the object, between windows (F21). The answer may be a part of the object: encode it before the next window changes it.
   *
   * Throws {@link UnknownQueryError}, {@link RunNotReadyError}, what the handler throws, and a `TypeError` for a
   * handler that calls something durable or returns a promise.
   */
  query(name: string, args: readonly unknown[]): unknown {
    if (this.fault !== null) throw this.fault;
    if (this.#withoutCode) throw new RunNotReadyError('The workflow rolls back, and answers no queries.');
    return this.#object.query(name, args);
  }

  /** Whether an update can be accepted: asked between windows, by the state that the turn has come to so far (F21). */
  validate(name: string, payload: Encoded): UpdateVerdict {
    if (this.#withoutCode || this.progress.rollback !== null) return { type: 'not running' };
    return this.#object.validate(name, payload);
  }

  /**
   * The last event that was fed was to be held for another one, which was refused: so it is the last of its block itself, and
   * waits are looked at now (F17). Then step until `false`.
   */
  letGo(): void {
    const event = this.#ledger.letGo();
    if (event === null || this.fault !== null) return;
    this.#run.shown?.reopen();
    this.#event = event;
  }

  /** What two folds of one history have in common, as plain data (F30). */
  snapshot(): unknown {
    return snapshotOf(this.#run, this.#object);
  }

  // ----------------------------------------------------------------------------------------- stepping

  /** Closes the open window, and opens the next (F2, F3). `false`: nothing is left to deliver. */
  step(): boolean {
    this.close();
    this.#refuseWithoutCode();
    try {
      while (this.fault === null) {
        if (this.#event === null) {
          if (!this.#next()) return false;
          continue;
        }
        const delivery = this.#nextDelivery();
        if (delivery) {
          this.#run.openWindow();
          delivery();
          return true;
        }
        this.#finish();
      }
    } catch (error) {
      this.#failed(error);
    }
    this.close();
    return false;
  }

  #refuseWithoutCode(): void {
    if (!this.#withoutCode || this.#run.concluded) return;
    this.#ledger.fail(new FoldError('Only a run that rolls back can be folded without its code (F22).'));
  }

  #failed(error: unknown): void {
    this.#ledger.fail(
      new FoldError(`The fold failed: ${errorText(error)}. Please report it.`, { cause: error }),
    );
  }

  close(): void {
    this.#run.closeWindow();
  }

  rest(): boolean {
    this.close();
    this.#refuseWithoutCode();
    try {
      while (this.fault === null) {
        if (this.#event === null) return this.#queue.length === 0;
        if (this.#run.agenda.length > 0 || this.#run.pending.waits.size > 0) return false;
        this.#finish();
      }
    } catch (error) {
      this.#failed(error);
    }
    return true;
  }

  /** An event is a window, and one more for each wait that holds after it. */
  hint(): number {
    const { agenda, pending } = this.#run;
    const waits = Math.min(pending.waits.size, 2);
    return agenda.length + waits + this.#queue.length * (waits === 0 ? 1 : 2);
  }

  /** The agenda first; then waits, one at a time, each looked at anew (F10). */
  #nextDelivery(): Delivery | null {
    const planned = this.#run.agenda.shift();
    if (planned) return planned;
    return this.#isHeld || this.#run.concluded ? null : this.#run.nextWait();
  }

  /** After a held signal come others. No wait is looked at in between, so that every handler has run before `run` looks (F17). */
  get #isHeld(): boolean {
    return this.#event !== null && 'hold' in this.#event && this.#event.hold;
  }

  /** Takes up the next item; `false` when there is none. */
  #next(): boolean {
    const item = this.#queue.shift();
    if (!item) return false;
    if (this.progress.closed !== null && !goesOnBehindTheEnd(item)) this.#pastTheEnd(item);
    else this.#take(item);
    return true;
  }

  #take(item: Item): void {
    switch (item.type) {
      case 'event':
        return this.#begin(item.event, item.segment);
      case 'note':
        return item.recorded ? this.#ledger.applyRecorded(item.note) : this.#ledger.append(item.note);
      case 'ended by the journal':
        return this.#endByJournal(item.entry);
      case 'stray':
        return this.#ledger.fail(
          this.#ledger.driftAt(item.entry, 'It stands in the history without its event.'),
        );
      default:
        return item satisfies never;
    }
  }

  /** Somebody may ask for the rollback of what was not undone: that is then of this end, whatever the code had decided. */
  #endByJournal(entry: HistoryCommand): void {
    this.#run.concluded = true;
    if (entry.type === 'run_timed_out')
      this.#run.resumeDecision({ type: 'timed_out', failure: entry.failure });
    this.#ledger.applyRecorded(entry);
  }

  /** F7: a history that goes on after the end is drift. What is new is late, and forgotten. */
  #pastTheEnd(item: Item): void {
    const entry = recordedEntry(item);
    if (entry) this.#ledger.fail(this.#ledger.driftAt(entry, 'The run has ended, but its history goes on.'));
  }

  // ------------------------------------------------------------------------------------------- events

  #begin(event: HistoryEvent, segment: Segment | null): void {
    if (!this.#isExpected(event)) {
      // A live one is late by now, and is consumed without a record (F5).
      if (segment === null) return;
      return this.#ledger.fail(this.#ledger.driftAt(event, 'It ends nothing that the code has in flight.'));
    }
    // A run that is over, but for what it has to undo or to finish, comes to its end.
    if (segment === null && this.decided === null && reaches(this.#ledger.size, this.#largest))
      return this.#ledger.fail(new HistoryLimitError(this.#ledger.size, this.#largest));
    if (event.type === 'run_started') {
      if (event.semanticsVersion !== SEMANTICS_VERSION) {
        return this.#ledger.fail(new UnsupportedSemanticsError(event.semanticsVersion, SEMANTICS_VERSION));
      }
      this.#started = true;
    }
    this.#event = event;
    this.#wasDecided = this.decided !== null;
    this.#run.beginEvent();
    this.#ledger.beginEvent(event, segment);
    const delivery = this.#run.concluded ? null : this.#deliveryOf(event);
    if (delivery) this.#run.agenda.push(delivery);
  }

  /** Whether there is anything that the event starts or ends (F5). */
  #isExpected(event: HistoryEvent): boolean {
    if (event.type === 'run_started') return !this.#started;
    if (event.type === 'deadline_passed') return this.awaitsDeadline;
    if (event.type === 'rollback_retried') return this.#mayRollBackAgain;
    return this.progress.expects(event);
  }

  /** Without the code the run is open again when it is taken up; with it, when the event comes that tells of it. */
  get #mayRollBackAgain(): boolean {
    const { closed, rollback } = this.progress;
    if (closed === null) return this.#withoutCode && rollback !== null;
    return 'rollback' in closed && closed.rollback === 'incomplete';
  }

  /** What an event does inside the run; `null`: it is recorded, and that is all (F12, F15, F16). */
  #deliveryOf(event: HistoryEvent): Delivery | null {
    switch (event.type) {
      case 'run_started':
        return this.decided ? null : () => this.#object.start(event);
      case 'signal_received':
        if (!this.#decidedWhileHeld) return () => this.#object.signal(event);
        return this.decided?.type === 'continued' ? () => this.#object.keep(event) : null;
      case 'update_accepted':
        return this.#decidedWhileHeld ? null : () => this.#object.update(event);
      case 'signal_accepted':
      case 'signal_refused':
        return event.signal === null ? null : () => this.#object.checked(event);
      case 'cancel_requested':
        if (!this.decided) return () => this.#object.cancel(event);
        // It came too late for this run; the one that it continues as is cancelled.
        if (this.decided.type === 'continued') this.#lateCancel ??= event;
        return null;
      case 'deadline_passed':
        return () => this.#object.timeOut(event);
      case 'rollback_retried':
        return null;
      case 'timer_fired':
      case 'activity_completed':
      case 'activity_failed':
      case 'activity_cancelled':
      case 'message_delivered':
      case 'message_not_delivered':
      case 'callback_completed':
      case 'callback_failed':
      case 'callback_not_opened': {
        const operation = this.#run.takePending(event.id);
        return operation ? () => this.#run.settle(operation, event) : null;
      }
      case 'child_accepted': {
        const child = this.#run.pending.operations.get(event.id);
        return child instanceof StartedChild && this.#run.mayGoOn(child)
          ? () => child.accept(new FoldChildHandle(this.#run, child))
          : null;
      }
      case 'child_not_started':
      case 'child_completed':
      case 'child_failed':
      case 'child_cancelled':
      case 'child_terminated': {
        const started = this.#run.takeStartedChild(event.id);
        const child = this.#run.takePending(event.id);
        if (child) return () => this.#run.settle(child, event);
        // Its scope was cancelled, or the run is decided: nothing goes on by itself, but its handle may be asked for the end.
        started?.keepEnd(event);
        return null;
      }
      default:
        return event satisfies never;
    }
  }

  /** The event is over: nothing is on the agenda, and no wait holds. */
  #finish(): void {
    const held = this.#isHeld;
    if (!held && !this.#run.concluded && (advanceCompensation(this.#run) || advanceSagas(this.#run))) return;
    this.#run.settleShown(held);
    if (!held) {
      // Not before `run_started` is recorded: a history without it would lack its input and its seed.
      if (this.#started) conclude(this.#run);
    }
    this.#ledger.endEvent();
    if (this.fault !== null) return;
    if (!held && this.#started) refuseForeignAwait(this.#run);
    this.#decidedWhileHeld = held && (this.#decidedWhileHeld || (this.decided !== null && !this.#wasDecided));
    this.#event = null;
  }
}

const NEWER = 'A newer version of nestjs-continuum wrote it: the rollback goes on where that version runs.';
const ignore = (): void => {};

/** An end is the last entry, but where somebody asks for the rollback again, and where the run is terminated after that. */
const goesOnBehindTheEnd = (item: Item): boolean =>
  item.type === 'ended by the journal' || (item.type === 'event' && item.event.type === 'rollback_retried');

const noSuccessor: ChooseSuccessor = () => {
  throw new FoldError('A fold that only replays has nobody to choose the successor of its run.');
};
