import { ClientError, isOfLanguage, messageOf } from '../core/index.js';
import type { RunState } from '../journal/index.js';

export {
  CallbackAlreadyOpenError,
  ClientError,
  InvalidInputError,
  WorkflowAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowNotRunningError,
} from '../core/index.js';
export type { NotRunningReason } from '../core/index.js';

/** The run failed. `cause` is what its code threw; `rollback` tells whether what it had done is undone. */
export class WorkflowFailedError extends ClientError {
  override readonly name: string = 'WorkflowFailedError';
  /** What its code threw. */
  declare readonly cause: unknown;
  readonly status = 422;
  constructor(
    readonly workflowId: string,
    readonly runId: string,
    readonly rollback: 'none' | 'complete' | 'incomplete',
    options: { readonly cause: unknown },
  ) {
    super(`The workflow "${workflowId}" failed.`, options);
  }
}

/** What was asked of a run cannot be done as the run is now. Nothing has changed. */
export class OperationRefusedError extends ClientError {
  override readonly name: string = 'OperationRefusedError';
  readonly status = 409;
  constructor(
    readonly workflowId: string,
    readonly runId: string,
    readonly operation: 'retryRollback',
    /** `running`: the run has not ended, or its rollback goes on already; `nothing left`: it has undone all that it was to undo. */
    readonly code: 'running' | 'nothing left',
    /** How the run ended; `null` where it has not. */
    readonly state: RunState | null = null,
  ) {
    super(
      code === 'running'
        ? `Only the rollback of a run that has ended is tried again; the workflow "${workflowId}" is open. Wait for its result.`
        : `Only a rollback that is incomplete is tried again; the workflow "${workflowId}" is ${state}, and has nothing left to undo. describe() lists what was undone.`,
    );
  }
}

/** The run was cancelled. */
export class WorkflowCancelledError extends ClientError {
  override readonly name: string = 'WorkflowCancelledError';
  /** What its code threw: a `CancelledError`. */
  declare readonly cause: unknown;
  readonly status = 409;
  constructor(
    readonly workflowId: string,
    readonly runId: string,
    readonly rollback: 'none' | 'complete' | 'incomplete',
    options: { readonly cause: unknown },
  ) {
    super(`The workflow "${workflowId}" was cancelled.`, options);
  }
}

/**
 * The run did not end in time, by its `runTimeout` or `executionTimeout`: it was cancelled. `rollback` tells whether what it had
 * done is undone.
 */
export class WorkflowTimedOutError extends ClientError {
  override readonly name: string = 'WorkflowTimedOutError';
  /** What its code threw: a `CancelledError`; a `TimeoutFailure` where its code took no part in its end. */
  declare readonly cause: unknown;
  readonly status = 422;
  constructor(
    readonly workflowId: string,
    readonly runId: string,
    readonly rollback: 'none' | 'complete' | 'incomplete',
    options: { readonly cause: unknown },
  ) {
    super(`The workflow "${workflowId}" timed out.`, options);
  }
}

/** The run was terminated: nothing of it was undone. */
export class WorkflowTerminatedError extends ClientError {
  override readonly name: string = 'WorkflowTerminatedError';
  readonly status = 409;
  constructor(
    readonly workflowId: string,
    readonly runId: string,
    readonly reason: string | null,
  ) {
    super(`The workflow "${workflowId}" was terminated.`);
  }
}

/**
 * The run has continued as another one, `continuedTo`, and its handle is bound to it alone. Ask a handle by the workflow id,
 * or `result({ follow: true })`, for what the last run returned.
 */
export class WorkflowContinuedError extends ClientError {
  override readonly name: string = 'WorkflowContinuedError';
  readonly status = 409;
  constructor(
    readonly workflowId: string,
    readonly runId: string,
    /** The id of the next run. */
    readonly continuedTo: string,
  ) {
    super(`The run of the workflow "${workflowId}" has continued as another one.`);
  }
}

