import { misuse } from '../misuse.js';
import { nameProblem } from '../names.js';
import type { Execution } from './execution.js';

/**
 * Which way the code goes at each patch (F18). The answer is a fact of the run: given once for each id, and the same
 * wherever and how often the code asks.
 */
export class Patches {
  /** Those that the history tells of, wherever in it. */
  #recorded: Set<string> | null = null;
  #answers: Map<string, boolean> | null = null;

  /** The history tells of it. */
  record(id: string): void {
    (this.#recorded ??= new Set()).add(id);
  }

  /**
   * @param replaying the code once came by here without asking: it goes the old way
   * @param note called if the answer has to be recorded
   */
  answer(id: string, replaying: boolean, note: () => void): boolean {
    const known = this.#answers?.get(id);
    if (known !== undefined) return known;
    const recorded = this.#recorded?.has(id) ?? false;
    const answer = recorded || !replaying;
    (this.#answers ??= new Map()).set(id, answer);
    if (answer && !recorded) note();
    return answer;
  }

  /** What the code was answered, by id in order of the asking. */
  entries(): [string, boolean][] {
    return [...(this.#answers ?? [])];
  }
}

/** `ctx.patched`: nothing is compared, so that the call may be moved and removed. */
export function patched(run: Execution, id: string): boolean {
  requirePatchId('ctx.patched', id);
  // Code that goes on after the decision may come to something protected (F16): asking on its way there must not end it.
  if (run.decision === null) run.demand('ctx.patched');
  else run.demandReading('ctx.patched');
  const { ledger } = run;
  return ledger.patches.answer(id, ledger.replaying, () =>
    ledger.noteOfCode({ type: 'patched', at: ledger.now, name: id }),
  );
}

/** Code without types can hand over anything. */
export function requirePatchId(call: string, id: unknown): void {
  const problem = nameProblem(id);
  if (problem !== undefined) throw misuse(new TypeError(`${call}: the id of a patch ${problem}.`));
}
