import type { StandardSchemaV1 } from '@standard-schema/spec';
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

const LONGEST = 255;

/** Throws {@link InvalidInputError} for a name that the journal cannot hold. */
export function checkName(subject: string, name: string): void {
  // Whoever is not held by the compiler may give anything.
  if (typeof name !== 'string') throw invalid(subject, `must be a text, but is ${String(name)}`);
  const bytes = Buffer.byteLength(name);
  if (bytes === 0 || bytes > LONGEST) {
    throw invalid(subject, `must have 1 to ${LONGEST} bytes, but has ${bytes}`);
  }
  if (name.includes('\u0000') || /\p{Surrogate}/u.test(name)) {
    throw invalid(subject, 'must have neither \\u0000 nor half of a surrogate pair');
  }
}

/** Throws {@link InvalidInputError} for what is none of the choices; `undefined` is always one. */
export function checkChoice(option: string, value: unknown, choices: readonly string[]): void {
  if (value === undefined || choices.includes(value as string)) return;
  const listed = choices.map((choice) => `'${choice}'`).join(', ');
  throw invalid(`the option "${option}"`, `must be one of ${listed}, but is ${shown(value)}`);
}

const shown = (value: unknown): string => (typeof value === 'string' ? `'${value}'` : `a ${typeof value}`);

/** In ms. Throws {@link InvalidInputError} for what is no date. */
export function instantOf(option: string, date: Date | undefined): number | undefined {
  if (date === undefined) return undefined;
  const instant = date instanceof Date ? date.getTime() : Number.NaN;
  if (Number.isNaN(instant))
    throw invalid(`the option "${option}"`, `must be a valid Date, but is ${String(date)}`);
  return instant;
}

/** What the journal refuses to hold comes from the caller: said in the caller's terms. */
export function refusedAsInvalid(subject: string, error: unknown): unknown {
  return error instanceof JournalRefusedError ? invalid(subject, error.message) : error;
}

export const invalid = (subject: string, message: string): InvalidInputError =>
  new InvalidInputError(subject, [{ message, path: [] }]);
