import { forEachType, isStorableText, storableText } from '../../core/index.js';
import type {
  Encoded,
  EntryField,
  HistoryEntry,
  HistoryEntryType,
  Instant,
  Lineage,
  SideEffectOutcome,
} from '../../core/index.js';
import type { RunId } from '../ids.js';
import type { Deadlines, InboxMessage } from '../port/index.js';
import type { DeadlineColumns } from './sql/claim-actors.js';

// The only file that knows both the rows of histories and inboxes and what they stand for. Which field of an entry is in
// which column follows from the catalogue of entries: nothing here is about one type of them.

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

/** Where the fields of a type of entry are: worked out once, not for each entry. */
interface Mapping {
  /** The very string of the catalogue: sets and switches find it sooner than a text that came from the driver. */
  readonly type: HistoryEntryType;
  readonly command: string | null;
  readonly name: string | null;
  readonly payload: string | null;
  /** What `facts` can say. A side effect is here too: whether its payload is a value or a failure is a fact. */
  readonly facts: readonly MappedField[];
  /** All of them, in the order of the entry. */
  readonly fields: readonly MappedField[];
}
interface MappedField {
  readonly key: string;
  readonly part: EntryField['part'];
  readonly holds: EntryField['holds'];
  readonly usual: unknown;
}

const NO_ITEMS: readonly never[] = Object.freeze([]);

const MAPPINGS = forEachType((shape, type): Mapping => {
  const fields = Object.entries(shape.fields).map(([key, field]): MappedField => {
    const { part, holds } = field;
    // A list is one without items where nothing is stored, if the entry has to have one.
    const isList = holds === 'list' && !('usual' in field);
    return { key, part, holds, usual: isList ? NO_ITEMS : part === 'fact' ? field.usual : undefined };
  });
  const keyOf = (part: EntryField['part']): string | null =>
    fields.find((field) => field.part === part)?.key ?? null;
  return {
    type,
    command: keyOf('command'),
    name: keyOf('name'),
    payload: keyOf('payload'),
    facts: fields.filter(({ part, holds }) => part === 'fact' || holds === 'outcome'),
    fields,
  };
});

// The casts below, in both directions, trust the catalogue: what does not hold what it says there does not compile.
type Values = Record<string, unknown>;

export function toColumns(entry: HistoryEntry): EntryColumns {
  const { type, at } = entry;
  const keys = MAPPINGS[type];
  const values = entry as unknown as Values;
  const name = keys.name === null ? null : (values[keys.name] as string | null);
  const nameFits = name === null || isStorableText(name);
  const facts = factsOf(values, keys.facts);
  const allFacts = nameFits ? facts : { ...facts, name };
  return {
    type,
    command_id: keys.command === null ? null : (values[keys.command] as number),
    name: nameFits ? name : storableText(name),
    payload: keys.payload === null ? null : payloadOf(values[keys.payload] as Payload),
    facts: allFacts === null ? null : JSON.stringify(allFacts),
    at,
  };
}

type Payload = Encoded | SideEffectOutcome | null;

function payloadOf(held: Payload): Encoded | null {
  if (held === null || typeof held === 'string') return held;
  return held.type === 'value' ? held.value : held.failure;
}

function factsOf(values: Values, fields: readonly MappedField[]): Values | null {
  let facts: Values | null = null;
  for (const field of fields) {
    const fact = factOf(values[field.key], field);
    if (fact !== undefined) (facts ??= {})[field.key] = fact;
  }
  return facts;
}

/** `undefined`: it only says the usual. */
function factOf(value: unknown, field: MappedField): unknown {
  if (field.usual === NO_ITEMS) return (value as readonly unknown[]).length === 0 ? undefined : value;
  if (field.holds === 'outcome')
    return (value as SideEffectOutcome).type === 'failure' ? 'failure' : undefined;
  return field.part === 'fact' && value === field.usual ? undefined : value;
}

