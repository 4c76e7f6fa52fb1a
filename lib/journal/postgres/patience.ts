import { clearTimeout, setTimeout } from 'node:timers';
import { setTimeout as elapsed } from 'node:timers/promises';
import {
  ContentionError,
  JournalError,
  JournalRefusedError,
  JournalUnavailableError,
  type Unanswered,
} from '../errors.js';
import { isOutage } from '../journal-retry.js';
import { DuplicateKeyError } from './error-translation.js';

/** How long a verb keeps trying what somebody else holds, in ms. */
const PATIENCE = 10_000;
/** The first pause between two tries, and the longest, in ms. */
const FIRST_PAUSE = 5;
const LONGEST_PAUSE = 400;

/**
 * Repeats work that fails because somebody else has a row locked or was quicker, until it is done or {@link PATIENCE} is over.
 * A failed try has written nothing. Between two tries nothing is held, neither a connection nor a place in a line. `work` is
 * told when the patience ends, by the monotonic clock.
 */
export async function patiently<T>(
  work: (end: number) => Promise<T>,
  mayRepeat: () => boolean = () => true,
): Promise<T> {
  const end = performance.now() + PATIENCE;
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
 * Does `work` for all items, and again for those that came back undone, until none is left or {@link PATIENCE} is over. Items
 * that are undone then keep that answer.
 */
export async function untilDone<Item, Answer>(
  items: readonly Item[],
  work: (items: readonly Item[], end: number) => Promise<readonly Answer[]>,
  undone: Answer,
  isUndone: (answer: Answer) => boolean,
): Promise<readonly Answer[]> {
  const end = performance.now() + PATIENCE;
  const answers = items.map(() => undone);
  let left = items.map((item, place) => ({ item, place }));
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    const found = await orUndone(() =>
      work(
        left.map(({ item }) => item),
        end,
      ),
    );
    if (found !== null) {
      left.forEach(({ place }, i) => (answers[place] = found[i] ?? undone));
      left = left.filter((_, i) => isUndone(found[i] ?? undone));
    }
    if (left.length === 0 || performance.now() > end) return answers;
    await shortly(pause);
  }
}

/**
 * Does portions one after the other, each a write by itself: what one of them was answered stays true when a later one
 * fails. A portion with an item that cannot be stored is halved, until that one is alone: the others have no part in it.
 * Throws what failed only where nothing was answered to anybody.
 */
export async function portionByPortion<Item, Answer>(
  portions: readonly (readonly Item[])[],
  work: (portion: readonly Item[]) => Promise<readonly Answer[]>,
): Promise<readonly (Answer | Unanswered)[]> {
  const answers: (Answer | Unanswered)[] = [];
  let failed: JournalError | undefined;
  let answered = false;
  const left = [...portions];
  for (let portion = left.shift(); portion !== undefined; portion = left.shift()) {
    const outage = isOutage(failed) ? failed : undefined;
    if (outage !== undefined) {
      // Would fail as well, and is not tried: of these nothing was written.
      const error = new JournalUnavailableError(outage.detail, false, { cause: outage });
      answers.push(...portion.map((): Unanswered => ({ type: 'unanswered', error })));
      continue;
    }
    try {
      answers.push(...(await work(portion)));
      answered ||= portion.length > 0;
    } catch (error) {
      if (!(error instanceof JournalError)) throw error;
      const middle = portion.length >> 1;
      if (error instanceof JournalRefusedError && middle > 0) {
        left.unshift(portion.slice(0, middle), portion.slice(middle));
        continue;
      }
      failed = error;
      answers.push(...portion.map((): Unanswered => ({ type: 'unanswered', error })));
    }
  }
  if (failed !== undefined && !answered) throw failed;
  return answers;
}

/** Does one item by itself. An error of the journal becomes its answer, so that other items of the batch keep theirs. */
export async function orUnanswered<Answer>(work: () => Promise<Answer>): Promise<Answer | Unanswered> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof JournalError) return { type: 'unanswered', error };
    throw error;
  }
}

/** A pause with chance in it, so that those who wait for one row do not all come back at once. */
const shortly = (ms: number): Promise<void> => elapsed(ms * (0.5 + Math.random()));

/** `null` where a lock was not given in time. */
async function orUndone<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ContentionError) return null;
    throw error;
  }
}

/** Somebody else was quicker, or holds a lock. Nothing was written. */
export function isWorthAnotherTry(error: unknown): boolean {
  // The same start was sent twice, and the other one was committed after the snapshot of this statement.
  return (
    error instanceof ContentionError ||
    (error instanceof DuplicateKeyError && error.constraint === 'runs_pkey')
  );
}

/**
 * Lets at most so many pieces of work run at a time. There are two lines: work that passes ahead comes first. Work in the other
 * line waits until a given time only, because those inside may wait for a database that does not answer.
 */
export class Turnstile {
  #free: number;
  readonly #ahead: (() => void)[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(places: number) {
    this.#free = places;
  }

  /** Comes before all that {@link pass}, and waits for those inside without a limit. */
  passAhead<T>(work: () => Promise<T>): Promise<T> {
    return this.#pass(work, () => new Promise((resolve) => this.#ahead.push(resolve)));
  }

  /**
   * Throws {@link ContentionError} where its turn has not come by `end`: then `work` was not begun.
   *
   * @param end by the monotonic clock, in ms
   */
  pass<T>(work: () => Promise<T>, end: number): Promise<T> {
    return this.#pass(work, () => this.#stand(end));
  }

  async #pass<T>(work: () => Promise<T>, stand: () => Promise<void>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await stand();
    try {
      return await work();
    } finally {
      const [first] = this.#waiting;
      const next = this.#ahead.shift() ?? first;
      if (next === undefined) this.#free += 1;
      else next();
    }
  }

  #stand(end: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(enter);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.delete(enter);
        reject(
          new ContentionError(
            'So many wait for rows that somebody else holds that the turn of this one did not come. Nothing was written: try again.',
          ),
        );
      };
      const timer = setTimeout(leave, Math.max(0, end - performance.now()));
      this.#waiting.add(enter);
    });
  }
}
