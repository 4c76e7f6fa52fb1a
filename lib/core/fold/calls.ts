import { recordedOptions } from '../activity-options.js';
import type { ActivityDefinition, ActivityGroup, ActivityToken } from '../definitions.js';
import { milliseconds } from '../duration.js';
import type { Duration } from '../duration.js';
import { NotInWorkflowError, UnavailableActivityError } from '../errors.js';
import type {
  ActivityScheduled,
  RecordedActivityOptions,
  RollbackStepAdded,
  SideEffectOutcome,
} from '../history.js';
import { isMisuse, misuse } from '../misuse.js';
import { isError, textOf } from '../thrown.js';
import type { Signal } from '../types.js';
import type { ActivityCallOptionsInput } from '../workflow-context.js';
import { never, rejected } from './deferred.js';
import type { Execution } from './execution.js';
import { InertCallError } from './execution.js';
import { PendingActivity, PendingTimer } from './operation.js';
import type { Scope } from './scope.js';
import { Shown } from './shown.js';
import { OVER } from './unawaited-calls.js';
import type { Wait } from './waits.js';
import { ConditionWait, SignalWait } from './waits.js';

/*
 * The durable calls (F6). Each acts at the call: it asks the gate, encodes its arguments, records its command and
 * returns the promise that an event will settle. None is an `async` function, so that the number of hops from the
 * event to the line after the `await` is ours (F29).
 */

export function scheduleActivity(
  run: Execution,
  activity: ActivityDefinition,
  args: readonly unknown[],
  options: RecordedActivityOptions | null,
): Promise<unknown> {
  if (!run.admits(activity.name)) return never();
  const scope = run.scope();
  if (scope.cancelledBy) return rejected(scope.cancelledBy.error());
  const { ledger, codec } = run;
  let encoded: string;
  try {
    encoded = codec.encode(args);
  } catch (error) {
    return refused(run, activity.name, error);
  }
  const asked: ActivityScheduled = {
    type: 'activity_scheduled',
    at: ledger.now,
    id: ledger.nextId,
    name: activity.name,
    args: encoded,
    compensation: activity.compensation?.name ?? null,
    undoes: null,
    options,
  };
  const scheduled = ledger.record(asked, activity.aliases);
  if (scheduled === null) return never();
  if (scheduled.compensation !== null) scope.saga?.add(scheduled.id);
  // By its recorded name, which failures tell: a replay after a rename has to come to the same ones.
  return run.pending.add(new PendingActivity(scope, scheduled.id, scheduled.name, codec)).promise;
}

/**
 * The activities of a provider. A class that has none here ends the turn, not the run: a deploy that forgot a provider
 * must not fail what is under way.
 */
export function activitiesOf(run: Execution, type: ActivityToken): ActivityGroup {
  const group = run.definition.activitiesOf(type);
  if (group) return group;
  const unavailable = new UnavailableActivityError(type.name);
  run.ledger.fail(unavailable);
  throw unavailable;
}

/** `ctx.run(Class, input, options)`: the one activity that the class is. */
export function runActivity(
  run: Execution,
  type: ActivityToken,
  input: unknown,
  options: ActivityCallOptionsInput | undefined,
): Promise<unknown> {
  let activity: ActivityDefinition;
  let recorded: RecordedActivityOptions | null;
  try {
    activity = executeOf(run, type);
    recorded = recordedOptions(options);
  } catch (error) {
    return refused(run, `ctx.run(${type.name})`, error);
  }
  return scheduleActivity(run, activity, input === undefined ? [] : [input], recorded);
}

export function executeOf(run: Execution, type: ActivityToken): ActivityDefinition {
  const group = activitiesOf(run, type);
  const execute = group.activities.get('execute');
  if (execute) return execute;
  throw misuse(
    new NotInWorkflowError(
      `${type.name} is not one activity: its method "execute" is none. Call one of its activities ` +
        `(${[...group.activities.keys()].join(', ')}) by ctx.activities(${type.name}).`,
    ),
  );
}

/** The promise of a call that cannot be made. It is kept for the report of calls that nobody awaits, or its error would be hidden. */
export function refused(run: Execution, call: string, error: unknown): Promise<never> {
  const promise = rejected(error);
  run.unawaited.keep({ call, id: null, promise }, { outcome: 'failed', error });
  return promise;
}

