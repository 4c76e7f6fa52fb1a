/**
 * What a value is, told by its tag and by duck typing, never by `instanceof`: values cross realms, under Jest for
 * instance, and then `instanceof Date` or `instanceof Error` is false for what Node itself made (F8).
 */

/** Works for values of every realm. */
const describe = (value: object): string => Object.prototype.toString.call(value);

/** `'Date'`, `'Map'`, `'Object'` … A class may claim any tag, so a copier still asks for the brand. */
export function tagOf(value: object): string {
  return describe(value).slice('[object '.length, -1);
}

/** The common tag, told without making a string. */
export function isTaggedObject(value: object): boolean {
  return describe(value) === '[object Object]';
}

export type Primitive = string | number | boolean | bigint | symbol | null | undefined;

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Whether this is an error of any realm, also one made the old way: `Object.create(Error.prototype)`. */
export function isError(value: object): boolean {
  return inheritsFromError(value) || tagOf(value) === 'Error';
}

/** Looks for the `Error.prototype` of any realm. Allocates nothing for what is no error. */
export function inheritsFromError(value: object): boolean {
  let prototype: object | null = Object.getPrototypeOf(value);
  while (prototype !== null && prototype !== Object.prototype) {
    if (isErrorPrototype(prototype)) return true;
    prototype = Object.getPrototypeOf(prototype);
  }
  return false;
}

function isErrorPrototype(prototype: object): boolean {
  if (prototype === Error.prototype) return true;
  if (!Object.hasOwn(prototype, 'message') || !Object.hasOwn(prototype, 'toString')) return false;
  const field = (key: string): unknown => Object.getOwnPropertyDescriptor(prototype, key)?.value;
  return field('name') === 'Error' && field('message') === '';
}
