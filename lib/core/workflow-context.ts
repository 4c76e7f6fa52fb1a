import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { AttributePatch, Attributes } from './attributes.js';
import type { Duration } from './duration.js';
import type {
  Activities,
  ActivityArgs,
  ActivityClass,
  ActivityExecute,
  ActivityResult,
  RaceBranches,
  RaceOutcome,
  Signal,
  SignalArgs,
  SignalName,
  ContinuationInput,
  WorkflowArgs,
  WorkflowClass,
  WorkflowInput,
  WorkflowResult,
  WorkflowRun,
} from './types.js';
import type { ParentClose, RunLink } from './history.js';

/** Options of an activity, as users write them. */
export interface ActivityCallOptionsInput {
  readonly retry?: RetryOptions | undefined;
  /** Start to close, of one attempt. Defaults to `'5m'`. */
  readonly timeout?: Duration | undefined;
  /** From the schedule to the end of the last attempt. Defaults to no limit. */
  readonly scheduleToCloseTimeout?: Duration | undefined;
  /** The longest silence between two heartbeats. Defaults to no limit. */
  readonly heartbeatTimeout?: Duration | undefined;
}

export interface RetryOptions {
  /** The first attempt included; `Infinity` is allowed. Defaults to 3. */
  readonly maxAttempts?: number | undefined;
  /** Before the second attempt. Defaults to `'1s'`. */
  readonly initialInterval?: Duration | undefined;
  /** What each interval is multiplied with to give the next. Defaults to 2. */
  readonly backoff?: number | undefined;
  /** Defaults to `'1m'`. */
  readonly maxInterval?: Duration | undefined;
  /** The share of an interval that is drawn by chance, 0 to 1. Defaults to 0.2. */
  readonly jitter?: number | undefined;
  /** Error classes, or their names, after which no attempt follows. Defaults to none. */
  readonly nonRetryable?: readonly (string | (abstract new (...args: never[]) => Error))[] | undefined;
}

/** What becomes of a child, and how it is known. `Result` and `Input` are those of its workflow. */
// `any` only infers, as in types.ts.
// oxlint-disable-next-line typescript/no-explicit-any
export interface ChildOptions<Result = any, Input = any> {
  /**
   * The workflow id of the child, of 1 to 255 bytes. Defaults to one that follows from the run and the call, so that a replay
   * names the same child.
   */
  readonly id?: string | undefined;
  /**
   * What becomes of a child that is under way when this run ends: it is asked to `'cancel'` and cleans up, is ended at once and
   * without clean-up (`'terminate'`), or goes on (`'abandon'`). Defaults to `'cancel'`.
   */
  readonly parentClose?: ParentClose | undefined;
  /**
   * What undoes the child, once it has completed, when this run rolls back: a class that is one activity, or a workflow. Its input
   * is `{ result, input }`: what the child returned, and what it was given. Defaults to nothing.
   */
  readonly compensate?: ChildUndo<Result, Input> | undefined;
  /** How long it may take, through any number of runs, before it is ended as timed out. Defaults to what its class says. */
  readonly executionTimeout?: Duration | undefined;
  /** The same for each of its runs. Defaults to what its class says. */
  readonly runTimeout?: Duration | undefined;
}
/** What is other for the run that this one continues as. */
export interface ContinuationOptions {
  /**
   * How long that run may take, and each one after it, before it is ended as timed out. Defaults to what this run has; what the
   * `executionTimeout` of all the runs leaves is not changed by it.
   */
  readonly runTimeout?: Duration | undefined;
}

/** A class that undoes a child: one activity, or a workflow. */
export type ChildUndo<Result, Input> =
  | (abstract new (...dependencies: never[]) => {
      execute(undone: { readonly result: Result; readonly input: Input }): Promise<unknown>;
    })
  | (abstract new (...dependencies: never[]) => {
      run(ctx: WorkflowContext, undone: { readonly result: Result; readonly input: Input }): Promise<unknown>;
    });