/** The workflow did not accept the update: its validator threw `cause`. Nothing has changed. */
export class UpdateRefusedError extends ClientError {
  override readonly name: string = 'UpdateRefusedError';
  /** What the validator threw. */
  declare readonly cause: unknown;
  readonly status = 422;
  constructor(
    readonly workflowId: string,
    readonly update: string,
    options: { readonly cause: unknown },
  ) {
    super(`The workflow "${workflowId}" refused the update "${update}"${why(options.cause)}`, options);
  }
}

/** The handler of the update threw `cause`. The run goes on. */
export class UpdateFailedError extends ClientError {
  override readonly name: string = 'UpdateFailedError';
  /** What the handler threw. */
  declare readonly cause: unknown;
  readonly status = 422;
  constructor(
    readonly workflowId: string,
    readonly update: string,
    options: { readonly cause: unknown },
  ) {
    super(`The update "${update}" of the workflow "${workflowId}" failed.`, options);
  }
}

/**
 * The update had no answer in time. It is not taken back: asked for again with this `dedupeId` it is waited for again, and
 * happens once.
 */
export class UpdateTimeoutError extends ClientError {
  override readonly name: string = 'UpdateTimeoutError';
  readonly status = 504;
  constructor(
    readonly workflowId: string,
    readonly update: string,
    readonly dedupeId: string,
    /** In ms. */
    readonly timeout: number,
    /** Whether its handler has been called; otherwise the run has not taken it up yet. */
    readonly accepted: boolean,
    /** What it waits for, a sentence: its handler, or what keeps the run from taking it up. */
    readonly waitingFor: string,
  ) {
    super(
      `The update "${update}" of the workflow "${workflowId}" had no answer after ${timeout} ms. It may still be answered: ask again with this dedupeId.`,
    );
  }
}

/**
 * The run has so many open updates that it takes no more for now. Ask again when some are answered, with another `dedupeId`: one id
 * has one verdict.
 */
export class TooManyUpdatesError extends ClientError {
  override readonly name: string = 'TooManyUpdatesError';
  readonly status = 429;
  constructor(
    readonly workflowId: string,
    readonly update: string,
    /** Of the update that was not taken. It stays refused. */
    readonly dedupeId: string,
  ) {
    super(
      `The workflow "${workflowId}" takes no update "${update}" now: too many are open. Ask again when some are answered, with another dedupeId.`,
    );
  }
}

/**
 * The result did not come in time. The run goes on, so ask again; or it is blocked until code that can go on is deployed:
 * then `blocked` says why; or no worker takes runs of its workflow: then `served` is `false`.
 */
export class ResultTimeoutError extends ClientError {
  override readonly name: string = 'ResultTimeoutError';
  readonly status = 504;
  constructor(
    readonly workflowId: string,
    /** `null` where it could not be found out in time which run the workflow id has. */
    readonly runId: string | null,
    /** In ms. */
    readonly timeout: number,
    /** Why the run cannot go on; `null` when it can. */
    readonly blocked: string | null,
    /**
     * Whether a live worker has the workflow in the version of the run. Where none has, the run waits for one: start a worker
     * with its class among the providers. Defaults to `true`.
     */
    readonly served = true,
    /** What the run waits for first, in one sentence; `null` where it is not known. */
    readonly waitingFor: string | null = null,
  ) {
    super(`The workflow "${workflowId}" had no result after ${timeout} ms. ${prospect(blocked, served)}`);
  }
}

/** The application was closed while it waited for a result or an answer. The run goes on; ask in another process. */
export class ClientClosedError extends ClientError {
  override readonly name: string = 'ClientClosedError';
  readonly status = 503;
  constructor(
    readonly workflowId: string,
    /** `null` of a wait for the answer of an update, which may have been sent to any run. */
    readonly runId: string | null,
    what = 'the result',
  ) {
    super(
      `The application was closed while it waited for ${what} of the workflow "${workflowId}". The run goes on.`,
    );
  }
}

