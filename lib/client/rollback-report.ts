import { RunProgress, summarizeFailure } from '../core/index.js';
import type { CommandId, FailureSummary, HistoryEntry, RollbackStep } from '../core/index.js';
import type { RunDescription } from '../journal/index.js';
import type { WaitingFor } from './waiting-for.js';

/** What is known of a run, as `handle.describe()` gives it. */
export interface RunReport extends RunDescription {
  /** Of an open run: the first one is why it does not go on now. Empty once it is closed. */
  readonly waitingFor: readonly WaitingFor[];
  /**
   * Of a closed run that did not complete: the steps of its rollback, in the order in which they ended, those of sagas and
   * of `ctx.compensate()` included. Missing where there was none.
   */
  readonly rollback?: readonly RollbackReport[];
}

/** How it went to undo one step. */
export interface RollbackReport {
  /** The activity that undoes it; of a child, the activity or the workflow. */
  readonly name: string;
  /** The command that it undoes: the `id` of an `activity_scheduled` or a `rollback_step_added` in the history. */
  readonly id: CommandId;
  /** `left`: it was still to be undone when the run was terminated, or failed without a rollback. */
  readonly outcome: 'undone' | 'failed' | 'left';
  /** Why it could not be undone; `null` otherwise. */
  readonly error: FailureSummary | null;
}

/** Read from the history alone. */
export function rollbackOf(history: readonly HistoryEntry[]): readonly RollbackReport[] {
  const progress = new RunProgress();
  for (const entry of history) progress.apply(entry);
  const ended = progress.undoneSteps.map(({ step, outcome, failure }): RollbackReport => ({
    ...reportOf(step),
    outcome,
    error: failure === null ? null : summarizeFailure(failure),
  }));
  const left = progress.rollbackSteps
    .toReversed()
    .map((step): RollbackReport => ({ ...reportOf(step), outcome: 'left', error: null }));
  return [...ended, ...left];
}

const reportOf = (step: RollbackStep): Pick<RollbackReport, 'name' | 'id'> => ({
  name: step.type === 'child compensation' ? step.by.name : step.name,
  id: step.of,
});
