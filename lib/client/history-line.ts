import { errorText, forEachType } from '../core/index.js';
import type {
  CarriedSignal,
  Codec,
  Encoded,
  HistoryEntry,
  HoldsIn,
  SideEffectOutcome,
} from '../core/index.js';

/**
 * One entry of a history, as `handle.history()` gives it. Values in it are as they were passed and returned, failures are
 * what was thrown; times are ms since the epoch.
 */
export interface HistoryLine {
  /** Its number, from 1. */
  readonly seq: number;
  readonly entry: DecodedEntry;
}

/**
 * An entry whose values are decoded. What cannot be read, because something else than Continuum wrote it, is an
 * {@link UndecodedValue}.
 */
export type DecodedEntry = Decoded<HistoryEntry>;
type Decoded<E> = E extends HistoryEntry
  ? { readonly [K in keyof E]: DecodedField<HoldsIn<E['type'], K>, E[K]> }
  : never;
type DecodedField<Holds, Stored> = Holds extends 'value' | 'failure'
  ? unknown
  : Holds extends 'outcome'
    ? DecodedOutcome
    : Holds extends 'signals'
      ? undefined extends Stored
        ? readonly DecodedSignal[] | undefined
        : readonly DecodedSignal[]
      : Stored;
/** What a side effect came to. */
export type DecodedOutcome =
  | { readonly type: 'value'; readonly value: unknown }
  | { readonly type: 'failure'; readonly failure: unknown };

/** A signal that a run took over from the one before it. */
export interface DecodedSignal extends Omit<CarriedSignal, 'payload'> {
  readonly payload: unknown;
}

/** A stored text that cannot be read as a value. */
export class UndecodedValue {
  constructor(
    /** As it is stored. */
    readonly text: string,
    readonly reason: string,
  ) {}
}

/** The fields of each type that hold what the codec wrote. */
const ENCODED = forEachType(({ fields }) =>
  Object.entries(fields).filter(([, { holds }]) =>
    ['value', 'failure', 'outcome', 'signals'].includes(holds),
  ),
);

/** Never throws: one text that cannot be read must not hide the rest of a history. */
export function decodedEntry(codec: Codec, entry: HistoryEntry): DecodedEntry {
  const decoded: Record<string, unknown> = { ...entry };
  // Of a type that a newer version of Continuum has written, nothing is known.
  for (const [key, { holds }] of ENCODED[entry.type] ?? []) {
    // The cast: the catalogue says what these fields hold.
    const stored = decoded[key] as Encoded | SideEffectOutcome | readonly CarriedSignal[] | null | undefined;
    if (stored === undefined) continue;
    if (stored === null || typeof stored === 'string')
      decoded[key] = decodedText(codec, stored, holds === 'failure');
    else if ('type' in stored) decoded[key] = decodedOutcome(codec, stored);
    else
      decoded[key] = stored.map((signal) => ({
        ...signal,
        payload: decodedText(codec, signal.payload, false),
      }));
  }
  // The cast: so it says in the type, by the same catalogue.
  return decoded as unknown as DecodedEntry;
}

function decodedText(codec: Codec, text: Encoded | null, isFailure: boolean): unknown {
  if (text === null) return null;
  return orUndecoded(text, () => (isFailure ? codec.decodeFailure(text) : codec.decode(text)));
}

const decodedOutcome = (codec: Codec, outcome: SideEffectOutcome): DecodedOutcome =>
  outcome.type === 'value'
    ? { type: 'value', value: decodedText(codec, outcome.value, false) }
    : { type: 'failure', failure: decodedText(codec, outcome.failure, true) };

function orUndecoded(text: string, decode: () => unknown): unknown {
  try {
    return decode();
  } catch (error) {
    return new UndecodedValue(text, errorText(error));
  }
}
