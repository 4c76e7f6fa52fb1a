import { AttemptLostError, deadlineOf, mayRetry, retryDelay, TimeoutFailure } from '../../core/index.js';
import type {
  ActivityAttempt,
  ActivityCancelled,
  ActivityCompleted,
  ActivityFailed,
  ActivityInFlight,
  Codec,
  CommandId,
  Encoded,
  EncodedFailure,
  Instant,
  ResolvedActivityOptions,
} from '../../core/index.js';
import type { AttemptOutcome } from './activity-executor.js';

/** How an activity in flight ended, as the event that tells the code. */
export type ActivityEnd = ActivityCompleted | ActivityFailed | ActivityCancelled;

/** How one attempt of an activity ended. */
export interface AttemptResult {
  readonly id: CommandId;
  readonly attempt: number;
  readonly outcome: AttemptOutcome;
  /** What it last told of its progress; `null` also where that is in the journal already. */
  readonly heartbeat: Encoded | null;
}

/** What an ended attempt means for its run: the end of the activity, or a note that another attempt follows. */
export type Verdict = EndVerdict | NoteVerdict;

export interface EndVerdict {
  readonly type: 'end';
  readonly event: ActivityEnd;
  /** The attempt that ended it; 0 where a cancellation found none under way. */
  readonly attempt: number;
  /** Whether the attempt itself told it. Otherwise, as when it was lost, the next holder finds it out again. */
  readonly told: boolean;
  readonly failed: FailedAttempt | null;
}

export interface NoteVerdict {
  readonly type: 'note';
  readonly note: ActivityAttempt;
  /** How the attempt before it ended, for the next holder, if this note is not recorded. `null`: nothing would be lost with it. */
  readonly result: AttemptResult | null;
  readonly failed: FailedAttempt | null;
}

/** An attempt that failed, for observers. `retryIn` is `null` when no other one follows. */
export interface FailedAttempt {
  readonly failure: EncodedFailure;
  readonly retryIn: number | null;
}

export interface VerdictFacts {
  readonly codec: Codec;
  /** `undefined` when this process does not have the activity. */
  readonly options: ResolvedActivityOptions | undefined;
  readonly at: Instant;
  /** A wait longer than this, in ms, is not waited for in memory. */
  readonly parkAfter: number;
  /** From 0 up to 1. */
  readonly chance: number;
}

/** What the end of an attempt means: whether another one follows. */
export function verdictOn(work: ActivityInFlight, result: AttemptResult, facts: VerdictFacts): Verdict {
  const { id } = work.scheduled;
  const { at } = facts;
  const { outcome } = result;
  if (outcome.type === 'completed') {
    const event = { type: 'activity_completed', at, id, result: outcome.result } as const;
    return { type: 'end', event, attempt: work.attempt, told: true, failed: null };
  }
  if (work.cancelRequested) return cancellation(id, work.attempt, at);
  switch (outcome.type) {
    case 'never begun':
      if (isTooLate(work, facts)) return tooLate(work, work.attempt - 1, work.lastFailure, facts);
      return noteOf(attemptNote(work, { startsAt: at, at, parked: true }), result);
    case 'too late':
      return tooLate(work, work.attempt - 1, work.lastFailure, facts);
    case 'failed':
      return afterFailure(work, result, outcome, facts);
    case 'lost': {
      const failure = lostFailure(outcome.message, facts.codec);
      if (isTooLate(work, facts)) return tooLate(work, work.attempt, failure, facts);
      return afterFailure(work, result, { failure, errorNames: [AttemptLostError.name] }, facts);
    }
    case 'interrupted':
      return afterInterruption(work, result, outcome.message, facts);
    case 'cancelled':
      // It obeyed the shutdown.
      return afterInterruption(work, result, interruption(work, 'was interrupted'), facts);
    default:
      return outcome satisfies never;
  }
}

/** On an attempt that has not begun: it begins now, or it is too late for it. `null`: its time has not come. */
export function verdictOnParked(work: ActivityInFlight, facts: VerdictFacts): Verdict | null {
  const { at } = facts;
  if (work.cancelRequested) return cancellation(work.scheduled.id, work.attempt, at);
  if (isTooLate(work, facts)) return tooLate(work, work.attempt - 1, work.lastFailure, facts);
  if (work.startsAt > at) return null;
  return noteOf(attemptNote(work, { startsAt: at, at, parked: false }), null);
}

/** Of an attempt that this holder was about to begin, and leaves to another one. */
export const verdictOnLeaving = (work: ActivityInFlight, at: Instant): Verdict =>
  noteOf(attemptNote(work, { startsAt: Math.max(work.startsAt, at), at, parked: true }), neverBegun(work));

/** As a result: what the next holder needs to know of such an attempt. */
export const neverBegun = ({ scheduled: { id }, attempt }: ActivityInFlight): AttemptResult => ({
  id,
  attempt,
  outcome: { type: 'never begun' },
  heartbeat: null,
});

/** It stopped because it was asked to, or before it was begun. */
export const cancellation = (id: CommandId, attempt: number, at: Instant): EndVerdict => ({
  type: 'end',
  event: { type: 'activity_cancelled', at, id },
  attempt,
  told: false,
  failed: null,
});