/** A child that was started by `ctx.startChild`. It belongs to the run that has started it. */
export interface ChildHandle<W = unknown> {
  readonly workflowId: string;
  /** Of the child's first run. */
  readonly runId: string;
  /**
   * Waits for the child's end. May be called again, and in any scope: cancelling a scope that the child was not started in ends
   * the wait, and not the child.
   *
   * @returns what `run` of the child returned
   * @throws {@link ChildWorkflowFailure} for a child that did not complete
   */
  result(): Promise<WorkflowResult<W>>;
  /**
   * Sends a signal to the child: as {@link ExternalHandle.signal}, but only to this child.
   *
   * @throws {@link WorkflowNotRunningError} for a child that has ended, or rolls back
   */
  signal<S extends SignalName<W> | Signal>(signal: S, ...args: SignalArgs<W, S, never>): Promise<void>;
  /** Asks the child to cancel, and does not wait: {@link result} rejects once it has cleaned up. One that has ended stays as it is. */
  cancel(): void;
}

/** Another run, reached from the code of a workflow by `ctx.external`. */
export interface ExternalHandle<W = unknown> {
  readonly workflowId: string;
  /**
   * Sends a signal. It arrives once, and what this run sends to one workflow id arrives in the order in which it was sent.
   *
   * @param signal the name of a handler of the class, or a signal that `defineSignal` made
   * @param args its payload
   * @returns once the signal is in the inbox of the other run
   * @throws {@link WorkflowNotFoundError} where no run has ever had the workflow id, {@link WorkflowNotRunningError} where the
   *   one that has it is over, or rolls back
   */
  signal<S extends SignalName<W> | Signal>(signal: S, ...args: SignalArgs<W, S, never>): Promise<void>;
  /**
   * Sends a signal as {@link signal} does, and starts a run of the class with it where none is open. The handler of the signal
   * runs before `run`. Whether a worker has the workflow does not matter here: the run waits for one.
   *
   * ```ts
   * await ctx.external(AccountWorkflow, customer).signalWithStart({ customer, month: 1 }, Usage, { gigabytes: 12 });
   * ```
   *
   * @param input what `run` gets, where a run is started; the schema of the class is asked at the call
   * @param signal the name of a handler of the class, or a signal that `defineSignal` made
   * @param args its payload, and then {@link ExternalStartOptions}
   * @returns once the signal is in the inbox of the other run
   * @throws {@link WorkflowNotRunningError} where the run that has the workflow id rolls back: nothing is started or sent
   * @throws {@link InvalidInputError} for an input that the schema of the class refuses
   */
  signalWithStart<S extends SignalName<W> | Signal>(
    input: WorkflowInput<W>,
    signal: S,
    ...args: SignalArgs<W, S, ExternalStartOptions>
  ): Promise<void>;
  /**
   * Asks the run to cancel.
   *
   * @returns once the request is in the inbox of the other run
   * @throws as {@link signal} does
   */
  cancel(options?: { readonly reason?: string | undefined }): Promise<void>;
}

/** Of a run that is started with a signal of another one. */
export interface ExternalStartOptions {
  /** How long it may take, through any number of runs, before it is ended as timed out. Defaults to what its class says. */
  readonly executionTimeout?: Duration | undefined;
  /** The same for each of its runs. Defaults to what its class says. */
  readonly runTimeout?: Duration | undefined;
}

/** How a callback is known, and for how long it is waited for. */
export interface CallbackOptions {
  /**
   * What whoever settles it may call it by, instead of its token: 1 to 255 bytes, unique in the namespace among the callbacks that
   * are open. Defaults to none: only the token names it.
   */
  readonly key?: string | undefined;
  /** Then `result` resolves to `undefined`, and the callback is over. Defaults to no limit. */
  readonly timeout?: Duration | undefined;
}

/** Something that is settled from outside, by whoever has its key or its token. Made by {@link WorkflowContext.callback}. */
export interface Callback<Payload = unknown> {
  /** `null` for one that only its token names. */
  readonly key: string | null;
  /**
   * Names this callback for {@link WorkflowClient.callback}. Letters, digits, `-` and `_`: it may stand in a URL. Whoever has it can
   * settle the callback, so treat it as a secret.
   */
  readonly token: string;
  /**
   * What the callback was completed with; `undefined` when its `timeout` ran out. Rejects with {@link CallbackFailure} where it was
   * failed, with {@link CallbackAlreadyOpenError} where its key is taken.
   */
  readonly result: Promise<Payload>;
}

