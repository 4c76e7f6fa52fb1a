import { misuse } from './misuse.js';
import { isStorableText, storableText, utf8BytesOf } from './names.js';

/** What an attribute can be: plain JSON, so that a database can index it. Write a time as text: `date.toISOString()`. */
export type AttributeValue =
  string | number | boolean | null | readonly AttributeValue[] | { readonly [key: string]: AttributeValue };

/** What lists show of a run and filter by. */
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** Attributes to set, over those that are there; `undefined` and `null` remove one. */
export type AttributePatch = Readonly<Record<string, AttributeValue | undefined>>;

/** A run has at most so many attributes. */
export const MOST_ATTRIBUTES = 32;
/** As JSON in UTF-8, all of them together. */
export const MOST_ATTRIBUTE_BYTES = 8_192;
/** The details of a run have at most so many characters. */
export const LONGEST_DETAILS = 4_096;

/** `null` removes one. Plain JSON, made anew: whoever has it may keep it. */
export type PlainPatch = Record<string, AttributeValue>;

/** The patch as plain JSON. Throws a `TypeError` for what is none. */
export function plainPatch(patch: unknown): PlainPatch {
  const problem = problemOf(patch, 'attributes', 0);
  if (problem !== null || typeof patch !== 'object' || patch === null || Array.isArray(patch)) {
    const why = problem ?? 'attributes is no object';
    throw misuse(new TypeError(`Attributes are plain JSON, but ${why}. Leave it out or convert it.`));
  }
  const entries = Object.entries(patch).map(([name, value]) => [name, (value as unknown) ?? null]);
  // The casts: it was just looked at.
  return JSON.parse(JSON.stringify(Object.fromEntries(entries))) as PlainPatch;
}

/** The attributes with a patch over them; those themselves if nothing changes. */
export function patched(attributes: Attributes, patch: PlainPatch): Attributes {
  const changed = Object.entries(patch).filter(([name, value]) =>
    value === null
      ? Object.hasOwn(attributes, name)
      : !Object.hasOwn(attributes, name) || !sameJson(attributes[name]!, value),
  );
  if (changed.length === 0) return attributes;
  const result = new Map(Object.entries(attributes));
  for (const [name, value] of changed) {
    if (value === null) result.delete(name);
    else result.set(name, value);
  }
  return Object.fromEntries(result);
}

/** The limit that attributes break: `a run has at most 32 attributes, these are 40`; `null` where they break none. */
export function attributesProblem(attributes: Readonly<Record<string, unknown>>): string | null {
  const { length } = Object.keys(attributes);
  if (length > MOST_ATTRIBUTES) return `a run has at most ${MOST_ATTRIBUTES} attributes, these are ${length}`;
  const bytes = utf8BytesOf(JSON.stringify(attributes));
  if (bytes <= MOST_ATTRIBUTE_BYTES) return null;
  return `the attributes of a run have at most ${MOST_ATTRIBUTE_BYTES} bytes as JSON, these have ${bytes}`;
}

/** A text that every database keeps, cut to {@link LONGEST_DETAILS}. Throws a `TypeError` for what is no text. */
export function plainDetails(details: unknown): string | null {
  if (details === null) return null;
  if (typeof details === 'string') return storableText(details.slice(0, LONGEST_DETAILS));
  throw misuse(new TypeError(`The details of a run are text or null, but this is a ${typeof details}.`));
}

/** As a JSON database sees it: the order of members does not matter, that of items does. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = Object.entries(a);
  const right = new Map<string, unknown>(Object.entries(b));
  return (
    left.length === right.size &&
    left.every(([key, value]) => right.has(key) && sameJson(value, right.get(key)))
  );
}

/** Deeper than this is no attribute, but may be a cycle. */
const DEEPEST = 16;

/** Why a value is no plain JSON: `attributes.due is an object of a class`. */
function problemOf(value: unknown, path: string, depth: number): string | null {
  switch (typeof value) {
    case 'string':
      return isStorableText(value) ? null : `${path} has \\u0000 or half of a surrogate pair`;
    case 'number':
      return Number.isFinite(value) ? null : `${path} is ${value}`;
    case 'boolean':
      return null;
    case 'object':
      return value === null ? null : problemIn(value, path, depth);
    case 'undefined':
      // An attribute that is to be removed.
      return depth === 1 ? null : `${path} is undefined`;
    case 'bigint':
    case 'function':
    case 'symbol':
      return `${path} is a ${typeof value}`;
  }
}

function problemIn(value: object, path: string, depth: number): string | null {
  if (depth > DEEPEST) return `${path} is too deep`;
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) {
      const problem = problemOf(item, `${path}[${i}]`, depth + 1);
      if (problem !== null) return problem;
    }
    return null;
  }
  if (!isPlainObject(value)) return `${path} is an object of a class`;
  for (const [key, member] of Object.entries(value)) {
    if (!isStorableText(key)) return `a name in ${path} has \\u0000 or half of a surrogate pair`;
    const problem = problemOf(member, `${path}.${key}`, depth + 1);
    if (problem !== null) return problem;
  }
  return null;
}

/** By shape and not by `Object.prototype`, which is another one in every realm (F8). */
function isPlainObject(value: object): boolean {
  if (Object.prototype.toString.call(value) !== '[object Object]') return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
