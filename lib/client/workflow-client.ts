import type { StandardSchemaV1 } from '@standard-schema/spec';
import { describeWorkflow, isNamed, namesOf } from '../core/index.js';
import type {
  HandlerArgs,
  HandlerResult,
  RunLimits,
  Signal,
  SignalArgs,
  SignalName,
  UpdateName,
  WorkflowArgs,
  WorkflowClass,
  WorkflowDescriptor,
  WorkflowInput,
  WorkflowResult,
  WorkflowRun,
} from '../core/index.js';
import { newMessageId, newRunId } from '../engine/index.js';
import { asRunId, isPageSize } from '../journal/index.js';
import type { Message, RunDescription, RunFilter, RunId, RunState, StartRequest } from '../journal/index.js';
import { attributeFilter, checkAttributes } from './attribute-filter.js';
import type { AttributeFilter } from './attribute-filter.js';
import { CallbackHandle } from './callback-handle.js';
import type { CallbackLookup } from './callback-handle.js';
import { checkAtWork } from './client-parts.js';
import type { ClientParts } from './client-parts.js';
import { byOf, noteStart } from './operations.js';
import { UnknownWorkflowError, WorkflowAlreadyStartedError } from './errors.js';
import { hintOf } from './message-sender.js';
import { Patience } from './patience.js';
import { QueryReader } from './query-reader.js';
import { signalContent } from './signal-message.js';
import { decidedWithin } from './start-batcher.js';
import type { Started } from './start-batcher.js';
import { debounceOf, limitOf } from './start-options.js';
import type { StartOptions, StartSettings, StartTime } from './start-options.js';
import { startWith } from './start-with.js';
import type { StartedWith } from './start-with.js';
import { transactionOf } from './transaction.js';
import { checkUpdateOptions, UPDATE_OPTIONS, UpdateAsker, updateCallOf } from './update-asker.js';
import type { UpdateOptions } from './update-asker.js';
import {
  checkChoice,
  checkName,
  checkOptions,
  checkSignal,
  durationOf,
  instantOf,
  invalid,
  refusedAsInvalid,
  validated,
} from './validation.js';
import type { RunReport } from './rollback-report.js';
import type { ResultOptions } from './result-reader.js';
import { RunTarget } from './run-target.js';
import type { HandleTarget } from './run-target.js';
import { WorkflowHandle } from './workflow-handle.js';

/** Of a start with a signal: `onConflict` defaults to `'useExisting'`. */
export interface SignalWithStartOptions extends Omit<StartSettings, 'manager'>, StartTime {
  /** A signal that is sent twice with one id counts once, over all runs of the workflow id. Defaults to a new one. */
  readonly dedupeId?: string | undefined;
}
/** Of a start with an update: `onConflict` defaults to `'useExisting'`. */
export interface UpdateWithStartOptions extends Omit<StartSettings, 'manager'>, StartTime, UpdateOptions {}

export interface ListOptions {
  readonly where?: RunWhere | undefined;
  /** By start time. Defaults to `'newest'` first. */
  readonly orderBy?: 'newest' | 'oldest' | undefined;
  /** Of the page before. Defaults to the first page. */
  readonly cursor?: string | undefined;
  /** 1 to 1,000. Defaults to 50. */
  readonly limit?: number | undefined;
}
export interface RunWhere {
  /** A name, as runs are stored with it; or a class, which means all names that the workflow has or had. */
  readonly workflow?: string | WorkflowClass | undefined;
  readonly id?: string | undefined;
  readonly state?: RunState | readonly RunState[] | undefined;
  /** `false`: open runs that no live worker takes, because none has their workflow in their version. */
  readonly served?: false | undefined;
  readonly startedAfter?: Date | undefined;
  readonly startedBefore?: Date | undefined;
  /** Each attribute has this value, or fits these bounds. */
  readonly attributes?: Readonly<Record<string, AttributeFilter | undefined>> | undefined;
}
export interface WorkflowPage {
  readonly runs: readonly RunDescription[];
  /** Of the next page; `undefined` on the last one. */
  readonly cursor: string | undefined;
}

