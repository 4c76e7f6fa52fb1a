import type { ActivityInFlight, CommandId, Instant } from '../../core/index.js';
import type { StopReason } from '../../concurrency/index.js';
import type { Attempt } from './activity-executor.js';
import { cancellation, interruption } from './attempt-verdict.js';
import type { AttemptResult, EndVerdict, NoteVerdict, Verdict } from './attempt-verdict.js';

/*
 * What the holder of a run is doing about one activity in flight: it is in exactly one state. Nothing here acts: `transition`
 * says which state comes next and what is to be done, and `RunActivities` does it.
 *
 *   a first attempt, or a note that another one begins
 *     -> running -> ended -> end    the turn records how the activity ended
 *                         -> note   the turn records that another attempt follows, and it starts again
 *     -> waiting -> due -> running  its time is near enough to stay in memory for
 *     -> parked -> note             its time is far, and in the journal
 *
 * `leaving`: this holder was to begin the attempt, but gives the run back. `in inbox`: the result of the attempt is in the
 * inbox. No state at all: there is nothing to do about the activity, or its first entry is not committed yet.
 */
export type ActivityState =
  | Parked
  | Waiting
  | Due
  | Running
  | Ended
  | Leaving
  /** It is over, and a turn is to record that. Kept until the turn is committed, so that a turn that fails loses nothing. */
  | EndVerdict
  /** Another attempt follows, and a turn is to record it. */
  | NoteVerdict
  | InInbox;

/** No process has begun its next attempt. When it may begin is in the journal. */
export interface Parked {
  readonly type: 'parked';
}
/** This holder begins the next attempt when the timer ends. */
export interface Waiting {
  readonly type: 'waiting';
  readonly timer: Wait;
}
/** Its time has come. It begins between turns: while a turn is under way, the journal may not have what is known of the run here. */
export interface Due {
  readonly type: 'due';
  readonly id: CommandId;
}
export interface Running {
  readonly type: 'running';
  readonly attempt: Attempt;
}
/** The attempt is over, and what follows is not decided yet. That is done between turns too. */
export interface Ended {
  readonly type: 'ended';
  /** The attempt that told it; `null` for one whose process is gone. */
  readonly from: Attempt | null;
  readonly result: AttemptResult;
}
/** This holder was to begin the next attempt, but gives the run back. A note leaves the attempt to the next holder. */
export interface Leaving {
  readonly type: 'leaving';
  readonly id: CommandId;
}
/** How the attempt ended is in the inbox of the run, and is taken from there. */
export interface InInbox {
  readonly type: 'in inbox';
}

/** A timer that was started. */
export interface Wait {
  cancel(): void;
}

/** What happens to an activity. */
export type ActivityInput =
  /** It is recorded that an attempt begins; or the time of one has come, between turns. */
  | Begin
  /** It is recorded that an attempt follows later, which no process has begun. */
  | { readonly type: 'park' }
  /** It is recorded that the activity is to stop. */
  | { readonly type: 'cancel'; readonly id: CommandId; readonly at: Instant }
  /** It is recorded that the activity is over; or it is not in flight at all. */
  | { readonly type: 'close' }
  /** The timer that was asked for has started. */
  | Waiting
  /** The timer has ended. */
  | { readonly type: 'time'; readonly id: CommandId }
  /** The attempt that was asked for is made. */
  | Running
  /** An attempt has told how it ended. */
  | Ended
  /** It is decided what the end of an attempt means; or that an attempt which had not begun begins, or never will. */
  | Verdict
  /** The inbox has this end now. */
  | { readonly type: 'kept'; readonly end: EndVerdict }
  /** This holder begins nothing more. */
  | { readonly type: 'drain'; readonly id: CommandId }
  /** The attempt was asked to stop, and has not. */
  | { readonly type: 'give up'; readonly attempt: Attempt }
  /** The history of the run was read anew: this holder took the run over, or what it believed was not there. */
  | Recover
  /** The run is not this holder's any more. */
  | { readonly type: 'stop'; readonly reason: StopReason };

