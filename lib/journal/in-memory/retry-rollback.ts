import type { HistoryEntry } from '../../core/index.js';
import type { RetryRollbackAnswer, RetryRollbackRequest } from '../port/index.js';
import { NO_DEADLINES } from '../rules/deadlines.js';
import { NO_DEATHS } from '../rules/deaths.js';
import { isLeftUndone } from '../rules/left-undone.js';
import type { InMemoryStore, Run } from './in-memory-store.js';
import { record } from './operations.js';
import { RowLock } from './row-lock.js';

/** Opens a run again that has ended without having undone everything. Whoever calls this has looked at the locks. */
export function retryRollback(store: InMemoryStore, request: RetryRollbackRequest): RetryRollbackAnswer {
  const { namespace, workflowId, runId } = request;
  const run = store.runs.get(runId);
  if (run === undefined || run.namespace !== namespace || run.workflowId !== workflowId)
    return { type: 'unknown' };
  if (run.state === 'running') return { type: 'open' };
  if (!isLeftUndone({ state: run.state, rollback: rollbackOf(run) }))
    return { type: 'nothing left', state: run.state };
  const open = store.openActor(namespace, workflowId);
  if (open !== undefined) return { type: 'taken', runId: open.runId };
  reopen(store, run, request);
  return { type: 'retried', actorId: run.actorId };
}

function rollbackOf(run: Run): string | null {
  // The cast: it was written from one.
  const last = JSON.parse(run.history.at(-1) ?? '{}') as Partial<HistoryEntry>;
  return 'rollback' in last ? last.rollback : null;
}

function reopen(store: InMemoryStore, run: Run, { payload, reason, by = null }: RetryRollbackRequest): void {
  const { namespace, workflowId, workflow, version, history } = run;
  const actor = {
    id: run.actorId,
    runId: run.id,
    namespace,
    workflowId,
    workflow,
    version,
    priority: 2,
    lock: new RowLock(),
    wakeAt: store.now(),
    notBefore: null,
    // No rollback is cut short.
    deadlines: NO_DEADLINES,
    debounced: null,
    owner: null,
    token: run.closedToken + 1,
    inboxSeq: history.length,
    inboxConsumed: history.length,
    signalSeq: 0,
    inbox: [],
    closing: true,
    failedTurns: 0,
    ...NO_DEATHS,
    blocked: null,
    // Its parent was told of its end, and is not told twice.
    parent: null,
    lineage: null,
    parentClose: null,
  };
  store.reopen(actor, run);
  store.deliver(actor, { kind: 'rollback_retry', name: null, payload, by });
  if (by === null) return;
  const facts = reason === null ? {} : { reason };
  const about = { namespace, workflowId, runId: run.id, verb: 'retryRollback', by } as const;
  record(store, { ...about, outcome: 'applied', facts });
}
