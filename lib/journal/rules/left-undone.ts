import type { RunState } from '../port/index.js';

/** Whether a run has ended without having undone what a rollback should undo. One that was terminated was not to undo anything. */
export const isLeftUndone = (end: { readonly state: RunState; readonly rollback: string | null }): boolean =>
  end.rollback === 'incomplete' && LEAVE_SOMETHING.has(end.state);

const LEAVE_SOMETHING: ReadonlySet<RunState> = new Set(['failed', 'cancelled', 'timed_out']);
