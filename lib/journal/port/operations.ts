import type { Instant } from '../../core/index.js';
import type { RunId } from '../ids.js';

/**
 * Who asked for what of a run, and what it came to. A verb that changes something writes its row itself, in the same
 * transaction, where the request says who asked (`by`). What changed nothing is told here by whoever was answered so.
 */
export interface JournalOperations {
  /** Adds rows about verbs that changed nothing. Waits for no lock. */
  record(operations: readonly NewOperation[]): Promise<void>;
  /** A page of the operations on a workflow id, the newest first. Of an unknown one it is empty. */
  operations(query: OperationsQuery): Promise<OperationsPage>;
}

/** `complete` and `fail` are about a callback of the run. */
export type OperationVerb =
  'start' | 'signal' | 'update' | 'cancel' | 'terminate' | 'complete' | 'fail' | 'retryRollback';

/** `unchanged`: what was asked for was so already. */
export type OperationOutcome = 'applied' | 'unchanged' | 'refused';

export interface RecordedOperation {
  /** By the database's clock. */
  readonly at: Instant;
  readonly namespace: string;
  readonly workflowId: string;
  /** The run that it reached or was meant for; `null` where none was. */
  readonly runId: RunId | null;
  readonly verb: OperationVerb;
  /** The name of whoever asked, of 1 to 255 bytes. */
  readonly by: string;
  readonly outcome: OperationOutcome;
  readonly facts: OperationFacts;
}

/** What else is known of an operation. */
export interface OperationFacts {
  /** Of a signal or an update; the key of a callback. */
  readonly name?: string;
  /** What names a signal or an update, where something does. */
  readonly dedupeId?: string;
  readonly reason?: string;
  /** Why it was refused. */
  readonly code?: OperationRefusal;
}

/**
 * No run has ever had the workflow id; the run is over; it rolls back; another run has the workflow id; or had it, and the start
 * was not to run it again; the callback is over; the run
 * of a rollback has not ended, or has nothing left to undo.
 */
export type OperationRefusal =
  | 'not found'
  | 'closed'
  | 'closing'
  | 'already running'
  | 'reuse refused'
  | 'not pending'
  | 'running'
  | 'nothing left';

/** One that is to be written: the journal knows the time. */
export type NewOperation = Omit<RecordedOperation, 'at'>;

export interface OperationsQuery {
  readonly namespace: string;
  readonly workflowId: string;
  /** Only those on this run; `null` for all of the workflow id. */
  readonly runId: RunId | null;
  readonly cursor: string | null;
  /** 1 to 1,000. */
  readonly limit: number;
}

export interface OperationsPage {
  readonly operations: readonly RecordedOperation[];
  /** Of the next page; `null` on the last one. */
  readonly next: string | null;
}
