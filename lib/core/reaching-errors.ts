/**
 * Errors that callers of the client meet, and code of a workflow that reaches other workflows: children, and those outside.
 */

/**
 * Fields that make Nest's own exception filter answer with a status: the shape of `http-errors`. It answers with the
 * message, too, so that is short and holds nothing of the application's inside: causes, reasons and remedies are fields.
 */
export abstract class ClientError extends Error {
  abstract readonly status: number;
  get statusCode(): number | undefined {
    return this.status;
  }
  readonly expose = true;
}

/** No run is known under this workflow id. */
export class WorkflowNotFoundError extends ClientError {
  override readonly name: string = 'WorkflowNotFoundError';
  readonly status = 404;
  constructor(
    readonly workflowId: string,
    readonly runId: string | null = null,
  ) {
    super(`There is no workflow "${workflowId}"${runId === null ? '' : ` with a run ${runId}`}.`);
  }
}

/**
 * The workflow id is taken by an open run, or `onReuse` refuses to use it again. To get a handle of that run instead,
 * start with `onConflict: 'useExisting'` for an open one, with `onReuse: 'useExisting'` for one that has ended.
 */
export class WorkflowAlreadyStartedError extends ClientError {
  override readonly name: string = 'WorkflowAlreadyStartedError';
  readonly status = 409;
  constructor(
    readonly workflowId: string,
    /** Of the run that has the workflow id; `null` where it began just then and is not known. */
    readonly runId: string | null,
    /** How that run is. */
    readonly state:
      'running' | 'completed' | 'failed' | 'cancelled' | 'terminated' | 'continued' | 'timed_out',
  ) {
    super(
      state === 'running'
        ? `A workflow "${workflowId}" is running.`
        : `A workflow "${workflowId}" has ${state === 'completed' ? 'completed' : `ended ${state}`} before.`,
    );
  }
}

/** The run has ended, or is rolling back, and takes no messages. */
export class WorkflowNotRunningError extends ClientError {
  override readonly name: string = 'WorkflowNotRunningError';
  readonly status = 409;
  constructor(
    readonly workflowId: string,
    what: string,
    /** `closed`: it has ended; `closing`: it rolls back; `continued`: as a new run, ask that one; `null` where that is not known. */
    readonly reason: NotRunningReason | null = null,
  ) {
    const why = reason === 'continued' ? 'has continued as a new run' : 'has ended or is rolling back';
    super(`The workflow "${workflowId}" ${why}: ${what}.`);
  }
  /** It rolls back, and has not ended yet: its workflow id is taken still. */
  get closing(): boolean {
    return this.reason === 'closing';
  }
}
export type NotRunningReason = 'closed' | 'closing' | 'continued';

/** The key of a callback is that of another one, of this run or any other of the namespace, which is open. Choose one that is unique. */
export class CallbackAlreadyOpenError extends ClientError {
  override readonly name: string = 'CallbackAlreadyOpenError';
  readonly status = 409;
  constructor(readonly key: string) {
    super(`A callback with the key "${key}" is open.`);
  }
}

/** What was given is not valid: by the schema, or by the rules of names and options. Nothing was stored. */
export class InvalidInputError extends ClientError {
  override readonly name: string = 'InvalidInputError';
  readonly status = 400;
  constructor(
    /** What was validated: `the input of OrderWorkflow`. */
    readonly subject: string,
    readonly issues: readonly { readonly message: string; readonly path: readonly PropertyKey[] }[],
    options?: ErrorOptions,
  ) {
    super(`${capital(subject)} is not valid: ${issues.map(lineOf).join('; ')}`, options);
  }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const lineOf = ({
  message,
  path,
}: {
  readonly message: string;
  readonly path: readonly PropertyKey[];
}): string => (path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`);
