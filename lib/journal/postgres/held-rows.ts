import { setTimeout as elapsed } from 'node:timers/promises';
import { ContentionError, hasWrittenNothing } from '../errors.js';
import { DuplicateKeyError } from './error-translation.js';

/** How long a verb keeps trying while a row is locked, in ms. */
const HELD_ROW_TIMEOUT = 10_000;
/** The first pause between two tries, and the longest, in ms. */
const FIRST_PAUSE = 5;
const LONGEST_PAUSE = 400;

/**
 * Repeats work that fails because somebody else has a row locked or was quicker, until it is done or {@link HELD_ROW_TIMEOUT} is
 * over.
 * A failed try has written nothing. Between two tries nothing is held, neither a connection nor a place in a line. `work` is
 * told until when it is tried, by the monotonic clock.
 */
export async function untilFree<T>(
  work: (end: number) => Promise<T>,
  mayRepeat: () => boolean = () => true,
): Promise<T> {
  const end = performance.now() + HELD_ROW_TIMEOUT;
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    try {
      return await work(end);
    } catch (error) {
      if (!isWorthAnotherTry(error) || !mayRepeat() || performance.now() > end) throw error;
    }
    await shortly(pause);
  }
}

/**
 * Does `work` for all items, and again for those that came back undone, until none is left or {@link HELD_ROW_TIMEOUT} is over. Items
 * that are undone then keep that answer. So do they where a later try fails and has written nothing: what the others were
 * answered is true, and must not be lost with its error.
 */
export async function untilDone<Item, Answer>(
  items: readonly Item[],
  work: (items: readonly Item[], end: number) => Promise<readonly Answer[]>,
  undone: Answer,
  isUndone: (answer: Answer) => boolean,
): Promise<readonly Answer[]> {
  const end = performance.now() + HELD_ROW_TIMEOUT;
  const answers = items.map(() => undone);
  let left = items.map((item, place) => ({ item, place }));
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    const found = await orUndone(
      () =>
        work(
          left.map(({ item }) => item),
          end,
        ),
      left.length < items.length,
    );
    if (found === 'failed') return answers;
    if (found !== null) {
      left.forEach(({ place }, i) => (answers[place] = found[i] ?? undone));
      left = left.filter((_, i) => isUndone(found[i] ?? undone));
    }
    if (left.length === 0 || performance.now() > end) return answers;
    await shortly(pause);
  }
}

/** A pause with chance in it, so that those who wait for one row do not all come back at once. */
const shortly = (ms: number): Promise<void> => elapsed(ms * (0.5 + Math.random()));

/** `null` where a lock was not given in time; `failed` where something else went wrong, wrote nothing, and others were answered. */
async function orUndone<T>(work: () => Promise<T>, othersAreDone: boolean): Promise<T | null | 'failed'> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ContentionError) return null;
    if (othersAreDone && hasWrittenNothing(error)) return 'failed';
    throw error;
  }
}

/** Another transaction was quicker, or holds a lock. Nothing was written, so another try is right. */
export function isWorthAnotherTry(error: unknown): boolean {
  // The same start was sent twice, and the other one was committed after the snapshot of this statement.
  return (
    error instanceof ContentionError ||
    (error instanceof DuplicateKeyError && error.constraint === 'runs_pkey')
  );
}