export interface Begin {
  readonly type: 'begin';
  readonly work: ActivityInFlight;
  /** How long until then, in ms. Below zero: now. */
  readonly wait: number;
  readonly draining: boolean;
  /** Whether this process has the activity. */
  readonly available: boolean;
}

export interface Recover {
  readonly type: 'recover';
  readonly work: ActivityInFlight;
  /** Whether the inbox has how its attempt ended. */
  readonly returned: boolean;
  /** Whether the process that made the attempt died; otherwise it gave the run back. */
  readonly died: boolean;
}

/** What is to be done; in this order. */
export type ActivityEffect =
  /** Makes the attempt, which comes back as `running`, and begins it. */
  | { readonly type: 'begin' }
  /** Starts a timer, which comes back as `waiting`. */
  | { readonly type: 'start timer'; readonly wait: number }
  | { readonly type: 'cancel timer'; readonly timer: Wait }
  | { readonly type: 'stop attempt'; readonly attempt: Attempt; readonly reason: StopReason }
  /** This process does not have the activity: the run cannot go on here. */
  | { readonly type: 'tell unavailable' }
  /** There is something for a turn. */
  | { readonly type: 'wake' };

export interface Transition {
  readonly state: ActivityState | undefined;
  readonly effects: readonly ActivityEffect[];
}

/** A mistake of the caller, not of the run: callers look at the state before they send such an input. */
export class ImpossibleTransition extends Error {
  override readonly name: string = 'ImpossibleTransition';
  constructor(state: ActivityState | undefined, input: ActivityInput) {
    super(`An activity that is ${state?.type ?? 'nothing'} here cannot take "${input.type}".`);
  }
}

/** The next state of an activity, and what is to be done. Pure. */
export function transition(state: ActivityState | undefined, input: ActivityInput): Transition {
  switch (input.type) {
    case 'begin':
      return begin(state, input);
    case 'park':
      return superseded(state, PARKED);
    case 'close':
      return superseded(state, undefined);
    case 'cancel':
      return cancel(state, input.id, input.at);
    case 'waiting':
    case 'running':
      if (state) throw new ImpossibleTransition(state, input);
      return { state: input, effects: NOTHING };
    case 'time':
      return state?.type === 'waiting'
        ? { state: { type: 'due', id: input.id }, effects: WAKE }
        : same(state);
    case 'ended':
      return state?.type === 'running' && state.attempt === input.from
        ? { state: input, effects: WAKE }
        : same(state);
    case 'end':
    case 'note':
      if (state?.type !== 'ended' && state?.type !== 'leaving' && state?.type !== 'parked')
        throw new ImpossibleTransition(state, input);
      return { state: input, effects: NOTHING };
    case 'kept':
      return state === input.end ? { state: IN_INBOX, effects: NOTHING } : same(state);
    case 'drain':
      return state?.type === 'waiting' ? superseded(state, { type: 'leaving', id: input.id }) : same(state);
    case 'give up':
      return state?.type === 'running' && state.attempt === input.attempt
        ? givenUp(input.attempt)
        : same(state);
    case 'recover':
      return recover(state, input);
    case 'stop':
      return superseded(state, undefined, NOTHING, input.reason);
    default:
      return input satisfies never;
  }
}

/** An attempt is recorded as begun. It takes the place of whatever was going on: there is one attempt at a time. */
function begin(state: ActivityState | undefined, { work, wait, draining, available }: Begin): Transition {
  // The request to stop is in the same turn, and ends it.
  if (work.cancelRequested) return superseded(state, undefined);
  if (draining) return superseded(state, { type: 'leaving', id: work.scheduled.id }, WAKE);
  if (wait > 0) return superseded(state, undefined, [{ type: 'start timer', wait }]);
  return superseded(state, undefined, available ? BEGIN : UNAVAILABLE);
}

