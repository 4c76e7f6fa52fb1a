import type { Codec } from '../codec.js';
import type { Execution } from './execution.js';
import { errorText } from '../thrown.js';
import type { WorkflowObject } from './workflow-object.js';

/**
 * What two folds of one history must have in common (F30): outcome, what is pending, waited for and buffered, what
 * is in flight and would be undone, time, position, and the data in the object's fields. Plain data.
 */
export function snapshotOf(run: Execution, object: WorkflowObject): unknown {
  const { ledger, codec } = run;
  const { progress } = ledger;
  return {
    seq: ledger.seq,
    now: ledger.now,
    nextId: ledger.nextId,
    decision: run.decision === null ? null : outcomeOf(run),
    cancelRequested: run.cancelRequested,
    pending: [...run.pending.operations.keys()].toSorted((a, b) => a - b),
    waits: [...run.pending.waits].map((wait) => wait.rank),
    buffers: run.signals.entries(),
    checks: run.signals.checks(),
    patches: ledger.patches.entries(),
    attributes: run.shown?.attributes ?? {},
    shields: run.shields,
    runningHandlers: run.handlers,
    openUpdates: [...progress.openUpdates.keys()],
    compensating: run.compensating !== null,
    sagas: run.sagas?.size ?? 0,
    inFlight: [...progress.inFlight.keys()],
    rollbackSteps: progress.rollbackSteps.map(({ of }) => of),
    failedSteps: progress.failedSteps.map(({ of }) => of),
    fields: object.instance === null ? null : fieldsOf(object.instance, codec),
  };
}

/** A failure without its stack, which tells where the code stands on disk. */
function outcomeOf(run: Execution): unknown {
  const { decision, codec } = run;
  if (decision === null || decision.type === 'completed' || decision.type === 'continued') return decision;
  const error = codec.decodeFailure(decision.failure);
  return { type: decision.type, error: errorText(error) };
}

/** The enumerable fields that hold data: proxies, functions and promises are none. */
function fieldsOf(instance: object, codec: Codec): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [name, value] of Object.entries(instance)) {
    try {
      fields[name] = codec.encodeOwn(value);
    } catch {
      // No data.
    }
  }
  return fields;
}
