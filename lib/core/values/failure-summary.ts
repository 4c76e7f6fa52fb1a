import type { EncodedFailure } from '../history.js';
import { limit, LONGEST_NAME } from './failure-limits.js';

/** So many characters of a failure are looked at; the stack and the causes come after them. */
export const SUMMARY_LENGTH = 4_096;
const LONGEST_SUMMARY = 1_024;

/** What failed, in a line. */
export interface FailureSummary {
  /** The name of the error: of its class, mostly. */
  readonly name: string;
  /** Its message; where something else than an error was thrown, the text of that. Long ones are cut. */
  readonly message: string;
}

/**
 * The name and the message of a failure that `writeFailure` wrote, from its beginning alone: a list shows many, and the
 * whole of each is large. Never throws.
 *
 * @param text the failure, or its first {@link SUMMARY_LENGTH} characters at least
 */
export function summarizeFailure(text: EncodedFailure): FailureSummary {
  const beginning = text.slice(0, SUMMARY_LENGTH);
  const [, name, message] = HEAD.exec(beginning) ?? [];
  return name === undefined || message === undefined
    ? { name: 'Error', message: limit(thrownText(beginning), LONGEST_SUMMARY) }
    : { name: limit(unescaped(name), LONGEST_NAME), message: limit(unescaped(message), LONGEST_SUMMARY) };
}

/** Name and message stand first. A message that is cut ends before an escape that is not whole. */
const HEAD =
  /^\{"name":"((?:[^"\\]|\\u[0-9a-f]{4}|\\[^u])*)","message":"((?:[^"\\]|\\u[0-9a-f]{4}|\\[^u])*)/i;
const THROWN = '{"thrown":';

const unescaped = (text: string): string => JSON.parse(`"${text}"`) as string;

/** Of what is no error. */
function thrownText(beginning: string): string {
  try {
    const { thrown } = JSON.parse(beginning) as { readonly thrown: unknown };
    if (typeof thrown === 'string') return thrown;
  } catch {
    // It is longer than that: shown as it was written.
  }
  return beginning.startsWith(THROWN) ? beginning.slice(THROWN.length).replace(/\}$/, '') : beginning;
}
