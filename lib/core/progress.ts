import { ENTRY_CATALOGUE } from './entry-catalogue.js';
import { RollbackSteps } from './rollback-steps.js';
import type { RollbackStep, UndoneStep } from './rollback-steps.js';
import { SmallMap } from './small-map.js';
import type { ReadonlySmallMap } from './small-map.js';
import type {
  ActivityAttempt,
  ActivityScheduled,
  CallbackOpened,
  ChildStarted,
  CommandId,
  Encoded,
  EncodedFailure,
  HistoryEntry,
  HistoryEvent,
  Instant,
  Lineage,
  MessageSent,
  Rollback,
  RollbackOrder,
  UpdateAccepted,
  RollbackStarted,
  TerminalEntry,
  TimerStarted,
} from './history.js';

/** A command whose end is not recorded yet. */
export type WorkInFlight =
  ActivityInFlight | ChildInFlight | MessageInFlight | CallbackInFlight | TimerInFlight;

export interface ActivityInFlight {
  readonly type: 'activity';
  readonly scheduled: ActivityScheduled;
  /** Of a compensation of a rollback that is tried again: the command that tried to undo the same step first. */
  readonly firstTry?: CommandId;
  /** The attempt that runs, or that comes. */
  readonly attempt: number;
  /** How many attempts before it do not count: Continuum itself ended them. */
  readonly interruptions: number;
  /** That attempt begins no earlier. */
  readonly startsAt: Instant;
  /** Nobody has begun that attempt: see {@link ActivityAttempt}. */
  readonly parked: boolean;
  readonly cancelRequested: boolean;
  /** Why the attempt before it ended; `null` for a first one. */
  readonly lastFailure: EncodedFailure | null;
  /** What the activity last told by `heartbeat(details)`; `null` when it told nothing. */
  readonly heartbeat: Encoded | null;
}
export interface ChildInFlight {
  readonly type: 'child';
  readonly started: ChildStarted;
  readonly cancelRequested: boolean;
}
/** On its way to another run. */
export interface MessageInFlight {
  readonly type: 'message';
  readonly sent: MessageSent;
}
/** Nobody has settled it so far. */
export interface CallbackInFlight {
  readonly type: 'callback';
  readonly opened: CallbackOpened;
}
export interface TimerInFlight {
  readonly type: 'timer';
  readonly started: TimerStarted;
}

const NO_UPDATES: ReadonlyMap<string, UpdateAccepted> = new Map();

/** What a rollback does next (F20). */
export type RollbackMove =
  | { readonly type: 'stop'; readonly work: readonly (ActivityInFlight | ChildInFlight)[] }
  /** For the end of something in flight. */
  | { readonly type: 'wait' }
  | { readonly type: 'undo'; readonly step: RollbackStep }
  | { readonly type: 'done' };

/**
 * What is known of a run from its history alone, without its code: what is in flight, and how far a rollback
 * has come (F20, F22). A pure function of the entries that were applied.
 */
export class RunProgress {
  readonly #inFlight = new SmallMap<CommandId, WorkInFlight>();
  #rollback: RollbackStarted | null = null;
  #endedBy: 'cancelled' | 'timed_out' | null = null;
  #closed: TerminalEntry | null = null;
  readonly #steps = new RollbackSteps();
  /** Of what is in flight and undoes nothing: how many nobody has asked to stop; have a compensation; are children without one. */
  #unstopped = 0;
  #compensable = 0;
  #lingering = 0;
  /** Of those that were asked to stop. */
  #compensableStopped = 0;
  #lingeringStopped = 0;
  #signalsInRollback = 0;
  #hasOpened = false;
  #lineage: Lineage | null = null;
  /** Signals that a schema is being applied to, by the number of their `signal_received`; made when there is one. */
  #checks: Set<number> | null = null;
  /** Updates that were accepted and are not answered, in that order; made when there is one. */
  #updates: Map<string, UpdateAccepted> | null = null;
  /** When the first timer is due; `undefined` when it has to be looked up again. */
  #nextTimer: Instant | null | undefined = null;

