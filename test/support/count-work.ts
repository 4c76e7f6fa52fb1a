/*
 * How much is looked at, without a clock: every item of an array, a map or a set that a method or a loop passes over.
 * What grows with the square of a number shows itself on any machine.
 */

type Method = (this: { readonly length?: number; readonly size?: number }, ...args: unknown[]) => unknown;

const OF_ARRAYS =
  'filter find findLast findIndex findLastIndex map flatMap some every forEach reduce includes indexOf concat slice ' +
  'splice shift unshift sort toSorted reverse toReversed join';
const WALKING: readonly [object, readonly string[]][] = [
  [Array.prototype, OF_ARRAYS.split(' ')],
  [Map.prototype, ['forEach']],
  [Set.prototype, ['forEach']],
];
const PARTS: ReadonlySet<string> = new Set(['slice', 'splice']);
const ITERATING: readonly [object, readonly PropertyKey[]][] = [
  [Array.prototype, [Symbol.iterator, 'keys', 'entries']],
  [Map.prototype, [Symbol.iterator, 'keys', 'values', 'entries']],
  [Set.prototype, [Symbol.iterator, 'values', 'entries']],
];

/** Runs `work`, and tells how many items were passed over meanwhile, by anything in this realm. */
export async function countWork(work: () => Promise<void>): Promise<number> {
  let count = 0;
  const restores: (() => void)[] = [];
  const put = (target: object, key: PropertyKey, make: (original: Method) => Method): void => {
    const before = Object.getOwnPropertyDescriptor(target, key)!;
    Object.defineProperty(target, key, { ...before, value: make(before.value as Method) });
    restores.push(() => Object.defineProperty(target, key, before));
  };
  for (const [target, keys] of WALKING) {
    for (const key of keys) {
      put(
        target,
        key,
        (original) =>
          function (...args) {
            const result = original.apply(this, args);
            // A part is looked at where it is, and not what stands beside it.
            const passed = PARTS.has(key) ? (result as { readonly length: number }).length : this.length;
            count += passed ?? this.size ?? 0;
            return result;
          },
      );
    }
  }
  for (const [target, keys] of ITERATING) {
    for (const key of keys) {
      put(
        target,
        key,
        (original) =>
          function (...args) {
            const iterator = original.apply(this, args) as Iterator<unknown>;
            const next = iterator.next.bind(iterator);
            return Object.assign(iterator, {
              next: () => {
                count++;
                return next();
              },
            });
          },
      );
    }
  }
  try {
    await work();
  } finally {
    for (const restore of restores.toReversed()) restore();
  }
  return count;
}
