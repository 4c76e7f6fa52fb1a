import { AttemptLostError, deadlineOf, mayRetry, retryDelay, TimeoutFailure } from '../../core/index.js';
import type {
  ActivityAttempt,
  ActivityInFlight,
  Codec,
  CommandId,
  Encoded,
  EncodedFailure,
  Instant,
  ResolvedActivityOptions,
} from '../../core/index.js';
import type { ActivityEnd, EndedActivity, ReturnedResult } from '../run/run-work.js';

/** What an ended attempt means for its run: the end of the activity, or a note that another attempt follows. */
export type Verdict =
  | { readonly type: 'end'; readonly event: ActivityEnd; readonly failed: FailedAttempt | null }
  | { readonly type: 'note'; readonly note: ActivityAttempt; readonly failed: FailedAttempt | null };

/** An attempt that failed, for whoever watches; `retryIn` is `null` when no other one follows. */
export interface FailedAttempt {
  readonly failure: EncodedFailure;
  readonly retryIn: number | null;
}

export interface EndedAttempt {
  readonly result: ReturnedResult;
  /** What it last told of its progress. */
  readonly heartbeat: Encoded | null;
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

/** The one place that decides whether another attempt follows. */
export function verdictOn(work: ActivityInFlight, ended: EndedAttempt, facts: VerdictFacts): Verdict {
  const { id } = work.scheduled;
  const { at } = facts;
  const { outcome } = ended.result;
  if (outcome.type === 'completed') {
    return {
      type: 'end',
      event: { type: 'activity_completed', at, id, result: outcome.result },
      failed: null,
    };
  }
  if (work.cancelRequested) return { type: 'end', event: cancelled(id, at), failed: null };
  switch (outcome.type) {
    case 'never begun':
      if (isTooLate(work, facts)) return tooLate(work, work.attempt - 1, work.lastFailure, facts);
      return { type: 'note', note: attemptNote(work, { startsAt: at, at, parked: true }), failed: null };
    case 'too late':
      return tooLate(work, work.attempt - 1, work.lastFailure, facts);
    case 'failed':
      return afterFailure(work, ended, outcome, facts);
    case 'lost': {
      const failure = lostFailure(outcome.message, facts.codec);
      if (isTooLate(work, facts)) return tooLate(work, work.attempt, failure, facts);
      return afterFailure(work, ended, { failure, errorNames: [AttemptLostError.name] }, facts);
    }
    case 'interrupted':
      return afterInterruption(work, ended, outcome.message, facts);
    case 'cancelled':
      // It obeyed the shutdown.
      return afterInterruption(work, ended, interruption(work, 'was interrupted'), facts);
    default:
      return outcome satisfies never;
  }
}

/** What to say of an attempt that Continuum itself ended. */
export const interruption = (work: ActivityInFlight, what: string): string =>
  `Attempt ${work.attempt} of ${work.scheduled.name} ${what}: its process was shut down, or gave the run back.`;

function afterFailure(
  work: ActivityInFlight,
  { heartbeat }: EndedAttempt,
  { failure, errorNames }: { readonly failure: EncodedFailure; readonly errorNames: readonly string[] },
  { options, at, parkAfter, chance }: VerdictFacts,
): Verdict {
  const { id } = work.scheduled;
  const counted = work.attempt - work.interruptions;
  const wait = options ? retryDelay(options.retry, counted, chance) : 0;
  const again =
    options !== undefined && mayRetry(options.retry, counted, errorNames) && inTime(options, work, at + wait);
  if (!again) {
    const event = { type: 'activity_failed', at, id, failure, attempts: work.attempt } as const;
    return { type: 'end', event, failed: { failure, retryIn: null } };
  }
  return {
    type: 'note',
    note: following(work, { at, wait, parkAfter, failure, heartbeat }),
    failed: { failure, retryIn: wait },
  };
}

/** It had begun, and may have had effects; but it was no fault of its own, so it is not counted, and nothing is waited for. */
function afterInterruption(
  work: ActivityInFlight,
  { heartbeat }: EndedAttempt,
  message: string,
  facts: VerdictFacts,
): Verdict {
  const failure = lostFailure(message, facts.codec);
  if (isTooLate(work, facts)) return tooLate(work, work.attempt, failure, facts);
  const { at, parkAfter } = facts;
  const note = following(work, { at, wait: 0, parkAfter, failure, heartbeat });
  return { type: 'note', note: { ...note, interrupted: true }, failed: { failure, retryIn: 0 } };
}

/** The deadline has passed: nothing more begins. */
function tooLate(
  work: ActivityInFlight,
  attempts: number,
  last: EncodedFailure | null,
  { codec, options, at }: VerdictFacts,
): Verdict {
  const { id, name } = work.scheduled;
  const cause = last === null ? {} : { cause: codec.decodeFailure(last) };
  const error = new TimeoutFailure(
    `${name} was not done within its scheduleToCloseTimeout of ${options?.scheduleToCloseTimeout} ms: no other attempt begins.`,
    cause,
  );
  const failure = codec.encodeFailure(error);
  const event = { type: 'activity_failed', at, id, failure, attempts } as const;
  return { type: 'end', event, failed: { failure, retryIn: null } };
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
export const attemptNote = (
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

export const cancelled = (id: CommandId, at: Instant): ActivityEnd => ({
  type: 'activity_cancelled',
  at,
  id,
});

function inTime(options: ResolvedActivityOptions, work: ActivityInFlight, startsAt: Instant): boolean {
  const deadline = deadlineOf(options, work.scheduled.at);
  return deadline === null || startsAt < deadline;
}

const isTooLate = (work: ActivityInFlight, { options, at }: VerdictFacts): boolean =>
  options !== undefined && !inTime(options, work, at);

/** A result that was not recorded, for the inbox of the run. */
export interface Returnable {
  readonly id: CommandId;
  readonly result: ReturnedResult;
}

/** An end that was not recorded, as the result it came from. A cancellation needs no keeping: it is found out again. */
export function returnable({ event, attempt }: EndedActivity): readonly Returnable[] {
  const { id } = event;
  switch (event.type) {
    case 'activity_cancelled':
      return [];
    case 'activity_completed':
      return [{ id, result: { attempt, outcome: { type: 'completed', result: event.result } } }];
    case 'activity_failed': {
      // Decided already: no other attempt follows.
      const errorNames = ['NonRetryableError'];
      return [{ id, result: { attempt, outcome: { type: 'failed', failure: event.failure, errorNames } } }];
    }
  }
}
