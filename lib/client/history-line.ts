import type { Codec, Encoded, EncodedFailure, HistoryEntry, SideEffectOutcome } from '../core/index.js';
import { errorText } from '../core/index.js';

/**
 * One entry of a history, as `handle.history()` gives it. Values in it are as they were passed and returned, failures are
 * what was thrown; times are ms since the epoch.
 */
export interface HistoryLine {
  /** Its number, from 1. */
  readonly seq: number;
  readonly entry: DecodedEntry;
}

/** Fields of entries that hold a value. */
type ValueField = 'input' | 'payload' | 'result' | 'args' | 'details' | 'heartbeat' | 'issues';

/**
 * An entry whose values are decoded. What cannot be read, because something else than Continuum wrote it, is an
 * {@link UndecodedValue}.
 */
export type DecodedEntry = Decoded<HistoryEntry>;
type Decoded<E> = E extends HistoryEntry
  ? {
      readonly [K in keyof E]: K extends ValueField | 'failure'
        ? unknown
        : E[K] extends SideEffectOutcome
          ? DecodedOutcome
          : E[K];
    }
  : never;
/** What a side effect came to. */
export type DecodedOutcome =
  | { readonly type: 'value'; readonly value: unknown }
  | { readonly type: 'failure'; readonly failure: unknown };

/** A stored text that cannot be read as a value. */
export class UndecodedValue {
  constructor(
    /** As it is stored. */
    readonly text: string,
    readonly reason: string,
  ) {}
}

/** Never throws: one text that cannot be read must not hide the rest of a history. */
export function decodedEntry(codec: Codec, entry: HistoryEntry): DecodedEntry {
  const value = (text: Encoded): unknown => orUndecoded(text, () => codec.decode(text));
  const failed = (text: EncodedFailure): unknown => orUndecoded(text, () => codec.decodeFailure(text));
  switch (entry.type) {
    case 'run_started':
      return { ...entry, input: value(entry.input) };
    case 'signal_received':
    case 'signal_accepted':
      return { ...entry, payload: value(entry.payload) };
    case 'signal_refused':
      return { ...entry, issues: value(entry.issues) };
    case 'activity_completed':
    case 'run_completed':
      return { ...entry, result: value(entry.result) };
    case 'activity_scheduled':
    case 'timer_started':
    case 'rollback_step_added':
      return { ...entry, args: value(entry.args) };
    case 'activity_heartbeat':
      return { ...entry, details: value(entry.details) };
    case 'activity_failed':
    case 'rollback_started':
    case 'run_failed':
    case 'run_cancelled':
      return { ...entry, failure: failed(entry.failure) };
    case 'activity_attempt':
      return {
        ...entry,
        failure: entry.failure === null ? null : failed(entry.failure),
        heartbeat: entry.heartbeat === null ? null : value(entry.heartbeat),
      };
    case 'side_effect_recorded': {
      const { outcome } = entry;
      const decoded: DecodedOutcome =
        outcome.type === 'value'
          ? { type: 'value', value: value(outcome.value) }
          : { type: 'failure', failure: failed(outcome.failure) };
      return { ...entry, outcome: decoded };
    }
    case 'cancel_requested':
    case 'timer_fired':
    case 'activity_cancelled':
    case 'activity_cancel_requested':
    case 'timer_cancelled':
    case 'signal_check_requested':
    case 'rollback_cleared':
    case 'run_terminated':
      return entry;
    default:
      return entry satisfies never;
  }
}

function orUndecoded(text: string, decode: () => unknown): unknown {
  try {
    return decode();
  } catch (error) {
    return new UndecodedValue(text, errorText(error));
  }
}
