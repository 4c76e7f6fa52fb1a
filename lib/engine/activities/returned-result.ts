import type { CommandId, Encoded, EncodedFailure } from '../../core/index.js';
import type { InboxMessage } from '../../journal/index.js';
import type { AttemptOutcome } from './activity-executor.js';
import type { AttemptResult } from './attempt-verdict.js';

/*
 * Results of activities that a holder puts into the inbox of its own run: those it could not record, when it gives the run
 * back; and those of a run that workers have died with, before the code after them runs.
 *
 * A value is kept as it was encoded, and not encoded a second time. So it is no larger than what the journal has accepted, and
 * what the engine adds does not count against the user's limit.
 */

/** Which attempt a returned result is of: the name of its message. */
export const returnedName = (id: CommandId, attempt: number): string => `${id}:${attempt}`;

export function writeReturned({ id, attempt, outcome }: Omit<AttemptResult, 'heartbeat'>): {
  readonly name: string;
  readonly payload: Encoded;
} {
  return { name: returnedName(id, attempt), payload: writeOutcome(outcome) };
}

export function readReturned(message: InboxMessage): AttemptResult {
  const [id, attempt] = (message.name ?? '').split(':').map(Number);
  // A holder wrote it for the next one: both are there, and so is the payload.
  return { id: id!, attempt: attempt!, outcome: readOutcome(message.payload!), heartbeat: null };
}

/** The names of the returned results among messages. */
export const returnedIn = (messages: readonly InboxMessage[]): ReadonlySet<string> =>
  new Set(messages.flatMap(({ kind, name }) => (kind === 'activity_result' && name !== null ? [name] : [])));

/** How the text of every such result begins. */
const OPENING = '{"outcome":';
const COMPLETED = `${OPENING}"completed","result":`;

type Told =
  | { readonly outcome: 'failed'; readonly failure: EncodedFailure; readonly errorNames: readonly string[] }
  | { readonly outcome: 'interrupted' | 'lost'; readonly message: string }
  | { readonly outcome: 'cancelled' | 'never begun' | 'too late' };

function writeOutcome(outcome: AttemptOutcome): Encoded {
  if (outcome.type === 'completed') return `${COMPLETED}${outcome.result}}`;
  const { type, ...facts } = outcome;
  return JSON.stringify({ outcome: type, ...facts });
}

function readOutcome(payload: Encoded): AttemptOutcome {
  if (payload.startsWith(COMPLETED)) {
    return { type: 'completed', result: payload.slice(COMPLETED.length, -1) };
  }
  // Written by writeOutcome.
  const { outcome: type, ...facts } = JSON.parse(payload) as Told;
  return { type, ...facts } as AttemptOutcome;
}

/** The same JSON in ASCII only: there are databases whose encoding lacks a character that the value has. */
export const inAscii = (text: Encoded): Encoded =>
  text.replace(/[^\u0020-\u007e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
