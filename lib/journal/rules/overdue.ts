import { RunProgress } from '../../core/index.js';
import type { EncodedFailure, HistoryEntry, Instant, RunTimedOut } from '../../core/index.js';

/**
 * For how long a time limit must have passed, and no live session have had the workflow, before a run is ended that nobody
 * serves. In ms. A deploy replaces its workers within that time.
 */
export const OVERDUE_FOR = 60_000;

/**
 * The last entry of a run that nobody serves. Nothing of it can be undone without a worker: what a rollback would have to do, or
 * to wait for, is left as it is, and somebody must look.
 */
export function endingOf(
  history: readonly HistoryEntry[],
  at: Instant,
  failure: EncodedFailure,
  unreadSignals: number,
): RunTimedOut {
  const progress = new RunProgress();
  for (const entry of history) progress.apply(entry);
  const nothingLeft = progress.nextRollbackMove('automatic').type === 'done';
  return {
    type: 'run_timed_out',
    at,
    failure,
    rollback: nothingLeft ? progress.undone : 'incomplete',
    abandoned: [...progress.inFlight.keys()],
    unreadSignals,
    unserved: true,
  };
}