  get inFlight(): ReadonlySmallMap<CommandId, WorkInFlight> {
    return this.#inFlight;
  }
  /** The rollback that follows a failed or cancelled outcome, once it has begun. */
  get rollback(): RollbackStarted | null {
    return this.#rollback;
  }
  /** Whose child the run is; `null` of one that was started from outside. */
  get lineage(): Lineage | null {
    return this.#lineage;
  }
  /** Children under way that their parent's end concerns. */
  get closesChildren(): boolean {
    for (const work of this.#inFlight.values())
      if (work.type === 'child' && work.started.parentClose !== 'abandon') return true;
    return false;
  }
  /** Whether it has ever opened a callback: those that are open end with the run. */
  get hasOpenedCallbacks(): boolean {
    return this.#hasOpened;
  }
  /** What asked the run to end before its time, if anything has: whatever came first gives the end its name. */
  get endedBy(): 'cancelled' | 'timed_out' | null {
    return this.#endedBy;
  }
  get closed(): TerminalEntry | null {
    return this.#closed;
  }
  /** What a rollback would undo, the next one last: in order of recorded completion, late ones included (F20). */
  get rollbackSteps(): readonly RollbackStep[] {
    return this.#steps.all;
  }
  /** What could not be undone: each compensation has failed for good. */
  get failedSteps(): readonly RollbackStep[] {
    return this.#steps.undone.flatMap(({ step, outcome }) => (outcome === 'failed' ? [step] : []));
  }
  /** What was undone, or could not be, in the order in which it ended. */
  get undoneSteps(): readonly UndoneStep[] {
    return this.#steps.undone;
  }
  /** How many steps are being undone. */
  get undoing(): number {
    return this.#steps.undoing;
  }
  /** The step that undoes this command, if there is one and nothing undoes it yet. */
  rollbackStepOf(id: CommandId): RollbackStep | undefined {
    return this.#steps.get(id);
  }
  /** Whether this command is in flight, or is being undone. */
  isUnsettled(id: CommandId): boolean {
    return this.#inFlight.has(id) || this.#steps.isUndoing(id);
  }
  /** Signals that came in after the rollback had begun. Nobody takes them. */
  get signalsInRollback(): number {
    return this.#signalsInRollback;
  }

  /** Signals that a schema is being applied to, by the number of their `signal_received` (F34). */
  get requestedChecks(): ReadonlySet<number> {
    return (this.#checks ??= new Set());
  }

  /** Updates that were accepted and are not answered yet, by their ids, the oldest first. */
  get openUpdates(): ReadonlyMap<string, UpdateAccepted> {
    return this.#updates ?? NO_UPDATES;
  }

  /** How undoing went so far. */
  get undone(): Rollback {
    return this.#steps.outcome;
  }

  apply(entry: HistoryEntry): void {
    switch (entry.type) {
      case 'activity_scheduled':
        return this.#schedule(entry);
      case 'activity_cancel_requested':
        return this.#stop(entry.of);
      case 'activity_attempt':
        return this.#nextAttempt(entry);
      case 'activity_heartbeat':
        return this.#update(entry.id, { heartbeat: entry.details });
      case 'activity_completed':
        return this.#end(entry.id, entry.result, null);
      case 'activity_failed':
        return this.#end(entry.id, null, entry.failure);
      case 'activity_cancelled':
        return this.#end(entry.id, null, null);
      case 'child_started':
        return this.#startChild(entry);
      case 'child_cancel_requested':
        return this.#stopChild(entry.of);
      case 'child_completed':
        return this.#endChild(entry.id, entry.result, null);
      case 'child_failed':
      case 'child_cancelled':
        return this.#endChild(entry.id, null, entry.failure);
      case 'child_terminated':
      case 'child_not_started':
        return this.#endChild(entry.id, null, null);
      case 'message_sent':
        this.#inFlight.set(entry.id, { type: 'message', sent: entry });
        return;
      case 'message_delivered':
      case 'message_not_delivered':
        this.#inFlight.delete(entry.id);
        return;
      case 'callback_opened':
        this.#hasOpened = true;
        this.#inFlight.set(entry.id, { type: 'callback', opened: entry });
        return;
      case 'callback_completed':
      case 'callback_failed':
      case 'callback_not_opened':
        this.#inFlight.delete(entry.id);
        return;
      case 'callback_withdrawn':
        this.#inFlight.delete(entry.of);
        return;
      case 'timer_started':
        return this.#startTimer(entry);
      case 'timer_cancelled':
        return this.#removeTimer(entry.of);
      case 'timer_fired':
        return this.#removeTimer(entry.id);
      case 'signal_check_requested':
        (this.#checks ??= new Set()).add(entry.signal);
        return;
      case 'signal_accepted':
        this.#checks?.delete(entry.signal);
        return;
      case 'signal_refused':
        if (entry.signal !== null) this.#checks?.delete(entry.signal);
        return;
      case 'update_accepted':
        (this.#updates ??= new Map()).set(entry.updateId, entry);
        return;
      case 'update_answered':
        this.#updates?.delete(entry.updateId);
        return;
      case 'rollback_step_added':
        this.#steps.add({ type: 'added', of: entry.id, name: entry.name, args: entry.args });
        return;
      case 'rollback_cleared':
        this.#steps.clear(entry.steps);
        return;
      case 'rollback_started':
        return this.#startRollback(entry);
      case 'signal_received':
        if (this.#rollback !== null) this.#signalsInRollback++;
        return;
      case 'run_completed':
      case 'run_failed':
      case 'run_cancelled':
      case 'run_continued':
      case 'run_timed_out':
      case 'run_terminated':
        this.#closed = entry;
        return;
      case 'run_started':
        this.#lineage = entry.lineage ?? null;
        return;
      case 'cancel_requested':
        this.#endedBy ??= 'cancelled';
        return;
      case 'rollback_retried':
        return this.reopen();
      case 'deadline_passed':
        this.#endedBy ??= 'timed_out';
        return;
      case 'child_accepted':
      case 'side_effect_recorded':
      case 'patched':
      case 'attributes_set':
      case 'details_set':
        return;
      default:
        return entry satisfies never;
    }
  }

  /**
   * The run has ended without having undone everything, and is open again for that. Nothing is done where it is open: whoever
   * takes it up knows it before the event that tells of it is there.
   */
  reopen(): void {
    const ended = this.#closed;
    if (ended === null || !('rollback' in ended) || ended.rollback !== 'incomplete') return;
    this.#closed = null;
    const { at, failure, unreadSignals } = ended;
    const outcome = OUTCOME_OF[ended.type];
    this.#rollback ??= { type: 'rollback_started', at, outcome, failure, unreadSignals };
    for (const [id] of this.#inFlight) this.#inFlight.delete(id);
    this.#nextTimer = null;
    this.#unstopped = this.#compensable = this.#compensableStopped = 0;
    this.#lingering = this.#lingeringStopped = 0;
    this.#steps.again();
  }

  /** Whether an event ends something in flight; one that ends nothing is expected at any time (F5). */
  expects(event: HistoryEvent): boolean {
    // A refusal by the handler's schema ends nothing.
    if ('signal' in event) return event.signal === null || this.#checks?.has(event.signal) === true;
    if (!('id' in event)) return true;
    return this.#inFlight.get(event.id)?.type === ENTRY_CATALOGUE[event.type].work.type;
  }

  /** Timers whose time has come, in the order in which they fire: by due time, then by command id (F5). */
  dueTimers(now: Instant): TimerInFlight[] {
    const next = this.nextTimer();
    if (next === null || next > now) return [];
    const due: TimerInFlight[] = [];
    for (const work of this.#inFlight.values()) {
      if (work.type === 'timer' && work.started.firesAt <= now) due.push(work);
    }
    return due.toSorted((a, b) => a.started.firesAt - b.started.firesAt || a.started.id - b.started.id);
  }

  /** When the first timer is due; `null` when there is none. */
  nextTimer(): Instant | null {
    if (this.#nextTimer === undefined) {
      this.#nextTimer = null;
      for (const work of this.#inFlight.values())
        if (work.type === 'timer') this.#expect(work.started.firesAt);
    }
    return this.#nextTimer;
  }

  /**
   * The next move of a rollback (F20): everything in flight is asked to stop; nothing is undone while an activity
   * that has a compensation could still complete; then one step at a time, the last completed first, or all at once.
   *
   * @param manner `automatic` for the end of a run; `manual` for `ctx.compensate()`, which stops nothing and waits
   *   only for what was already asked to stop
   * @param order defaults to that of the recorded rollback
   */
  nextRollbackMove(
    manner: 'automatic' | 'manual',
    order: RollbackOrder = this.#rollback?.order ?? 'reverse',
  ): RollbackMove {
    const { undoing, last: step } = this.#steps;
    const automatic = manner === 'automatic';
    const toCome = automatic ? this.#compensable : this.#compensableStopped;
    const lingering = automatic ? this.#lingering : this.#lingeringStopped;
    // Where nothing is to be undone, nothing needs to stop first: the end of the run abandons it.
    if (undoing === 0 && toCome === 0 && !step) return { type: 'done' };
    if (automatic && this.#unstopped > 0) return { type: 'stop', work: this.#toStop() };
    if (toCome > 0 || lingering > 0 || !step || (undoing > 0 && order === 'reverse')) return { type: 'wait' };
    return { type: 'undo', step };
  }

  #toStop(): StoppableWork[] {
    const stop: StoppableWork[] = [];
    for (const work of this.#inFlight.values()) {
      if (isStoppable(work) && !work.cancelRequested && !isLeftAlone(begunBy(work))) stop.push(work);
    }
    return stop;
  }

  #schedule(scheduled: ActivityScheduled): void {
    if (scheduled.undoes !== null) this.#steps.beginUndoing(scheduled.id, scheduled.undoes);
    this.#count(scheduled, false, 1);
    this.#inFlight.set(scheduled.id, {
      type: 'activity',
      scheduled,
      attempt: 1,
      interruptions: 0,
      startsAt: scheduled.at,
      parked: false,
      cancelRequested: false,
      lastFailure: null,
      heartbeat: null,
    });
    const firstTry = scheduled.undoes === null ? undefined : this.#steps.firstTryOf(scheduled.undoes);
    if (firstTry !== undefined) this.#update(scheduled.id, { firstTry });
  }

  #nextAttempt(note: ActivityAttempt): void {
    const work = this.#inFlight.get(note.id);
    if (work?.type !== 'activity') return;
    const interruptions = work.interruptions + (note.interrupted ? 1 : 0);
    this.#inFlight.set(note.id, { ...work, ...attemptOf(note), interruptions });
  }

  #update(id: CommandId, change: Partial<ActivityInFlight>): void {
    const work = this.#inFlight.get(id);
    if (work?.type === 'activity') this.#inFlight.set(id, { ...work, ...change });
  }

  #stop(id: CommandId): void {
    const work = this.#inFlight.get(id);
    if (work?.type !== 'activity' || work.cancelRequested) return;
    this.#update(id, { cancelRequested: true });
    this.#count(work.scheduled, false, -1);
    this.#count(work.scheduled, true, 1);
  }

  #end(id: CommandId, result: Encoded | null, failure: EncodedFailure | null): void {
    const work = this.#inFlight.get(id);
    if (work?.type !== 'activity') return;
    this.#inFlight.delete(id);
    const { undoes, compensation: name, args } = work.scheduled;
    if (undoes !== null) return this.#steps.endUndoing(id, result === null ? 'failed' : 'undone', failure);
    this.#count(work.scheduled, work.cancelRequested, -1);
    if (result !== null && name !== null)
      this.#steps.add({ type: 'compensation', of: id, name, result, args });
  }