/**
 * The run is blocked: its code cannot go on, and so nobody can be asked. `cause` says why. Ask again when code that can
 * go on is deployed.
 */
export class RunBlockedError extends ClientError {
  override readonly name: string = 'RunBlockedError';
  /** Why its code cannot go on. */
  declare readonly cause: unknown;
  readonly status = 503;
  constructor(
    readonly workflowId: string,
    readonly runId: string,
    options: { readonly cause: unknown },
  ) {
    super(`The workflow "${workflowId}" is blocked, and answers no queries.`, options);
  }
}

/** This process does not know the workflow: a fault of the application, of which its clients are told nothing. */
export class UnknownWorkflowError extends ClientError {
  override readonly name: string = 'UnknownWorkflowError';
  readonly status = 500;
  /** None: Nest's filter answers with a bare 500, and logs the message. */
  override get statusCode(): undefined {
    return undefined;
  }
  constructor(
    readonly workflow: string,
    remedy: string,
  ) {
    super(`This process knows no workflow "${workflow}". ${remedy}`);
  }
}

/** The workflow has no such handler: a method marked `@OnSignal()`, `@OnUpdate()` or `@OnQuery()`, or a `defineSignal(…)` object. */
export class UnknownHandlerError extends ClientError {
  override readonly name: string = 'UnknownHandlerError';
  readonly status = 400;
  constructor(
    readonly workflow: string,
    readonly kind: 'signal' | 'update' | 'query',
    readonly handler: string,
    /** The handlers it has. */
    readonly known: readonly string[],
    /** What the handler of that name is instead; `null`: there is none. */
    readonly is: 'signal' | 'update' | 'query' | null = null,
  ) {
    super(
      `The workflow ${workflow} has no ${kind} "${handler}"${is === null ? '' : `: it is ${article(is)}`}.`,
    );
  }
}

function prospect(blocked: string | null, served: boolean): string {
  if (blocked !== null) return 'It is blocked and tried again with growing pauses, because it cannot go on.';
  return served ? 'It goes on; ask again later.' : 'No worker that could go on with it is there at present.';
}
/**
 * What the validator says, for whoever asked. An error that JavaScript itself throws is a mistake of the code, and tells of its
 * inside: that is in `cause` alone.
 */
function why(cause: unknown): string {
  const text = isOfLanguage(cause) ? '' : messageOf(cause);
  if (text === '') return '.';
  return `: ${text.length > LONGEST_WHY ? `${text.slice(0, LONGEST_WHY)}…` : text}`;
}
/** Characters of what a validator says. */
const LONGEST_WHY = 500;
const article = (kind: string): string => (kind === 'update' ? `an ${kind}` : `a ${kind}`);

/**
 * There is no callback with the key, or none that the token names. Perhaps the run is about to open it, and has not committed that
 * yet: whoever hears of it from an activity comes after that.
 */
export class CallbackNotFoundError extends ClientError {
  override readonly name: string = 'CallbackNotFoundError';
  readonly status = 404;
  constructor(
    /** `null` of one that was asked for by its token. */
    readonly key: string | null,
  ) {
    super(`There is no callback${named(key)}.`);
  }
}

/**
 * The callback is over, and nobody has settled it: its time ran out, its workflow went on without it, or its run rolls back or has
 * ended.
 */
export class CallbackNotPendingError extends ClientError {
  override readonly name: string = 'CallbackNotPendingError';
  readonly status = 409;
  constructor(
    /** `null` of one that was asked for by its token. */
    readonly key: string | null,
  ) {
    super(`The callback${named(key)} is over: its workflow waits for it no more.`);
  }
}

/** A token is a secret, and is told nobody. */
const named = (key: string | null): string => (key === null ? '' : ` "${key}"`);
