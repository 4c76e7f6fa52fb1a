import type { EncodedFailure } from '../history.js';
import { define, newError } from './error-classes.js';
import { NO_FACTS } from './failure-writer.js';
import { readEmbedded } from './value-text.js';

/** What {@link writeFailure} wrote, of a cause or an item of `errors` as well. */
type FailureJson =
  | { readonly thrown: unknown }
  | {
      readonly name: string;
      readonly message: string;
      readonly stack?: string;
      readonly facts?: Readonly<Record<string, unknown>>;
      readonly cause?: FailureJson;
      readonly errors?: readonly FailureJson[];
    };

/** What was thrown: an error with the recorded stack, or the value that was no error. */
export function readFailure(text: EncodedFailure): unknown {
  return toThrown(JSON.parse(text) as FailureJson);
}

/** For an error that stands in a value. */
export function readError(text: string): Error {
  const thrown = readFailure(text);
  // Only errors are written as errors.
  return thrown as Error;
}

function toThrown(json: FailureJson): unknown {
  if ('thrown' in json) return readEmbedded(json.thrown, readError);
  const facts = json.facts ?? {};
  const error = newError(json.name, json.message, facts);
  define(error, 'stack', json.stack ?? String(error));
  for (const key of Object.keys(facts)) {
    if (!NO_FACTS.has(key)) define(error, key, readEmbedded(facts[key], readError), true);
  }
  if (json.cause !== undefined) define(error, 'cause', toThrown(json.cause));
  if (json.errors !== undefined) define(error, 'errors', json.errors.map(toThrown));
  return error;
}
