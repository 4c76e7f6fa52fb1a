import {
  carried,
  command,
  fact,
  factOrFalse,
  factOrNull,
  factOrZero,
  failure,
  list,
  listIfAny,
  name,
  outcome,
  textFact,
  textOrNull,
  value,
  valueFact,
  valueOrNull,
} from './entry-fields.js';
import type { EntryField, FieldFor } from './entry-fields.js';
import type {
  CommandId,
  HistoryCommand,
  HistoryEntry,
  HistoryEvent,
  HistoryNote,
  Patched,
  ShownNote,
  TerminalEntry,
} from './history.js';

export type HistoryEntryType = HistoryEntry['type'];
export type EntryOf<T extends HistoryEntryType> = Extract<HistoryEntry, { type: T }>;

/** The class of an entry. The command that ends a run is `terminal`, and a command all the same. */
export type EntryClass = 'event' | 'command' | 'terminal' | 'note';

/** What can be in flight: begun by a command, ended by an event or by another command. */
export type WorkType = 'activity' | 'child' | 'message' | 'callback' | 'timer' | 'signal check';

/** What an entry does to work in flight. */
export interface EntryWork {
  readonly type: WorkType;
  readonly effect: 'starts' | 'changes' | 'ends';
}

/** All that is to be known of a type of entry but what the fold makes of it. */
export interface EntryShape {
  readonly class: EntryClass;
  /** `null`: nothing is in flight because of it, and it ends nothing. */
  readonly work: EntryWork | null;
  /** Every field but `type` and `at`, in the order in which a reader sees them. */
  readonly fields: Readonly<Record<string, EntryField>>;
}

const starts = <K extends WorkType>(type: K) => ({ type, effect: 'starts' }) as const;
const changes = <K extends WorkType>(type: K) => ({ type, effect: 'changes' }) as const;
const ends = <K extends WorkType>(type: K) => ({ type, effect: 'ends' }) as const;

/**
 * Every type of entry, once. What classifies, stores, measures, decodes and follows entries is made of this; a type, a
 * field or a class that is missing here, or that is not what history.ts says, does not compile.
 */
