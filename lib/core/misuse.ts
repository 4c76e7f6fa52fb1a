import type { TurnFault } from './errors.js';
import { WorkflowMistakeError } from './errors.js';
import { errorName, errorText, isError, readProperty } from './thrown.js';

/** What becomes of a run whose code makes a mistake: it fails and rolls back, or is blocked until a deploy mends it. */
export type Mistakes = 'fail' | 'block';

/** Errors of calls that no code should make. */
const misuses = new WeakSet<object>();

/** Marks the error of a call that is a mistake whatever the data: it blocks the run that does not catch it. */
export function misuse<E extends Error>(error: E): E {
  misuses.add(error);
  return error;
}

export const isMisuse = (error: unknown): boolean => isError(error) && misuses.has(error);

/** Errors that the language itself throws. By name, as they cross realms (F8). */
const OF_LANGUAGE: ReadonlySet<string> = new Set([
  'TypeError',
  'ReferenceError',
  'RangeError',
  'SyntaxError',
]);

/** Whether JavaScript itself throws such errors, and so the code has a mistake. */
export const isOfLanguage = (error: unknown): boolean => isError(error) && OF_LANGUAGE.has(errorName(error));

/**
 * The fault of a run that ends with this error; `null` when the run fails with it.
 *
 * @param mistakes what becomes of errors that JavaScript itself throws
 */
export function mistakeOf(error: unknown, mistakes: Mistakes): TurnFault | null {
  if (!isError(error)) return null;
  const thrown = errorName(error) === 'HandlerFailure' ? readProperty(error, 'cause') : error;
  if (!isError(thrown)) return null;
  if (!isMisuse(thrown) && !(mistakes === 'block' && isOfLanguage(thrown))) return null;
  return new WorkflowMistakeError(
    `The code of the workflow has a mistake, so its run is blocked instead of failing: ${errorText(error).replace(/\.$/, '')}. Mend it and deploy: the run goes on from its last step.`,
    { cause: error },
  );
}
