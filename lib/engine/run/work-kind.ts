import type {
  ENTRY_CATALOGUE,
  EntryOf,
  HistoryEntry,
  HistoryEntryType,
  HistoryEvent,
  WorkNote,
  Instant,
  WorkType,
} from '../../core/index.js';
import type { InboxMessage } from '../../journal/index.js';

/**
 * One kind of work that a run can have in flight: begun by a command, ended by an event. Of children, of messages to other
 * runs and of callbacks the ends come as messages, and this is all there is of them here. Activities, timers and the deadline are more:
 * an {@link ActiveKind}.
 */
export interface WorkKind {
  /** A committed entry takes effect. It is called for entries about this kind only, see {@link EntryAbout}. */
  committed(entry: HistoryEntry, closed: boolean): void;
  /** After a takeover, or after lost history: what is in flight by the journal is taken up. */
  recover(takeover: Takeover): void;
  /** Begins nothing more: what was not begun is given back, for another holder to begin. */
  drain(): void;
  /** The run is not this holder's any more: nothing of this kind does anything any more. */
  stop(reason: 'lease lost' | 'run closed'): void;
  /** What a message of the inbox means, if {@link RECEIVER_OF} says that this kind receives it. `null`: nothing new. */
  received(message: InboxMessage): HistoryEvent | WorkNote | null;
}

/**
 * A kind whose ends come about in the process that holds the run. Turns ask these, and pass over the others.
 *
 * It looks at the run between turns only, when what is known of the run is what the journal has. What happens in the
 * meantime becomes events and notes, which the next turn takes. What that turn records comes back as `committed`.
 */
export interface ActiveKind extends WorkKind {
  /** Nothing of this kind is going on in this process, so the run may leave the memory. */
  readonly idle: boolean;

  /** Why the run cannot go on in this process; `null` where it can. */
  obstacle(): Error | null;

  /** Before a turn: decides about what has happened since the last one. Whether there is something to take. */
  settle(): boolean;
  /** What there is for a turn. What that turn does not record is there for the next one. */
  take(): Intake;
  /** When it will have something for a turn, if nothing happens before. The run is taken up again then, here or by another worker. */
  nextMoment(): Instant | null;
}

export interface Takeover {
  /** What is unread of the inbox. */
  readonly messages: readonly InboxMessage[];
  /** Whether the process that held the run died; otherwise it gave the run back. */
  readonly died: boolean;
}

/** What one kind of work has for one turn. */
export interface Intake {
  /** Recorded first, all of them. */
  readonly notes: readonly WorkNote[];
  /** The event that comes first. `undefined`: none, or not by `due` on the database's clock. */
  next(due: Instant): Arrival | undefined;
  /** It was taken, and the one after it comes next. */
  taken(): void;
}

/** An event that has come about. */
export interface Arrival {
  readonly type: 'arrival';
  readonly from: Intake;
  /** Orders it among messages and other events (F5). */
  readonly moment: Instant;
  readonly event: HistoryEvent;
  /** It comes about by time alone. So the journal refuses the turn if its moment has not come by the database's clock. */
  readonly byTime: boolean;
}

/**
 * The kinds of the catalogue of entries, which says which entry is about which kind. Signal checks are left out: they are
 * asked for and answered within one turn, so nothing of them is ever in flight between turns. The deadline is no work of the
 * code: no entry begins it, and it stands beside the kinds because turns and takeovers treat it as one of them.
 */
export type KindName = Exclude<WorkType, 'signal check'> | 'deadline';

/** The entries that are about one kind of work. */
export type EntryAbout<K extends KindName> = EntryOf<TypesAbout<K>>;
type TypesAbout<K extends KindName> = {
  [T in HistoryEntryType]: (typeof ENTRY_CATALOGUE)[T]['work'] extends { readonly type: K } ? T : never;
}[HistoryEntryType];

/** Which kind of work says what a message means. `null`: the message itself is an event. */
export const RECEIVER_OF = {
  start: null,
  signal: null,
  update: null,
  cancel: null,
  rollback_retry: null,
  activity_result: 'activity',
  child_start: 'child',
  child_end: 'child',
  message_result: 'message',
  callback_result: 'callback',
} as const satisfies Readonly<Record<InboxMessage['kind'], KindName | null>>;
