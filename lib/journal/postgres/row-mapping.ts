import type { Encoded, HistoryEntry, HistoryEntryType, Instant } from '../../core/index.js';
import type { InboxMessage } from '../journal.js';
import { isStorable, storable } from './array-literals.js';

// The only file that knows both the rows of histories and inboxes and what they stand for.

/** An entry as columns of the table `history`, but for whose it is and its number. */
export interface EntryColumns {
  readonly type: HistoryEntryType;
  readonly command_id: number | null;
  readonly name: string | null;
  /** A value as the codec wrote it, and never anything else. */
  readonly payload: Encoded | null;
  /** JSON of what has no column of its own; `null` where there is nothing, as for most entries. */
  readonly facts: string | null;
  readonly at: Instant;
}

/** What {@link EntryColumns.facts} can say. Each is left out where it would only say the usual. */
interface Facts {
  /** The name, where the column cannot take it as it is. */
  readonly name?: string;
  readonly seed?: string;
  readonly semanticsVersion?: number;
  readonly arrivedAt?: Instant;
  readonly hold?: true;
  readonly checked?: true;
  readonly signal?: number;
  readonly reason?: string;
  readonly attempts?: number;
  readonly compensation?: string;
  readonly undoes?: number;
  readonly options?: Extract<HistoryEntry, { type: 'activity_scheduled' }>['options'];
  readonly firesAt?: Instant;
  readonly outcome?: 'failure' | 'failed' | 'cancelled';
  readonly rollback?: Extract<HistoryEntry, { type: 'run_failed' }>['rollback'];
  readonly abandoned?: readonly number[];
  readonly unreadSignals?: number;
  readonly attempt?: number;
  readonly startsAt?: Instant;
  readonly parked?: true;
  readonly heartbeat?: Encoded;
  readonly interrupted?: true;
}

/** The parts of an entry, before they are columns. */
interface Parts {
  readonly id?: number;
  readonly name?: string | null;
  readonly payload?: Encoded | null;
  readonly facts?: Facts;
}

export function toColumns(entry: HistoryEntry): EntryColumns {
  const { id = null, name = null, payload = null, facts } = partsOf(entry);
  const nameFits = name === null || isStorable(name);
  const allFacts = nameFits ? facts : { ...facts, name };
  return {
    type: entry.type,
    command_id: id,
    name: nameFits ? name : storable(name),
    payload,
    facts: allFacts === undefined || isEmpty(allFacts) ? null : JSON.stringify(allFacts),
    at: entry.at,
  };
}

function partsOf(entry: HistoryEntry): Parts {
  switch (entry.type) {
    case 'run_started':
      return { payload: entry.input, facts: { seed: entry.seed, semanticsVersion: entry.semanticsVersion } };
    case 'signal_received':
      return {
        name: entry.name,
        payload: entry.payload,
        facts: {
          arrivedAt: entry.arrivedAt,
          ...(entry.hold ? { hold: true } : {}),
          ...(entry.checked ? { checked: true } : {}),
        },
      };
    case 'signal_accepted':
      return { name: entry.name, payload: entry.payload, facts: { signal: entry.signal } };
    case 'signal_refused':
      return {
        name: entry.name,
        payload: entry.issues,
        facts: {
          ...(entry.signal === null ? {} : { signal: entry.signal }),
          ...(entry.arrivedAt === null ? {} : { arrivedAt: entry.arrivedAt }),
          ...(entry.hold ? { hold: true } : {}),
        },
      };
    case 'signal_check_requested':
      return { name: entry.name, facts: { signal: entry.signal } };
    case 'cancel_requested':
    case 'run_terminated':
      return entry.reason === null ? {} : { facts: { reason: entry.reason } };
    case 'timer_fired':
    case 'activity_cancelled':
      return { id: entry.id };
    case 'activity_completed':
      return { id: entry.id, payload: entry.result };
    case 'activity_failed':
      return { id: entry.id, payload: entry.failure, facts: { attempts: entry.attempts } };
    case 'activity_scheduled':
      return {
        id: entry.id,
        name: entry.name,
        payload: entry.args,
        facts: {
          ...(entry.compensation === null ? {} : { compensation: entry.compensation }),
          ...(entry.undoes === null ? {} : { undoes: entry.undoes }),
          ...(entry.options === null ? {} : { options: entry.options }),
        },
      };
    case 'activity_cancel_requested':
    case 'timer_cancelled':
      return { id: entry.of };
    case 'timer_started':
      return { id: entry.id, name: entry.name, payload: entry.args, facts: { firesAt: entry.firesAt } };
    case 'side_effect_recorded':
      return entry.outcome.type === 'value'
        ? { id: entry.id, name: entry.name, payload: entry.outcome.value }
        : { id: entry.id, name: entry.name, payload: entry.outcome.failure, facts: { outcome: 'failure' } };
    case 'rollback_step_added':
      return { id: entry.id, name: entry.name, payload: entry.args };
    case 'rollback_cleared':
      return {};
    case 'rollback_started':
      return { payload: entry.failure, facts: { outcome: entry.outcome, ...endFacts(entry) } };
    case 'run_completed':
      return { payload: entry.result, facts: endFacts(entry) };
    case 'run_failed':
    case 'run_cancelled':
      return { payload: entry.failure, facts: { rollback: entry.rollback, ...endFacts(entry) } };
    case 'activity_attempt':
      return {
        id: entry.id,
        payload: entry.failure,
        facts: {
          attempt: entry.attempt,
          startsAt: entry.startsAt,
          ...(entry.parked ? { parked: true } : {}),
          ...(entry.heartbeat === null ? {} : { heartbeat: entry.heartbeat }),
          ...(entry.interrupted ? { interrupted: true } : {}),
        },
      };
    case 'activity_heartbeat':
      return { id: entry.id, payload: entry.details };
    default:
      return entry satisfies never;
  }
}