const noteOf = (note: ActivityAttempt, result: AttemptResult | null): NoteVerdict => ({
  type: 'note',
  note,
  result,
  failed: null,
});

/** What to say of an attempt that Continuum itself ended. */
export const interruption = (work: ActivityInFlight, what: string): string =>
  `Attempt ${work.attempt} of ${work.scheduled.name} ${what}: its process was shut down, or gave the run back.`;

function afterFailure(
  work: ActivityInFlight,
  result: AttemptResult,
  { failure, errorNames }: { readonly failure: EncodedFailure; readonly errorNames: readonly string[] },
  { options, at, parkAfter, chance }: VerdictFacts,
): Verdict {
  const counted = work.attempt - work.interruptions;
  const wait = options ? retryDelay(options.retry, counted, chance) : 0;
  const again =
    options !== undefined && mayRetry(options.retry, counted, errorNames) && inTime(options, work, at + wait);
  if (!again) return failedForGood(work, work.attempt, failure, result.outcome.type === 'failed', at);
  const note = following(work, { at, wait, parkAfter, failure, heartbeat: result.heartbeat });
  return { type: 'note', note, result, failed: { failure, retryIn: wait } };
}

/** It had begun, and may have had effects; but it was no fault of its own, so it is not counted, and nothing is waited for. */
function afterInterruption(
  work: ActivityInFlight,
  result: AttemptResult,
  message: string,
  facts: VerdictFacts,
): Verdict {
  const failure = lostFailure(message, facts.codec);
  if (isTooLate(work, facts)) return tooLate(work, work.attempt, failure, facts);
  const { at, parkAfter } = facts;
  const note = following(work, { at, wait: 0, parkAfter, failure, heartbeat: result.heartbeat });
  return {
    type: 'note',
    note: { ...note, interrupted: true },
    result,
    failed: { failure, retryIn: 0 },
  };
}

/** The deadline has passed: nothing more begins. */
function tooLate(
  work: ActivityInFlight,
  attempts: number,
  last: EncodedFailure | null,
  { codec, options, at }: VerdictFacts,
): Verdict {
  const cause = last === null ? {} : { cause: codec.decodeFailure(last) };
  const error = new TimeoutFailure(
    `${work.scheduled.name} was not done within its scheduleToCloseTimeout of ${options?.scheduleToCloseTimeout} ms: no other attempt begins.`,
    cause,
  );
  return failedForGood(work, attempts, codec.encodeFailure(error), false, at);
}

function failedForGood(
  work: ActivityInFlight,
  attempts: number,
  failure: EncodedFailure,
  told: boolean,
  at: Instant,
): EndVerdict {
  const event = { type: 'activity_failed', at, id: work.scheduled.id, failure, attempts } as const;
  return { type: 'end', event, attempt: work.attempt, told, failed: { failure, retryIn: null } };
}

const lostFailure = (message: string, codec: Codec): EncodedFailure =>
  codec.encodeFailure(new AttemptLostError(message));

function following(
  work: ActivityInFlight,
  facts: {
    readonly at: Instant;
    readonly wait: number;
    readonly parkAfter: number;
    readonly failure: EncodedFailure;
    readonly heartbeat: Encoded | null;
  },
): ActivityAttempt {
  const { at, wait, parkAfter, failure, heartbeat } = facts;
  const next = { attempt: work.attempt + 1, startsAt: at + wait, at, parked: wait > parkAfter, failure };
  return attemptNote(work, heartbeat === null ? next : { ...next, heartbeat });
}

/** The attempt that comes next; the same one again where nothing else is said. */
const attemptNote = (
  work: ActivityInFlight,
  facts: Pick<ActivityAttempt, 'startsAt' | 'at' | 'parked'> & Partial<ActivityAttempt>,
): ActivityAttempt => ({
  type: 'activity_attempt',
  id: work.scheduled.id,
  attempt: work.attempt,
  failure: null,
  heartbeat: work.heartbeat,
  ...facts,
});

function inTime(options: ResolvedActivityOptions, work: ActivityInFlight, startsAt: Instant): boolean {
  const deadline = deadlineOf(options, work.scheduled.at);
  return deadline === null || startsAt < deadline;
}

const isTooLate = (work: ActivityInFlight, { options, at }: VerdictFacts): boolean =>
  options !== undefined && !inTime(options, work, at);

/** An end that was not recorded, as the result it came from. A cancellation needs no keeping: it is found out again. */
export function resultOf({ event, attempt }: EndVerdict): AttemptResult | null {
  const { id } = event;
  switch (event.type) {
    case 'activity_cancelled':
      return null;
    case 'activity_completed': {
      const outcome = { type: 'completed', result: event.result } as const;
      return { id, attempt, outcome, heartbeat: null };
    }
    case 'activity_failed': {
      // Decided already: no other attempt follows.
      const errorNames = ['NonRetryableError'];
      const outcome = { type: 'failed', failure: event.failure, errorNames } as const;
      return { id, attempt, outcome, heartbeat: null };
    }
  }
}
