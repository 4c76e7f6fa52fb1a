import type { HistoryEntry } from '../../../core/index.js';
import type { InboxMessage, Lease, Successor } from '../../../journal/index.js';
import type { Mark } from './stress-record.js';

const AT = 1;
const markOf = ({ token, owner }: Lease, message: Partial<Mark> = {}): string =>
  JSON.stringify({
    token,
    owner,
    n: null,
    kind: null,
    name: null,
    dedupeId: null,
    refused: false,
    ...message,
  } satisfies Mark);

/** One entry of every turn: who wrote it, under which token. */
export const stamp = (lease: Lease): HistoryEntry => ({
  type: 'activity_heartbeat',
  at: AT,
  id: 0,
  details: markOf(lease),
});

/** The payloads of the stress are the dedupe ids. */
export function received(
  { n, kind, name, payload, at }: InboxMessage,
  lease: Lease,
  refused: boolean,
): HistoryEntry {
  const dedupeId = kind === 'start' || payload === null ? null : payload;
  const mark = markOf(lease, { n, kind, name, dedupeId, refused });
  return { type: 'signal_received', at: AT, name: kind, payload: mark, arrivedAt: at, hold: false };
}

/** Its answer is its id. */
export const answered = (updateId: string): HistoryEntry => ({
  type: 'update_answered',
  at: AT,
  updateId,
  outcome: { type: 'value', value: updateId },
  unanswered: null,
});

export const continued = ({ runId, workflow, version, start }: Successor): HistoryEntry => ({
  type: 'run_continued',
  at: AT,
  runId,
  workflow,
  version,
  input: start,
  abandoned: [],
  carriedSignals: 0,
});

export const rollbackStarted: HistoryEntry = {
  type: 'rollback_started',
  at: AT,
  outcome: 'failed',
  failure: '{}',
  unreadSignals: 0,
};
export const runCompleted: HistoryEntry = {
  type: 'run_completed',
  at: AT,
  result: 'null',
  abandoned: [],
  unreadSignals: 0,
};
