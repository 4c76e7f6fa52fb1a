import type { CommandId, Fold, HistoryEntry, TerminalEntry, UnawaitedCall } from '../../core/index.js';
import type { ForgottenCall } from '../../observability/index.js';

/** Calls of a completed run that were not awaited; and activities called in its last turn, which never began (F6). */
export function forgottenCalls(
  closed: TerminalEntry,
  entries: readonly HistoryEntry[],
  fold: Fold,
): readonly ForgottenCall[] {
  // A run that has failed or was cancelled shows an error anyway.
  if (closed.type !== 'run_completed') return [];
  const neverBegan = new Map<CommandId | null, string>();
  for (const entry of entries)
    if (entry.type === 'activity_scheduled' && closed.abandoned.includes(entry.id))
      neverBegan.set(entry.id, entry.name);
  const others = fold.unawaitedCalls.filter(({ id }) => !neverBegan.has(id)).map(forgotten);
  return [...others, ...[...neverBegan.values()].map((call) => ({ call, outcome: 'never began' }) as const)];
}

/** As observers see it: without its id. */
const forgotten = (call: UnawaitedCall): ForgottenCall =>
  call.outcome === 'failed'
    ? { call: call.call, outcome: call.outcome, error: call.error }
    : { call: call.call, outcome: call.outcome };
