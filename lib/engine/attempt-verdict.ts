import { AttemptLostError, mayRetry, retryDelay } from '../core/index.js';
import type {
  ActivityAttempt,
  ActivityInFlight,
  Codec,
  CommandId,
  Encoded,
  EncodedFailure,
  Instant,
  ResolvedActivityOptions,
} from '../core/index.js';
import type { AttemptOutcome } from './activity-executor.js';
import type { ActivityEnd, EndedActivity, ReturnedResult } from './run-work.js';

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
  /** Before the attempt that may follow, in ms; `null` for what its options say. */
  readonly delay: number | null;
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
  if (outcome.type === 'never begun') {
    return { type: 'note', note: attemptNote(work, { startsAt: at, at, parked: true }), failed: null };
  }
  return outcome.type === 'failed'
    ? afterFailure(work, ended, outcome, facts)
    : afterFailure(work, { ...ended, delay: 0 }, interrupted(work, facts.codec), facts);
}

type FailedOutcome = Extract<AttemptOutcome, { type: 'failed' }>;

function afterFailure(
  work: ActivityInFlight,
  { delay, heartbeat }: EndedAttempt,
  { failure, errorNames }: FailedOutcome,
  { options, at, parkAfter, chance }: VerdictFacts,
): Verdict {
  const { id } = work.scheduled;
  const wait = delay ?? (options ? retryDelay(options.retry, work.attempt, chance) : 0);
  const again =
    options !== undefined &&
    mayRetry(options.retry, work.attempt, errorNames) &&
    inTime(options, work, at + wait);
  if (!again) {
    const event = { type: 'activity_failed', at, id, failure, attempts: work.attempt } as const;
    return { type: 'end', event, failed: { failure, retryIn: null } };
  }
  const next = { attempt: work.attempt + 1, startsAt: at + wait, at, parked: wait > parkAfter, failure };
  const note = attemptNote(work, heartbeat === null ? next : { ...next, heartbeat });
  return { type: 'note', note, failed: { failure, retryIn: wait } };
}

/** It obeyed the shutdown; but it had begun, so it counts. */
const interrupted = (work: ActivityInFlight, codec: Codec): FailedOutcome =>
  lostAttempt(
    `Attempt ${work.attempt} of ${work.scheduled.name} was interrupted: its process was shut down.`,
    codec,
  );

/** The outcome of an attempt that nobody can tell the result of. */
export function lostAttempt(message: string, codec: Codec): FailedOutcome {
  const error = new AttemptLostError(message);
  return { type: 'failed', failure: codec.encodeFailure(error), errorNames: [error.name] };
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

const inTime = (options: ResolvedActivityOptions, work: ActivityInFlight, startsAt: Instant): boolean =>
  options.scheduleToCloseTimeout === null || startsAt < work.scheduled.at + options.scheduleToCloseTimeout;

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
