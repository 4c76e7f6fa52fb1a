import { deadlineOf, UnavailableActivityError } from '../../core/index.js';
import type {
  ActivityInFlight,
  Codec,
  CommandId,
  HistoryEntry,
  Instant,
  RunProgress,
} from '../../core/index.js';
import type { Observer, RunFacts } from '../../observability/index.js';
import type { ActivityExecutor, Attempt, AttemptOutcome } from './activity-executor.js';
import { attemptNote, cancelled, interruption, returnable, verdictOn } from './attempt-verdict.js';
import type { EndedAttempt, Returnable, Verdict } from './attempt-verdict.js';
import type { DatabaseClock } from '../worker/database-clock.js';
import { LongTimer } from '../../concurrency/index.js';
import { unrefPause } from '../../concurrency/index.js';
import type { EndedActivity, Noted, ReturnedResult } from '../run/run-work.js';

export interface RunActivitiesParts {
  readonly run: RunFacts;
  readonly executor: ActivityExecutor;
  readonly codec: Codec;
  readonly clock: DatabaseClock;
  readonly observer: Observer;
  /** A retry further away than this, in ms, does not keep the run in memory. */
  readonly parkAfter: number;
  /** What is known of the run. Asked only between turns, when it is what the journal has. */
  readonly progress: () => RunProgress;
  /** There is something to take up. */
  readonly wake: () => void;
}

/** An attempt that has ended and is not settled yet. */
interface Finished extends EndedAttempt {
  readonly id: CommandId;
}

/**
 * The activities of one resident run: begins attempts after the commit that recorded them, decides about the next one,
 * and hands ends and notes to the turn.
 *
 * A recorded attempt counts, even if its process dies: scheduling records the first one, a note each that follows. What a
 * note calls parked was begun by nobody yet. What Continuum itself ended, by a shutdown or by giving the run back, does not
 * count.
 */
export class RunActivities {
  readonly #parts: RunActivitiesParts;
  readonly #attempts = new Map<CommandId, Attempt>();
  /** Attempts that this holder will begin at a time near enough to stay in memory. */
  readonly #retries = new Map<CommandId, LongTimer>();
  readonly #beats = new Map<CommandId, LongTimer>();
  readonly #beatWaits = new Map<CommandId, number>();
  #finished: Finished[] = [];
  /** Their time has come. */
  #due: CommandId[] = [];
  /** To be given to another worker. */
  #returning: CommandId[] = [];
  #ends: EndedActivity[] = [];
  #notes: Noted[] = [];
  /** In flight, and begun by nobody yet. */
  readonly #parked = new Set<CommandId>();
  /** In flight, and how the attempt ended waits in the inbox. */
  readonly #inInbox = new Set<CommandId>();
  #unavailable: string | null = null;
  #draining = false;
  #over = false;
  /** Hear when nothing runs any more. */
  readonly #quiet: (() => void)[] = [];

  constructor(parts: RunActivitiesParts) {
    this.#parts = parts;
  }