/**
 * Starts workflows and talks to them; inject it anywhere.
 *
 * ```ts
 * @Controller('orders')
 * export class OrdersController {
 *   constructor(private readonly workflows: WorkflowClient) {}
 *
 *   @Post()
 *   async create(@Body() order: Order) {
 *     const handle = await this.workflows.start(OrderWorkflow, order, { id: `order-${order.id}` });
 *     return { workflowId: handle.workflowId };
 *   }
 * }
 * ```
 */
export class WorkflowClient {
  readonly #parts: ClientParts;
  readonly #queries: QueryReader;

  /** @internal Made by `ContinuumModule`. */
  constructor(parts: ClientParts) {
    this.#parts = parts;
    this.#queries = new QueryReader(parts);
  }

  /**
   * Starts a workflow, by its class or by its name: `start<OrderWorkflow>('order', order)` with a type import alone.
   * Once this resolves the run is never lost.
   *
   * @returns a handle of the run, and of those that it continues as; its `created` tells whether this call began it. A start that
   *   has taken the place of one that was held back (`debounce`) has the handle of that run.
   * @throws WorkflowAlreadyStartedError by `onConflict` and `onReuse`
   * @throws InvalidInputError, UnknownWorkflowError, UnstorableValueError, PayloadTooLargeError
   */
  // By name alone nothing is known of the workflow: `any` leaves its input open.
  // oxlint-disable-next-line typescript/no-explicit-any
  async start<W extends WorkflowRun = any>(
    workflow: WorkflowClass<W> | string,
    ...args: WorkflowArgs<NoInfer<W>, StartOptions>
  ): Promise<WorkflowHandle<W>> {
    const [input, options] = args as [unknown, StartOptions | undefined];
    checkOptions('the call of start()', options, START_OPTIONS);
    return this.#startNew<W>('start', workflow, input, options ?? {});
  }

