import { UnstorableValueError } from '../errors.js';
import type { EncodedFailure } from '../history.js';
import { isArray, isError, isInstance, lengthOf, messageOf, readProperty } from '../thrown.js';
import {
  DEEPEST_FACT,
  FRAMES,
  limit,
  limitStack,
  LONGEST_FACTS,
  LONGEST_FAILURE,
  LONGEST_NAME,
  LONGEST_THROWN,
  MOST_ERRORS,
  MOST_NESTED,
} from './failure-limits.js';
import { isObject } from './tags.js';
import { writeValue } from './value-text.js';

/** These have their own places, or would turn the error into something else. */
export const NO_FACTS: ReadonlySet<string> = new Set(['name', 'message', 'stack', 'cause']);

const NESTED_TOO_DEEPLY = `{"name":"Error","message":"Left out: only ${MOST_NESTED} errors are kept in each other."}`;
const TOO_MUCH =
  '{"name":"Error","message":"Left out: the errors before this one in the failure are long enough."}';
const UNREADABLE = '{"name":"Error","message":"An error that cannot be read."}';

/**
 * The text of what was thrown. Never throws.
 *
 * For an error: `{ name, message, stack, facts, cause, errors }`, where facts are its own properties, each written as a
 * value, and a cause is a failure again. For anything else: `{ thrown }`, a value.
 *
 * Writing what was read gives the same text: whatever is left out is left out where it would be again.
 */
export function writeFailure(thrown: unknown): EncodedFailure {
  return write(thrown, true);
}

/**
 * The text of an error that stands in a value: without stacks. Values are compared by their text (F7), and a stack differs
 * from one deploy to the next, and between the first execution and the replay.
 */
export function writeError(error: object): string {
  return write(error, false);
}

function write(thrown: unknown, withStacks: boolean): string {
  try {
    return new FailureWriter(withStacks).write(thrown);
  } catch {
    return UNREADABLE;
  }
}

class FailureWriter {
  /** The errors that the current one stands in. */
  readonly #open = new Set<object>();
  readonly #withStacks: boolean;
  #left = LONGEST_FAILURE;

  constructor(withStacks: boolean) {
    this.#withStacks = withStacks;
  }

  readonly write = (thrown: unknown): EncodedFailure => {
    // First of all and for everything, also for what this class itself puts in the place of something.
    return (
      this.#leftOut() ??
      (isObject(thrown) && isError(thrown) ? this.#writeOnce(thrown) : this.#writeThrown(thrown))
    );
  };

  #leftOut(): string | undefined {
    if (this.#open.size >= MOST_NESTED) return NESTED_TOO_DEEPLY;
    return this.#left <= 0 ? TOO_MUCH : undefined;
  }

  #writeOnce(error: object): string {
    if (this.#open.has(error)) return this.#notice(`Left out: ${nameOf(error)}, in which this error stands.`);
    this.#open.add(error);
    try {
      return this.#writeError(error);
    } finally {
      this.#open.delete(error);
    }
  }

  #writeError(error: object): string {
    const stack = this.#withStacks ? readProperty(error, 'stack') : undefined;
    const head = {
      name: nameOf(error),
      message: messageOf(error),
      // Without frames it only repeats the message.
      ...(typeof stack === 'string' && FRAMES.test(stack) ? { stack: limitStack(stack) } : {}),
    };
    return (
      this.#charged(JSON.stringify(head).slice(0, -1)) +
      this.#facts(error) +
      this.#cause(error) +
      this.#errors(error) +
      '}'
    );
  }

  /** What can be stored of the error's own properties. */
  #facts(error: object): string {
    const facts: string[] = [];
    let length = 0;
    for (const key of keysOf(error)) {
      if (NO_FACTS.has(key)) continue;
      const left = this.#left;
      const fact = this.#fact(error, key);
      if (fact === undefined || length + fact.length > LONGEST_FACTS) {
        this.#left = left;
      } else {
        length += fact.length;
        facts.push(this.#charged(fact));
      }
    }
    return facts.length === 0 ? '' : `,"facts":{${facts.join(',')}}`;
  }

  #fact(error: object, key: string): string | undefined {
    const value = readProperty(error, key);
    // Drivers declare many properties and set few.
    if (value === undefined) return undefined;
    try {
      return `${JSON.stringify(key)}:${this.#value(value)}`;
    } catch {
      return undefined;
    }
  }

  #cause(error: object): string {
    const own = hasOwn(error, 'cause');
    const cause = readProperty(error, 'cause');
    // Some libraries have a method of this name.
    if (typeof cause === 'function' || (!own && cause === undefined)) return '';
    return `,"cause":${this.write(cause)}`;
  }

  /** Of an `AggregateError`, told by a list that is not enumerable; one that is, is a fact. */
  #errors(error: object): string {
    const errors =
      keysOf(error).includes('errors') || !hasOwn(error, 'errors')
        ? undefined
        : readProperty(error, 'errors');
    if (!isArray(errors)) return '';
    const length = lengthOf(errors);
    const kept = length > MOST_ERRORS ? MOST_ERRORS - 1 : length;
    const texts = Array.from({ length: kept }, (_, index) => this.write(readProperty(errors, index)));
    if (kept < length) texts.push(this.#leftOut() ?? this.#notice(`Left out: ${length - kept} more errors.`));
    return `,"errors":[${texts.join(',')}]`;
  }

  #writeThrown(thrown: unknown): string {
    const left = this.#left;
    try {
      const text = this.#value(thrown);
      if (text.length <= LONGEST_THROWN) return `{"thrown":${this.#charged(text)}}`;
      this.#left = left;
      return this.#notice(`Thrown, and too long to be kept: ${limit(text, LONGEST_NAME)}`);
    } catch (error) {
      this.#left = left;
      const reason = isInstance(error, UnstorableValueError) ? error.message : 'It cannot be read.';
      return this.#notice(`Thrown, and not kept. ${reason}`);
    }
  }

  #value(value: unknown): string {
    return writeValue(value, this.write, DEEPEST_FACT);
  }

  #notice(message: string): string {
    return this.#charged(JSON.stringify({ name: 'Error', message }).slice(0, -1)) + '}';
  }

  #charged(text: string): string {
    this.#left -= text.length;
    return text;
  }
}

/** Of a class that did not set `name`, the name of the class: `class CardDeclined extends Error {}`. */
function nameOf(error: object): string {
  const name = readProperty(error, 'name');
  const given = typeof name === 'string' && name !== '' ? name : 'Error';
  if (given !== 'Error' || hasOwn(error, 'name')) return limit(given, LONGEST_NAME);
  const constructor = readProperty(error, 'constructor');
  const ofClass = typeof constructor === 'function' ? readProperty(constructor, 'name') : '';
  return limit(typeof ofClass === 'string' && ofClass !== '' ? ofClass : given, LONGEST_NAME);
}

// An error may be a proxy, or have getters that throw: what cannot be read is not there.

function hasOwn(error: object, key: string): boolean {
  try {
    return Object.hasOwn(error, key);
  } catch {
    return false;
  }
}

function keysOf(error: object): string[] {
  try {
    return Object.keys(error);
  } catch {
    return [];
  }
}
