import type { CommandId } from '../history.js';
import { mistakeOf } from '../misuse.js';
import type { RollbackStep } from '../rollback-steps.js';
import { Deferred, never, rejected } from './deferred.js';
import type { Execution } from './execution.js';
import { SagaSteps } from './saga-steps.js';
import type { Scope } from './scope.js';
import { inScope } from './scope-calls.js';
import { isUndoneBeside, stop, undo } from './settling.js';

/**
 * F36: a scope with a rollback of its own. Where `fn` rejects, what is under way inside is cancelled and waited for, what
 * completed inside is undone, the last first, and then the error passes on. Where it resolves, its steps are those of the
 * scope around it.
 */
export function saga<T>(run: Execution, fn: () => Promise<T>): Promise<T> {
  if (!run.admits('ctx.saga')) return never();
  const parent = run.scope();
  if (parent.cancelledBy) return rejected(parent.cancelledBy.error());
  const opened = new Saga(run, parent);
  inScope(run, opened.scope, fn).then(
    (value) => opened.succeeded(value),
    (error: unknown) => opened.failed(error),
  );
  // It is resolved with what `fn` gave.
  return opened.outcome.promise as Promise<T>;
}

export class Saga {
  readonly outcome = new Deferred();
  readonly scope: Scope;
  readonly #run: Execution;
  readonly #parent: Scope;
  readonly #steps: SagaSteps;
  /** No code is in it. */
  readonly #shield: Scope;
  #error: unknown;
  /** Commands that were not settled when they were last looked at. */
  readonly #open = new Set<CommandId>();
  /** How many commands there were when `#open` was filled. */
  #seen = 0;
  /** What is still to be undone, the next one last; made when nothing is open. */
  #left: RollbackStep[] | null = null;

  constructor(run: Execution, parent: Scope) {
    this.#run = run;
    this.#parent = parent;
    this.#steps = new SagaSteps(parent.saga);
    this.scope = parent.withSaga(this.#steps);
    this.#shield = parent.nonCancellable();
  }

  succeeded(value: unknown): void {
    if (this.#run.ownWindow(WHAT)) this.outcome.resolve(value);
  }

  failed(error: unknown): void {
    const { decision, ledger, mistakes } = this.#run;
    if (!this.#run.ownWindow(WHAT) || (decision !== null && !this.#parent.shielded)) return;
    // Undone work would stay undone when the code is mended. A replayed event has what came of it on record.
    const mistake = decision === null && !ledger.replaying ? mistakeOf(error, mistakes) : null;
    if (mistake) return ledger.fail(mistake);
    this.#error = error;
    this.#run.cancel([this.scope], 'Another part of the saga failed.', 'saga');
    // What it begins to undo is undone before the run ends (F16), and before a saga around it looks.
    this.#run.enterShield(this.#shield);
    (this.#run.sagas ??= new Set()).add(this);
  }

  /** Undoes what can be undone by now. `true`: it is over, and its await is on the agenda, where one may still go on. */
  advance(): boolean {
    if (this.#steps.shields > 0 || this.#isOpen()) return false;
    if (this.#left === null) {
      this.#left = this.#stepsLeft();
      this.#waitForOthers();
    }
    this.#undoNext(this.#left);
    if (this.#open.size > 0 || this.#run.ledger.fault !== null) return false;
    this.#run.leaveShield(this.#shield);
    this.#run.sagas?.delete(this);
    // After the decision only shielded code goes on (F16).
    if (this.#run.decision === null || this.#parent.shielded)
      this.#run.agenda.push(() => this.outcome.reject(this.#error));
    return true;
  }

  #undoNext(left: RollbackStep[]): void {
    const { ledger, definition } = this.#run;
    for (let step = left.at(-1); step && ledger.fault === null; step = left.at(-1)) {
      // Somebody else may undo it, or have undone it: `ctx.compensate()` undoes everything.
      if (ledger.progress.rollbackStepOf(step.of)) {
        if (this.#open.size > 0 && !isUndoneBeside(ledger, step, definition.rollbackOrder)) return;
        undo(this.#run, step);
      }
      left.pop();
      if (ledger.progress.isUnsettled(step.of)) this.#open.add(step.of);
    }
  }

  /** Whether something inside is in flight that would have to be undone, or is being undone (F20). */
  #isOpen(): boolean {
    const { commands } = this.#steps;
    if (this.#seen < commands.size) {
      for (const command of commands) this.#open.add(command);
      this.#seen = commands.size;
      this.#left = null;
      this.#stopOpen();
    }
    // It ends at the first that is: so each command is looked at a few times at most, however many there are.
    for (const command of this.#open) {
      if (this.#run.ledger.progress.isUnsettled(command)) return true;
      this.#open.delete(command);
    }
    return false;
  }

  /** What no cancellation reached: a child that was started and is not waited for. */
  #stopOpen(): void {
    const { ledger } = this.#run;
    for (const command of this.#open) {
      const work = ledger.progress.inFlight.get(command);
      if (work !== undefined && 'cancelRequested' in work && !work.cancelRequested) stop(ledger, work);
    }
  }

  /** `ctx.compensate()` undoes some that had completed here, and while something else was waited for. */
  #waitForOthers(): void {
    const { progress } = this.#run.ledger;
    if (progress.undoing === 0) return;
    for (const command of this.#steps.commands) if (progress.isUnsettled(command)) this.#open.add(command);
  }

  #stepsLeft(): RollbackStep[] {
    const { commands } = this.#steps;
    return this.#run.ledger.progress.rollbackSteps.filter(({ of }) => commands.has(of));
  }
}

const WHAT = 'ctx.saga';

/**
 * Sagas whose rollback is under way, one step each (F20). `true`: one of them is over, and its code goes on before any other is
 * looked at: its `catch` may still add to what a saga around it has to undo.
 */
export function advanceSagas(run: Execution): boolean {
  if (run.sagas === null) return false;
  for (const open of run.sagas) if (open.advance()) return true;
  return false;
}