  async #startNew<W extends WorkflowRun>(
    caller: string,
    workflow: WorkflowClass<W> | string,
    input: unknown,
    options: StartOptions,
    signal?: AbortSignal,
  ): Promise<WorkflowHandle<W>> {
    checkWorkflow(caller, workflow);
    const type = typeof workflow === 'string' ? undefined : workflow;
    const request = await this.#request(workflow, input, options);
    // Its schema may have taken its time.
    signal?.throwIfAborted();
    const answer = await this.#start(request, options).catch((error: unknown) => {
      throw refusedAsInvalid(`the start of "${request.workflowId}"`, error);
    });
    await noteStart(this.#parts, request, answer);
    const runId = this.#started(request, answer);
    const { workflowId } = request;
    return this.#handleOf<W>({ workflowId, runId, type, created: answer.type === 'started' });
  }

  /**
   * Starts a workflow and waits for its result. Takes and throws what `start` and `handle.result` do; a `manager` is
   * refused with `InvalidInputError`, because the run begins after the transaction: `start` within it, and ask the handle for
   * its `result` afterwards.
   */
  // oxlint-disable-next-line typescript/no-explicit-any -- as for `start`
  async execute<W extends WorkflowRun = any>(
    workflow: WorkflowClass<W> | string,
    ...args: WorkflowArgs<NoInfer<W>, StartOptions & ResultOptions>
  ): Promise<WorkflowResult<W>> {
    const [input, options] = args as [unknown, (StartOptions & ResultOptions) | undefined];
    checkOptions('the call of execute()', options, [...START_OPTIONS, 'timeout', 'signal']);
    checkSignal(options?.signal);
    // Before anything is started.
    durationOf('timeout', options?.timeout);
    if (options?.manager !== undefined) {
      throw invalid(
        'the option "manager"',
        'cannot be given to execute(): nothing runs before the transaction has committed, and it would wait for itself',
      );
    }
    checkAtWork(this.#parts);
    const { timeout, signal } = options ?? {};
    signal?.throwIfAborted();
    // A start that is under way goes on: it may have begun the run when its caller is told that it waits no longer.
    const starting = this.#startNew<W>('execute', workflow, input, options ?? {}, signal);
    const handle = await new Patience(null, signal).within(starting);
    if (typeof handle === 'string') throw signal?.reason;
    return handle.result({ timeout, signal });
  }

  /**
   * Sends a signal to the run that has the workflow id, and starts one with it where there is none, in one transaction. The
   * handler of the signal runs before `run`; a signal that was sent before, by its `dedupeId`, starts nothing.
   *
   * ```ts
   * const handle = await client.signalWithStart(CartWorkflow, undefined, 'add', item, { id: `cart-${customer}` });
   * ```
   *
   * @returns a handle of the run that has the signal
   * @throws WorkflowNotRunningError when that run rolls back: nothing was started or sent
   * @throws WorkflowAlreadyStartedError by `onConflict`, whose default is `'useExisting'` here, and by `onReuse`
   * @throws what `start` and `handle.signal` throw
   */
  async signalWithStart<W extends WorkflowRun, S extends SignalName<NoInfer<W>> | Signal>(
    workflow: WorkflowClass<W> | string,
    input: WorkflowInput<NoInfer<W>>,
    signal: S,
    ...args: SignalArgs<NoInfer<W>, S, SignalWithStartOptions>
  ): Promise<WorkflowHandle<W>> {
    // The two optional parameters that every form of the arguments has.
    const [payload, options = {}] = args as unknown as [unknown, SignalWithStartOptions?];
    checkOptions('the call of signalWithStart()', options, SIGNAL_WITH_START_OPTIONS);
    checkWorkflow('signalWithStart', workflow);
    const type = typeof workflow === 'string' ? undefined : workflow;
    const content = await signalContent(this.#parts.codec, type, signal, payload);
    const start = await this.#request(workflow, input, usesExisting(options));
    const { runId, created, sent } = await startWith(this.#parts, start, {
      ...this.#messageTo(start, options),
      ...content,
      kind: 'signal',
    });
    this.#tell(sent);
    return this.#handleOf<W>({ workflowId: start.workflowId, runId, type, created });
  }

  /**
   * Asks the run that has the workflow id for an update, and starts one with it where there is none, in one transaction. The run
   * begins before it takes the update up; an update that was asked for before, by its `dedupeId`, starts nothing.
   *
   * ```ts
   * const { handle, result } = await client.updateWithStart(CartWorkflow, undefined, 'price', item, { id: 'cart-17' });
   * ```
   *
   * @returns a handle of the run, and what the handler returned
   * @throws UpdateRefusedError when the validator refused it: a run that was started for it is there
   * @throws WorkflowNotRunningError when the run rolls back: nothing was started or sent
   * @throws WorkflowAlreadyStartedError by `onConflict`, whose default is `'useExisting'` here, and by `onReuse`
   * @throws what `start` and `handle.update` throw
   */
  async updateWithStart<W extends WorkflowRun, K extends UpdateName<NoInfer<W>>>(
    workflow: WorkflowClass<W> | string,
    input: WorkflowInput<NoInfer<W>>,
    update: K,
    ...args: HandlerArgs<NoInfer<W>, K, UpdateWithStartOptions>
  ): Promise<{ readonly handle: WorkflowHandle<W>; readonly result: HandlerResult<W, K> }> {
    // The two optional parameters that every form of the arguments has.
    const [payload, options = {}] = args as unknown as [unknown, UpdateWithStartOptions?];
    checkUpdateOptions('the call of updateWithStart()', options, UPDATE_WITH_START_OPTIONS);
    checkWorkflow('updateWithStart', workflow);
    const call = updateCallOf(options);
    const type = typeof workflow === 'string' ? undefined : workflow;
    const start = await this.#request(workflow, input, usesExisting(options));
    const { workflowId } = start;
    const target = { workflowId, runId: null, follows: true, type, created: false };
    const asker = new UpdateAsker(this.#parts, new RunTarget(this.#parts, target), update);
    const { runId, created, sent } = await asker.sent(call, async () => {
      const message = await asker.message(payload, call, options);
      checkAtWork(this.#parts);
      call.patience.signal?.throwIfAborted();
      return startWith(this.#parts, start, message, () => call.patience.over);
    });
    // The type is that of the handler.
    const result = (await asker.answered(call, sent)) as HandlerResult<W, K>;
    return { handle: this.#handleOf<W>({ workflowId, runId, type, created }), result };
  }

  #messageTo(
    { namespace, workflowId, by }: StartRequest,
    { dedupeId }: SignalWithStartOptions,
  ): Pick<Message, 'namespace' | 'workflowId' | 'runId' | 'dedupeId' | 'by'> {
    if (dedupeId !== undefined) checkName('a dedupeId', dedupeId);
    return { namespace, workflowId, runId: null, dedupeId: dedupeId ?? newMessageId(), by };
  }

  #tell(sent: StartedWith['sent']): void {
    if (sent.type === 'accepted') this.#parts.wakeup.tell(hintOf(sent));
  }

  #handleOf<W>(target: Omit<HandleTarget, 'follows'>): WorkflowHandle<W> {
    return new WorkflowHandle<W>(this.#parts, this.#queries, { ...target, follows: true });
  }

  /** A handle by workflow id; nothing is looked up before it is used. Throws `InvalidInputError` for what can be no id. */
  handle(workflowId: string, runId?: string): WorkflowHandle;
  handle<W extends WorkflowRun>(
    workflow: WorkflowClass<W>,
    workflowId: string,
    runId?: string,
  ): WorkflowHandle<W>;
  handle(first: WorkflowClass | string, second?: string, third?: string): WorkflowHandle {
    checkWorkflow('handle', first);
    const [type, workflowId, runId] =
      typeof first === 'string' ? [undefined, first, second] : [first, second!, third];
    if (runId !== undefined) checkName('a run id', runId);
    return new WorkflowHandle(this.#parts, this.#queries, {
      workflowId,
      runId: runId === undefined ? null : asRunId(runId),
      follows: runId === undefined,
      type,
      created: false,
    });
  }

  /**
   * A callback that a workflow has opened, by its key or by its token; nothing is looked up before it is used.
   *
   * ```ts
   * @Post('payments/:token')
   * async paid(@Param('token') token: string, @Body() payment: Payment) {
   *   await this.workflows.callback<Payment>(token).complete(payment);
   * }
   * ```
   *
   * @param keyOrToken the `key` of `ctx.callback`, of any run of the namespace; or its `token`
   * @param options `schema` for what it is completed with, which is then applied here
   * @returns a handle with `complete` and `fail`
   * @throws InvalidInputError for what can be no key, a token that is damaged, or one of another namespace
   */
  callback<S extends StandardSchemaV1>(
    keyOrToken: string,
    options: CallbackLookup<S> & { readonly schema: S },
  ): CallbackHandle<StandardSchemaV1.InferInput<S>>;
  callback<Payload = unknown>(
    keyOrToken: string,
    options?: { readonly schema?: undefined },
  ): CallbackHandle<Payload>;
  callback(keyOrToken: string, options?: CallbackLookup): CallbackHandle {
    return new CallbackHandle(this.#parts, keyOrToken, options);
  }

  /** Describes the latest run of a workflow id, or the one named. Throws `WorkflowNotFoundError`. */
  describe(workflowId: string, runId?: string): Promise<RunReport> {
    return this.handle(workflowId, runId).describe();
  }

  /**
   * A page of runs. Pages follow `cursor`, and stay in order while runs are added.
   *
   * @throws InvalidInputError for a cursor that no page gave, and for what cannot be asked for
   */
  async list(options: ListOptions = {}): Promise<WorkflowPage> {
    checkOptions('the call of list()', options, LIST_OPTIONS);
    checkOptions('the "where" of list()', options.where, WHERE);
    const limit = options.limit ?? 50;
    if (!isPageSize(limit)) {
      throw invalid('the limit of a list', `must be a whole number from 1 to 1,000, but is ${limit}`);
    }
    checkChoice('orderBy', options.orderBy, ['newest', 'oldest']);
    try {
      const page = await this.#parts.journal.list({
        filter: this.#filter(options.where),
        order: options.orderBy ?? 'newest',
        cursor: options.cursor ?? null,
        limit,
      });
      return { runs: page.runs, cursor: page.next ?? undefined };
    } catch (error) {
      // A cursor comes from outside, and so may anything that is filtered by.
      throw refusedAsInvalid('the query of a list', error);
    }
  }

  /** How many runs there are. Throws {@link InvalidInputError} as {@link list} does. */
  async count(where: RunWhere = {}): Promise<number> {
    checkOptions('the call of count()', where, WHERE);
    const filter = this.#filter(where);
    try {
      return await this.#parts.journal.count(filter);
    } catch (error) {
      throw refusedAsInvalid('the query of a count', error);
    }
  }

  #filter(where: RunWhere = {}): RunFilter {
    for (const state of [where.state].flat()) checkChoice('state', state, STATES);
    return {
      namespace: this.#parts.namespace,
      workflow:
        where.workflow === undefined
          ? undefined
          : typeof where.workflow === 'string'
            ? where.workflow
            : namesOf(described(where.workflow)),
      workflowId: where.id,
      state: where.state,
      served: servedOf(where.served),
      startedAfter: instantOf('startedAfter', where.startedAfter),
      startedBefore: instantOf('startedBefore', where.startedBefore),
      ...attributeFilter(where.attributes),
    };
  }

  async #request(
    workflow: WorkflowClass | string,
    input: unknown,
    options: StartOptions,
  ): Promise<StartRequest> {
    const { name, version, schema, limits } =
      typeof workflow === 'string' ? this.#byName(workflow) : named(workflow);
    this.#parts.checkServed(name, version);
    const runId = newRunId();
    const workflowId = options.id ?? runId;
    checkName('a workflow id', workflowId);
    checkChoice('onConflict', options.onConflict, ['fail', 'useExisting', 'terminateExisting']);
    checkChoice('onReuse', options.onReuse, ['allow', 'allowIfFailed', 'reject', 'useExisting']);
    const startAt = instantOf('startAt', options.startAt) ?? null;
    const startDelay = durationOf('startDelay', options.startDelay);
    if (startAt !== null && startDelay !== null) {
      throw invalid(
        'the option "startDelay"',
        'cannot be given together with "startAt": they say the same in two ways',
      );
    }
    const debounce = debounceOf(options);
    const own = {
      run: limitOf('runTimeout', options.runTimeout),
      chain: limitOf('executionTimeout', options.executionTimeout),
    };
    const value = await validated(schema, input, `the input of ${name}`);
    checkAttributes(options.attributes);
    // They are limited as payloads are, too.
    if (options.attributes) this.#parts.codec.encode(options.attributes);
    return {
      runId,
      namespace: this.#parts.namespace,
      workflowId,
      workflow: name,
      version,
      priority: 2,
      input: this.#parts.codec.encode(value),
      startAt,
      startDelay: debounce?.period ?? startDelay,
      ...(debounce && { debounce: { longest: debounce.longest } }),
      onConflict: options.onConflict ?? 'fail',
      onReuse: options.onReuse ?? 'allow',
      attributes: options.attributes ?? null,
      limits: { run: own.run ?? limits.run, chain: own.chain ?? limits.chain },
      first: null,
      by: byOf(this.#parts, options.actor),
    };
  }

  /** By name or alias, the highest version this process knows. */
  #byName(asked: string): NamedWorkflow {
    const versions = this.#parts.workflows().filter((workflow) => isNamed(workflow, asked));
    if (versions.length === 0) {
      throw new UnknownWorkflowError(
        asked,
        'Add its class to the providers, or start it by its class: start(OrderWorkflow, …).',
      );
    }
    const version = Math.max(...versions.map((workflow) => workflow.version));
    // By a name that it had before it is started under the one that it has.
    const { name, input, limits = NO_LIMITS } = versions.find((workflow) => workflow.version === version)!;
    return { name, version, schema: input, limits };
  }

  async #start(request: StartRequest, options: StartOptions): Promise<Started> {
    const ready = (): void => this.#parts.wakeup.tell({ type: 'run ready' });
    if (options.manager) {
      const [answer] = await this.#parts.journal.start([request], {
        within: transactionOf(options.manager, ready),
      });
      return decidedWithin(request, answer);
    }
    const engine = this.#parts.engine();
    const answer = await (engine ? engine.startRun(request) : this.#parts.starts.ask(request));
    // A run that this process holds from the beginning needs no other worker.
    if (answer.type === 'started' && !engine?.runs.ofRun(answer.runId)) ready();
    return answer;
  }

  #started(request: StartRequest, answer: Started): RunId {
    switch (answer.type) {
      case 'started':
      case 'debounced':
      case 'existing':
        return answer.runId;
      case 'conflict':
        throw new WorkflowAlreadyStartedError(request.workflowId, answer.runId, 'running');
      case 'reuse refused':
        throw new WorkflowAlreadyStartedError(request.workflowId, answer.runId, answer.state);
    }
  }
}

