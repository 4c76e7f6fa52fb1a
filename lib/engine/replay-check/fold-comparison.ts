import { isDeepStrictEqual } from 'node:util';
import { NonDeterminismError, ReplayMismatchError } from '../../core/index.js';
import type { Fold, TurnFault } from '../../core/index.js';
import type { RunId } from '../../journal/index.js';

/**
 * Compares a fold with a second one of the same history (F30).
 *
 * @param look at a clock, or for a random number, that the second one was seen to take
 */
export function compareFolds(live: Fold, again: Fold, look: string | null): ReplayMismatchError | null {
  const read = look === null ? '' : ` It reads ${look}.`;
  if (again.fault) {
    const message = `${RULE}${read} ${secondAsked(again.fault)}`;
    return new ReplayMismatchError(message, { cause: again.fault });
  }
  const [first, second] = [live.snapshot(), again.snapshot()];
  if (isDeepStrictEqual(first, second)) return null;
  return new ReplayMismatchError(`${RULE}${read} ${difference(first, second)}`);
}

/** So many runs are remembered. */
const REMEMBERED = 1_000;

/** Runs whose folds came to different states in this process: its code does not change, so neither does the answer. */
export class Mismatches {
  readonly #found = new Map<RunId, ReplayMismatchError>();

  add(runId: RunId, error: ReplayMismatchError): void {
    const [oldest] = this.#found.keys();
    if (oldest !== undefined && this.#found.size >= REMEMBERED) this.#found.delete(oldest);
    this.#found.set(runId, error);
  }
  of(runId: RunId): ReplayMismatchError | null {
    return this.#found.get(runId) ?? null;
  }
}

const RULE =
  'Two executions of one history must come to the same state, but this workflow reads something that is not in its history: a variable of its module, a clock, a random number, a value that a query changed. Read it through ctx (now, random, uuid, sideEffect) or from an activity, and start the process anew.';

/** What the second execution did; the remedy of drift, an older deployment, would be none here. */
function secondAsked(fault: TurnFault): string {
  if (!(fault instanceof NonDeterminismError)) return `The second one failed: ${fault.message}`;
  const { recorded, asked, agreedUpTo } = fault;
  if (recorded !== null && recorded === asked)
    return `After entry ${agreedUpTo} both came to ${recorded}, with different values.`;
  return `After entry ${agreedUpTo} the first came to ${recorded ?? 'nothing'}, the second to ${asked ?? 'nothing'}.`;
}

function difference(first: unknown, second: unknown, path = 'the run'): string {
  if (typeof first === 'object' && typeof second === 'object' && first !== null && second !== null) {
    for (const key of new Set([...Object.keys(first), ...Object.keys(second)])) {
      // Snapshots are plain data.
      const [a, b] = [(first as Record<string, unknown>)[key], (second as Record<string, unknown>)[key]];
      if (!isDeepStrictEqual(a, b)) return difference(a, b, `${path}.${key}`);
    }
  }
  return `They differ in ${path}: ${JSON.stringify(first)}, then ${JSON.stringify(second)}.`;
}
