import type { RunContinued, TerminalEntry } from '../../core/index.js';
import type { ClosedState } from '../../journal/index.js';

/** What the last entry of a run makes of it. */
export function stateOf(last: Exclude<TerminalEntry, RunContinued>): ClosedState {
  switch (last.type) {
    case 'run_completed':
      return 'completed';
    case 'run_failed':
      return 'failed';
    case 'run_cancelled':
      return 'cancelled';
    case 'run_timed_out':
      return 'timed_out';
    case 'run_terminated':
      throw new Error('A holder does not terminate.');
  }
}
