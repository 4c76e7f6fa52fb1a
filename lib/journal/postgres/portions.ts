import { JournalError, JournalRefusedError, JournalUnavailableError } from '../errors.js';
import type { Unanswered } from '../errors.js';
import { isOutage } from '../journal-retry.js';

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
