import type { StandardSchemaV1 } from '@standard-schema/spec';
import { recordedOptions } from '../activity-options.js';
import { reaches, USUALLY_CONTINUES_AFTER } from '../history-limits.js';
import type { RunStarted } from '../history.js';
import { misuse } from '../misuse.js';
import { activityProxy } from '../activity-proxy.js';
import type { AttributePatch, Attributes } from '../attributes.js';
import type { Duration } from '../duration.js';
import type { RunLink } from '../history.js';
import type {
  Activities,
  ActivityArgs,
  ActivityClass,
  ActivityExecute,
  ActivityResult,
  RaceBranches,
  RaceOutcome,
  Signal,
  ContinuationInput,
  WorkflowArgs,
  WorkflowClass,
  WorkflowResult,
  WorkflowRun,
} from '../types.js';
import type {
  ActivityCallOptionsInput,
  Callback,
  CallbackOptions,
  CancellationScope,
  MapOptions,
  ChildHandle,
  ChildOptions,
  ContinuationOptions,
  ExternalHandle,
  WorkflowInfo,
  WorkflowLogger,
} from '../workflow-context.js';
import { WorkflowContext } from '../workflow-context.js';
import { callback } from './callback-calls.js';
import * as calls from './calls.js';
import * as children from './child-calls.js';
import { continueAsNew } from './continuation-call.js';
import type { Execution } from './execution.js';
import { FoldExternal } from './external-calls.js';
import { map } from './map.js';
import { patched, requirePatchId } from './patches.js';
import { race } from './race.js';
import type { RunIdentity } from './run-identity.js';
import { RandomStream } from './random-stream.js';
import { saga } from './saga.js';
import * as scopes from './scope-calls.js';

/**
 * What user code holds of its run. It belongs to that run whatever window is open (F13, F25). Methods stand on the
 * prototype and parts are made when they are asked for, because each run that only waits has one (F28).
 */
export class FoldContext extends WorkflowContext {
  readonly #run: Execution;
  readonly #identity: RunIdentity;
  #info: FoldInfo | null = null;
  #log: FoldLogger | null = null;
  #numbers: RandomStream | null = null;
  #uuids: RandomStream | null = null;

  constructor(run: Execution, identity: RunIdentity) {
    super();
    this.#run = run;
    this.#identity = identity;
  }

