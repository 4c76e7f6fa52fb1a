import type {
  JournalCallbacks,
  JournalHints,
  JournalHolding,
  JournalOperations,
  JournalOutbox,
  JournalReading,
  JournalSending,
  JournalWorkers,
} from './port/index.js';

/**
 * Where history is kept. Two adapters have it, `in-memory/` and `postgres/`, and one contract suite tests both. Each of its
 * roles is a file of `port/`. Code that needs only one of them should ask for that one.
 *
 * Verbs take batches and answer in the order of what they were given. A verb that fails as a whole throws a
 * {@link JournalError}; whatever can be the fate of one item of a batch is an answer, not an error. Where a batch is
 * written in several transactions, one that fails does not take back what the others were answered: its items are
 * {@link Unanswered}.
 *
 * A verb that was not told to `wait` answers within a fraction of a second that a row is locked. One that waits holds up no
 * other: it takes no place in a batch, and no connection for longer than a moment.
 *
 * Time is the database's: a caller's clock decides nothing here.
 */
export interface Journal
  extends
    JournalSending,
    JournalCallbacks,
    JournalHolding,
    JournalOutbox,
    JournalOperations,
    JournalWorkers,
    JournalReading,
    JournalHints {
  /** Connects, and migrates or verifies the schema. Throws {@link JournalUnavailableError} or {@link SchemaError}. */
  open(): Promise<void>;
  /** Ends every connection. Twice is harmless. */
  close(): Promise<void>;
}
