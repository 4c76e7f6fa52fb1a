import { UnavailableActivityError } from '../../core/index.js';
import type {
  ActivityInFlight,
  CommandId,
  HistoryEvent,
  WorkNote,
  Instant,
  RunProgress,
} from '../../core/index.js';
import type { InboxMessage } from '../../journal/index.js';
import { LongTimer, unrefPause } from '../../concurrency/index.js';
import { transition } from './activity-state.js';
import { ActivityIntake } from './activity-intake.js';
import type { ActivityEffect, ActivityInput, ActivityState } from './activity-state.js';
import type { Attempt, AttemptListener, AttemptOutcome } from './activity-executor.js';
import { ActivityStates, idOf } from './activity-states.js';
import type { Undecided } from './activity-states.js';
import { AttemptJudge } from './attempt-judge.js';
import type { AttemptJudgeParts } from './attempt-judge.js';
import { neverBegun, resultOf, verdictOnLeaving } from './attempt-verdict.js';
import type { AttemptResult, EndVerdict } from './attempt-verdict.js';
import { HeartbeatNotes } from './heartbeat-notes.js';
import { readReturned, returnedIn, returnedName } from './returned-result.js';
import type { ActiveKind, EntryAbout, Intake, Takeover } from '../run/work-kind.js';

export interface RunActivitiesParts extends AttemptJudgeParts {
  /** What is known of the run. Asked only between turns, when it is what the journal has. */
  readonly progress: () => RunProgress;
  /** There is something to take up. */
  readonly wake: () => void;
}

/**
 * The activities of one resident run: begins attempts after the commit that recorded them, decides about the next one,
 * and tells the turn how they ended. Each is in one {@link ActivityState}. How states change is said by {@link transition};
 * this class carries it out.
 *
 * A recorded attempt counts, even if its process dies. The first one is recorded by scheduling the activity, each further one
 * by a note. An attempt that a note calls parked has not begun yet. One that Continuum itself ended, by a shutdown or by giving
 * the run back, does not count.
 */
export class RunActivities implements ActiveKind, AttemptListener {
  readonly #parts: RunActivitiesParts;
  readonly #states = new ActivityStates();
  readonly #judge: AttemptJudge;
  readonly #heartbeats: HeartbeatNotes;
  #unavailable: string | null = null;
  #draining = false;
  #over = false;
  /** Called when no attempt runs any more. */
  readonly #quiet: (() => void)[] = [];

