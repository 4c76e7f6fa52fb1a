import { isStorableText } from '../../core/index.js';
import type { UpdateAnswered } from '../../core/index.js';
import { JournalError } from '../errors.js';
import type { RefusalReason, UpdateAnswer, UpdateRef, UpdateRefusal } from '../port/index.js';
import { numberArray, textArray } from './array-literals.js';
import { toEntry } from './row-mapping.js';
import { type AnswerRow, readAnswers } from './sql/read-answers.js';
import type { StatementRunner } from './statement.js';

/** The answers of updates in a batch of turns, turned into one array for each column. */
export class UpdateAnswers {
  readonly #turns: number[] = [];
  readonly #ids: string[] = [];
  readonly #seqs: (number | null)[] = [];
  readonly #refusals: (RefusalReason | null)[] = [];
  readonly #failures: (string | null)[] = [];

  /** @param turn its place in the batch, from 0 */
  answered(turn: number, seq: number, { updateId }: UpdateAnswered): void {
    this.#add(turn, updateId, seq, null, null);
  }
  refused(turn: number, { updateId, why, failure }: UpdateRefusal): void {
    this.#add(turn, updateId, null, why, failure);
  }

  #add(
    turn: number,
    updateId: string,
    seq: number | null,
    why: RefusalReason | null,
    failure: string | null,
  ): void {
    // No update has such an id: it would have been refused when it was sent.
    if (!isStorableText(updateId)) return;
    this.#turns.push(turn + 1);
    this.#ids.push(updateId);
    this.#seqs.push(seq);
    this.#refusals.push(why);
    this.#failures.push(failure);
  }

  get parameters(): Record<'answerTurns' | 'answerIds' | 'answerSeqs' | 'refusals' | 'failures', string> {
    return {
      answerTurns: numberArray(this.#turns),
      answerIds: textArray(this.#ids),
      answerSeqs: numberArray(this.#seqs),
      refusals: textArray(this.#refusals),
      failures: textArray(this.#failures),
    };
  }
}

/** What updates came to, in the order they are asked about. */
export async function answers(
  sql: StatementRunner,
  updates: readonly UpdateRef[],
): Promise<readonly UpdateAnswer[]> {
  const rows = await sql.run(readAnswers, {
    namespaces: textArray(updates.map(({ namespace }) => namespace)),
    workflowIds: textArray(updates.map(({ workflowId }) => workflowId)),
    updateIds: textArray(updates.map(({ updateId }) => updateId)),
  });
  return updates.map((update, i) => toAnswer(update, rows[i]));
}

function toAnswer({ updateId }: UpdateRef, row: AnswerRow | undefined): UpdateAnswer {
  if (row === undefined) throw new JournalError(`Nothing was read about the update ${updateId}.`);
  if (!row.sent) return { type: 'unknown' };
  if (row.refused !== null) {
    return { type: 'refused', refusal: { updateId, why: row.refused, failure: row.failure ?? 'null' } };
  }
  const { seq, type, at } = row;
  if (seq === null || type === null || at === null) return row.open ? { type: 'open' } : { type: 'gone' };
  const entry = toEntry({ ...row, seq, type, at });
  // The cast: that is the entry that the row names.
  return { type: 'answered', entry: entry as UpdateAnswered };
}
