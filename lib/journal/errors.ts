/** The journal could not do it at all. */
export class JournalError extends Error {
  override readonly name: string = 'JournalError';
}

/** The database cannot be reached, or the connection died. Try again later. */
export class JournalUnavailableError extends JournalError {
  override readonly name: string = 'JournalUnavailableError';
  constructor(
    message: string,
    /** The write may have been done: it was sent, and the answer never came. */
    readonly ambiguous: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Somebody else held what was needed for longer than a caller waits: an application's open transaction, mostly. Nothing
 * was written, so trying again is right.
 */
export class ContentionError extends JournalUnavailableError {
  override readonly name: string = 'ContentionError';
  constructor(message: string, options?: ErrorOptions) {
    super(message, false, options);
  }
}

/** One item of a batch cannot be stored; the others can. The caller splits the batch until the culprit is alone. */
export class JournalRefusedError extends JournalError {
  override readonly name: string = 'JournalRefusedError';
}

/** The schema is missing, older or newer than this version needs. */
export class SchemaError extends JournalError {
  override readonly name: string = 'SchemaError';
}