export const ENTRY_CATALOGUE = {
  // ------------------------------------------------------------------------------------------ events
  run_started: {
    class: 'event',
    work: null,
    fields: {
      input: value,
      seed: textFact,
      semanticsVersion: fact,
      lineage: fact,
      attributes: valueFact,
      continueAfter: fact,
      continuedFrom: textFact,
      signals: carried,
      by: textFact,
    },
  },
  signal_received: {
    class: 'event',
    work: null,
    fields: { name, payload: value, arrivedAt: fact, hold: factOrFalse, checked: fact, by: textFact },
  },
  signal_accepted: {
    class: 'event',
    work: ends('signal check'),
    fields: { name, signal: fact, payload: value },
  },
  signal_refused: {
    class: 'event',
    work: ends('signal check'),
    fields: {
      name,
      signal: factOrNull,
      issues: value,
      arrivedAt: factOrNull,
      hold: factOrFalse,
      by: textFact,
    },
  },
  update_accepted: {
    class: 'event',
    work: null,
    fields: { name, updateId: textFact, payload: value, arrivedAt: fact, hold: factOrFalse, by: textFact },
  },
  cancel_requested: { class: 'event', work: null, fields: { reason: textOrNull, by: textFact } },
  rollback_retried: { class: 'event', work: null, fields: { reason: textOrNull, by: textFact } },
  deadline_passed: { class: 'event', work: null, fields: { deadlineAt: fact, whose: fact } },
  timer_fired: { class: 'event', work: ends('timer'), fields: { id: command } },
  activity_completed: { class: 'event', work: ends('activity'), fields: { id: command, result: value } },
  activity_failed: {
    class: 'event',
    work: ends('activity'),
    fields: { id: command, failure, attempts: fact },
  },
  activity_cancelled: { class: 'event', work: ends('activity'), fields: { id: command } },
  child_accepted: { class: 'event', work: changes('child'), fields: { id: command } },
  child_not_started: { class: 'event', work: ends('child'), fields: { id: command } },
  child_completed: { class: 'event', work: ends('child'), fields: { id: command, result: value } },
  child_failed: { class: 'event', work: ends('child'), fields: { id: command, failure } },
  child_cancelled: { class: 'event', work: ends('child'), fields: { id: command, failure } },
  message_delivered: { class: 'event', work: ends('message'), fields: { id: command } },
  message_not_delivered: { class: 'event', work: ends('message'), fields: { id: command, why: fact } },
  child_terminated: { class: 'event', work: ends('child'), fields: { id: command, reason: textOrNull } },
  callback_completed: {
    class: 'event',
    work: ends('callback'),
    fields: { id: command, result: value, by: textFact },
  },
  callback_failed: { class: 'event', work: ends('callback'), fields: { id: command, failure, by: textFact } },
  callback_not_opened: { class: 'event', work: ends('callback'), fields: { id: command } },

  // ---------------------------------------------------------------------------------------- commands
  activity_scheduled: {
    class: 'command',
    work: starts('activity'),
    fields: {
      id: command,
      name,
      args: value,
      compensation: textOrNull,
      undoes: factOrNull,
      options: factOrNull,
    },
  },
  activity_cancel_requested: { class: 'command', work: changes('activity'), fields: { of: command } },
  child_started: {
    class: 'command',
    work: starts('child'),
    fields: {
      id: command,
      name,
      args: value,
      version: fact,
      workflowId: textFact,
      runId: textFact,
      parentClose: fact,
      confirms: factOrFalse,
      compensation: factOrNull,
      undoes: factOrNull,
      limits: fact,
    },
  },
  child_cancel_requested: { class: 'command', work: changes('child'), fields: { of: command, mode: fact } },
  message_sent: {
    class: 'command',
    work: starts('message'),
    fields: {
      id: command,
      name,
      args: value,
      workflowId: textFact,
      child: factOrNull,
      start: fact,
      input: valueFact,
    },
  },
  callback_opened: { class: 'command', work: starts('callback'), fields: { id: command, name } },
  callback_withdrawn: { class: 'command', work: ends('callback'), fields: { of: command } },
  timer_started: {
    class: 'command',
    work: starts('timer'),
    fields: { id: command, name, args: value, firesAt: fact },
  },
  timer_cancelled: { class: 'command', work: ends('timer'), fields: { of: command } },
  side_effect_recorded: { class: 'command', work: null, fields: { id: command, name, outcome } },
  signal_check_requested: { class: 'command', work: starts('signal check'), fields: { name, signal: fact } },
  update_answered: {
    class: 'command',
    work: null,
    fields: { updateId: name, outcome, unanswered: factOrNull },
  },
  rollback_step_added: { class: 'command', work: null, fields: { id: command, name, args: value } },
  rollback_cleared: { class: 'command', work: null, fields: { steps: listIfAny } },
  rollback_started: {
    class: 'command',
    work: null,
    fields: { outcome: fact, failure, unreadSignals: factOrZero, order: fact, forced: fact },
  },
  run_completed: {
    class: 'terminal',
    work: null,
    fields: { result: value, abandoned: list, unreadSignals: factOrZero },
  },
  run_failed: {
    class: 'terminal',
    work: null,
    fields: { failure, rollback: fact, abandoned: list, unreadSignals: factOrZero },
  },
  run_cancelled: {
    class: 'terminal',
    work: null,
    fields: { failure, rollback: fact, abandoned: list, unreadSignals: factOrZero },
  },
  run_continued: {
    class: 'terminal',
    work: null,
    fields: {
      runId: textFact,
      workflow: name,
      version: fact,
      input: value,
      abandoned: list,
      carriedSignals: factOrZero,
      runLimit: fact,
    },
  },
  run_timed_out: {
    class: 'terminal',
    work: null,
    fields: { failure, rollback: fact, abandoned: list, unreadSignals: factOrZero, unserved: fact },
  },
  run_terminated: { class: 'terminal', work: null, fields: { reason: textOrNull, by: textFact } },

  // ------------------------------------------------------------------------------------------- notes
  activity_attempt: {
    class: 'note',
    work: changes('activity'),
    fields: {
      id: command,
      attempt: fact,
      startsAt: fact,
      parked: factOrFalse,
      failure,
      heartbeat: valueOrNull,
      interrupted: fact,
    },
  },
  activity_heartbeat: {
    class: 'note',
    work: changes('activity'),
    fields: { id: command, details: value },
  },
  patched: { class: 'note', work: null, fields: { name } },
  attributes_set: { class: 'note', work: null, fields: { patch: value } },
  details_set: { class: 'note', work: null, fields: { details: textOrNull } },
} as const satisfies { readonly [T in HistoryEntryType]: ShapeOf<EntryOf<T>> };

