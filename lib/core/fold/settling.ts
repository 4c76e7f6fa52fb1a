import type { Codec } from '../codec.js';
import type { WorkflowDefinition } from '../definitions.js';
import { CarriedSignalsError, ForeignAwaitError } from '../errors.js';
import { reaches } from '../history-limits.js';
import type { CommandId, Encoded, RollbackOrder, RunContinued } from '../history.js';
import type { RollbackMove, RunProgress } from '../progress.js';
import type { RollbackStep } from '../rollback-steps.js';
import type { ActivityInFlight, ChildInFlight } from '../progress.js';
import { recordChild } from './child-command.js';
import { endsWell } from './decision.js';
import type { Continuation, Decision } from './decision.js';
import type { Execution } from './execution.js';
import type { Ledger } from './ledger.js';
import { NEWEST } from './matching.js';
import { answerOpenUpdates } from './updates.js';

/**
 * `ctx.compensate()`, one step at a time (F20). `true`: it is over, and its await is on the agenda.
 */
export function advanceCompensation(run: Execution): boolean {
  const { compensating, ledger } = run;
  if (compensating === null || (run.decision !== null && !compensating.scope.shielded)) return false;
  const move = undoNext(run, 'manual', run.definition.rollbackOrder);
  if (move.type !== 'done') return false;
  run.compensating = null;
  const complete = ledger.progress.failedSteps.length === 0;
  run.agenda.push(() => compensating.deferred.resolve({ complete }));
  return true;
}

/**
 * Concludes a decided run, once its nonCancellable scopes are done, or goes on with its rollback (F16, F20). No user
 * code runs from here on; from the recorded `rollback_started` on, everything follows from history alone (F22).
 */
export function conclude(run: Execution): void {
  const { decision, ledger } = run;
  // The end by the journal waits for no code.
  if (decision === null || (run.shields > 0 && !run.concluded)) return;
  if (endsWell(decision) && run.floating.fault) return ledger.fail(run.floating.fault);
  run.concluded = true;
  if (decision.type === 'continued') return continueAsNew(run, decision);
  const { progress } = ledger;
  // Nothing to undo: no rollback, and so no entry of one.
  const undoes =
    decision.type !== 'completed' &&
    run.definition.compensation === 'automatic' &&
    progress.rollback === null &&
    progress.nextRollbackMove('automatic').type !== 'done';
  answerOpenUpdates(run, undoes ? 'closing' : 'closed');
  if (undoes) {
    const { type: outcome, failure } = decision;
    // Without the code nobody knows its options (F22).
    const order = run.definition.rollbackOrder === 'parallel' ? { order: 'parallel' as const } : null;
    ledger.record({
      type: 'rollback_started',
      at: ledger.now,
      outcome,
      failure,
      unreadSignals: run.signals.unread,
      ...order,
    });
  }
  if (progress.rollback === null) close(ledger, decision, run.signals.unread);
  else rollBack(run, decision);
}

const takesMessages = ({ signals, updates }: WorkflowDefinition): boolean =>
  signals.size > 0 || (updates?.size ?? 0) > 0;

/**
 * The code could not take part in the end of its run: what can be undone is undone from the history alone, and the entry says
 * so, because no replay with code comes to it (F22).
 */
export function forceRollback(run: Execution): void {
  const { decision, ledger } = run;
  if (decision === null || decision.type === 'completed' || decision.type === 'continued') return;
  run.concluded = true;
  const { type: outcome, failure } = decision;
  const unreadSignals = 0;
  answerOpenUpdates(run, 'closing');
  ledger.record({
    type: 'rollback_started',
    at: ledger.now,
    outcome,
    failure,
    unreadSignals,
    forced: true,
  });
  if (run.definition.compensation === 'automatic') rollBack(run, decision);
  else close(ledger, decision, unreadSignals);
}

/** F13: an open run that waits for nothing durable waits for something foreign, or for ever. */
export function refuseForeignAwait(run: Execution): void {
  // A handler may resolve what it awaits: then it waits for messages only.
  if (run.concluded || run.isWaiting || takesMessages(run.definition)) return;
  run.ledger.fail(
    new ForeignAwaitError(
      'The workflow waits, but for nothing durable: it awaits something foreign (a timer, a request, a query, a ' +
        'file), or a promise that nothing resolves. Do such work in an activity, and wait with ctx.sleep or ' +
        "ctx.condition. Under a test runner's fake timers nextTick and queueMicrotask are foreign too." +
        run.foreignHint,
    ),
  );
}

/** By command id: the code may have asked for them in another order than the recorded one, which F7 allows. */
const abandonedBy = ({ inFlight }: RunProgress): CommandId[] =>
  [...inFlight.keys()].toSorted((a, b) => a - b);

