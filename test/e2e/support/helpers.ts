import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

export const uniqueId = (): string => randomUUID();

/** What a promise rejects with. */
export async function caught(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('It was expected to be refused.');
}

/** Looks again and again, for what no event tells. */
export async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await pause(5);
}
