import { tagOf } from './tags.js';

/**
 * Copies of what the language and the platform bring along and devalue can write. Each copier asks for the brand of
 * its type, which works for values of every realm, and throws for an object that only wears the tag.
 */
const COPIERS: ReadonlyMap<string, (source: object) => unknown> = new Map<
  string,
  (source: object) => unknown
>([
  ['Date', (source) => new Date(Date.prototype.getTime.call(source))],
  [
    'RegExp',
    (source: object) =>
      new RegExp(get(RegExp.prototype, 'source', source), get(RegExp.prototype, 'flags', source)),
  ],
  ['URL', (source) => new URL(get(URL.prototype, 'href', source))],
  ['URLSearchParams', (source) => new URLSearchParams(URLSearchParams.prototype.toString.call(source))],
  ['ArrayBuffer', copyBuffer],
  // Wrapped primitives are their primitives, as in JSON.
  ['Number', (source) => Number.prototype.valueOf.call(source)],
  ['String', (source) => String.prototype.valueOf.call(source)],
  ['Boolean', (source) => Boolean.prototype.valueOf.call(source)],
  ['BigInt', (source) => BigInt.prototype.valueOf.call(source)],
]);

/** A copy; nothing when the object is none of these types. */
export function copyBuiltin(source: object): { readonly copy: unknown } | undefined {
  try {
    if (ArrayBuffer.isView(source)) return { copy: copyView(source) };
    const copier = COPIERS.get(tagOf(source));
    return copier && { copy: copier(source) };
  } catch {
    // It only wears the tag, or its buffer was transferred away.
    return undefined;
  }
}

/** What iterates over the Map, of any realm; nothing when it is none. */
export function entriesOf(source: object): Iterable<[unknown, unknown]> | undefined {
  return tagOf(source) === 'Map' ? branded(() => Map.prototype.entries.call(source)) : undefined;
}

/** What iterates over the Set, of any realm; nothing when it is none. */
export function membersOf(source: object): Iterable<unknown> | undefined {
  return tagOf(source) === 'Set' ? branded(() => Set.prototype.values.call(source)) : undefined;
}

function branded<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** The getter of a prototype, called on an object of any realm. */
function get(prototype: object, key: string, source: object): string {
  return Reflect.get(prototype, key, source);
}

function copyBuffer(source: object): ArrayBuffer {
  // Throws for what is no buffer; a typed array would take it for a list of numbers.
  const length: number = Reflect.get(ArrayBuffer.prototype, 'byteLength', source);
  return new Uint8Array(source as ArrayBuffer, 0, length).slice().buffer;
}

/** Only the bytes that the view shows: a Buffer is a window on memory that it shares with others. */
function copyView(view: ArrayBufferView): ArrayBufferView {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
  // The brand of the view, whatever a subclass calls itself; a Buffer is a Uint8Array.
  const kind: string | undefined = Reflect.get(
    Object.getPrototypeOf(Uint8Array.prototype),
    Symbol.toStringTag,
    view,
  );
  if (kind === undefined) return new DataView(bytes.buffer);
  const constructor: new (buffer: ArrayBuffer) => ArrayBufferView = Reflect.get(globalThis, kind);
  return new constructor(bytes.buffer);
}