function endFacts(end: { readonly abandoned?: readonly number[]; readonly unreadSignals: number }): Facts {
  const { abandoned = [] } = end;
  return {
    ...(abandoned.length === 0 ? {} : { abandoned }),
    ...(end.unreadSignals === 0 ? {} : { unreadSignals: end.unreadSignals }),
  };
}

const isEmpty = (facts: Facts): boolean => {
  for (const _ in facts) return false;
  return true;
};

/** A row of `history`, as statements select it: `at` in milliseconds since the epoch. */
export interface HistoryRow {
  readonly seq: number;
  readonly type: HistoryEntryType;
  readonly command_id: number | null;
  readonly name: string | null;
  readonly payload: string | null;
  readonly facts: string | null;
  readonly at: number;
}

export function toEntry(row: HistoryRow): HistoryEntry {
  // The casts of this function trust that a row says what toColumns made it say: the columns are not optional there.
  const facts = (row.facts === null ? {} : JSON.parse(row.facts)) as Required<Facts> & Partial<Facts>;
  const { type } = row;
  const at = toExactInstant(row.at);
  const id = row.command_id as number;
  const name = facts.name ?? row.name ?? '';
  const payload = row.payload as Encoded;
  switch (type) {
    case 'run_started':
      return { type, at, input: payload, seed: facts.seed, semanticsVersion: facts.semanticsVersion };
    case 'signal_received':
      return {
        type,
        at,
        name,
        payload,
        arrivedAt: facts.arrivedAt,
        hold: facts.hold ?? false,
        ...(facts.checked ? { checked: true } : {}),
      };
    case 'signal_accepted':
      return { type, at, name, signal: facts.signal, payload };
    case 'signal_refused':
      return {
        type,
        at,
        name,
        signal: facts.signal ?? null,
        issues: payload,
        arrivedAt: facts.arrivedAt ?? null,
        hold: facts.hold ?? false,
      };
    case 'signal_check_requested':
      return { type, at, name, signal: facts.signal };
    case 'cancel_requested':
    case 'run_terminated':
      return { type, at, reason: facts.reason ?? null };
    case 'timer_fired':
    case 'activity_cancelled':
      return { type, at, id };
    case 'activity_completed':
      return { type, at, id, result: payload };
    case 'activity_failed':
      return { type, at, id, failure: payload, attempts: facts.attempts };
    case 'activity_scheduled':
      return {
        type,
        at,
        id,
        name,
        args: payload,
        compensation: facts.compensation ?? null,
        undoes: facts.undoes ?? null,
        options: facts.options ?? null,
      };
    case 'activity_cancel_requested':
    case 'timer_cancelled':
      return { type, at, of: id };
    case 'timer_started':
      return { type, at, id, name, args: payload, firesAt: facts.firesAt };
    case 'side_effect_recorded':
      return {
        type,
        at,
        id,
        name: facts.name ?? row.name,
        outcome:
          facts.outcome === 'failure'
            ? { type: 'failure', failure: payload }
            : { type: 'value', value: payload },
      };
    case 'rollback_step_added':
      return { type, at, id, name, args: payload };
    case 'rollback_cleared':
      return { type, at };
    case 'rollback_started':
      return {
        type,
        at,
        outcome: facts.outcome === 'cancelled' ? 'cancelled' : 'failed',
        failure: payload,
        unreadSignals: facts.unreadSignals ?? 0,
      };
    case 'run_completed':
      return { type, at, result: payload, ...endOf(facts) };
    case 'run_failed':
    case 'run_cancelled':
      return { type, at, failure: payload, rollback: facts.rollback, ...endOf(facts) };
    case 'activity_attempt':
      return {
        type,
        at,
        id,
        attempt: facts.attempt,
        startsAt: facts.startsAt,
        parked: facts.parked ?? false,
        failure: row.payload,
        heartbeat: facts.heartbeat ?? null,
        ...(facts.interrupted ? { interrupted: true } : {}),
      };
    case 'activity_heartbeat':
      return { type, at, id, details: payload };
    default:
      return type satisfies never;
  }
}

const endOf = (facts: Facts): { abandoned: readonly number[]; unreadSignals: number } => ({
  abandoned: facts.abandoned ?? [],
  unreadSignals: facts.unreadSignals ?? 0,
});

/** A time that the database has set: whole milliseconds. */
export const toInstant = (milliseconds: number): Instant => Math.round(milliseconds);

/** A time that was given to the database, which keeps microseconds. */
const toExactInstant = (milliseconds: number): Instant => Math.round(milliseconds * 1_000) / 1_000;

export interface InboxRow {
  readonly n: number;
  readonly kind: InboxMessage['kind'];
  readonly name: string | null;
  readonly payload: string | null;
  readonly checked_by: NonNullable<InboxMessage['checkedBy']> | null;
  readonly at: number;
}

export const toInboxMessage = ({ n, kind, name, payload, checked_by, at }: InboxRow): InboxMessage => ({
  n,
  kind,
  name,
  payload,
  ...(checked_by === null ? {} : { checkedBy: checked_by }),
  at: toInstant(at),
});
