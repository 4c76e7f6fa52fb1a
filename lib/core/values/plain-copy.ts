import { UnstorableValueError } from '../errors.js';
import { copyBuiltin, entriesOf, membersOf } from './builtin-copies.js';
import { ErrorText } from './error-text.js';
import {
  A_FUNCTION,
  A_PROMISE,
  A_STREAM,
  A_SYMBOL,
  opaque,
  type Refusal,
  tooDeep,
  unreadable,
} from './refusal.js';
import { isError, isObject, tagOf } from './tags.js';
import { intoMap, renderPath, type Step } from './value-path.js';

/** Gives the text of an error that stands in a value. */
export type WriteError = (error: object) => string;

/** Of these nothing could be read, whatever properties somebody gave them. */
const ALWAYS_OPAQUE: ReadonlySet<string> = new Set([
  'WeakMap',
  'WeakSet',
  'WeakRef',
  'Generator',
  'AsyncGenerator',
]);

const HIGHEST_INDEX = 2 ** 32 - 2;

/**
 * Copies a value into plain objects, arrays and builtins of this realm, with cycles and shared references kept.
 * Every property is read once. Refuses what cannot be stored, with the path to it.
 */
export class PlainCopy {
  readonly #writeError: WriteError;
  readonly #deepest: number;
  readonly #copies = new Map<object, unknown>();
  /** What `toJSON` gave, and whose it was: both have the same copy. */
  readonly #originals = new Map<object, object>();
  /** Where the copy is now. Not unwound by a throw, so that it still says where that was. */
  readonly #path: Step[] = [];
  #refused: UnstorableValueError | undefined;

  private constructor(writeError: WriteError, deepest: number) {
    this.#writeError = writeError;
    this.#deepest = deepest;
  }

  /** Throws {@link UnstorableValueError}. */
  static of(value: unknown, writeError: WriteError, deepest: number): unknown {
    const copy = new PlainCopy(writeError, deepest);
    try {
      return copy.#copy(value);
    } catch (error) {
      throw error === copy.#refused ? error : copy.#refusal(unreadable(error), error);
    }
  }

  #copy(value: unknown): unknown {
    switch (typeof value) {
      case 'function':
        return this.#refuse(A_FUNCTION);
      case 'symbol':
        return this.#refuse(A_SYMBOL);
      case 'object':
        return value === null ? null : (this.#copies.get(value) ?? this.#copyObject(value));
      case 'string':
      case 'number':
      case 'boolean':
      case 'bigint':
      case 'undefined':
        return value;
    }
  }

  #copyObject(source: object): unknown {
    if (this.#path.length > this.#deepest) this.#refuse(tooDeep(this.#deepest));
    const known = this.#copyKnown(source);
    if (known !== undefined) return known;
    this.#refuseThenable(source);
    const { toJSON } = source as { toJSON?: unknown };
    if (typeof toJSON !== 'function') return this.#copyData(source);
    return this.#copyJson(source, Reflect.apply(toJSON, source, [this.#key()]));
  }

