import type {
  ENTRY_CATALOGUE,
  EntryOf,
  HistoryEntry,
  HistoryEntryType,
  HistoryEvent,
  HistoryNote,
  Instant,
  WorkType,
} from '../../core/index.js';
import type { InboxMessage } from '../../journal/index.js';

/**
 * One kind of what a run has in flight: what a command of its code asks for, and an event ends. Activities and timers
 * are the two there are.
 *
 * A kind knows its part of the run between turns, when what is known of the run is what the journal has. What has
 * happened becomes events and notes, which the next turn takes; what that turn records comes back as `committed`.
 */
export interface WorkKind {
  /** Nothing of it is going on here: the run may leave the memory. */
  readonly idle: boolean;

  /** Why the run cannot go on in this process; `null` where it can. */
  obstacle(): Error | null;

  /** A committed entry takes effect: one of {@link EntryAbout} this kind, so that it need not take others. */
  committed(entry: HistoryEntry, closed: boolean): void;
  /** After a takeover, or after lost history: what is in flight by the journal is taken up. */
  recover(takeover: Takeover): void;
  /** Begins nothing more: what was not begun is given back, for another holder to begin. */
  drain(): void;
  /** The run is not this holder's any more: nothing of this kind does anything any more. */
  stop(reason: 'lease lost' | 'run closed'): void;

  /** Before a turn: decides about what has happened since the last one. Whether there is something to take. */
  settle(): boolean;
  /** What there is for a turn. What that turn does not record is there for the next one. */
  take(): Intake;
  /** What a message of the inbox says of it, one of those of {@link RECEIVER_OF} this kind. `null`: nothing new. */
  received(message: InboxMessage): HistoryEvent | HistoryNote | null;
  /** When something of it is to be taken, if nothing happens before. The run is taken up again then, wherever it is. */
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
  readonly notes: readonly HistoryNote[];
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
  /** It comes about by time alone: the journal refuses it where its moment has not come by the database's clock. */
  readonly byTime: boolean;
}

/**
 * The kinds are those of the catalogue of entries: it says which entries are about which. But for signal checks, which are
 * the turn's own: the code asks for one while the turn goes on, and has its answer in the same turn.
 */
export type KindName = Exclude<WorkType, 'signal check'>;

/** The entries that are about one kind of work. */
export type EntryAbout<K extends KindName> = EntryOf<TypesAbout<K>>;
type TypesAbout<K extends KindName> = {
  [T in HistoryEntryType]: (typeof ENTRY_CATALOGUE)[T]['work'] extends { readonly type: K } ? T : never;
}[HistoryEntryType];

/** Whose a message is: which kind of work says what it means. `null`: it is an event itself. */
export const RECEIVER_OF = {
  start: null,
  signal: null,
  cancel: null,
  activity_result: 'activity',
} as const satisfies Readonly<Record<InboxMessage['kind'], KindName | null>>;
