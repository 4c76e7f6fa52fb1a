import { ContentionError, DuplicateKeyError } from './error-translation.js';

/** How long a verb keeps trying what somebody else holds, in ms. */
const PATIENCE = 10_000;

/**
 * Tries what can fail because somebody else was quicker or holds a lock, until it is done or patience is at an end. A
 * failed try has written nothing, and holds no connection while the next one waits for its turn.
 */
export async function patiently<T>(
  work: () => Promise<T>,
  mayRepeat: () => boolean = () => true,
): Promise<T> {
  const end = performance.now() + PATIENCE;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isWorthAnotherTry(error) || !mayRepeat() || performance.now() > end) throw error;
    }
  }
}

/**
 * Does `work` for all items, and again for those that came back undone, until none is left or patience is at an end:
 * what is undone then is answered as it is.
 */
export async function untilDone<Item, Answer>(
  items: readonly Item[],
  work: (items: readonly Item[]) => Promise<readonly Answer[]>,
  undone: Answer,
  isUndone: (answer: Answer) => boolean,
): Promise<readonly Answer[]> {
  const end = performance.now() + PATIENCE;
  const answers = items.map(() => undone);
  let left = items.map((item, place) => ({ item, place }));
  do {
    const found = await orUndone(() => work(left.map(({ item }) => item)));
    if (found === null) continue;
    left.forEach(({ place }, i) => (answers[place] = found[i] ?? undone));
    left = left.filter((_, i) => isUndone(found[i] ?? undone));
  } while (left.length > 0 && performance.now() < end);
  return answers;
}

/** `null` where a lock was not given in time. */
async function orUndone<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ContentionError) return null;
    throw error;
  }
}

function isWorthAnotherTry(error: unknown): boolean {
  // One start, sent twice: its run began to exist behind our snapshot.
  return (
    error instanceof ContentionError ||
    (error instanceof DuplicateKeyError && error.constraint === 'runs_pkey')
  );
}

/** Lets at most so many in at a time. */
export class Turnstile {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(places: number) {
    this.#free = places;
  }

  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