// ----------------------------------------------------------------------------------------------- timers

export function sleep(run: Execution, until: Duration | Date): Promise<unknown> {
  if (!run.admits('ctx.sleep')) return never();
  const scope = run.scope();
  if (scope.cancelledBy) return rejected(scope.cancelledBy.error());
  try {
    return startTimer(run, scope, 'sleep', until, null)?.promise ?? never();
  } catch (error) {
    return refused(run, 'ctx.sleep', error);
  }
}

/**
 * Starts a timer; `null` is drift. Throws for what is no duration.
 *
 * @param fired called when it fires, if it is the fold's own: of a wait, or of `withTimeout`. No code awaits such a timer.
 */
export function startTimer(
  run: Execution,
  scope: Scope,
  name: string,
  until: Duration | Date,
  fired: (() => void) | null,
): PendingTimer | null {
  const { ledger, codec } = run;
  const args = isDate(until) ? until : milliseconds(until);
  const firesAt = isDate(args) ? Math.max(args.getTime(), ledger.now) : ledger.now + Math.ceil(args);
  if (!(firesAt <= LAST_INSTANT)) {
    throw new RangeError(
      `${name}: a timer has to end at a valid date before the year 275761, not ${textOf(until)}.`,
    );
  }
  const started = ledger.record({
    type: 'timer_started',
    at: ledger.now,
    id: ledger.nextId,
    name,
    args: codec.encode(args),
    firesAt,
  });
  return started && run.pending.add(new PendingTimer(scope, started.id, fired));
}

/** The last one a `Date` can tell. */
const LAST_INSTANT = 8.64e15;
/** By tag: dates of another realm are dates too (F8). */
const isDate = (value: unknown): value is Date => Object.prototype.toString.call(value) === '[object Date]';

// ------------------------------------------------------------------------------------------------ waits

export function condition(run: Execution, predicate: () => boolean, timeout?: Duration): Promise<unknown> {
  if (!run.admits('ctx.condition')) return never();
  const scope = run.scope();
  if (scope.cancelledBy) return rejected(scope.cancelledBy.error());
  const look = (): boolean => run.read('condition', predicate);
  try {
    // True already: no timer, and no command (F11).
    if (look()) return Promise.resolve(true);
    return wait(run, new ConditionWait(scope, rankOfWait(run), look), 'condition', timeout);
  } catch (error) {
    return refused(run, 'ctx.condition', error);
  }
}

export function waitForSignal(
  run: Execution,
  { name, schema }: Pick<Signal, 'name' | 'schema'>,
  timeout?: Duration,
): Promise<unknown> {
  if (!run.admits('ctx.waitForSignal')) return never();
  const call = `ctx.waitForSignal("${name}")`;
  if (run.definition.signals.has(name)) {
    return refused(
      run,
      call,
      misuse(
        new TypeError(
          `ctx.waitForSignal: the signal "${name}" has a handler in ${run.definition.name}, which takes every one. ` +
            'Wait for what the handler does with ctx.condition, or remove the handler.',
        ),
      ),
    );
  }
  const scope = run.scope();
  if (scope.cancelledBy) return rejected(scope.cancelledBy.error());
  const buffer = run.signals.of(name);
  // Waiters are served in order: an older wait takes first (F10). In a branch of a race nothing is taken at the call:
  // another branch may win, and the signal would be lost (F33).
  if (buffer.waiting === 0 && !scope.contested && buffer.isReady(run.ledger, schema))
    return Promise.resolve(run.codec.decode(buffer.take()));
  if (buffer.waiting > 0 && !run.ledger.replaying) noteRival(run, name, scope);
  try {
    const signalWait = new SignalWait(run, scope, rankOfWait(run), call, buffer, schema);
    return wait(run, signalWait, `signal:${name}`, timeout);
  } catch (error) {
    return refused(run, call, error);
  }
}

/** One scope waits for a signal that it waits for already. A lost `Promise.race` looks like that: its loser takes the next signal. */
function noteRival(run: Execution, name: string, scope: Scope): void {
  const { signals, pending } = run;
  if (signals.rivals.has(name)) return;
  const buffer = signals.of(name);
  for (const older of pending.waits) {
    if (older instanceof SignalWait && older.scope === scope && older.buffer === buffer) {
      return signals.noteRival(name);
    }
  }
}