  /** Nothing runs, nothing is about to, and nothing waits to be recorded. */
  get idle(): boolean {
    return this.#attempts.size === 0 && this.#retries.size === 0 && !this.#pending;
  }
  get #pending(): boolean {
    return (
      this.#finished.length +
        this.#due.length +
        this.#returning.length +
        this.#ends.length +
        this.#notes.length >
      0
    );
  }
  get running(): number {
    return this.#attempts.size;
  }
  nextEnd(): EndedActivity | undefined {
    return this.#ends[0];
  }
  takeEnd(): void {
    this.#ends.shift();
  }
  /** Those that would be lost if this process died before they are recorded. */
  endsToKeep(): readonly EndedActivity[] {
    return this.#ends.filter(({ told }) => told);
  }
  /** The inbox has it now, and it is taken from there. */
  kept(ended: EndedActivity): void {
    this.#ends = this.#ends.filter((other) => other !== ended);
    this.#inInbox.add(ended.event.id);
  }
  get hasNotes(): boolean {
    return this.#notes.length > 0;
  }
  takeNotes(): readonly Noted[] {
    return this.#notes.length === 0 ? NOTHING : this.#notes.splice(0);
  }
  /** Notes that a turn had taken, and that are not recorded after all. */
  putBackNotes(notes: readonly Noted[]): void {
    this.#notes.unshift(...notes);
  }

  /** Of those that nobody has begun: when the earliest may, or may no more. */
  nextParked(): Instant | null {
    let next: Instant | null = null;
    for (const id of this.#parked) {
      const work = this.#activity(id);
      if (!work) continue;
      const moment = Math.min(work.startsAt, this.#deadline(work) ?? work.startsAt);
      if (next === null || moment < next) next = moment;
    }
    return next;
  }

  /** An activity in flight that this process does not have: the run cannot go on here. */
  unavailable(): UnavailableActivityError | null {
    return this.#unavailable === null ? null : new UnavailableActivityError(this.#unavailable);
  }

  // ---------------------------------------------------------------------------------- between turns

  /** Before a turn: makes ends and notes of what has happened since the last one. */
  settle(): void {
    if (this.#finished.length > 0) {
      for (const finished of this.#finished.splice(0)) this.#settleOne(finished);
    }
    for (const id of this.#due.splice(0)) this.#begin(id);
    for (const id of this.#returning.splice(0)) this.#park(id);
    if (!this.#draining) this.#unpark();
  }

  /** A committed entry takes effect. */
  committed(entry: HistoryEntry): void {
    switch (entry.type) {
      case 'activity_scheduled':
        return this.#begin(entry.id);
      case 'activity_attempt':
        this.#inInbox.delete(entry.id);
        if (entry.parked) this.#parked.add(entry.id);
        else this.#beginAt(entry.id, entry.startsAt);
        return;
      case 'activity_cancel_requested':
        return this.#cancel(entry.of);
      case 'activity_completed':
      case 'activity_failed':
      case 'activity_cancelled':
        this.#inInbox.delete(entry.id);
        this.#parked.delete(entry.id);
        return;
      case 'activity_heartbeat':
      case 'cancel_requested':
      case 'rollback_cleared':
      case 'rollback_started':
      case 'rollback_step_added':
      case 'run_cancelled':
      case 'run_completed':
      case 'run_failed':
      case 'run_started':
      case 'run_terminated':
      case 'side_effect_recorded':
      case 'signal_accepted':
      case 'signal_check_requested':
      case 'signal_received':
      case 'signal_refused':
      case 'timer_cancelled':
      case 'timer_fired':
      case 'timer_started':
        return;
      default:
        entry satisfies never;
    }
  }

  /**
   * After a takeover: attempts that were recorded as begun are over, unless their result is in the inbox (`returned`).
   *
   * @param died the process that made them did; otherwise it gave the run back
   */
  recover(isReturned: (id: CommandId, attempt: number) => boolean, died: boolean): void {
    const { inFlight } = this.#parts.progress();
    this.#inInbox.clear();
    this.#notes = this.#notes.filter((noted) => this.#isWanted(noted));
    // After lost history: what was not recorded after all.
    for (const [id, attempt] of this.#attempts) if (!inFlight.has(id)) attempt.stop('lease lost');
    for (const [id, work] of inFlight) {
      if (work.type !== 'activity') continue;
      if (!this.#parts.executor.optionsOf(work)) this.#unavailable = work.scheduled.name;
      if (work.parked) this.#parked.add(id);
      else if (isReturned(id, work.attempt)) this.#inInbox.add(id);
      if (work.parked || this.#inInbox.has(id) || this.#isUnderWay(id) || this.#noted(id)) continue;
      const lost = `Attempt ${work.attempt} of ${work.scheduled.name} was lost: the process that made it ended before it told a result.`;
      this.#ended(
        work,
        died
          ? { type: 'lost', message: lost }
          : { type: 'interrupted', message: interruption(work, 'was interrupted') },
      );
    }
  }

  /** Ends that a turn had taken, and that are not recorded after all. */
  putBack(ends: readonly EndedActivity[]): void {
    for (const ended of ends) if (this.#activity(ended.event.id)?.attempt === ended.attempt) this.#end(ended);
  }

  /** A result that a former holder returned to the inbox. `null`: it is of an attempt that is settled already. */
  returned(id: CommandId, result: ReturnedResult): Verdict | null {
    const work = this.#parts.progress().inFlight.get(id);
    if (work?.type !== 'activity' || work.attempt !== result.attempt) return null;
    return this.#verdict(work, { result, heartbeat: null });
  }

  // ---------------------------------------------------------------------------------------- the end

  /** Begins nothing more: what was not begun is noted as parked, for another worker to begin. */
  drain(): void {
    this.#draining = true;
    for (const [id, timer] of this.#retries) {
      timer.cancel();
      this.#returning.push(id);
    }
    this.#retries.clear();
  }

  /** Asks what still runs to stop, waits for it up to `patience` ms, and gives up what did not. */
  async interrupt(patience: number): Promise<void> {
    this.drain();
    const running = [...this.#attempts];
    for (const [, attempt] of running) attempt.stop('shutting down');
    await Promise.race([this.#whenQuiet(), unrefPause(patience)]);
    for (const [id, attempt] of running) {
      if (this.#attempts.get(id) !== attempt) continue;
      this.#attempts.delete(id);
      const message = interruption(attempt.activity, 'did not stop in time');
      this.#ended(attempt.activity, { type: 'interrupted', message }, attempt.lastHeartbeat);
    }
    this.#fallsQuiet();
  }

  /** The run is given up, by a lost lease or a close: nothing of this object does anything any more. */
  stop(reason: 'lease lost' | 'run closed'): void {
    this.#over = true;
    for (const attempt of this.#attempts.values()) attempt.stop(reason);
    for (const timer of [...this.#retries.values(), ...this.#beats.values()]) timer.cancel();
    this.#attempts.clear();
    this.#retries.clear();
    this.#beats.clear();
    this.#fallsQuiet();
  }

  /** Waits for what runs, or until it is given up; begins nothing more, and gives every result that no turn has taken. */
  async collect(): Promise<readonly Returnable[]> {
    this.#over = true;
    for (const timer of this.#retries.values()) timer.cancel();
    const waiting = [...this.#retries.keys(), ...this.#due, ...this.#returning].flatMap((id) =>
      this.#neverBegun(id),
    );
    await this.#whenQuiet();
    const noted = this.#notes.flatMap(({ note, result }) =>
      result === null ? [] : [{ id: note.id, result }],
    );
    return [...this.#finished, ...waiting, ...noted, ...this.#ends.flatMap(returnable)];
  }

  // ------------------------------------------------------------------------------------------------

  #begin(id: CommandId): void {
    const work = this.#activity(id);
    // Its cancellation was recorded while it waited for its time.
    if (!work || this.#over || work.cancelRequested) return;
    if (this.#draining) {
      this.#returning.push(id);
      this.#parts.wake();
      return;
    }
    if (!this.#parts.executor.optionsOf(work)) {
      this.#unavailable = work.scheduled.name;
      this.#parts.wake();
      return;
    }
    this.#parts.executor.begin(
      {
        run: this.#parts.run,
        activity: work,
        now: this.#parts.clock.now(),
        onHeartbeat: () => this.#heartbeat(id),
        onEnd: (attempt, outcome) => this.#finish(id, attempt, outcome),
      },
      (attempt) => this.#attempts.set(id, attempt),
    );
  }

  #finish(id: CommandId, attempt: Attempt, outcome: AttemptOutcome): void {
    if (this.#attempts.get(id) !== attempt) return;
    this.#attempts.delete(id);
    this.#beatWaits.delete(id);
    const result = { attempt: attempt.activity.attempt, outcome };
    this.#finished.push({ id, result, heartbeat: attempt.lastHeartbeat });
    if (this.#attempts.size === 0) this.#fallsQuiet();
    this.#parts.wake();
  }

  /** Nothing runs any more, or it is given up. */
  #whenQuiet(): Promise<void> {
    if (this.#attempts.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#quiet.push(resolve));
  }
  #fallsQuiet(): void {
    for (const hears of this.#quiet.splice(0)) hears();
  }

  #beginAt(id: CommandId, startsAt: Instant): void {
    const wait = startsAt - this.#parts.clock.now();
    if (wait <= 0) {
      this.#begin(id);
      return;
    }
    this.#retries.set(
      id,
      LongTimer.start(
        wait,
        () => {
          this.#retries.delete(id);
          // Between turns: during one, what is known of the run is not what the journal has.
          this.#due.push(id);
          this.#parts.wake();
        },
        true,
      ),
    );
  }

  #cancel(id: CommandId): void {
    const running = this.#attempts.get(id);
    if (running) {
      running.stop('cancelled');
      return;
    }
    this.#retries.get(id)?.cancel();
    this.#retries.delete(id);
    this.#due = this.#due.filter((other) => other !== id);
    this.#returning = this.#returning.filter((other) => other !== id);
    // It has ended already, and that is what counts.
    if (this.#inInbox.has(id) || this.#finished.some((finished) => finished.id === id)) return;
    if (!this.#activity(id)) return;
    this.#notes = this.#notes.filter(({ note }) => note.id !== id);
    this.#end({ event: cancelled(id, this.#parts.clock.now()), attempt: 0, told: false });
    this.#parts.wake();
  }

  /** Records that parked attempts whose time has come are begun now. */
  #unpark(): void {
    const now = this.#parts.clock.now();
    for (const id of this.#parked) {
      const work = this.#activity(id);
      if (!work?.parked) this.#parked.delete(id);
      else if (work.cancelRequested)
        this.#end({ event: cancelled(id, now), attempt: work.attempt, told: false });
      else if ((this.#deadline(work) ?? Number.POSITIVE_INFINITY) <= now) this.#tooLate(work);
      else if (work.startsAt <= now && !this.#noted(id)) {
        const note = attemptNote(work, { startsAt: now, at: now, parked: false });
        this.#notes.push({ note, result: null });
      }
    }
  }

  #tooLate(work: ActivityInFlight): void {
    const { id } = work.scheduled;
    if (this.#isUnderWay(id)) return;
    this.#settleOne({
      id,
      result: { attempt: work.attempt, outcome: { type: 'too late' } },
      heartbeat: null,
    });
  }

  #park(id: CommandId): void {
    const work = this.#activity(id);
    if (!work || this.#noted(id)) return;
    const at = this.#parts.clock.now();
    const note = attemptNote(work, { startsAt: Math.max(work.startsAt, at), at, parked: true });
    this.#notes.push({ note, result: neverBegun(work) });
  }

  #settleOne(finished: Finished): void {
    const work = this.#activity(finished.id);
    if (!work) return;
    const verdict = this.#verdict(work, finished);
    if (verdict.type === 'end') {
      const { type } = finished.result.outcome;
      const told = verdict.event.type !== 'activity_cancelled' && (type === 'completed' || type === 'failed');
      this.#end({ event: verdict.event, attempt: work.attempt, told });
    } else this.#notes.push({ note: verdict.note, result: finished.result });
  }

  #verdict(work: ActivityInFlight, ended: EndedAttempt): Verdict {
    const { run, codec, clock, executor, observer, parkAfter } = this.#parts;
    const verdict = verdictOn(work, ended, {
      codec,
      options: executor.optionsOf(work),
      at: clock.now(),
      // While it drains, nothing waits in memory.
      parkAfter: this.#draining ? -1 : parkAfter,
      chance: Math.random(),
    });
    if (verdict.failed) {
      const { failure, retryIn } = verdict.failed;
      const { name: activity } = work.scheduled;
      const error = codec.decodeFailure(failure);
      observer.notice({
        type: 'activity attempt failed',
        run,
        activity,
        attempt: work.attempt,
        error,
        retryIn,
      });
    }
    return verdict;
  }

  /** Of an attempt that tells nothing itself any more. */
  #ended(work: ActivityInFlight, outcome: AttemptOutcome, heartbeat = work.heartbeat): void {
    const result = { attempt: work.attempt, outcome };
    this.#finished.push({ id: work.scheduled.id, result, heartbeat });
    this.#parts.wake();
  }

  #deadline(work: ActivityInFlight): Instant | null {
    const options = this.#parts.executor.optionsOf(work);
    return options ? deadlineOf(options, work.scheduled.at) : null;
  }

  /** Progress is recorded at most once in a while: the next attempt goes on from about there. */
  #heartbeat(id: CommandId): void {
    if (this.#over || this.#beats.has(id)) return;
    const timer = LongTimer.start(this.#beatAfter(id), () => {
      this.#beats.delete(id);
      const details = this.#attempts.get(id)?.lastHeartbeat ?? null;
      if (this.#over || details === null) return;
      const note = { type: 'activity_heartbeat', at: this.#parts.clock.now(), id, details } as const;
      this.#notes.push({ note, result: null });
      this.#parts.wake();
    });
    this.#beats.set(id, timer);
  }

  /** Less and less often: every record is read at each replay. */
  #beatAfter(id: CommandId): number {
    const wait = this.#beatWaits.get(id) ?? FIRST_BEAT;
    this.#beatWaits.set(id, Math.min(wait * 2, LONGEST_BEAT));
    return wait;
  }
  #activity(id: CommandId): ActivityInFlight | undefined {
    const work = this.#parts.progress().inFlight.get(id);
    return work?.type === 'activity' ? work : undefined;
  }
  #end(ended: EndedActivity): void {
    if (!this.#ends.some(({ event }) => event.id === ended.event.id)) this.#ends.push(ended);
  }
  #neverBegun(id: CommandId): readonly Returnable[] {
    const work = this.#activity(id);
    return work ? [{ id, result: neverBegun(work) }] : [];
  }
  /** It runs here, waits here for its time, or has just ended here. */
  #isUnderWay(id: CommandId): boolean {
    return (
      this.#attempts.has(id) ||
      this.#retries.has(id) ||
      this.#due.includes(id) ||
      this.#ends.some(({ event }) => event.id === id) ||
      this.#finished.some((finished) => finished.id === id)
    );
  }
  #noted(id: CommandId): boolean {
    return this.#notes.some(({ note }) => note.type === 'activity_attempt' && note.id === id);
  }
  /** Whether it tells the end of the attempt that is under way by the journal; what tells no end can do without. */
  #isWanted({ note, result }: Noted): boolean {
    const work = this.#activity(note.id);
    return result !== null && work?.attempt === result.attempt && !work.parked && !work.cancelRequested;
  }
}

const NOTHING: readonly Noted[] = [];

const neverBegun = ({ attempt }: ActivityInFlight): ReturnedResult => ({
  attempt,
  outcome: { type: 'never begun' },
});

/** How long progress waits to be recorded: at first, and at most. In ms. */
const FIRST_BEAT = 1_000;
const LONGEST_BEAT = 60_000;