/** What the catalogue has to say of an entry. */
export interface ShapeOf<E extends HistoryEntry> {
  readonly class: ClassOf<E>;
  readonly work: WorkOf<E>;
  readonly fields: { readonly [F in Exclude<keyof E, 'type' | 'at'>]-?: FieldFor<E[F]> };
}
type ClassOf<E extends HistoryEntry> = E extends HistoryEvent
  ? 'event'
  : E extends HistoryNote
    ? 'note'
    : E extends TerminalEntry
      ? 'terminal'
      : E extends HistoryCommand
        ? 'command'
        : never;
/** Only commands start work, and only what names it can do anything to it. */
type WorkOf<E extends HistoryEntry> =
  | null
  | (E extends { id: CommandId } | { of: CommandId } | { signal: number | null }
      ? EntryWork & { readonly effect: E extends HistoryCommand ? EntryWork['effect'] : 'changes' | 'ends' }
      : never);

/** What a field of a type of entry holds; `type` and `at` are plain. */
export type HoldsIn<T extends HistoryEntryType, F> = F extends keyof (typeof ENTRY_CATALOGUE)[T]['fields']
  ? FieldIn<T, F>['holds']
  : 'plain';
type FieldIn<T extends HistoryEntryType, F extends keyof (typeof ENTRY_CATALOGUE)[T]['fields']> = Extract<
  (typeof ENTRY_CATALOGUE)[T]['fields'][F],
  EntryField
>;

/** The catalogue for whoever treats all types alike. */
export const ENTRY_SHAPES: EntryTable<EntryShape> = ENTRY_CATALOGUE;

// The cast: the keys of the catalogue are the types, see `satisfies`.
export const ENTRY_TYPES: readonly HistoryEntryType[] = Object.keys(ENTRY_CATALOGUE) as HistoryEntryType[];

/** Something that is made of each type's shape, once, so that nothing has to be found out for each entry. */
export const forEachType = <R>(make: (shape: EntryShape, type: HistoryEntryType) => R): EntryTable<R> =>
  // The cast: there is one for each type.
  Object.fromEntries(ENTRY_TYPES.map((type) => [type, make(ENTRY_SHAPES[type], type)])) as EntryTable<R>;
export type EntryTable<R> = Readonly<Record<HistoryEntryType, R>>;

const typesOf = (...classes: readonly EntryClass[]): ReadonlySet<HistoryEntryType> =>
  new Set(ENTRY_TYPES.filter((type) => classes.includes(ENTRY_CATALOGUE[type].class)));

const EVENTS = typesOf('event');
const COMMANDS = typesOf('command', 'terminal');
const TERMINAL = typesOf('terminal');
const NOTES = typesOf('note');

/** A newer version of Continuum may have written what this one does not know: such an entry is of no class. */
export const isKnownEntry = (entry: HistoryEntry): boolean => Object.hasOwn(ENTRY_CATALOGUE, entry.type);
export const isEvent = (entry: HistoryEntry): entry is HistoryEvent => EVENTS.has(entry.type);
export const isCommand = (entry: HistoryEntry): entry is HistoryCommand => COMMANDS.has(entry.type);
export const isTerminal = (entry: HistoryEntry): entry is TerminalEntry => TERMINAL.has(entry.type);
export const isShownNote = (entry: HistoryEntry): entry is ShownNote =>
  entry.type === 'attributes_set' || entry.type === 'details_set';
/** What code notes stands among its commands, before the end of the run. What the engine notes stands between segments. */
export const isNoteOfCode = (entry: HistoryEntry): entry is Patched | ShownNote =>
  entry.type === 'patched' || isShownNote(entry);
export const isNote = (entry: HistoryEntry): entry is HistoryNote => NOTES.has(entry.type);
