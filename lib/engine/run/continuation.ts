import { isNamed } from '../../core/index.js';
import type {
  CarriedSignal,
  ChooseSuccessor,
  Encoded,
  RunContinued,
  WorkflowDefinition,
} from '../../core/index.js';
import { asRunId } from '../../journal/index.js';
import type { InboxMessage, Successor } from '../../journal/index.js';
import { newRunId } from '../ids.js';
import type { Holding } from './held-run.js';

/*
 * A run that continues as another one. The turn that ends it makes the next run, whose start waits in the inbox until
 * the first turn of that run takes it: an event is recorded together with what came of it (F4), and nothing has come of
 * this one yet. So the next run is begun like any other, here or by whoever claims it should this process die.
 */

/** What the start of such a run holds. */
interface Continuation {
  readonly input: Encoded;
  readonly signals: readonly CarriedSignal[];
  /** The run was asked to cancel when it had already decided to continue: this one is cancelled behind its start. */
  readonly cancel?: CarriedCancel | undefined;
}

export interface CarriedCancel {
  readonly reason: string | null;
}

/** The next run, taken up where the last one has left: the lease and the inbox are the same. */
export interface NextRun {
  readonly workflow: string;
  readonly version: number;
  readonly holding: Holding;
  readonly start: InboxMessage;
}

// As texts within a text: what the codec wrote stays as it is.
export const writeContinuation = (continuation: Continuation): Encoded => JSON.stringify(continuation);
// The cast: only `writeContinuation` writes it.
export const readContinuation = (payload: Encoded): Continuation => JSON.parse(payload) as Continuation;

/**
 * By the newest version that a worker has: this one, or another one that will last, which takes the next run up then. Where
 * none is known the class was named, and has one.
 *
 * @param newerElsewhere the newest version of others, as far as the last heartbeat told
 */
export const chooseAmong =
  (
    workflows: readonly WorkflowDefinition[],
    newerElsewhere: (workflow: string) => number | undefined,
  ): ChooseSuccessor =>
  (workflow, version) => {
    const served = workflows.filter((known) => isNamed(known, workflow)).map((known) => known.version);
    return { runId: newRunId(), version: version ?? Math.max(...served, newerElsewhere(workflow) ?? 0) };
  };

export function successorOf(
  { runId, workflow, version, input, runLimit }: RunContinued,
  signals: readonly CarriedSignal[],
  cancel: CarriedCancel | null,
  kept: boolean,
): Successor {
  return {
    runId: asRunId(runId),
    workflow,
    version,
    start: writeContinuation({ input, signals, ...(cancel && { cancel: { reason: cancel.reason } }) }),
    kept,
    ...(runLimit !== undefined && { runLimit }),
  };
}
