import {
  ContentionError,
  JournalError,
  JournalRefusedError,
  JournalUnavailableError,
  SchemaError,
} from '../errors.js';

/** Two rows with one key: another transaction was quicker to insert it. */
export class DuplicateKeyError extends JournalRefusedError {
  override readonly name: string = 'DuplicateKeyError';
  constructor(
    message: string,
    readonly constraint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** When an error came up. Only what a `write` could have done before its answer was lost is ambiguous. */
export type Moment = 'connect' | 'read' | 'write';

/** What the driver threw, as one of our own errors. The only place that knows SQLSTATEs. */
export function translateError(thrown: unknown, moment: Moment, database: string): JournalError {
  if (thrown instanceof JournalError) return thrown;
  const error = driverErrorOf(thrown);
  const options = { cause: error };
  const text = messageOf(error);
  const code = sqlState(error);
  if (code === null && isOurFault(error)) {
    return new JournalError(
      `The journal failed in this process, not in Postgres: ${nameOf(error)}: ${text}. ` +
        (moment === 'write' ? 'What was sent may have been written.' : 'Nothing was changed by it.'),
      { ...options, ambiguous: moment === 'write' },
    );
  }
  if (code === null || CONNECTION_LOST.test(code)) {
    return new JournalUnavailableError(unavailable(moment, database, text), moment === 'write', options);
  }
  if (moment === 'connect' || UNAVAILABLE.test(code)) {
    return new JournalUnavailableError(unavailable(moment, database, text), false, options);
  }
  if (CONTENTION.has(code)) {
    return new ContentionError(
      `Rows are locked by somebody else, an open transaction perhaps (${text}). Nothing was written: try again.`,
      options,
    );
  }
  if (code === UNIQUE_VIOLATION) {
    return new DuplicateKeyError(`Postgres refused a row: ${text}.`, constraintOf(error), options);
  }
  if (DATA.test(code)) return new JournalRefusedError(`Postgres refused a row: ${text}.`, options);
  if (NOT_OUR_SCHEMA.has(code)) {
    return new SchemaError(
      `The journal's tables in ${database} are not what this version needs: ${text}. Run Continuum's migrations ` +
        `with a role that may, and grant the application's role what it needs.`,
      options,
    );
  }
  return new JournalError(`Postgres could not do it: ${text}.`, options);
}

/** The connection died, or died while the transaction may already have been committed. */
const CONNECTION_LOST = /^(08...|57P01|57P02|40003)$/;
/** Nothing was done: no resources, no connection to spare, starting up, too slow, or a replica. */
const UNAVAILABLE = /^(53...|57P03|57014|57P05|25006|25P0.)$/;
const CONTENTION = new Set(['55P03', '40P01', '40001']);
const UNIQUE_VIOLATION = '23505';
/** The row itself is at fault. */
const DATA = /^(22|23)...$/;
/** No such table, column, function or schema, or no right to it. */
const NOT_OUR_SCHEMA = new Set(['42P01', '42703', '42883', '3F000', '42501']);

function unavailable(moment: Moment, database: string, text: string): string {
  switch (moment) {
    case 'connect':
      return `Postgres (${database}) cannot be reached: ${text}. Check that it runs, and host, port and credentials.`;
    case 'read':
      return `Postgres (${database}) did not answer: ${text}. Try again.`;
    case 'write':
      return `Postgres (${database}) did not answer: ${text}. What was sent may have been written.`;
    default:
      return moment satisfies never;
  }
}

/** TypeORM wraps what the driver has thrown. */
function driverErrorOf(error: unknown): unknown {
  return factsOf(error).driverError ?? error;
}

/**
 * The errors of the language and of TypeORM itself: code or options are at fault, and no waiting helps. All else without
 * an SQLSTATE is the driver's and the network's, who have no class of their own for it.
 */
function isOurFault(error: unknown): boolean {
  // What TypeORM says while its pool is being closed.
  if (/not connected/i.test(messageOf(error))) return false;
  for (let made = error; typeof made === 'object' && made !== null; made = Object.getPrototypeOf(made)) {
    if (OURS.has(made.constructor?.name)) return true;
  }
  return false;
}
/** By name: an error may come from another realm, and TypeORM from another copy. */
const OURS = new Set([
  'TypeError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'EvalError',
  'URIError',
  'TypeORMError',
]);

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'a value was thrown');

/** An error of the server has a severity; one of the socket has a code as well, but of another kind. */
function sqlState(error: unknown): string | null {
  const { code, severity } = factsOf(error);
  return typeof code === 'string' && typeof severity === 'string' ? code : null;
}

function constraintOf(error: unknown): string {
  const { constraint } = factsOf(error);
  return typeof constraint === 'string' ? constraint : '';
}

/** A host with several addresses fails with one error for each, and an empty message. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(', ');
  return error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
}

interface ErrorFacts {
  readonly code?: unknown;
  readonly severity?: unknown;
  readonly constraint?: unknown;
  readonly driverError?: unknown;
}

function factsOf(error: unknown): ErrorFacts {
  return typeof error === 'object' && error !== null ? error : {};
}