function cancel(state: ActivityState | undefined, id: CommandId, at: Instant): Transition {
  switch (state?.type) {
    case 'running':
      return { state, effects: [{ type: 'stop attempt', attempt: state.attempt, reason: 'cancelled' }] };
    case 'ended':
    case 'in inbox':
      // It ended before the request to stop, and so it counts.
      return same(state);
    case 'end':
      return { state, effects: WAKE };
    case 'waiting':
    case 'due':
    case 'leaving':
    case 'note':
    case 'parked':
    case undefined:
      return superseded(state, cancellation(id, 0, at), WAKE);
    default:
      return state satisfies never;
  }
}

/**
 * The journal says that the activity is in flight. What this holder is doing about it goes on if the journal agrees. Otherwise
 * its attempt was another holder's, and is lost, unless its result is in the inbox.
 */
function recover(state: ActivityState | undefined, { work, returned, died }: Recover): Transition {
  if (returned && !work.parked) return superseded(state, IN_INBOX);
  if (state && isStillRight(state, work)) return same(state);
  if (work.parked) return superseded(state, PARKED);
  return superseded(state, { type: 'ended', from: null, result: endedElsewhere(work, died) }, WAKE);
}

function isStillRight(state: ActivityState, work: ActivityInFlight): boolean {
  switch (state.type) {
    case 'running':
    case 'waiting':
    case 'due':
    case 'leaving':
      return !work.parked;
    case 'ended':
      return true;
    case 'end':
      return (
        state.attempt === work.attempt && (state.event.type !== 'activity_cancelled' || work.cancelRequested)
      );
    case 'note':
      // A note without a result is made again: nothing is lost with it.
      return state.result?.attempt === work.attempt && !work.parked && !work.cancelRequested;
    case 'parked':
    case 'in inbox':
      return false;
    default:
      return state satisfies never;
  }
}

/** It ended with its process, or with the holder that gave the run back. */
function endedElsewhere(work: ActivityInFlight, died: boolean): AttemptResult {
  const { attempt, heartbeat, scheduled } = work;
  const { id, name } = scheduled;
  const message = died
    ? `Attempt ${attempt} of ${name} was lost: the process that made it ended before it told a result.`
    : interruption(work, 'was interrupted');
  return { id, attempt, outcome: { type: died ? 'lost' : 'interrupted', message }, heartbeat };
}

function givenUp(attempt: Attempt): Transition {
  const { activity, lastHeartbeat: heartbeat } = attempt;
  const outcome = { type: 'interrupted', message: interruption(activity, 'did not stop in time') } as const;
  const result = { id: activity.scheduled.id, attempt: activity.attempt, outcome, heartbeat };
  return { state: { type: 'ended', from: attempt, result }, effects: WAKE };
}

const same = (state: ActivityState | undefined): Transition => ({ state, effects: NOTHING });

/** Another state takes the place of this one. */
const superseded = (
  state: ActivityState | undefined,
  next: ActivityState | undefined,
  more: readonly ActivityEffect[] = NOTHING,
  reason: StopReason = 'lease lost',
): Transition => ({ state: next, effects: lettingGo(state, more, reason) });

/** First of all lets go of what the state holds: a running attempt is asked to stop, a timer is cancelled. */
function lettingGo(
  state: ActivityState | undefined,
  more: readonly ActivityEffect[],
  reason: StopReason,
): readonly ActivityEffect[] {
  if (state?.type === 'running') return [{ type: 'stop attempt', attempt: state.attempt, reason }, ...more];
  if (state?.type === 'waiting') return [{ type: 'cancel timer', timer: state.timer }, ...more];
  return more;
}

// Made once, so that most transitions make no other object than the new state.
const NOTHING: readonly ActivityEffect[] = [];
const WAKE: readonly ActivityEffect[] = [{ type: 'wake' }];
const BEGIN: readonly ActivityEffect[] = [{ type: 'begin' }];
const UNAVAILABLE: readonly ActivityEffect[] = [{ type: 'tell unavailable' }, { type: 'wake' }];
const PARKED: Parked = { type: 'parked' };
const IN_INBOX: InInbox = { type: 'in inbox' };