  constructor(parts: RunActivitiesParts) {
    this.#parts = parts;
    this.#judge = new AttemptJudge(parts);
    this.#heartbeats = new HeartbeatNotes({
      now: () => parts.clock.now(),
      lastOf: (id) => {
        const state = this.#states.get(id);
        return state?.type === 'running' && !this.#over ? state.attempt.lastHeartbeat : null;
      },
      wake: parts.wake,
    });
  }

  /** No attempt runs or is about to begin, and nothing waits to be recorded. */
  get idle(): boolean {
    return this.#states.busy === 0 && !this.#heartbeats.any;
  }

  /** Of the attempts that have not begun: when the earliest may begin, or when it is too late for one. */
  nextMoment(): Instant | null {
    if (this.#states.count('parked') === 0) return null;
    let next: Instant | null = null;
    for (const [id, { type }] of this.#states.entries()) {
      const work = type === 'parked' ? this.#activity(id) : undefined;
      if (!work) continue;
      const moment = Math.min(work.startsAt, this.#judge.deadline(work) ?? work.startsAt);
      if (next === null || moment < next) next = moment;
    }
    return next;
  }

  /** An activity in flight that this process does not have. */
  obstacle(): UnavailableActivityError | null {
    return this.#unavailable === null ? null : new UnavailableActivityError(this.#unavailable);
  }

  // ---------------------------------------------------------------------------------- between turns

  settle(): boolean {
    for (const state of this.#states.takeUndecided()) this.#decide(state);
    if (!this.#draining && this.#states.count('parked') > 0) this.#unpark();
    return this.#states.hasDecided || this.#heartbeats.any;
  }

  take(): Intake {
    if (!this.#states.hasDecided && !this.#heartbeats.any) return NOTHING_TO_TAKE;
    // Heartbeats are of attempts that are under way: they come before what is noted of the ones that follow.
    const heartbeats = this.#heartbeats.take();
    if (this.#states.count('note') === 0) return new ActivityIntake(heartbeats, this.#states.ends);
    const notes = this.#states.decided.flatMap((verdict) => (verdict.type === 'note' ? [verdict.note] : []));
    return new ActivityIntake([...heartbeats, ...notes], this.#states.ends);
  }

  /** Ends that would be lost if this process died before they are recorded. */
  endsToKeep(): readonly EndVerdict[] {
    return this.#states.ends.filter(({ told }) => told);
  }
  /** The inbox has it now, and it is taken from there. */
  kept(end: EndVerdict): void {
    this.#apply(end.event.id, { type: 'kept', end });
  }

  committed(entry: EntryAbout<'activity'>, closed: boolean): void {
    // Of a closed run only the requests to stop take effect.
    if (this.#over || (closed && entry.type !== 'activity_cancel_requested')) return;
    switch (entry.type) {
      case 'activity_scheduled':
        return this.#begin(entry.id, 0);
      case 'activity_attempt':
        if (entry.parked) return this.#apply(entry.id, PARK);
        return this.#begin(entry.id, entry.startsAt - this.#parts.clock.now());
      case 'activity_cancel_requested':
        return this.#cancel(entry.of);
      case 'activity_completed':
      case 'activity_failed':
      case 'activity_cancelled':
        return this.#apply(entry.id, CLOSE);
      case 'activity_heartbeat':
        return;
      default:
        entry satisfies never;
    }
  }

  /** Attempts that were recorded as begun are over, unless they run here, or their result is in the inbox. */
  recover({ messages, died }: Takeover): void {
    const returned = returnedIn(messages);
    this.#heartbeats.clear();
    this.#unavailable = null;
    // After lost history there may be activities that were never recorded.
    for (const [id] of this.#states.entries()) if (!this.#activity(id)) this.#apply(id, CLOSE);
    for (const [id, work] of this.#parts.progress().inFlight) {
      if (work.type !== 'activity') continue;
      // One that was asked to stop begins no attempt more.
      if (!work.cancelRequested && !this.#parts.executor.has(work)) this.#unavailable = work.scheduled.name;
      const isReturned = returned.has(returnedName(id, work.attempt));
      this.#apply(id, { type: 'recover', work, returned: isReturned, died });
    }
  }

  /** A result that a holder put into the inbox. `null`: its attempt is settled already. */
  received(message: InboxMessage): HistoryEvent | WorkNote | null {
    const result = readReturned(message);
    const work = this.#activity(result.id);
    if (work?.attempt !== result.attempt) return null;
    const verdict = this.#judge.ended(work, result);
    return verdict.type === 'end' ? verdict.event : verdict.note;
  }

  // ---------------------------------------------------------------------------------------- the end

  /** Begins nothing more: what was not begun is noted as parked, for another worker to begin. */
  drain(): void {
    this.#draining = true;
    this.#judge.drain();
    for (const [id, { type }] of this.#states.entries())
      if (type === 'waiting') this.#apply(id, { type: 'drain', id });
  }

  /** Asks what still runs to stop, waits for it up to `patience` ms, and gives up what did not. */
  async interrupt(patience: number): Promise<void> {
    this.drain();
    const running = [...this.#states.entries()].flatMap(([id, state]) =>
      state.type === 'running' ? [{ id, attempt: state.attempt }] : [],
    );
    for (const { attempt } of running) attempt.stop('shutting down');
    await Promise.race([this.#whenQuiet(), unrefPause(patience)]);
    for (const { id, attempt } of running) this.#apply(id, { type: 'give up', attempt });
  }

  /** The run is not held here any more, by a lost lease or a close: nothing of this object does anything any more. */
  stop(reason: 'lease lost' | 'run closed'): void {
    this.#over = true;
    for (const [id] of this.#states.entries()) this.#apply(id, { type: 'stop', reason });
    this.#heartbeats.stop();
  }

  /** Begins nothing more, waits until no attempt runs, and returns every result that is not recorded. */
  async collect(): Promise<readonly AttemptResult[]> {
    this.#over = true;
    for (const [, state] of this.#states.entries()) if (state.type === 'waiting') state.timer.cancel();
    await this.#whenQuiet();
    const results = this.#states.decided.map((verdict) =>
      verdict.type === 'end' ? resultOf(verdict) : verdict.result,
    );
    for (const state of this.#states.takeUndecided())
      results.push(state.type === 'ended' ? state.result : this.#neverBegun(state.id));
    for (const [id, { type }] of this.#states.entries())
      if (type === 'waiting') results.push(this.#neverBegun(id));
    return results.filter((result) => result !== null);
  }

  // ----------------------------------------------------------------------------------------- states

  #apply(id: CommandId, input: ActivityInput): void {
    const before = this.#states.get(id);
    const { state, effects } = transition(before, input);
    if (state !== before) this.#change(id, before, state);
    for (const effect of effects) this.#perform(id, effect);
  }

  #change(id: CommandId, before: ActivityState | undefined, state: ActivityState | undefined): void {
    this.#states.set(id, state);
    if (before?.type !== 'running') return;
    this.#heartbeats.ended(id);
    if (this.#states.count('running') === 0) for (const hears of this.#quiet.splice(0)) hears();
  }

  #perform(id: CommandId, effect: ActivityEffect): void {
    switch (effect.type) {
      case 'wake':
        return this.#parts.wake();
      case 'begin':
        return this.#makeAttempt(id);
      case 'start timer': {
        const timer = LongTimer.start(effect.wait, () => this.#apply(id, { type: 'time', id }), true);
        return this.#apply(id, { type: 'waiting', timer });
      }
      case 'cancel timer':
        return effect.timer.cancel();
      case 'stop attempt':
        return effect.attempt.stop(effect.reason);
      case 'tell unavailable':
        this.#unavailable = this.#activity(id)?.scheduled.name ?? null;
        return;
      default:
        effect satisfies never;
    }
  }

  #makeAttempt(id: CommandId): void {
    const activity = this.#activity(id);
    if (!activity) return;
    const { executor, run, clock } = this.#parts;
    executor.begin({ run, activity, now: clock.now(), listener: this });
  }

  attemptMade(attempt: Attempt): void {
    this.#apply(attempt.activity.scheduled.id, { type: 'running', attempt });
  }
  attemptProgressed(attempt: Attempt): void {
    if (!this.#over) this.#heartbeats.beat(attempt.activity.scheduled.id);
  }
  attemptEnded(from: Attempt, outcome: AttemptOutcome): void {
    const { activity, lastHeartbeat: heartbeat } = from;
    const { id } = activity.scheduled;
    this.#apply(id, { type: 'ended', from, result: { id, attempt: activity.attempt, outcome, heartbeat } });
  }

  #begin(id: CommandId, wait: number): void {
    const work = this.#activity(id);
    if (!work) return;
    const available = this.#parts.executor.has(work);
    this.#apply(id, { type: 'begin', work, wait, draining: this.#draining, available });
  }

  #cancel(id: CommandId): void {
    if (!this.#activity(id)) return this.#apply(id, CLOSE);
    this.#apply(id, { type: 'cancel', id, at: this.#parts.clock.now() });
    if (this.#states.get(id)?.type === 'end') this.#heartbeats.drop(id);
  }

  // -------------------------------------------------------------------------------------- decisions

  #decide(state: Undecided): void {
    const id = idOf(state);
    const work = this.#activity(id);
    if (!work) return this.#apply(id, CLOSE);
    switch (state.type) {
      case 'due':
        return this.#begin(id, 0);
      case 'leaving':
        return this.#apply(id, verdictOnLeaving(work, this.#parts.clock.now()));
      case 'ended':
        return this.#apply(id, this.#judge.ended(work, state.result));
    }
  }

  /** Records that parked attempts whose time has come are begun now, or that it is too late for them. */
  #unpark(): void {
    for (const [id, { type }] of this.#states.entries()) {
      if (type !== 'parked') continue;
      const work = this.#activity(id);
      if (!work?.parked) {
        this.#apply(id, CLOSE);
        continue;
      }
      const verdict = this.#judge.parked(work);
      if (verdict) this.#apply(id, verdict);
    }
  }

  #activity(id: CommandId): ActivityInFlight | undefined {
    const work = this.#parts.progress().inFlight.get(id);
    return work?.type === 'activity' ? work : undefined;
  }
  #neverBegun(id: CommandId): AttemptResult | null {
    const work = this.#activity(id);
    return work ? neverBegun(work) : null;
  }
  /** Resolves when no attempt runs any more, or those that do were given up. */
  #whenQuiet(): Promise<void> {
    if (this.#states.count('running') === 0) return Promise.resolve();
    return new Promise((resolve) => this.#quiet.push(resolve));
  }
}

const NOTHING_TO_TAKE = new ActivityIntake([], []);
const PARK = { type: 'park' } as const;
const CLOSE = { type: 'close' } as const;