/** Who its successor is is drawn anew each time it is taken live; a replay finds it in the record. */
function continueAsNew(run: Execution, decision: Continuation): void {
  const { ledger, signals, chooseSuccessor } = run;
  const { workflow, input, runLimit } = decision;
  // What is recorded has been within the limit of its time.
  const { size, most } = signals.load;
  if (!ledger.replaying && reaches(size, run.carries))
    return ledger.fail(new CarriedSignalsError(size, run.carries, most));
  // Nobody else would tell whoever asked: the actor, and with it the row of the update, goes on.
  answerOpenUpdates(run, 'continued');
  const successor = ledger.replaying
    ? { runId: '', version: decision.version ?? NEWEST }
    : chooseSuccessor(workflow, decision.version);
  const continued: RunContinued = {
    type: 'run_continued',
    at: ledger.now,
    runId: successor.runId,
    workflow,
    version: successor.version,
    input,
    abandoned: abandonedBy(ledger.progress),
    carriedSignals: signals.unread,
    ...(runLimit !== null && { runLimit }),
  };
  ledger.record(continued, decision.aliases);
}

function rollBack(run: Execution, decision: Ended): void {
  const { ledger } = run;
  const { progress } = ledger;
  while (ledger.fault === null) {
    const move = undoNext(run, 'automatic', progress.rollback?.order);
    switch (move.type) {
      case 'stop':
        for (const work of move.work) stop(ledger, work);
        break;
      case 'wait':
        return;
      case 'done':
        return close(ledger, decision, (progress.rollback?.unreadSignals ?? 0) + progress.signalsInRollback);
      default:
        return move satisfies never;
    }
  }
}

/** Undoes what a rollback may undo by now, and tells what it does then. */
function undoNext(
  run: Execution,
  manner: 'automatic' | 'manual',
  order: RollbackOrder | undefined,
): Exclude<RollbackMove, { type: 'undo' }> {
  const { ledger } = run;
  const { progress } = ledger;
  for (;;) {
    const move = progress.nextRollbackMove(manner, 'parallel');
    if (move.type !== 'undo') return move;
    if (progress.undoing > 0 && !isUndoneBeside(ledger, move.step, order)) return { type: 'wait' };
    undo(run, move.step);
    if (ledger.fault !== null) return { type: 'wait' };
  }
}

/**
 * Whether a step is undone while others are. In a replay the history says so, whatever the workflow's option says now: as
 * any option it may be changed under a run (F7).
 */
export const isUndoneBeside = (
  ledger: Ledger,
  step: RollbackStep,
  order: RollbackOrder | undefined,
): boolean => (ledger.replaying ? ledger.wasUndone(step.of) : order === 'parallel');

/** Asks something in flight to stop; a child by what its parent's end means for it. */
export function stop(ledger: Ledger, work: ActivityInFlight | ChildInFlight): void {
  if (work.type === 'activity') {
    ledger.record({ type: 'activity_cancel_requested', at: ledger.now, of: work.scheduled.id });
    return;
  }
  const { id, parentClose } = work.started;
  const mode = parentClose === 'terminate' ? 'terminate' : 'cancel';
  ledger.recordOutward({ type: 'child_cancel_requested', at: ledger.now, of: id, mode });
}

/** Schedules what undoes a step: an activity, or a child. It is recorded like any other, and an activity retried like any other. */
export function undo(run: Execution, step: RollbackStep): void {
  const { ledger, codec } = run;
  if (step.type === 'child compensation' && step.by.type === 'workflow') {
    recordChild(run, { ...step.by, args: codec.encodeOwn(undone(codec, step)), undoes: step.of });
    return;
  }
  ledger.record({
    type: 'activity_scheduled',
    at: ledger.now,
    id: ledger.nextId,
    name: step.type === 'child compensation' ? step.by.name : step.name,
    args: undoArguments(codec, step),
    compensation: null,
    undoes: step.of,
    options: null,
  });
}

/** What undoes a child gets one input, as any workflow and any class that is one activity. */
const undone = (
  codec: Codec,
  { result, args }: Extract<RollbackStep, { type: 'child compensation' }>,
): unknown => ({ result: codec.decode(result), input: codec.decode(args) });

/** `(result, ...args)` of what is undone: each of them was stored, so both can be. */
function undoArguments(codec: Codec, step: RollbackStep): Encoded {
  if (step.type === 'added') return step.args;
  if (step.type === 'child compensation') return codec.encodeOwn([undone(codec, step)]);
  // The arguments of an activity were recorded as an array.
  const args = codec.decode(step.args) as readonly unknown[];
  return codec.encodeOwn([codec.decode(step.result), ...args]);
}

/** A decision after which the run is over. */
type Ended = Exclude<Decision, Continuation>;

function close(ledger: Ledger, decision: Ended, unreadSignals: number): void {
  const { progress, now: at } = ledger;
  const abandoned = abandonedBy(progress);
  if (decision.type === 'completed') {
    ledger.record({ type: 'run_completed', at, result: decision.result, abandoned, unreadSignals });
    return;
  }
  ledger.record({
    type: `run_${decision.type}`,
    at,
    failure: decision.failure,
    rollback: progress.undone,
    abandoned,
    unreadSignals,
  });
}
