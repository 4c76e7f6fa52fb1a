import type { ChildCompensation, ChildStarted } from '../history.js';
import { misuse } from '../misuse.js';
import { nameProblem } from '../names.js';
import { InvalidInputError } from '../reaching-errors.js';
import { never, rejected } from './deferred.js';
import type { ActivityToken } from '../definitions.js';
import { describeWorkflow } from '../workflow-descriptor.js';
import type { Signal } from '../types.js';
import type { ChildHandle, ChildOptions } from '../workflow-context.js';
import { executeOf, refused } from './calls.js';
import { signalOther } from './external-calls.js';
import { recordChild, refuseDeeper } from './child-command.js';
import type { Execution } from './execution.js';
import { AwaitedChild, ChildWait, StartedChild } from './pending-child.js';
import type { PendingChild } from './pending-child.js';
import type { Scope } from './scope.js';
import { checkedInput, limitsFor, workflowOf } from './started-workflow.js';

/** What a child is asked for with: `type` is its class. */
interface Asked {
  readonly type: ActivityToken;
  readonly input: unknown;
  readonly options: ChildOptions | undefined;
}

/** `ctx.child`: the promise of the child's result. */
export function child(run: Execution, asked: Asked): Promise<unknown> {
  return begin(
    run,
    'ctx.child',
    asked,
    false,
    (scope, started) => new AwaitedChild(scope, started, run.codec),
  );
}

/** `ctx.startChild`: the promise of a handle, once the journal has the child. */
export function startChild(run: Execution, asked: Asked): Promise<unknown> {
  return begin(run, 'ctx.startChild', asked, true, (scope, started) => {
    const pending = new StartedChild(scope, started, run.codec);
    run.keepStartedChild(pending);
    return pending;
  });
}

function begin(
  run: Execution,
  what: string,
  { type, input, options = {} }: Asked,
  confirms: boolean,
  pending: (scope: Scope, started: ChildStarted) => PendingChild,
): Promise<unknown> {
  const call = `${what}(${type?.name})`;
  if (!run.admits(call)) return never();
  const scope = run.scope();
  if (scope.cancelledBy) return rejected(scope.cancelledBy.error());
  let started: ChildStarted | null;
  try {
    const { name, aliases, version, input: schema, limits } = workflowOf(type, what);
    checkOptions(options, what);
    const own = limitsFor(options, limits, what);
    refuseDeeper(run);
    const asChild = {
      name,
      version,
      args: run.codec.encode(checkedInput(schema, input, name)),
      ...(options.id === undefined ? {} : { workflowId: options.id }),
      parentClose: options.parentClose ?? 'cancel',
      confirms,
      compensation: compensationOf(run, options.compensate),
      ...(own && { limits: own }),
    };
    started = recordChild(run, asChild, aliases);
  } catch (error) {
    return refused(run, call, error);
  }
  if (started === null) return never();
  // One without a compensation undoes its own steps where it is cancelled: that is waited for, too. Only one that nobody
  // undoes and that outlives its parent is of no concern.
  if (started.parentClose !== 'abandon' || started.compensation !== null) scope.saga?.add(started.id);
  return run.pending.add(pending(scope, started)).promise;
}

const OPTIONS: ReadonlySet<string> = new Set([
  'id',
  'parentClose',
  'compensate',
  'executionTimeout',
  'runTimeout',
]);
const CLOSES: ReadonlySet<string> = new Set(['terminate', 'cancel', 'abandon']);

function checkOptions(options: ChildOptions, what: string): void {
  const unknown = Object.keys(options).find((key) => !OPTIONS.has(key));
  if (unknown !== undefined) {
    throw misuse(
      new TypeError(`${what}: "${unknown}" is an unknown option. There are ${[...OPTIONS].join(', ')}.`),
    );
  }
  const problem = options.id === undefined ? undefined : nameProblem(options.id);
  if (problem !== undefined) {
    throw new InvalidInputError(`the option "id" of ${what}`, [{ message: problem, path: [] }]);
  }
  if (options.parentClose !== undefined && !CLOSES.has(options.parentClose)) {
    throw misuse(
      new TypeError(
        `${what}: "parentClose" is one of ${[...CLOSES].join(', ')}, not ${options.parentClose}.`,
      ),
    );
  }
}

function compensationOf(run: Execution, by: ChildOptions['compensate']): ChildCompensation | null {
  if (by === undefined) return null;
  const workflow = describeWorkflow(by);
  if (workflow) return { type: 'workflow', name: workflow.name, version: workflow.version };
  return { type: 'activity', name: executeOf(run, by).name };
}

// ----------------------------------------------------------------------------------------------- handle

/** What code holds of a child that it has started. */
export class FoldChildHandle implements ChildHandle {
  readonly workflowId: string;
  readonly runId: string;
  readonly #run: Execution;
  readonly #child: StartedChild;

  constructor(run: Execution, pending: StartedChild) {
    this.workflowId = pending.started.workflowId;
    this.runId = pending.started.runId;
    this.#run = run;
    this.#child = pending;
  }

  // The class of the child says of which type its result is.
  result(): Promise<never> {
    const run = this.#run;
    if (!run.admits('child.result')) return never();
    const scope = run.scope();
    if (scope.cancelledBy) return rejected(scope.cancelledBy.error());
    const { outcome } = this.#child;
    if (outcome?.type === 'error') return rejected(outcome.error);
    if (outcome) return Promise.resolve(outcome.value as never);
    // Of another scope: cancelling that one must reject this, and the child goes on.
    if (scope !== this.#child.scope || !run.pending.operations.has(this.#child.id)) {
      const wait = new ChildWait(scope, run.ledger.nextId - 0.5, this.#child);
      run.pending.waits.add(wait);
      return wait.promise as Promise<unknown> as Promise<never>;
    }
    return this.#child.result as Promise<never>;
  }

  signal(signal: Signal<unknown, unknown> | string, ...args: readonly unknown[]): Promise<void> {
    const target = { workflowId: this.workflowId, child: this.#child.id };
    return signalOther(this.#run, target, signal, args[0]) as Promise<void>;
  }

  cancel(): void {
    this.#run.demand('child.cancel');
    this.#run.cancelChild(this.#child.id);
  }
}
