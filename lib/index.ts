// The public surface, name by name: what is not here may change at any time.
export {
  ContinuumModule,
  getWorkflowClientToken,
  InvalidDefinitionError,
  InvalidOptionError,
} from './nest/index.js';
export type {
  ConnectionOptions,
  ContinuumModuleAsyncOptions,
  ContinuumModuleExtras,
  ContinuumModuleOptions,
  ContinuumOptionsFactory,
  HistoryOptions,
  WatchdogSettings,
  WorkerOptions,
} from './nest/index.js';
export {
  Activity,
  Compensate,
  InjectWorkflowClient,
  OnQuery,
  OnSignal,
  OnUpdate,
  ValidateUpdate,
  RunInput,
  Workflow,
  WorkflowSafe,
} from './nest/index.js';
export type {
  ActivityDecorator,
  CheckedSignalHandlerDecorator,
  CheckedUpdateHandlerDecorator,
  CompensateClassDecorator,
  CompensateExecuteDecorator,
  CompensateMethodDecorator,
  OnSignalOptions,
  OnUpdateOptions,
  QueryHandlerDecorator,
  SignalHandlerDecorator,
  UpdateHandlerDecorator,
  UpdateValidatorDecorator,
  WorkflowDecorator,
  WorkflowSafeDecorator,
} from './nest/index.js';

export { defineSignal, describeHandlers, milliseconds, WorkflowContext } from './core/index.js';
export type {
  Activities,
  ActivityArgs,
  ActivityCallOptionsInput,
  ActivityClass,
  ActivityExecute,
  ActivityOptions,
  ActivityResult,
  AttributePatch,
  Attributes,
  AttributeValue,
  CancellationScope,
  ContinuationInput,
  MapOptions,
  ChildHandle,
  ChildOptions,
  ChildUndo,
  ExternalHandle,
  Duration,
  DurationString,
  HandlerDescription,
  HistorySize,
  RaceBranches,
  RaceOutcome,
  RetryOptions,
  Signal,
  Stored,
  WorkflowArgs,
  WorkflowClass,
  WorkflowInfo,
  WorkflowInput,
  WorkflowLogger,
  Mistakes,
  CompensationMode,
  CompensationOptions,
  WorkflowOptions,
  WorkflowResult,
  WorkflowRun,
} from './core/index.js';
// What workflow code throws and meets.
export {
  ActivityFailure,
  AttemptLostError,
  CancelledError,
  ChildDepthError,
  ChildWorkflowFailure,
  HandlerFailure,
  InvalidActivityOptionsError,
  NonRetryableError,
  NotInWorkflowError,
  PayloadTooLargeError,
  TimeoutFailure,
  UnstorableValueError,
  WorkflowFailure,
} from './core/index.js';
// Why a run is blocked, as observers and lists tell.
export {
  CallbackError,
  FloatingRejectionError,
  FoldError,
  ForeignAwaitError,
  HistoryLimitError,
  InvalidContinuationError,
  WorkflowMistakeError,
  NonDeterminismError,
  ReplayMismatchError,
  RunawayError,
  TurnFault,
  UnavailableActivityError,
  UnsupportedSemanticsError,
} from './core/index.js';

export { ActivityContext } from './engine/index.js';
export type { ActivityLogger } from './engine/index.js';

export { UndecodedValue, WorkflowClient, WorkflowHandle } from './client/index.js';
export type {
  AttributeBounds,
  AttributeFilter,
  DecodedEntry,
  DecodedOutcome,
  DecodedSignal,
  HistoryLine,
  RollbackReport,
  RunReport,
  ActorOption,
  ListOptions,
  OperationActor,
  OperationPage,
  OperationsOptions,
  ReasonOptions,
  ResultOptions,
  RunWhere,
  SignalOptions,
  SignalWithStartOptions,
  StartOptions,
  UpdateOptions,
  UpdateWithStartOptions,
  WaitingFor,
  WorkflowPage,
} from './client/index.js';
export type {
  HandlerArgs,
  HandlerResult,
  PayloadArgs,
  QueryArgs,
  QueryName,
  SignalArgs,
  SignalName,
  UpdateName,
} from './core/index.js';
// What clients meet; all of it answers a request with a status.
export {
  ClientClosedError,
  ClientError,
  InvalidInputError,
  ResultTimeoutError,
  RunBlockedError,
  TooManyUpdatesError,
  UnknownHandlerError,
  UnknownWorkflowError,
  UpdateFailedError,
  UpdateRefusedError,
  UpdateTimeoutError,
  WorkflowAlreadyStartedError,
  WorkflowCancelledError,
  WorkflowContinuedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowNotRunningError,
  WorkflowTerminatedError,
  WorkflowTimedOutError,
} from './client/index.js';
export { RunNotReadyError } from './core/index.js';
export type { NotRunningReason } from './core/index.js';

export { ContentionError, JournalError, JournalUnavailableError, SchemaError } from './journal/index.js';
export type {
  ActorId,
  ClosedState,
  OnConflict,
  OnReuse,
  OperationFacts,
  OperationOutcome,
  OperationRefusal,
  OperationVerb,
  RecordedOperation,
  RunDescription,
  RunId,
  RunState,
  WorkerDeath,
} from './journal/index.js';
// What a history is made of.
export type * from './core/history.js';
export type { FailureSummary } from './core/index.js';
export type {
  EngineEvent,
  ForgottenCall,
  InstanceFacts,
  Observer,
  RunFacts,
  WorkflowFacts,
} from './observability/index.js';