/** After the commands before it, and before its own timer (F15). */
const rankOfWait = (run: Execution): number => run.ledger.nextId - 0.5;

function wait(run: Execution, waiting: Wait, name: string, timeout: Duration | undefined): Promise<unknown> {
  if (timeout !== undefined) {
    const runOut = (): void => {
      run.pending.waits.delete(waiting);
      run.unawaited.keep(waiting, OVER);
      waiting.resolve(waiting.otherwise);
    };
    let timer: PendingTimer | null = null;
    try {
      timer = startTimer(run, waiting.scope, name, timeout, runOut);
    } catch (error) {
      waiting.end();
      throw error;
    }
    if (timer === null) return never();
    waiting.timer = timer;
  }
  run.pending.waits.add(waiting);
  return waiting.promise;
}

// ---------------------------------------------------------------------------------- synchronous calls

/** F23: run once, recorded, and read from the record at every replay. */
export function sideEffect<T>(run: Execution, fn: () => T, name: string | undefined): T {
  run.demand('ctx.sideEffect');
  const { ledger, codec } = run;
  // While replaying the recorded outcome stands for this one; it is never compared.
  let wasMisuse = false;
  const noted = (error: unknown): void => void (wasMisuse = isMisuse(error));
  const outcome = ledger.replaying ? NO_OUTCOME : outcomeOf(run, fn, noted);
  const recorded = ledger.record({
    type: 'side_effect_recorded',
    at: ledger.now,
    id: ledger.nextId,
    name: name ?? null,
    outcome,
  });
  if (recorded === null) throw new InertCallError('ctx.sideEffect: the turn is over, nothing more counts.');
  if (recorded.outcome.type === 'failure') {
    const error = codec.decodeFailure(recorded.outcome.failure);
    throw wasMisuse && isError(error) ? misuse(error) : error;
  }
  // What the codec gives back for a value is of the value's type.
  return codec.decode(recorded.outcome.value) as T;
}

const NO_OUTCOME: SideEffectOutcome = { type: 'value', value: '' };

function outcomeOf(run: Execution, fn: () => unknown, threw: (error: unknown) => void): SideEffectOutcome {
  try {
    return { type: 'value', value: run.codec.encode(run.read('sideEffect', fn)) };
  } catch (error) {
    threw(error);
    return { type: 'failure', failure: run.codec.encodeFailure(error) };
  }
}

export function addRollbackStep(run: Execution, type: ActivityToken, input: unknown): void {
  run.demand('ctx.onRollback');
  const { ledger, codec } = run;
  const { name, aliases } = executeOf(run, type);
  const args = codec.encode(input === undefined ? [] : [input]);
  const asked: RollbackStepAdded = {
    type: 'rollback_step_added',
    at: ledger.now,
    id: ledger.nextId,
    name,
    args,
  };
  const added = ledger.record(asked, aliases);
  if (added !== null) run.scope().saga?.add(added.id);
}

/** In a saga it is about the saga's own steps (F36). */
export function clearRollback(run: Execution): void {
  run.demand('ctx.commit');
  const { ledger } = run;
  const { saga } = run.scope();
  if (saga === null) return void ledger.record({ type: 'rollback_cleared', at: ledger.now });
  const steps = [...saga.commands].filter((id) => ledger.progress.rollbackStepOf(id) !== undefined);
  if (steps.length > 0) ledger.record({ type: 'rollback_cleared', at: ledger.now, steps });
}

/** Nothing waits for these, so that nothing is to be answered where they do not count any more. */
export function setAttributes(run: Execution, attributes: unknown): void {
  if (run.admits('ctx.setAttributes')) (run.shown ??= startedShown(run)).set(attributes);
}

export function setDetails(run: Execution, details: unknown): void {
  if (run.admits('ctx.setDetails')) (run.shown ??= startedShown(run)).setDetails(details);
}

/** Of a run that was started without attributes, or is not started yet. */
export function startedShown(run: Execution): Shown {
  const shown = new Shown();
  if (run.seed !== null) shown.start({});
  return shown;
}
