import { stringify, unflatten } from 'devalue';
import { UnstorableValueError } from '../errors.js';
import type { Encoded } from '../history.js';
import { ErrorText } from './error-text.js';
import { PlainCopy, type WriteError } from './plain-copy.js';
import { isPlainJson } from './plain-json.js';
import { isObject } from './tags.js';

export type { WriteError } from './plain-copy.js';

/** Makes an error of the text that a {@link WriteError} gave. */
export type ReadError = (text: string) => Error;

/**
 * A value is written in one of two forms. Plain: the JSON of it. Rich, for what JSON would change: one property of this
 * name with what devalue makes of the value. A plain object that begins with this very property is written rich too,
 * so the first characters tell the form.
 */
const TAG = '$continuum';
const OPENING = `{"${TAG}":`;
/** What `void` activities and signals without a payload give. */
const UNDEFINED = `${OPENING}-1}`;

/** Deeper values would overflow the stack, and where they do would depend on the caller. */
export const DEEPEST_VALUE = 1_000;

/**
 * The text of a value. Throws {@link UnstorableValueError}.
 *
 * @param deepest how many levels of objects may stand in each other
 */
export function writeValue(value: unknown, writeError: WriteError, deepest = DEEPEST_VALUE): Encoded {
  if (value === undefined) return UNDEFINED;
  const plain = writePlain(value);
  if (plain !== undefined) return plain;
  const copy = PlainCopy.of(value, writeError, deepest);
  // An instance with `toJSON` may well have become plain.
  return writePlain(copy) ?? writeRich(copy);
}

export function readValue(text: Encoded, readError: ReadError): unknown {
  if (text === UNDEFINED) return undefined;
  const json: unknown = JSON.parse(text);
  return text.startsWith(OPENING) ? readRich(json, readError) : json;
}

/** Like {@link readValue}, for a text that was part of a larger one. */
export function readEmbedded(json: unknown, readError: ReadError): unknown {
  return isObject(json) && Object.keys(json)[0] === TAG ? readRich(json, readError) : json;
}

function writePlain(value: unknown): Encoded | undefined {
  try {
    if (!isPlainJson(value)) return undefined;
    const text = JSON.stringify(value);
    return text.startsWith(OPENING) ? undefined : text;
  } catch {
    // A getter or a proxy threw; the copy finds out where. Or the text is too long, with all references written out.
    return undefined;
  }
}

function writeRich(copy: unknown): Encoded {
  try {
    return `${OPENING}${stringify(copy, REDUCERS, WRITING)}}`;
  } catch (error) {
    const rule = 'A value whose text is longer than a string can be cannot be stored.';
    throw new UnstorableValueError(`${rule} Store where its content is to be found.`, '$', { cause: error });
  }
}

function readRich(json: unknown, readError: ReadError): unknown {
  const flat: number | unknown[] = Reflect.get(json as object, TAG);
  return unflatten(flat, { Error: readError }, READING);
}

const REDUCERS = { Error: (value: unknown) => ErrorText.textOf(value) };

// devalue refuses properties named `__proto__`: they get another name in the text.
const WRITING = {
  operations: {
    shapeOf: (object: object) => ({ kind: 'plain' as const, keys: Object.keys(object).map(escapeKey) }),
    get: (target: object, key: string | number) =>
      Reflect.get(target, typeof key === 'string' ? unescapeKey(key) : key),
  },
};
const READING = {
  operations: {
    set: (target: object, key: string | number, value: unknown) => {
      const name = typeof key === 'string' ? unescapeKey(key) : key;
      Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
    },
  },
};

/** `__proto__` ↔ `~__proto__` ↔ `~~__proto__` … */
function escapeKey(key: string): string {
  return /^~*__proto__$/.test(key) ? `~${key}` : key;
}

function unescapeKey(key: string): string {
  return /^~+__proto__$/.test(key) ? key.slice(1) : key;
}
