import type { StandardSchemaV1 } from '@standard-schema/spec';
import { milliseconds, nameProblem } from '../core/index.js';
import type { Duration } from '../core/index.js';
import { JournalRefusedError } from '../journal/index.js';
import { InvalidInputError } from './errors.js';

/** What the schema makes of the value. Applied once, before the value is recorded. Throws {@link InvalidInputError}. */
export async function validated(
  schema: StandardSchemaV1 | undefined,
  value: unknown,
  subject: string,
): Promise<unknown> {
  if (!schema) return value;
  const result = await schema['~standard'].validate(value);
  if (!result.issues) return result.value;
  throw new InvalidInputError(
    subject,
    result.issues.map((issue) => ({ message: issue.message, path: Array.from(issue.path ?? [], keyOf) })),
  );
}

/** A step of a path is a key, or an object that holds one. */
const keyOf = (step: PropertyKey | { readonly key: PropertyKey }): PropertyKey =>
  typeof step === 'object' ? step.key : step;

/** Throws {@link InvalidInputError} for a name that the journal cannot hold. */
export function checkName(subject: string, name: string): void {
  // Whoever is not held by the compiler may give anything.
  const problem = nameProblem(name);
  if (problem !== undefined) throw invalid(subject, problem);
}

/** Throws {@link InvalidInputError} for options that there are not, and for what holds no options at all. */
export function checkOptions(subject: string, options: unknown, known: readonly string[]): void {
  if (options === undefined) return;
  const listed = `${known.length === 1 ? 'There is' : 'There are'} ${known.join(', ')}`;
  if (typeof options !== 'object' || options === null) {
    throw invalid(subject, `options must be an object, but are ${shown(options)}. ${listed}`);
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) throw invalid(subject, `"${key}" is an unknown option. ${listed}`);
  }
}

/** Throws {@link InvalidInputError} for what is no `AbortSignal`: it would never end the wait. */
export function checkSignal(signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw invalid('the option "signal"', `it must be an AbortSignal, but is ${shown(signal)}`);
}

/** Throws {@link InvalidInputError} for a reason that is no text: as such it would be told to nobody. */
export function checkReason(reason: unknown): void {
  if (reason === undefined || typeof reason === 'string') return;
  throw invalid('the option "reason"', `it must be a text, but is ${shown(reason)}`);
}

/** In ms; `null` for none. Throws {@link InvalidInputError} for what is no duration. */
export function durationOf(option: string, duration: Duration | undefined): number | null {
  if (duration === undefined) return null;
  try {
    return milliseconds(duration);
  } catch (error) {
    throw invalid(`the option "${option}"`, (error as Error).message);
  }
}

/** Throws {@link InvalidInputError} for what is none of the choices; `undefined` is always one. */
export function checkChoice(option: string, value: unknown, choices: readonly string[]): void {
  if (value === undefined || choices.includes(value as string)) return;
  const listed = choices.map((choice) => `'${choice}'`).join(', ');
  throw invalid(`the option "${option}"`, `must be one of ${listed}, but is ${shown(value)}`);
}

const shown = (value: unknown): string =>
  typeof value === 'string' ? `'${value}'` : value === null ? 'null' : `a ${typeof value}`;

/** In ms. Throws {@link InvalidInputError} for what is no date. */
export function instantOf(option: string, date: Date | undefined): number | undefined {
  if (date === undefined) return undefined;
  const instant = date instanceof Date ? date.getTime() : Number.NaN;
  if (Number.isNaN(instant))
    throw invalid(`the option "${option}"`, `must be a valid Date, but is ${String(date)}`);
  return instant;
}

/**
 * What the journal refuses to hold comes from the caller: said in the caller's terms. What the database said of it is for
 * the log.
 */
export function refusedAsInvalid(subject: string, error: unknown): unknown {
  if (!(error instanceof JournalRefusedError)) return error;
  const saidByTheDatabase = error.cause !== undefined;
  const message = saidByTheDatabase ? 'it holds something that cannot be stored' : error.message;
  return invalid(subject, message, { cause: error });
}

export const invalid = (subject: string, message: string, options?: ErrorOptions): InvalidInputError =>
  new InvalidInputError(subject, [{ message, path: [] }], options);
