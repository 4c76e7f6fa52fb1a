import type { HistoryEntry } from '../../core/index.js';

/** When the entries of the tests happened; the journal only keeps it. */
const AT = 1_700_000_000_000;

export const runStarted = (): HistoryEntry => ({
  type: 'run_started',
  at: AT,
  input: '{"total":12}',
  seed: 'seed',
  semanticsVersion: 1,
});

/** A distinguishable entry. */
export const step = (name: string): HistoryEntry => ({
  type: 'side_effect_recorded',
  at: AT,
  id: 0,
  name,
  outcome: { type: 'value', value: '1' },
});

export const runCompleted = (): HistoryEntry => ({
  type: 'run_completed',
  at: AT,
  result: '"done"',
  abandoned: [],
  unreadSignals: 0,
});

const FAILURE = '{"name":"Error","message":"no"}';

export const runFailed = (failure = FAILURE): HistoryEntry => ({
  type: 'run_failed',
  at: AT,
  failure,
  rollback: 'complete',
  abandoned: [],
  unreadSignals: 0,
});

export const runCancelled = (): HistoryEntry => ({
  type: 'run_cancelled',
  at: AT,
  failure: FAILURE,
  rollback: 'none',
  abandoned: [],
  unreadSignals: 0,
});

/** The names of the steps in a history. */
export const stepsOf = (history: readonly HistoryEntry[]): readonly string[] =>
  history.flatMap((entry) => (entry.type === 'side_effect_recorded' ? [entry.name ?? ''] : []));
