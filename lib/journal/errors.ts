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

/** One item of a batch cannot be stored; the others can. The caller splits the batch until the culprit is alone. */
export class JournalRefusedError extends JournalError {
  override readonly name: string = 'JournalRefusedError';
}

/** The schema is missing, older or newer than this version needs. */
export class SchemaError extends JournalError {
  override readonly name: string = 'SchemaError';
}
