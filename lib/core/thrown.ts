import { limit, LONGEST_MESSAGE, LONGEST_NAME } from './values/failure-limits.js';
import { isError as hasErrorTag, isObject } from './values/tags.js';

/*
 * Code may throw anything: null, a proxy that was revoked, an error whose `message` is a getter that throws. Whatever is
 * told of what somebody else made is read here, and nothing here ever throws.
 */

/** So many causes are told. */
const MOST_CAUSES = 8;

/** A property; `undefined` where it cannot be read. */
export function readProperty(value: unknown, key: PropertyKey): unknown {
  if (!isObject(value) && typeof value !== 'function') return undefined;
  try {
    return Reflect.get(value, key);
  } catch {
    return undefined;
  }
}

/** `instanceof`, of what may be a proxy that throws at it. */
export function isInstance<T>(value: unknown, type: abstract new (...args: never[]) => T): value is T {
  try {
    return value instanceof type;
  } catch {
    return false;
  }
}

/** Whether it is an error of any realm (F8). Its properties may still be anything: read them from here. */
export function isError(value: unknown): value is Error {
  try {
    return isObject(value) && hasErrorTag(value);
  } catch {
    return false;
  }
}

/** `Array.isArray`, of what may be a proxy that was revoked. Read its items from here, too. */
export function isArray(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

export function lengthOf(list: readonly unknown[]): number {
  const length = readProperty(list, 'length');
  return typeof length === 'number' ? length : 0;
}

/** Any value as a text of bounded length. */
export function textOf(value: unknown): string {
  try {
    return limit(String(value), LONGEST_MESSAGE);
  } catch {
    return isObject(value) ? 'an object that has no text' : 'something that has no text';
  }
}

/** What an error calls itself. */
export function errorName(error: unknown): string {
  const name = readProperty(error, 'name');
  return limit(typeof name === 'string' && name !== '' ? name : 'Error', LONGEST_NAME);
}

/** The message of an error: its own, or the text of what is none. */
export function messageOf(error: unknown): string {
  if (!isError(error)) return textOf(error);
  const message = readProperty(error, 'message');
  // An object would be shown as such, which tells nothing.
  return isObject(message) || typeof message === 'function' ? '' : textOf(message ?? '');
}

/** The same with the error's name. */
export const errorText = (error: unknown): string =>
  isError(error) ? `${errorName(error)}: ${messageOf(error)}` : textOf(error);

/** The same with what caused it. */
export function errorTextWithCauses(error: unknown): string {
  const texts = [errorText(error)];
  for (let cause = causeOf(error); cause !== undefined && texts.length < MOST_CAUSES; cause = causeOf(cause))
    texts.push(errorText(cause));
  return texts.join(', because of ');
}

const causeOf = (error: unknown): unknown => (isError(error) ? readProperty(error, 'cause') : undefined);

/** The stack, where it is one: `Error.prepareStackTrace` of an application may make anything of it. */
export function stackOf(error: unknown): string | undefined {
  const stack = readProperty(error, 'stack');
  return typeof stack === 'string' ? stack : undefined;
}

/** What was thrown, as an error: itself where it is one that can be read. */
export function toError(thrown: unknown): Error {
  const isReadable =
    isError(thrown) &&
    typeof readProperty(thrown, 'name') === 'string' &&
    typeof readProperty(thrown, 'message') === 'string';
  return isReadable ? thrown : new Error(errorText(thrown), { cause: thrown });
}