  get info(): WorkflowInfo {
    return (this.#info ??= new FoldInfo(this.#run, this.#identity));
  }
  get log(): WorkflowLogger {
    return (this.#log ??= new FoldLogger(this.#run));
  }
  get cancelRequested(): boolean {
    return this.#run.cancelRequested;
  }

  run<A extends ActivityExecute>(
    activity: ActivityClass<A>,
    ...args: ActivityArgs<NoInfer<A>, ActivityCallOptionsInput>
  ): Promise<ActivityResult<A>> {
    const [input, options] = args as readonly [unknown, ActivityCallOptionsInput?];
    // The activity's result has the type that its class says.
    return calls.runActivity(this.#run, activity, input, options) as Promise<ActivityResult<A>>;
  }

  child<W extends WorkflowRun>(
    type: WorkflowClass<W>,
    ...args: WorkflowArgs<NoInfer<W>, ChildOptions>
  ): Promise<WorkflowResult<W>> {
    const [input, options] = args as readonly [unknown, ChildOptions?];
    // The child's result has the type that its class says.
    return children.child(this.#run, { type, input, options }) as Promise<WorkflowResult<W>>;
  }

  startChild<W extends WorkflowRun>(
    type: WorkflowClass<W>,
    ...args: WorkflowArgs<NoInfer<W>, ChildOptions>
  ): Promise<ChildHandle<W>> {
    const [input, options] = args as readonly [unknown, ChildOptions?];
    return children.startChild(this.#run, { type, input, options }) as Promise<ChildHandle<W>>;
  }

  external<W extends WorkflowRun>(type: WorkflowClass<W>, workflowId: string): ExternalHandle<W> {
    // Which signals it takes its class says, to the compiler alone.
    return new FoldExternal(this.#run, type, workflowId);
  }

  activities<T extends object>(
    // `any` only infers, as in types.ts.
    // oxlint-disable-next-line typescript/no-explicit-any
    activities: abstract new (...dependencies: any[]) => T,
    options?: ActivityCallOptionsInput,
  ): Activities<T> {
    const recorded = recordedOptions(options);
    const schedule = (activity: Parameters<typeof calls.scheduleActivity>[1], args: readonly unknown[]) =>
      calls.scheduleActivity(this.#run, activity, args, recorded);
    // The proxy has the activities of the class.
    return activityProxy(calls.activitiesOf(this.#run, activities), activities, schedule) as Activities<T>;
  }

  sleep(until: Duration | Date): Promise<void> {
    return calls.sleep(this.#run, until) as Promise<void>;
  }

  condition(predicate: () => boolean): Promise<true>;
  condition(predicate: () => boolean, timeout: Duration): Promise<boolean>;
  condition(predicate: () => boolean, timeout?: Duration): Promise<boolean> {
    return calls.condition(this.#run, predicate, timeout) as Promise<boolean>;
  }

  waitForSignal<P>(signal: Signal<P, unknown> | string): Promise<P>;
  waitForSignal<P>(
    signal: Signal<P, unknown> | string,
    options: { timeout: Duration },
  ): Promise<P | undefined>;
  waitForSignal<P>(
    signal: Signal<P, unknown> | string,
    options?: { timeout: Duration },
  ): Promise<P | undefined> {
    const named = typeof signal === 'string' ? { name: signal } : signal;
    // What was sent under the signal's type has that type.
    return calls.waitForSignal(this.#run, named, options?.timeout) as Promise<P | undefined>;
  }

  callback<S extends StandardSchemaV1>(
    options: CallbackOptions & { readonly schema: S; readonly timeout?: undefined },
  ): Callback<StandardSchemaV1.InferOutput<S>>;
  callback<S extends StandardSchemaV1>(
    options: CallbackOptions & { readonly schema: S },
  ): Callback<StandardSchemaV1.InferOutput<S> | undefined>;
  callback<Payload = unknown>(
    options?: CallbackOptions & { readonly schema?: undefined; readonly timeout?: undefined },
  ): Callback<Payload>;
  callback<Payload = unknown>(
    options: CallbackOptions & { readonly schema?: undefined },
  ): Callback<Payload | undefined>;
  callback<Payload>(
    options?: CallbackOptions & { readonly schema?: StandardSchemaV1 | undefined },
  ): Callback<Payload> {
    // What it is completed with is of the type that whoever completes it was told, or that its schema yields.
    return callback(this.#run, options) as Callback<Payload>;
  }

  handlersFinished(): boolean {
    return this.#run.handlers === 0;
  }

  sideEffect<T>(fn: () => T, name?: string): T {
    return calls.sideEffect(this.#run, fn, name);
  }

  patched(id: string): boolean {
    return patched(this.#run, id);
  }

  deprecatePatch(id: string): void {
    // It tells readers of the code that no run asks any more; the note that runs have is no drift (F18).
    requirePatchId('ctx.deprecatePatch', id);
  }

  now(): Date {
    return new Date(this.#run.ledger.now);
  }

  random(): number {
    this.#run.demandReading('ctx.random');
    return (this.#numbers ??= this.#stream('random')).number();
  }

  uuid(): string {
    this.#run.demandReading('ctx.uuid');
    return (this.#uuids ??= this.#stream('uuid')).uuid();
  }

  cancellable<T>(fn: (scope: CancellationScope) => Promise<T>): Promise<T> {
    return scopes.cancellable(this.#run, fn);
  }

  nonCancellable<T>(fn: () => Promise<T>): Promise<T> {
    return scopes.nonCancellable(this.#run, fn);
  }

  withTimeout<T>(timeout: Duration, fn: () => Promise<T>): Promise<T> {
    return scopes.withTimeout(this.#run, timeout, fn);
  }

  race<B extends RaceBranches>(branches: B): Promise<RaceOutcome<B>> {
    // Its value is what the branch of that name resolved to.
    return race(this.#run, branches) as Promise<RaceOutcome<B>>;
  }

  map<T, R>(
    items: Iterable<T>,
    fn: (item: T, index: number) => Promise<R>,
    options?: MapOptions,
  ): Promise<R[]> {
    // It gives the items of the list to `fn`, and what `fn` resolved to, one for each.
    return map(
      this.#run,
      items,
      fn as (item: unknown, index: number) => Promise<unknown>,
      options,
    ) as Promise<R[]>;
  }

  continueAsNew<I>(input?: ContinuationInput<I>, options?: ContinuationOptions): Promise<never>;
  continueAsNew<W extends WorkflowRun>(
    workflow: WorkflowClass<W>,
    ...args: WorkflowArgs<NoInfer<W>, ContinuationOptions>
  ): Promise<never>;
  continueAsNew(first?: unknown, second?: unknown, third?: ContinuationOptions): Promise<never> {
    // A function is no input: no codec stores one. So it is a class.
    return typeof first === 'function'
      ? continueAsNew(this.#run, first as WorkflowClass, second, third)
      : // Behind an input there are options, as the overloads above say.
        continueAsNew(this.#run, null, first, second as ContinuationOptions | undefined);
  }

  saga<T>(fn: () => Promise<T>): Promise<T> {
    return saga(this.#run, fn);
  }

  compensate(): Promise<{ readonly complete: boolean }> {
    return scopes.compensate(this.#run) as Promise<{ readonly complete: boolean }>;
  }

  onRollback<A extends ActivityExecute>(
    activity: ActivityClass<A>,
    ...args: ActivityArgs<NoInfer<A>, never>
  ): void {
    const [input] = args as readonly unknown[];
    calls.addRollbackStep(this.#run, activity, input);
  }

  commit(): void {
    calls.clearRollback(this.#run);
  }

  setAttributes(attributes: AttributePatch): void {
    calls.setAttributes(this.#run, attributes);
  }

  setDetails(details: string | null): void {
    calls.setDetails(this.#run, details);
  }

  #stream(name: string): RandomStream {
    // The constructor or a signal's handler may draw before the run has started: its seed is not in the prefix yet.
    return new RandomStream(`${this.#run.seed ?? this.#identity.runId}\0${name}`);
  }
}

class FoldInfo implements WorkflowInfo {
  readonly workflowId: string;
  readonly runId: string;
  readonly workflow: string;
  readonly version: number;
  readonly namespace: string;
  readonly #run: Execution;

  constructor(run: Execution, identity: RunIdentity) {
    this.workflowId = identity.workflowId;
    this.runId = identity.runId;
    // As it is stored: what code has read must not change with a rename.
    this.workflow = identity.workflow ?? run.definition.name;
    this.version = run.definition.version;
    this.namespace = identity.namespace;
    this.#run = run;
  }

  get historyLength(): number {
    return this.#run.ledger.eventSeq;
  }
  get historyBytes(): number {
    return this.#run.ledger.eventSize.bytes;
  }
  get continueAsNewSuggested(): boolean {
    return reaches(this.#run.ledger.eventSize, this.#run.started?.continueAfter ?? USUALLY_CONTINUES_AFTER);
  }
  get input(): unknown {
    return this.#run.codec.decode(this.#started('input').input);
  }
  get startedAt(): Date {
    return new Date(this.#started('startedAt').at);
  }
  get attributes(): Attributes {
    return this.#run.shown?.attributes ?? {};
  }
  get parent(): RunLink | null {
    return this.#run.ledger.progress.lineage?.parent ?? null;
  }
  get root(): RunLink {
    const { workflowId, runId } = this;
    return this.#run.ledger.progress.lineage?.root ?? { workflowId, runId };
  }

  #started(what: string): RunStarted {
    const { started } = this.#run;
    if (started) return started;
    throw misuse(
      new TypeError(
        `ctx.info.${what}: the run has not started, a signal came before. Ask in run, or in a later handler.`,
      ),
    );
  }
}

class FoldLogger implements WorkflowLogger {
  readonly #run: Execution;

  constructor(run: Execution) {
    this.#run = run;
  }

  log(message: string, facts?: Readonly<Record<string, unknown>>): void {
    this.#run.log('log', message, facts);
  }
  warn(message: string, facts?: Readonly<Record<string, unknown>>): void {
    this.#run.log('warn', message, facts);
  }
  error(message: string, facts?: Readonly<Record<string, unknown>>): void {
    this.#run.log('error', message, facts);
  }
  debug(message: string, facts?: Readonly<Record<string, unknown>>): void {
    this.#run.log('debug', message, facts);
  }
}
