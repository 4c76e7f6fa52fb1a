import type { RunId } from '../ids.js';
import type { OnConflict, OnReuse, RunState, StartAnswer } from '../port/index.js';

/** The reason that a run is terminated with, to whose workflow id another one was started. */
export const REPLACED_BY_A_START = 'Another run was started with its workflow id.';

/** What a policy says of a start, other than that it may be. */
export type PolicyAnswer = Extract<StartAnswer, { type: 'existing' | 'conflict' | 'reuse refused' }>;

/** What a start is answered while an open run has the workflow id; `null` where that one is terminated for it. */
export function answerToConflict(onConflict: OnConflict, openRun: RunId): PolicyAnswer | null {
  switch (onConflict) {
    case 'fail':
      return { type: 'conflict', runId: openRun };
    case 'useExisting':
      return { type: 'existing', runId: openRun };
    case 'terminateExisting':
      return null;
    default:
      return onConflict satisfies never;
  }
}

/** What a start is answered where no run is open, and this closed one had the workflow id last; `null` where it may start. */
export function answerToReuse(onReuse: OnReuse, runId: RunId, state: RunState): PolicyAnswer | null {
  switch (onReuse) {
    case 'allow':
      return null;
    case 'allowIfFailed':
      return state === 'completed' ? { type: 'reuse refused', runId, state } : null;
    case 'reject':
      return { type: 'reuse refused', runId, state };
    case 'useExisting':
      return { type: 'existing', runId };
    default:
      return onReuse satisfies never;
  }
}
