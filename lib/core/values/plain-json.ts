import { inheritsFromError, isTaggedObject } from './tags.js';

/** Beyond it a value may be a cycle, which only the rich form can hold. */
const DEEPEST = 100;
/** Beyond it a value is larger than any payload, or small with many references to the same things. */
const MOST_VISITS = 1_000_000;

let visits = 0;

/**
 * Whether `JSON.parse(JSON.stringify(value))` is the value again, or for an instance of a class its plain data.
 * Reads everything once and allocates nothing. What is no plain JSON may be rich, or not storable at all.
 */
export function isPlainJson(value: unknown): boolean {
  visits = 0;
  return isPlain(value, 0);
}

function isPlain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return value === 0 ? 1 / value > 0 : Number.isFinite(value);
    case 'object':
      if (value === null) return true;
      visits += 1;
      if (depth > DEEPEST || visits > MOST_VISITS) return false;
      return Array.isArray(value) ? isPlainArray(value, depth) : isPlainObject(value, depth);
    case 'undefined':
    case 'bigint':
    case 'symbol':
    case 'function':
      return false;
  }
}

function isPlainArray(array: readonly unknown[], depth: number): boolean {
  if (decidesItself(array)) return false;
  for (let i = 0; i < array.length; i += 1) {
    // A hole reads as undefined, so a sparse array of any length ends at its first one.
    if (!isPlain(array[i], depth + 1)) return false;
  }
  return true;
}

function isPlainObject(object: object, depth: number): boolean {
  if (!isTaggedObject(object) || decidesItself(object) || inheritsFromError(object)) return false;
  for (const key in object) {
    if (Object.hasOwn(object, key) && !isPlain((object as Record<string, unknown>)[key], depth + 1))
      return false;
  }
  return true;
}

/** Thenables are refused, streams as well, and what has `toJSON` says itself what is stored of it. */
function decidesItself(value: object): boolean {
  const { toJSON, then, pipe } = value as { toJSON?: unknown; then?: unknown; pipe?: unknown };
  return typeof toJSON === 'function' || typeof then === 'function' || typeof pipe === 'function';
}
