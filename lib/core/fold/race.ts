import { misuse } from '../misuse.js';
import { errorText } from '../thrown.js';
import type { RaceBranches } from '../types.js';
import { refused } from './calls.js';
import { Deferred, never, rejected } from './deferred.js';
import type { Execution } from './execution.js';
import type { Scope } from './scope.js';
import { isCancellation } from './scope.js';
import { inScope } from './scope-calls.js';

/**
 * F33: each branch has a scope of its own. The first to settle decides; the others are cancelled in that window,
 * before any wait is looked at again (F10), so that none of them takes a signal any more. It settles when all have.
 */
export function race(run: Execution, branches: RaceBranches): Promise<unknown> {
  if (!run.admits('ctx.race')) return never();
  const scope = run.scope();
  if (scope.cancelledBy) return rejected(scope.cancelledBy.error());
  const mistake = mistakeIn(branches);
  if (mistake !== null) return refused(run, 'ctx.race', misuse(new TypeError(mistake)));
  const contest = new Contest(run, scope);
  // All begin before any of them can settle, for settling takes at least one hop.
  for (const [key, begin] of Object.entries(branches)) contest.enter(key, begin);
  return contest.outcome.promise;
}

/** Code without types can hand over anything. */
function mistakeIn(branches: Readonly<Record<string, unknown>>): string | null {
  const entries = Object.entries(branches ?? {});
  if (entries.length === 0) return 'ctx.race: it has no branch, so it would never end.';
  const [key] = entries.find(([, begin]) => typeof begin !== 'function') ?? [];
  if (key === undefined) return null;
  return `ctx.race: the branch "${key}" is no function. Write ${key}: () => …, so that it begins inside the race, which can then cancel it.`;
}

class Contest {
  readonly outcome = new Deferred();
  readonly #run: Execution;
  readonly #parent: Scope;
  readonly #scopes: Scope[] = [];
  #underWay = 0;
  #winner: { readonly key: string; readonly settle: () => void } | null = null;

  constructor(run: Execution, parent: Scope) {
    this.#run = run;
    this.#parent = parent;
  }

  enter(key: string, begin: () => Promise<unknown>): void {
    const scope = this.#parent.branch();
    this.#scopes.push(scope);
    this.#underWay++;
    const { outcome } = this;
    inScope(this.#run, scope, begin).then(
      (value) => this.#ended(key, scope, () => outcome.resolve({ key, value })),
      (error: unknown) => {
        this.#tell(key, error);
        this.#ended(key, scope, () => outcome.reject(error));
      },
    );
  }

  #ended(key: string, scope: Scope, settle: () => void): void {
    if (!this.#run.ownWindow('A branch of ctx.race')) return;
    if (this.#winner === null) {
      this.#winner = { key, settle };
      this.#cancelOthers(key, scope);
    }
    if (--this.#underWay === 0) this.#winner.settle();
  }

  #cancelOthers(key: string, winner: Scope): void {
    // What is outside a nonCancellable scope records nothing after the decision (F16).
    if (this.#run.decision !== null && !this.#parent.shielded) return;
    const others = this.#scopes.filter((scope) => scope !== winner);
    this.#run.cancel(others, `The branch "${key}" of the race settled first.`, 'race');
  }

  /** Logs what a loser failed with, unless it failed because it was cancelled: nobody else would see it. */
  #tell(key: string, error: unknown): void {
    if (this.#winner === null || isCancellation(error)) return;
    const message = `ctx.race: the branch "${key}" failed after "${this.#winner.key}" had settled first: ${errorText(error)}`;
    this.#run.log('warn', message, undefined);
  }
}
