import { setTimeout as pause } from 'node:timers/promises';

/** The promise, or after `ms` an error that says what never came. */
export async function within<T>(ms: number, what: string | (() => string), promise: Promise<T>): Promise<T> {
  const limit = new AbortController();
  const timeout = pause(ms, undefined, { signal: limit.signal }).then(
    () => {
      throw new Error(`Not within ${ms} ms: ${typeof what === 'string' ? what : what()}`);
    },
    () => undefined as never,
  );
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    limit.abort();
  }
}

/** Asks until the answer is yes. */
export async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await pause(20);
}