export interface WorkflowInfo {
  readonly workflowId: string;
  readonly runId: string;
  readonly workflow: string;
  readonly version: number;
  readonly namespace: string;
  /** The sequence number of the event that is being handled. */
  readonly historyLength: number;
  /** About how many bytes the history has up to that event. */
  readonly historyBytes: number;
  /**
   * The history is so long that replaying it takes its time: go on with a short one by {@link WorkflowContext.continueAsNew}.
   * From 10,000 entries or 10 MB on, or what the module's `history` said when the run started.
   */
  readonly continueAsNewSuggested: boolean;
  /** What the run was started with. A copy. */
  readonly input: unknown;
  readonly startedAt: Date;
  /** The attributes of the run: those of its start, and what its code has set since. A copy. */
  readonly attributes: Attributes;
  /** Of a child: the run that started it; `null` of a run that was started from outside. */
  readonly parent: RunLink | null;
  /** The run at the top of the tree: this one itself, unless it is a child. */
  readonly root: RunLink;
}

export interface MapOptions {
  /** How many items are under way at a time: a whole number from 1. Defaults to `Infinity`. */
  readonly concurrency?: number | undefined;
}

export interface CancellationScope {
  /** Cancels everything durable that was called inside; each await in it throws `CancelledError`. */
  cancel(reason?: string): void;
}