const START_OPTIONS: readonly (keyof StartOptions)[] = [
  'id',
  'onConflict',
  'onReuse',
  'startAt',
  'startDelay',
  'debounce',
  'executionTimeout',
  'runTimeout',
  'attributes',
  'manager',
  'actor',
];
const usesExisting = (options: StartOptions): StartOptions => ({
  ...options,
  onConflict: options.onConflict ?? 'useExisting',
});
const STARTS_WITH = START_OPTIONS.filter((option) => option !== 'manager' && option !== 'debounce');
const SIGNAL_WITH_START_OPTIONS: readonly string[] = [...STARTS_WITH, 'dedupeId'];
const UPDATE_WITH_START_OPTIONS: readonly string[] = [...STARTS_WITH, ...UPDATE_OPTIONS];
const LIST_OPTIONS: readonly (keyof ListOptions)[] = ['where', 'orderBy', 'cursor', 'limit'];
const WHERE: readonly (keyof RunWhere)[] = [
  'workflow',
  'id',
  'state',
  'served',
  'startedAfter',
  'startedBefore',
  'attributes',
];
const STATES: readonly RunState[] = [
  'running',
  'completed',
  'failed',
  'cancelled',
  'timed_out',
  'continued',
  'terminated',
];

/** Only those that nobody serves can be asked for: of all others a list would promise too much. */
function servedOf(served: unknown): false | undefined {
  if (served !== undefined && served !== false) throw invalid('the filter "served"', 'can only be false');
  return served;
}

interface NamedWorkflow {
  readonly name: string;
  readonly version: number;
  readonly schema: Parameters<typeof validated>[0];
  readonly limits: RunLimits;
}

const NO_LIMITS: RunLimits = { run: null, chain: null };

/** Of two files that import each other, one finds `undefined` in place of the other's class. */
function checkWorkflow(caller: string, workflow: unknown): void {
  if (typeof workflow === 'string' || typeof workflow === 'function') return;
  throw new UnknownWorkflowError(
    String(workflow),
    `${caller}() got no workflow: do two files import each other? Give a class, or its name and a type import: ${caller}<OrderWorkflow>('order', …).`,
  );
}

function named(type: WorkflowClass): NamedWorkflow {
  const { name, version, input, limits } = described(type);
  return { name, version, schema: input, limits };
}

function described(type: WorkflowClass): WorkflowDescriptor {
  const descriptor = describeWorkflow(type);
  if (!descriptor) throw new UnknownWorkflowError(type.name, `Decorate the class with @Workflow().`);
  return descriptor;
}
