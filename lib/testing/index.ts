/**
 * For whoever writes tests, or a journal of their own: the port with its types and errors, the suite that every journal
 * passes, the journal in memory, and a clock that a test moves.
 *
 * Stable, which means that a new minor version takes nothing away and changes nothing: the suite, the journal in memory,
 * the clock and the port. The port and the suite still grow with every feature, so a journal of one's own is brought up to
 * date for each minor version: the compiler names the verbs and the suite the behaviour that it lacks. What stands under
 * "Not stable" below may change with every version.
 */

// ----------------------------------------------------------------------------------------- the suite
export { describeJournalContract } from './journal-contract/index.js';
export type {
  Assertions,
  Expect,
  JournalHarness,
  MakeHarness,
  TestRunner,
} from './journal-contract/index.js';

// ----------------------------------------------------------------- the journal in memory, and its clock
export { InMemoryJournal, InMemoryStore } from '../journal/in-memory/index.js';
export type { InMemoryStoreOptions } from '../journal/in-memory/index.js';
export { ManualClock } from './manual-clock.js';

// ------------------------------------------------------------------------------------------ the port
export type {
  Journal,
  JournalCallbacks,
  JournalHints,
  JournalHolding,
  JournalOperations,
  JournalOutbox,
  JournalReading,
  JournalSending,
  JournalWorkers,
} from '../journal/index.js';
// Starting, sending, settling and terminating.
export type {
  CallbackAnswer,
  CallbackOwner,
  CallbackRef,
  CallbackSettlement,
  CheckedBy,
  FirstShown,
  FirstTurn,
  HoldBack,
  Message,
  MessageKind,
  OnConflict,
  OnReuse,
  RetryRollbackAnswer,
  RetryRollbackRequest,
  SendAnswer,
  StartAnswer,
  StartRequest,
  StartWithAnswer,
  StartWithRequest,
  TerminateAnswer,
  TerminateRequest,
  Transaction,
  Unanswered,
} from '../journal/index.js';
// Who asked for what.
export type {
  NewOperation,
  OperationFacts,
  OperationOutcome,
  OperationRefusal,
  OperationsPage,
  OperationsQuery,
  OperationVerb,
  RecordedOperation,
} from '../journal/index.js';
// Holding.
export type {
  CallbackOpening,
  ChildStart,
  Claim,
  ClaimRequest,
  ClosedState,
  CommitAnswer,
  Deadlines,
  Lease,
  Outgoing,
  OutgoingStart,
  RefenceAnswer,
  RefusalReason,
  Successor,
  SuspectRequest,
  TimeLimits,
  Turn,
  TurnOutcome,
  UpdateRefusal,
} from '../journal/index.js';
export type { ShownChange } from '../core/index.js';
// Workers.
export type {
  BlockedRun,
  Delivery,
  HeartbeatAnswer,
  OwnedActor,
  OverdueAnswer,
  OverdueRequest,
  OverdueRun,
  RescueAnswer,
  StuckMark,
  WorkerSession,
} from '../journal/index.js';
// Reading.
export type {
  AttributeCondition,
  InboxMessage,
  ListQuery,
  LoadRequest,
  Loaded,
  RunDescription,
  RunFilter,
  RunOutcome,
  RunPage,
  RunRef,
  RunState,
  ServedWorkflow,
  UpdateAnswer,
  UpdateRef,
  WorkerDeath,
} from '../journal/index.js';
// Ids, and what a verb throws.
export { actorOf, asActorId, asRunId, asWorkerId } from '../journal/index.js';
export type { ActorId, RunId, WorkerId } from '../journal/index.js';
export {
  ContentionError,
  JournalError,
  JournalRefusedError,
  JournalUnavailableError,
  SchemaError,
} from '../journal/index.js';
export type { JournalErrorOptions } from '../journal/index.js';

// ---------------------------------------------------------------------------------------- Not stable
/** Stresses a journal for as long as it is told to; the suite does so for a moment. */
export { stressJournal } from './journal-contract/index.js';
export type { StressOptions, StressReport } from './journal-contract/index.js';
/** What is inside an `InMemoryStore`. */
export type { CallbackRows, Lockable, RowLock, StoredCallback } from '../journal/in-memory/index.js';