/** A logger that is silent while replaying; lines appear once the turn is committed. */
export interface WorkflowLogger {
  log(message: string, facts?: Readonly<Record<string, unknown>>): void;
  warn(message: string, facts?: Readonly<Record<string, unknown>>): void;
  error(message: string, facts?: Readonly<Record<string, unknown>>): void;
  debug(message: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** What a workflow can do. A class, so that a workflow's constructor can ask for it. */
export abstract class WorkflowContext {
  abstract readonly info: WorkflowInfo;
  abstract readonly log: WorkflowLogger;
  /** Whether the run was asked to cancel. */
  abstract readonly cancelRequested: boolean;

  /** Runs a class that is one activity: `await ctx.run(ShipOrder, order)`. Throws {@link ActivityFailure}. */
  abstract run<A extends ActivityExecute>(
    activity: ActivityClass<A>,
    ...args: ActivityArgs<NoInfer<A>, ActivityCallOptionsInput>
  ): Promise<ActivityResult<A>>;

  /**
   * Runs another workflow as a child of this run and waits for its result. The child is a run of its own, with a history of its
   * own; it is started in the very commit that records the call, and its end reaches this run wherever either of them is.
   *
   * ```ts
   * const receipt = await ctx.child(InvoiceWorkflow, { customer, month });
   * ```
   *
   * @param workflow its class
   * @param args its input, as `client.start` takes it, and then {@link ChildOptions}
   * @returns what its `run` returned
   * @throws {@link ChildWorkflowFailure} for a child that did not complete; its `cause` is what failed it
   * @throws {@link WorkflowAlreadyStartedError} for an `id` that an open run has
   * @throws {@link InvalidInputError} for an input that the schema of the workflow refuses
   * @throws {@link ChildDepthError} below 50 runs
   */
  abstract child<W extends WorkflowRun>(
    workflow: WorkflowClass<W>,
    ...args: WorkflowArgs<NoInfer<W>, ChildOptions<WorkflowResult<NoInfer<W>>, WorkflowInput<NoInfer<W>>>>
  ): Promise<WorkflowResult<W>>;

  /**
   * Starts another workflow as a child of this run, without waiting for its end.
   *
   * ```ts
   * const invoice = await ctx.startChild(InvoiceWorkflow, { customer, month });
   * const receipt = await invoice.result();
   * ```
   *
   * @param workflow its class
   * @param args its input, as `client.start` takes it, and then {@link ChildOptions}
   * @returns a handle, once the child has begun to exist
   * @throws as {@link child} does, but for failures of the child, which `result()` of the handle tells
   */
  abstract startChild<W extends WorkflowRun>(
    workflow: WorkflowClass<W>,
    ...args: WorkflowArgs<NoInfer<W>, ChildOptions<WorkflowResult<NoInfer<W>>, WorkflowInput<NoInfer<W>>>>
  ): Promise<ChildHandle<W>>;

  /**
   * Reaches a run that is no child of this one: `await ctx.external(AccountWorkflow, 'ann').signal('charged', 12)`.
   *
   * @param workflow the class of the other run, which types its signals
   * @param workflowId of the other run, whichever is open then
   * @returns a handle with `signal`, `signalWithStart` and `cancel`; nothing is sent before one of them is called
   */
  abstract external<W extends WorkflowRun>(workflow: WorkflowClass<W>, workflowId: string): ExternalHandle<W>;

  /** The activities of a provider with options of this call: `ctx.activities(Payments, { timeout: '1m' }).charge(order)`. */
  abstract activities<T extends object>(
    // `any` only infers, as in types.ts.
    // oxlint-disable-next-line typescript/no-explicit-any
    activities: abstract new (...dependencies: any[]) => T,
    options?: ActivityCallOptionsInput,
  ): Activities<T>;

  /** Waits durably for a duration, or until a date. Never early by the database's clock. */
  abstract sleep(until: Duration | Date): Promise<void>;

  /** Resolves to `true` once the function returns `true`; looked at after every event. */
  abstract condition(predicate: () => boolean): Promise<true>;
  /** Resolves to `true` once the function returns `true`, to `false` when the time ran out before. */
  abstract condition(predicate: () => boolean, timeout: Duration): Promise<boolean>;

  /**
   * Whether every handler of a signal or an update has ended. Wait for it before `run` returns, or what they do after that does
   * not count, and whoever waits for an update's answer is told that the run has ended.
   *
   * ```ts
   * await ctx.condition(() => ctx.handlersFinished());
   * return this.total;
   * ```
   *
   * @returns `false` while a handler waits for something; always, when a handler asks
   */
  abstract handlersFinished(): boolean;

  /** The next payload of the signal, in arrival order. Signals sent before the wait are kept. */
  abstract waitForSignal<P>(signal: Signal<P, unknown> | string): Promise<P>;
  /** The next payload of the signal; `undefined` when the time ran out. */
  abstract waitForSignal<P>(
    signal: Signal<P, unknown> | string,
    options: { timeout: Duration },
  ): Promise<P | undefined>;

  /**
   * Opens a callback: something that is settled once, from outside, by whoever has its token or its key. Pass the token on, to a
   * payment provider or in a mail, and wait for `result`.
   *
   * ```ts
   * const paid = ctx.callback<Payment>({ key: `payment-${order.id}`, timeout: '3 days' });
   * await this.payments.begin(order, paid.token);
   * const payment = await paid.result;
   * ```
   *
   * It is there once the turn is committed, before any activity of that turn begins. It ends with its run, also with one that
   * continues as new, and with its scope.
   *
   * @param options `key`, `timeout`, and `schema`: a Standard Schema for what it is completed with. Where the client knows that too
   *   it is applied there; otherwise when the run takes the value up, and then `result` rejects for what it refuses
   * @returns its token, and the promise of what it is completed with
   *
   * Throws `InvalidInputError` for a key that cannot be stored, `CancelledError` in a scope that was cancelled, and a `TypeError`
   * or `RangeError` for what is no option.
   */
  abstract callback<S extends StandardSchemaV1>(
    options: CallbackOptions & { readonly schema: S; readonly timeout?: undefined },
  ): Callback<StandardSchemaV1.InferOutput<S>>;
  abstract callback<S extends StandardSchemaV1>(
    options: CallbackOptions & { readonly schema: S },
  ): Callback<StandardSchemaV1.InferOutput<S> | undefined>;
  abstract callback<Payload = unknown>(
    options?: CallbackOptions & { readonly schema?: undefined; readonly timeout?: undefined },
  ): Callback<Payload>;
  abstract callback<Payload = unknown>(
    options: CallbackOptions & { readonly schema?: undefined },
  ): Callback<Payload | undefined>;

  /** Runs a synchronous function once and records what it returned. Name it in parallel branches. */
  abstract sideEffect<T>(fn: () => T, name?: string): T;
  /**
   * Whether this run goes the new way at a change of the code: `true` for runs that come here for the first time, `false`
   * for those that came by before the change was deployed.
   *
   * ```ts
   * if (ctx.patched('check-fraud')) await this.fraud.check(order);
   * await this.payments.charge(order);
   * ```
   *
   * A run answers once for each id, and keeps its answer wherever the call stands: it may be moved, and be removed when
   * the old way is. In a loop give each turn an id of its own: `` ctx.patched(`fee:${i}`) ``.
   *
   * @param id names the change: 1 to 255 bytes, used for no other change of this workflow
   *
   * Throws a `TypeError` for an id that cannot be stored, and in a constructor, a query, a condition or a side effect.
   */
  abstract patched(id: string): boolean;
  /**
   * Says in the code that a patch is over: every run that went the old way is closed, and the old way is removed.
   * It does nothing else, and may be removed at any time.
   *
   * ```ts
   * ctx.deprecatePatch('check-fraud');
   * await this.fraud.check(order);
   * ```
   *
   * @param id of a patch that the code asked for before
   *
   * Throws a `TypeError` for what is no id of a patch.
   */
  abstract deprecatePatch(id: string): void;
  /** The time of the event that is being handled: the same at every replay. */
  abstract now(): Date;
  /** A number from 0 up to 1: the same at every replay. */
  abstract random(): number;
  /** A UUID (v4) drawn like {@link random}. */
  abstract uuid(): string;

  /** Runs `fn` in a scope that can be cancelled by itself. */
  abstract cancellable<T>(fn: (scope: CancellationScope) => Promise<T>): Promise<T>;
  /** Runs `fn` in a scope that no cancellation reaches; it is finished before the run ends. */
  abstract nonCancellable<T>(fn: () => Promise<T>): Promise<T>;
  /** Runs `fn`, cancels it when the time runs out, waits for it, and then throws {@link TimeoutFailure}. */
  abstract withTimeout<T>(timeout: Duration, fn: () => Promise<T>): Promise<T>;
  /**
   * Waits for whichever of several branches settles first, cancels the others, and waits until they have settled.
   *
   * ```ts
   * const first = await ctx.race({
   *   paid: () => ctx.waitForSignal(Paid),
   *   late: () => ctx.sleep('3 days'),
   * });
   * if (first.key === 'paid') return first.value.receipt;
   * ```
   *
   * A signal that the losers wait for stays there for whoever waits next. The losers of `Promise.race` go on waiting,
   * and take it.
   *
   * @param branches functions by name; each begins at once, in a scope of its own
   * @returns the name of the first branch, and what it resolved to
   *
   * Throws what the first branch throws, and a `TypeError` for branches that are no functions, or none at all.
   */
  abstract race<B extends RaceBranches>(branches: B): Promise<RaceOutcome<B>>;

  /**
   * Does the same for every item of a list, side by side, and waits for all of them.
   *
   * ```ts
   * const receipts = await ctx.map(orders, (order) => this.payments.charge(order), { concurrency: 20 });
   * ```
   *
   * The first item that fails cancels the others, and those that have not begun never do. What completed stays on the
   * rollback stack.
   *
   * @param items any iterable; it is read once, at the call
   * @param fn called with each item and its index from 0; in a scope of the list
   * @param options `concurrency`, unlimited by default
   * @returns what `fn` resolved to, in the order of the items
   *
   * Throws what the first item to fail throws, once all that had begun have settled, and a `TypeError` for what is no
   * list, no function or no concurrency.
   */
  abstract map<T, R>(
    items: Iterable<T>,
    fn: (item: T, index: number) => Promise<R>,
    options?: MapOptions,
  ): Promise<R[]>;

  /**
   * Ends this run, and goes on as a new one with a history of its own: same workflow id, and what is still unread, be it
   * messages or signals that nobody waited for, is the new run's.
   *
   * ```ts
   * for (let day = 0; day < 30; day++) await this.billing.charge(await ctx.waitForSignal(Usage));
   * return ctx.continueAsNew({ ...account, month: account.month + 1 });
   * ```
   *
   * The new run is of the newest version of this workflow that a worker has: this one, or another one, which then takes it up. What was done so far is not undone any
   * more, as by {@link commit}; what is in flight is left as when `run` returns.
   *
   * @param input what `run` of the new run gets
   * @param options `runTimeout`: how long the new run may take, and each one after it. Defaults to what this run has
   * @returns a promise that never settles: return it. No `catch` and no `finally` sees the end of this run
   *
   * Throws `UnstorableValueError`, a `RangeError` for a `runTimeout` that is no time, and `CancelledError` in a scope that was
   * cancelled: a run that was asked to cancel does not go on as another one, unless it says so in {@link nonCancellable}.
   */
  abstract continueAsNew<I>(input?: ContinuationInput<I>, options?: ContinuationOptions): Promise<never>;
  /** As above; the new run is of the workflow and the version that the class says, with its input checked by the compiler. */
  abstract continueAsNew<W extends WorkflowRun>(
    workflow: WorkflowClass<W>,
    ...args: WorkflowArgs<NoInfer<W>, ContinuationOptions>
  ): Promise<never>;

  /**
   * Runs `fn` in a scope with a rollback of its own: where it rejects, what completed inside is undone before the error
   * passes on.
   *
   * ```ts
   * const trip = await ctx
   *   .saga(() => Promise.all([this.hotels.book(city), this.flights.book(city)]))
   *   .catch(() => null); // nothing is booked
   * ```
   *
   * First what is under way inside is cancelled and waited for; then steps are undone in the order of the workflow, the
   * last completed first. Where `fn` resolves, its steps stay on the stack of whatever is around: another saga, or the
   * run. `ctx.commit()` inside is about the steps of the saga only; `ctx.compensate()` is about all of the run.
   *
   * @param fn called at once
   * @returns what `fn` resolves to
   *
   * Throws what `fn` throws, when what completed inside is undone. A compensation that fails is noted, and the run's end
   * says that its rollback is incomplete.
   */
  abstract saga<T>(fn: () => Promise<T>): Promise<T>;

  /** Rolls back now: undoes every completed activity that has a compensation, in reverse order. */
  abstract compensate(): Promise<{ readonly complete: boolean }>;
  /** Adds a step to the rollback: this activity is run with this input when the run rolls back. */
  abstract onRollback<A extends ActivityExecute>(
    activity: ActivityClass<A>,
    ...args: ActivityArgs<NoInfer<A>, never>
  ): void;
  /** The point of no return: what was done before it is not undone any more. */
  abstract commit(): void;

  /**
   * Sets attributes of the run over those that are there: what `describe()` shows, and lists filter by.
   *
   * ```ts
   * ctx.setAttributes({ stage: 'shipping', parcels: 3, hint: undefined });
   * ```
   *
   * They are written in the commit of the turn, so that nobody sees them before what the code did with them, and only if
   * they change.
   *
   * @param attributes plain JSON by name; `undefined` and `null` remove one
   *
   * Throws a `TypeError` for what is no plain JSON, and a `RangeError` for more than 32 attributes or 8,192 bytes in all. Such
   * an error that is not caught blocks the run, so that a deploy can mend it.
   */
  abstract setAttributes(attributes: AttributePatch): void;
  /**
   * Sets a text for people that `describe()` and lists show: what the run is at, or why it waits.
   *
   * ```ts
   * ctx.setDetails(`Waiting for ${supplier} to confirm`);
   * ```
   *
   * @param details a longer text is cut after 4,096 characters; `null` removes it
   */
  abstract setDetails(details: string | null): void;
}
