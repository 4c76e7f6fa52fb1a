import { setImmediate } from 'node:timers/promises';

export function only<T>(items: readonly T[]): T {
  const [first] = items;
  if (first === undefined || items.length !== 1)
    throw new Error(`One was expected, and ${items.length} came.`);
  return first;
}

export const range = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

export const countOf = (answers: readonly { readonly type: string }[], type: string): number =>
  answers.filter((answer) => answer.type === type).length;

/** Does `work` for 0 to `count - 1`, `width` of them at a time. */
export async function inParallel(
  count: number,
  width: number,
  work: (i: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(range(width).map(lane));
}

/**
 * Does two things at the same time, in either order and a little apart: `i` chooses among the ways. An adapter that
 * answers at once meets every order so, one with a network meets more.
 */
export async function race<A, B>(
  i: number,
  a: () => Promise<A>,
  b: () => Promise<B>,
): Promise<readonly [A, B]> {
  const [first, second] = [Math.floor(i / 3) % 3, i % 3];
  return await Promise.all([later(first, a), later(second, b)]);
}

async function later<T>(ticks: number, work: () => Promise<T>): Promise<T> {
  for (let tick = 0; tick < ticks; tick++) await setImmediate();
  return await work();
}

/** Watches a promise that should not be settled yet. */
export function watch<T>(promise: Promise<T>): {
  readonly settled: () => boolean;
  readonly promise: Promise<T>;
} {
  let settled = false;
  const watching = async (): Promise<void> => {
    await Promise.allSettled([promise]);
    settled = true;
  };
  void watching();
  return { settled: () => settled, promise };
}

/** Something that others wait for. */
export function gate(): { readonly open: () => void; readonly opened: Promise<void> } {
  const waiting: (() => void)[] = [];
  const opened = new Promise<void>((resolve) => waiting.push(resolve));
  return { open: () => waiting.forEach((resolve) => resolve()), opened };
}