/** A row of `history`, as statements select it: `at` in milliseconds since the epoch. */
export interface HistoryRow {
  readonly seq: number;
  /** A newer version of Continuum may have written one that is not in the catalogue. */
  readonly type: string;
  readonly command_id: number | null;
  readonly name: string | null;
  readonly payload: string | null;
  readonly facts: string | null;
  readonly at: number;
}

const MAPPINGS_OF_ROWS: Readonly<Record<string, Mapping | undefined>> = MAPPINGS;

/** An entry of a type that is not in the catalogue has nothing but its type and its time. */
export function toEntry(row: HistoryRow): HistoryEntry {
  const { type, fields } = MAPPINGS_OF_ROWS[row.type] ?? { type: row.type, fields: [] };
  const facts = row.facts === null ? NO_FACTS : (JSON.parse(row.facts) as Values);
  const entry: Values = { type, at: toExactInstant(row.at) };
  for (const field of fields) {
    const value = valueOf(field, row, facts);
    if (value !== undefined) entry[field.key] = value;
  }
  return entry as unknown as HistoryEntry;
}

const NO_FACTS: Values = {};

/** `undefined`: the entry does not have that field. */
function valueOf(field: MappedField, row: HistoryRow, facts: Values): unknown {
  switch (field.part) {
    case 'command':
      return row.command_id;
    case 'name':
      return facts['name'] ?? row.name;
    case 'payload':
      return field.holds === 'outcome' ? outcomeOf(row.payload as Encoded, facts[field.key]) : row.payload;
    case 'fact': {
      const fact = facts[field.key];
      if (fact !== undefined) return fact;
      return field.usual === NO_ITEMS ? [] : field.usual;
    }
    default:
      return field.part satisfies never;
  }
}

const outcomeOf = (payload: Encoded, fact: unknown): SideEffectOutcome =>
  fact === 'failure' ? { type: 'failure', failure: payload } : { type: 'value', value: payload };

/** A time that the database has set: whole milliseconds. */
export const toInstant = (milliseconds: number): Instant => Math.round(milliseconds);

/** `deadline_at` is the earlier one: where it is not the chain's, it is that of the run. */
export function toDeadlines({ deadline_at, chain_deadline_at, run_limit }: DeadlineColumns): Deadlines {
  const chain = chain_deadline_at === null ? null : toInstant(chain_deadline_at);
  const first = deadline_at === null ? null : toInstant(deadline_at);
  return { run: first === chain ? null : first, chain, runLimit: run_limit };
}

/** A time that was given to the database, which keeps microseconds. */
const toExactInstant = (milliseconds: number): Instant => Math.round(milliseconds * 1_000) / 1_000;

export interface InboxRow {
  readonly n: number;
  readonly kind: InboxMessage['kind'];
  readonly name: string | null;
  readonly payload: string | null;
  readonly checked_by: NonNullable<InboxMessage['checkedBy']> | null;
  readonly for_run: RunId | null;
  readonly update_id: string | null;
  readonly by: string | null;
  readonly at: number;
  /** JSON of the attributes of the run that a start is of. */
  readonly attributes: string | null;
}

export const toInboxMessage = ({
  n,
  kind,
  name,
  payload,
  checked_by,
  for_run,
  at,
  attributes,
  update_id,
  by,
}: InboxRow): InboxMessage => ({
  n,
  kind,
  name,
  payload,
  ...(checked_by === null ? {} : { checkedBy: checked_by }),
  ...(for_run === null ? {} : { forRun: for_run }),
  ...(update_id === null ? {} : { updateId: update_id }),
  ...(by === null ? {} : { by }),
  at: toInstant(at),
  ...(attributes === null ? {} : { attributes: JSON.parse(attributes) as Record<string, unknown> }),
});

/** The cast: it was written from one. */
export const toLineage = (json: string | null): Lineage | null =>
  json === null ? null : (JSON.parse(json) as Lineage);