  /** Builtins and errors, which may have a `toJSON` that would lose something; nothing when it is none of them. */
  #copyKnown(source: object): unknown {
    const builtin = copyBuiltin(source);
    if (builtin !== undefined) return this.#remember(source, builtin.copy);
    const entries = entriesOf(source);
    if (entries !== undefined) return this.#copyMap(source, entries);
    const members = membersOf(source);
    if (members !== undefined) return this.#copySet(source, members);
    return isError(source) ? this.#remember(source, new ErrorText(this.#writeError(source))) : undefined;
  }

  /** What `toJSON` gave stands for the instance, as in JSON; it is not asked for another `toJSON`. */
  #copyJson(source: object, json: unknown): unknown {
    if (!isObject(json)) return this.#copy(json);
    if (json !== source) {
      if (this.#copies.has(json)) return this.#copies.get(json);
      this.#originals.set(json, source);
    }
    return this.#copyKnown(json) ?? this.#copyData(json);
  }

  #copyData(source: object): object {
    this.#refuseThenable(source);
    if (Array.isArray(source)) return this.#copyArray(source);
    if (typeof (source as { pipe?: unknown }).pipe === 'function') this.#refuse(A_STREAM);
    const tag = tagOf(source);
    const keys = Object.keys(source);
    // Platform objects name themselves and have no properties; a class of the user that names itself has some.
    if (ALWAYS_OPAQUE.has(tag) || (tag !== 'Object' && keys.length === 0)) this.#refuse(opaque(tag));
    const copy = this.#remember(source, {});
    for (const key of keys)
      this.#define(
        copy,
        key,
        this.#copyAt(key, () => Reflect.get(source, key)),
      );
    return copy;
  }

  #copyArray(source: readonly unknown[]): unknown[] {
    const copy: unknown[] = this.#remember(source, []);
    for (let i = 0; i < source.length; i += 1) {
      if (!Object.hasOwn(source, i)) return this.#copySparse(source, copy);
      copy.push(this.#copyAt(i, () => source[i]));
    }
    return copy;
  }

  /** Only what is there: an array may have one item and a length of millions. */
  #copySparse(source: readonly unknown[], copy: unknown[]): unknown[] {
    // Once this index was there, the engine keeps the array as a dictionary and makes no room for the holes.
    copy[HIGHEST_INDEX] = undefined;
    Reflect.deleteProperty(copy, HIGHEST_INDEX);
    const { length } = source;
    copy.length = length;
    for (const key of Object.keys(source)) {
      const index = Number(key);
      if (String(index) !== key || index >= length) continue;
      if (!Object.hasOwn(copy, index)) copy[index] = this.#copyAt(index, () => source[index]);
    }
    return copy;
  }

  #copyMap(source: object, entries: Iterable<[unknown, unknown]>): Map<unknown, unknown> {
    const copy = this.#remember(source, new Map<unknown, unknown>());
    let n = 0;
    for (const [key, value] of entries) {
      const at = n;
      const copiedKey = this.#copyAt(
        () => `.keys()[${at}]`,
        () => key,
      );
      copy.set(
        copiedKey,
        this.#copyAt(intoMap(key), () => value),
      );
      n += 1;
    }
    return copy;
  }

  #copySet(source: object, members: Iterable<unknown>): Set<unknown> {
    const copy = this.#remember(source, new Set<unknown>());
    let n = 0;
    for (const member of members) {
      const at = n;
      copy.add(
        this.#copyAt(
          () => `.values()[${at}]`,
          () => member,
        ),
      );
      n += 1;
    }
    return copy;
  }

  /** What JSON would tell a `toJSON` method about its place. */
  #key(): string {
    const step = this.#path.at(-1);
    return typeof step === 'function' ? step() : String(step ?? '');
  }

  #copyAt(step: Step, read: () => unknown): unknown {
    this.#path.push(step);
    const copy = this.#copy(read());
    this.#path.pop();
    return copy;
  }

  /** Before its parts are copied, so that a cycle finds it. */
  #remember<T>(source: object, copy: T): T {
    this.#copies.set(source, copy);
    const original = this.#originals.get(source);
    if (original !== undefined) this.#copies.set(original, copy);
    return copy;
  }

  #define(target: object, key: string, value: unknown): void {
    // A plain assignment to `__proto__` would set the prototype.
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  }

  #refuseThenable(source: object): void {
    if (typeof (source as { then?: unknown }).then === 'function') this.#refuse(A_PROMISE);
  }

  #refuse(refusal: Refusal): never {
    throw (this.#refused = this.#refusal(refusal));
  }

  #refusal({ what, remedy }: Refusal, cause?: unknown): UnstorableValueError {
    const path = renderPath(this.#path);
    const message = `${what} cannot be stored: see ${path}. ${remedy}`;
    return new UnstorableValueError(message, path, ...(cause === undefined ? [] : [{ cause }]));
  }
}