  #startChild(started: ChildStarted): void {
    if (started.undoes !== null) this.#steps.beginUndoing(started.id, started.undoes);
    this.#count(started, false, 1);
    this.#inFlight.set(started.id, { type: 'child', started, cancelRequested: false });
  }

  #stopChild(id: CommandId): void {
    const work = this.#inFlight.get(id);
    if (work?.type !== 'child' || work.cancelRequested) return;
    this.#inFlight.set(id, { ...work, cancelRequested: true });
    this.#count(work.started, false, -1);
    this.#count(work.started, true, 1);
  }

  #endChild(id: CommandId, result: Encoded | null, failure: EncodedFailure | null): void {
    const work = this.#inFlight.get(id);
    if (work?.type !== 'child') return;
    this.#inFlight.delete(id);
    const { undoes, compensation: by, name, args } = work.started;
    if (undoes !== null) return this.#steps.endUndoing(id, result === null ? 'failed' : 'undone', failure);
    this.#count(work.started, work.cancelRequested, -1);
    if (result !== null && by !== null)
      this.#steps.add({ type: 'child compensation', of: id, name, by, result, args });
  }

  /** Counts what a rollback has to stop, and to wait for: no question about that passes over all that is in flight. */
  #count(begun: ActivityScheduled | ChildStarted, stopped: boolean, change: 1 | -1): void {
    if (isLeftAlone(begun)) return;
    if (!stopped) this.#unstopped += change;
    if (begun.compensation !== null) {
      this.#compensable += change;
      if (stopped) this.#compensableStopped += change;
    } else if (begun.type === 'child_started') {
      // It undoes its own steps, which are later ones than those before it.
      this.#lingering += change;
      if (stopped) this.#lingeringStopped += change;
    }
  }

  #startRollback(entry: RollbackStarted): void {
    this.#rollback = entry;
    // Nothing waits for a timer any more, nor for a message to arrive, nor for a callback.
    for (const [id, work] of this.#inFlight) if (!isStoppable(work)) this.#inFlight.delete(id);
    this.#nextTimer = null;
  }

  #startTimer(started: TimerStarted): void {
    this.#inFlight.set(started.id, { type: 'timer', started });
    if (this.#nextTimer !== undefined) this.#expect(started.firesAt);
  }

  #removeTimer(id: CommandId): void {
    const work = this.#inFlight.get(id);
    if (work?.type !== 'timer') return;
    this.#inFlight.delete(id);
    if (work.started.firesAt === this.#nextTimer) this.#nextTimer = undefined;
  }

  #expect(firesAt: Instant): void {
    if (this.#nextTimer === null || this.#nextTimer === undefined || firesAt < this.#nextTimer) {
      this.#nextTimer = firesAt;
    }
  }
}

const OUTCOME_OF = {
  run_failed: 'failed',
  run_cancelled: 'cancelled',
  run_timed_out: 'timed_out',
} as const;

const attemptOf = (note: ActivityAttempt): Partial<ActivityInFlight> => ({
  attempt: note.attempt,
  startsAt: note.startsAt,
  parked: note.parked,
  lastFailure: note.failure,
  heartbeat: note.heartbeat,
});

/** What can be asked to stop. */
type StoppableWork = ActivityInFlight | ChildInFlight;
const isStoppable = (work: WorkInFlight): work is StoppableWork =>
  work.type === 'activity' || work.type === 'child';

const begunBy = (work: StoppableWork): ActivityScheduled | ChildStarted =>
  work.type === 'activity' ? work.scheduled : work.started;

/** What a rollback neither stops nor waits for: its own compensations, and children that outlive their parent. */
const isLeftAlone = (begun: ActivityScheduled | ChildStarted): boolean =>
  begun.undoes !== null || (begun.type === 'child_started' && begun.parentClose === 'abandon');
