// `any` below stands in positions that only infer: a constraint with `unknown` would refuse every method.
/* oxlint-disable typescript/no-explicit-any */

type Scalar = string | number | boolean | bigint | null | undefined | void;
/** What keeps its class: see docs/durable-values.md. A `Buffer` does not; it is told by a method that no other view has. */
type Kept = Date | RegExp | URL | URLSearchParams | ArrayBufferView | ArrayBuffer;
type Unstorable = ((...args: any[]) => unknown) | (abstract new (...args: any[]) => unknown) | symbol;

/**
 * What comes back of a value that was stored, as the result of an activity, of a run or of a query is: instances of
 * classes as plain objects without their methods, a `Buffer` as a `Uint8Array`, what has a `toJSON()` as what it gives.
 * `Date`, `Map`, `Set`, `bigint` and the like stay what they are.
 *
 * ```ts
 * class Price { constructor(readonly cents: number) {} euros() { return this.cents / 100; } }
 *
 * const price = await ctx.run(LoadPrice, sku); // Stored<Price>: { readonly cents: number }
 * ```
 *
 * What the compiler cannot tell from a field: getters of a class are in this type, but do not come back.
 */
export type Stored<T> = 0 extends 1 & T
  ? T
  : unknown extends T
    ? T
    : T extends Scalar
      ? T
      : T extends { readUInt8: unknown; buffer: unknown }
        ? Uint8Array
        : T extends Kept
          ? T
          : T extends Map<infer K, infer V>
            ? Map<Stored<K>, Stored<V>>
            : T extends Set<infer V>
              ? Set<Stored<V>>
              : T extends ReadonlyMap<infer K, infer V>
                ? ReadonlyMap<Stored<K>, Stored<V>>
                : T extends ReadonlySet<infer V>
                  ? ReadonlySet<Stored<V>>
                  : StoredObject<T>;

type StoredObject<T> = T extends Unstorable | PromiseLike<unknown>
  ? never
  : T extends readonly unknown[]
    ? { [I in keyof T]: Stored<T[I]> }
    : T extends Error
      ? StoredFields<T>
      : T extends { toJSON(...args: any[]): infer J }
        ? Stored<J>
        : StoredFields<T>;

/** Own data: no methods, and nothing under a symbol. */
type StoredFields<T> = {
  [
    K in keyof T as K extends symbol ? never : [T[K]] extends [Unstorable | undefined] ? DataKey<K, T[K]> : K
  ]: Stored<T[K]>;
};
/** A field that is `undefined` or `never` is data, a method that may be missing is none. */
type DataKey<K, V> = [V] extends [undefined] ? K : never;
