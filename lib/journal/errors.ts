/** The journal could not do it at all. */
export class JournalError extends Error {
  override readonly name: string = 'JournalError';
  /** The write may have been done: it was sent, and no answer came that could be read. Otherwise nothing was written. */
  readonly ambiguous: boolean;
  constructor(message?: string, { ambiguous = false, ...options }: JournalErrorOptions = {}) {
    super(message, options);
    this.ambiguous = ambiguous;
  }
}
export interface JournalErrorOptions extends ErrorOptions {
  /** Defaults to `false`. */
  readonly ambiguous?: boolean;
}

/**
 * The database cannot be reached, or the connection died. Try again later.
 * Its fields make Nest's own exception filter answer 503. It answers with the message, too, so that names neither host
 * nor database, nor what the driver said: `detail` does.
 */
export class JournalUnavailableError extends JournalError {
  override readonly name: string = 'JournalUnavailableError';
  readonly status = 503;
  readonly statusCode = 503;
  readonly expose = true;
  constructor(
    /** What failed, where, and what to do. For logs, which show it: it may name the host and the database. */
    readonly detail: string,
    ambiguous: boolean,
    options?: ErrorOptions,
    message = ambiguous
      ? 'Workflows are not available at present. What was asked for may have been done.'
      : 'Workflows are not available at present. Try again later.',
  ) {
    super(message, { ...options, ambiguous });
  }
}

/** Of every verb before `open` and after `close`. */
export const notOpen = (): JournalUnavailableError =>
  new JournalUnavailableError('The journal is not open. Open it before its first use.', false);

/**
 * What was needed was locked for longer than a caller waits, mostly by an open transaction of an application. Nothing was
 * written, so trying again is right.
 */
export class ContentionError extends JournalUnavailableError {
  override readonly name: string = 'ContentionError';
  /** @param detail who holds what, and what to do, for logs */
  constructor(detail: string, options?: ErrorOptions) {
    super(detail, false, options, 'The workflow is busy at present. Nothing was done: try again.');
  }
}

/** One item of a batch cannot be stored; the others can. The caller splits the batch until the culprit is alone. */
export class JournalRefusedError extends JournalError {
  override readonly name: string = 'JournalRefusedError';
}

/**
 * Whether one item may be why a batch failed. Then the batch may be sent again in parts: nothing of it was written, and the
 * journal can be reached.
 */
export const mayBeOneAtFault = (error: unknown): boolean =>
  error instanceof JournalError && !(error instanceof JournalUnavailableError) && !error.ambiguous;

/** Whether work that failed has surely written nothing, so that it may come again. */
export const hasWrittenNothing = (error: unknown): boolean =>
  error instanceof JournalError && !error.ambiguous;

/** The schema is missing, older or newer than this version needs. */
export class SchemaError extends JournalError {
  override readonly name: string = 'SchemaError';
}

/** An error as the answer to one item of a batch. Where it is `ambiguous`, that item may have been written; otherwise it was not. */
export interface Unanswered {
  readonly type: 'unanswered';
  readonly error: JournalError;
}
