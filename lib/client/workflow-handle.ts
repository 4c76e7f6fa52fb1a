import type {
  HandlerArgs,
  HandlerResult,
  HistoryEntry,
  QueryArgs,
  QueryName,
  Signal,
  SignalArgs,
  SignalName,
  UpdateName,
  WorkflowResult,
} from '../core/index.js';
import type { Message, RunDescription, TerminateAnswer } from '../journal/index.js';
import type { ClientParts } from './client-parts.js';
import {
  OperationRefusedError,
  WorkflowAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowNotRunningError,
} from './errors.js';
import { decodedEntry } from './history-line.js';
import type { HistoryLine } from './history-line.js';
import { hintOf } from './message-sender.js';
import type { Sent } from './message-sender.js';
import { Patience } from './patience.js';
import type { QueryReader } from './query-reader.js';
import { ResultReader } from './result-reader.js';
import type { ResultOptions } from './result-reader.js';
import { rollbackOf } from './rollback-report.js';
import type { RunReport } from './rollback-report.js';
import { RunTarget } from './run-target.js';
import type { HandleTarget } from './run-target.js';
import { isServed } from './serving.js';
import { signalContent } from './signal-message.js';
import { waitingFor } from './waiting-for.js';
import type { WaitingFor } from './waiting-for.js';
import { byOf, noteMessage, noteRetry, noteTermination } from './operations.js';
import type { ActorOption, OperationPage, OperationsOptions, ReasonOptions } from './operations.js';
import { transactionOf } from './transaction.js';
import { UpdateAsker } from './update-asker.js';
import type { UpdateOptions } from './update-asker.js';
import {
  checkName,
  checkOptions,
  checkReason,
  checkSignal,
  durationOf,
  refusedAsInvalid,
} from './validation.js';

export interface SignalOptions extends ActorOption {
  /** A signal that is sent twice with one id counts once, over all runs of the workflow id. Defaults to none. */
  readonly dedupeId?: string | undefined;
  /**
   * Send within this transaction: a TypeORM `EntityManager`. Rolled back, nothing was sent. The target is held until the
   * transaction ends, so send late. Defaults to none.
   */
  readonly manager?: object | undefined;
}

const REASON_OPTIONS: readonly (keyof ReasonOptions)[] = ['reason', 'actor'];

/** Of these nothing is undone at the end. */
const ENDS_WELL: ReadonlySet<RunDescription['state']> = new Set(['running', 'completed', 'continued']);

/**
 * One workflow, from outside. Without a run id it reaches the run that has the workflow id now, or the latest one; one that
 * `start` gave reaches the run that was started, and those that it continues as.
 *
 * ```ts
 * const handle = client.handle(OrderWorkflow, 'order-17');
 * await handle.signal('approve', 'ann');
 * const receipt = await handle.result({ timeout: '30s' });
 * ```
 */
// A handle by id alone knows no class: `any` makes its names strings and its payloads unknown.
// oxlint-disable-next-line typescript/no-explicit-any
export class WorkflowHandle<W = any> {
  readonly workflowId: string;
  readonly #parts: ClientParts;
  readonly #queries: QueryReader;
  readonly #target: RunTarget;

  /** @internal Handles are made by the client. */
  constructor(parts: ClientParts, queries: QueryReader, target: HandleTarget) {
    this.#parts = parts;
    this.#queries = queries;
    this.#target = new RunTarget(parts, target);
    this.workflowId = target.workflowId;
  }

  /** The run that this handle was made for, or that was started; `undefined` when it follows the workflow id. */
  get runId(): string | undefined {
    return this.#target.runId ?? undefined;
  }

  /**
   * Whether the `start` that gave this handle began the run. `false` where a run was there before, by `'useExisting'`, and
   * for every handle that no `start` gave.
   */
  get created(): boolean {
    return this.#target.created;
  }

  /**
   * Waits for the run to end, and for those that it continues as.
   *
   * @returns what `run` of the last one returned
   * @throws WorkflowFailedError, WorkflowCancelledError, WorkflowTerminatedError
   * @throws WorkflowContinuedError where it continues as another one, and is not followed
   * @throws ResultTimeoutError when the time ran out; the run goes on, unless `blocked` says why it cannot, or `served`
   *   that no worker has its workflow
   * @throws ClientClosedError when the application was closed meanwhile; the run goes on
   * @throws WorkflowNotFoundError
   * @throws InvalidInputError for a timeout that is no duration
   * @throws the reason of the `AbortSignal` when that ended the wait; the run goes on
   * @throws Error in `onModuleInit` and `onApplicationBootstrap`, of a run that has not ended: the worker begins after them,
   *   or never, where the application is closed before
   */
  async result(options: ResultOptions = {}): Promise<WorkflowResult<W>> {
    checkOptions('the call of result()', options, ['timeout', 'follow', 'signal']);
    checkSignal(options.signal);
    const patience = new Patience(durationOf('timeout', options.timeout), options.signal);
    const { follow = this.#target.follows } = options;
    // The type is the workflow's own: what its `run` returned was recorded.
    return (await new ResultReader(this.#parts, this.#target).result(patience, follow)) as WorkflowResult<W>;
  }

  /**
   * Sends a signal. Once this resolves it is never lost: it is handled once, in arrival order, unless the run rolls back.
   *
   * @throws WorkflowNotRunningError when the run has ended or rolls back
   * @throws WorkflowNotFoundError, InvalidInputError, UnknownHandlerError, UnstorableValueError, PayloadTooLargeError
   */
  async signal<S extends SignalName<W> | Signal>(
    signal: S,
    ...args: SignalArgs<W, S, SignalOptions>
  ): Promise<void> {
    // The two optional parameters that every form of the arguments has.
    const [payload, options] = args as unknown as [unknown, SignalOptions | undefined];
    checkOptions('the call of signal()', options, ['dedupeId', 'manager', 'actor']);
    if (options?.dedupeId !== undefined) checkName('a dedupeId', options.dedupeId);
    const content = await signalContent(this.#parts.codec, this.#target.type, signal, payload);
    const { name, checkedBy } = content;
    await this.#send({ kind: 'signal', name, payload: content.payload, checkedBy }, options);
  }

  /**
   * Asks the run to do something, and waits for what it answers. The update is handled once, in arrival order with signals; what
   * its handler throws is this caller's, and the run goes on. Asked for again with the same `dedupeId`, from any process, it
   * happens once and has one answer.
   *
   * ```ts
   * const price = await handle.update('changePlan', 'pro', { dedupeId: request.id, timeout: '10s' });
   * ```
   *
   * @returns what the handler returned
   * @throws UpdateRefusedError when its validator refused it: nothing has changed
   * @throws UpdateFailedError when its handler threw
   * @throws UpdateTimeoutError when the time ran out; it may still be answered: ask again with its `dedupeId`
   * @throws WorkflowNotRunningError when the run has ended or rolls back, or did before its handler answered; `reason` says which
   * @throws WorkflowNotFoundError, InvalidInputError, UnknownHandlerError, TooManyUpdatesError, UnstorableValueError,
   *   PayloadTooLargeError
   * @throws ClientClosedError when the application was closed meanwhile; the reason of the `AbortSignal` when that ended the wait
   */
  async update<K extends UpdateName<W>>(
    update: K,
    ...args: HandlerArgs<W, K, UpdateOptions>
  ): Promise<HandlerResult<W, K>> {
    // The two optional parameters that every form of the arguments has.
    const [payload, options] = args as unknown as [unknown, UpdateOptions | undefined];
    // The type is that of the handler.
    return (await new UpdateAsker(this.#parts, this.#target, update).ask(payload, options)) as HandlerResult<
      W,
      K
    >;
  }

  /**
   * Asks the run a question. It answers from committed state, also after it has ended, and has seen every signal that was
   * acknowledged before the question, whoever sent it. Of a run that no worker takes up, the answer is what is committed.
   *
   * @throws UnknownHandlerError, UnknownWorkflowError, WorkflowNotFoundError, and what the handler throws
   * @throws RunNotReadyError when the run has not begun, or has not taken up those signals, within two seconds
   * @throws RunBlockedError when the run is blocked, because its code cannot go on
   */
  async query<K extends QueryName<W>>(query: K, ...args: QueryArgs<W, K>): Promise<HandlerResult<W, K>> {
    const run = await this.#target.describe();
    // The type is that of the handler.
    return (await this.#queries.query(run, this.#target.follows, query, args)) as HandlerResult<W, K>;
  }

  /**
   * Asks the run to cancel: its awaits throw `CancelledError`, what it had done is undone, and it ends `cancelled`.
   * Resolves when the request is recorded. A second request changes nothing.
   *
   * ```ts
   * await handle.cancel({ reason: 'sold out', actor: { name: 'ann' } });
   * ```
   *
   * @throws WorkflowNotRunningError when the run has ended or rolls back
   * @throws WorkflowNotFoundError, InvalidInputError
   */
  async cancel(options: ReasonOptions = {}): Promise<void> {
    checkOptions('the call of cancel()', options, REASON_OPTIONS);
    checkReason(options.reason);
    const { reason } = options;
    const payload = this.#parts.codec.encode(reason ?? null);
    await this.#send({ kind: 'cancel', name: null, payload, reason }, options);
  }

  /**
   * Ends the run at once. Neither its code nor its rollback runs.
   *
   * ```ts
   * await handle.terminate({ reason: 'a test', actor: { name: 'ann' } });
   * ```
   *
   * @throws WorkflowNotRunningError when the run has ended
   * @throws WorkflowNotFoundError, InvalidInputError
   */
  async terminate(options: ReasonOptions = {}): Promise<void> {
    checkOptions('the call of terminate()', options, REASON_OPTIONS);
    checkReason(options.reason);
    const request = {
      namespace: this.#parts.namespace,
      workflowId: this.workflowId,
      by: byOf(this.#parts, options.actor),
      ...(await this.#target.scope()),
      reason: options.reason ?? null,
    };
    const [answer] = await this.#parts.journal.terminate([request]);
    // One for each request.
    if (answer!.type !== 'unanswered') await noteTermination(this.#parts, request, answer!);
    this.#terminated(answer!);
  }

  /**
   * Goes on with a rollback that could not finish: what could not be undone is undone again, the last completed first. The run is
   * open until that has ended, and then has failed, was cancelled or has timed out as before. Resolves when it is open again.
   *
   * ```ts
   * await handle.retryRollback({ reason: 'the bank is back', actor: { name: 'ann' } });
   * const error = await handle.result().catch((failure: WorkflowFailedError) => failure);
   * ```
   *
   * @throws OperationRefusedError when the run is open, or has nothing left to undo; `code` says which
   * @throws WorkflowAlreadyStartedError when another run has the workflow id
   * @throws WorkflowNotFoundError, InvalidInputError
   */
  async retryRollback(options: ReasonOptions = {}): Promise<void> {
    checkOptions('the call of retryRollback()', options, REASON_OPTIONS);
    checkReason(options.reason);
    const by = byOf(this.#parts, options.actor);
    const { namespace, workflowId, runId } = await this.#target.describe();
    const reason = options.reason ?? null;
    const payload = this.#parts.codec.encode(reason);
    const request = { namespace, workflowId, runId, payload, reason, by };
    const answer = await this.#parts.journal.retryRollback(request);
    if (answer.type === 'retried') return this.#parts.wakeup.tell({ type: 'run ready' });
    await noteRetry(this.#parts, request, answer);
    switch (answer.type) {
      case 'open':
        throw new OperationRefusedError(workflowId, runId, 'retryRollback', 'running');
      case 'nothing left':
        throw new OperationRefusedError(workflowId, runId, 'retryRollback', 'nothing left', answer.state);
      case 'taken':
        throw new WorkflowAlreadyStartedError(workflowId, answer.runId, 'running');
      case 'unknown':
        throw new WorkflowNotFoundError(workflowId, runId);
      default:
        return answer satisfies never;
    }
  }

  /**
   * What is known of the run, and what it waits for. Of one that failed, was cancelled or terminated it tells of each step of the rollback how it
   * went, for which its history is read.
   *
   * ```ts
   * const { state, rollback } = await handle.describe();
   * const kept = rollback?.filter(({ outcome }) => outcome !== 'undone');
   * ```
   *
   * Throws {@link WorkflowNotFoundError}.
   */
  async describe(): Promise<RunReport> {
    const run = await this.#target.describe();
    if (run.state === 'running') return { ...run, waitingFor: await this.#waitingFor(run) };
    const waited = { ...run, waitingFor: [] };
    if (ENDS_WELL.has(run.state)) return waited;
    const rollback = rollbackOf(await this.#historyOf(run));
    return rollback.length === 0 ? waited : { ...waited, rollback };
  }

  async #waitingFor(run: RunDescription): Promise<readonly WaitingFor[]> {
    const [history, served] = await Promise.all([
      this.#historyOf(run),
      run.inbox?.owner === null ? isServed(this.#parts, run) : true,
    ]);
    return waitingFor(run, history, served);
  }

  /**
   * The history of the run, oldest first, with its values decoded.
   *
   * ```ts
   * for (const { seq, entry } of await handle.history())
   *   if (entry.type === 'activity_completed') console.log(seq, entry.result);
   * ```
   *
   * @throws WorkflowNotFoundError
   */
  async history(): Promise<readonly HistoryLine[]> {
    const history = await this.#historyOf(await this.#target.describe());
    return history.map((entry, i) => ({ seq: i + 1, entry: decodedEntry(this.#parts.codec, entry) }));
  }

  /**
   * Who has asked for what, the latest first: verbs that were told who asked, by `actor` of the call or of the module, refused ones
   * too. All of the workflow id; a handle of one run, `handle(id, runId)`, tells of that run alone.
   *
   * ```ts
   * const { operations } = await handle.operations({ limit: 20 });
   * for (const { at, by, verb, outcome } of operations) console.log(new Date(at), by, verb, outcome);
   * ```
   *
   * @returns a page; that of an id that nobody has asked anything about is empty
   * @throws InvalidInputError for a cursor that no page gave, and for a limit that is none
   */
  async operations(options: OperationsOptions = {}): Promise<OperationPage> {
    checkOptions('the call of operations()', options, ['cursor', 'limit']);
    const { limit = 50, cursor = null } = options;
    const { runId, follows } = this.#target;
    const query = {
      namespace: this.#parts.namespace,
      workflowId: this.workflowId,
      runId: follows ? null : runId,
      cursor,
      limit,
    };
    try {
      const { operations, next } = await this.#parts.journal.operations(query);
      return { operations, cursor: next ?? undefined };
    } catch (error) {
      throw refusedAsInvalid('the query of operations', error);
    }
  }

  async #historyOf({ actorId, runId }: RunDescription): Promise<readonly HistoryEntry[]> {
    const [loaded] = await this.#parts.journal.load([{ actorId, runId, historyAfter: 0, inboxAfter: null }]);
    return loaded!.history;
  }

  async #send(
    content: Pick<Message, 'name' | 'payload' | 'checkedBy' | 'reason'> & {
      readonly kind: 'signal' | 'cancel';
    },
    options: SignalOptions | undefined,
  ): Promise<void> {
    const { kind, name } = content;
    const message = {
      namespace: this.#parts.namespace,
      workflowId: this.workflowId,
      by: byOf(this.#parts, options?.actor),
      ...(await this.#target.scope()),
      ...content,
      dedupeId: options?.dedupeId ?? null,
    };
    let accepted: Extract<Sent, { type: 'accepted' }> | undefined;
    const hint = (): void => {
      if (accepted) this.#parts.wakeup.tell(hintOf(accepted));
    };
    const within = options?.manager && transactionOf(options.manager, hint);
    const sent = await (within
      ? this.#parts.sender.sendWithin(within, message)
      : this.#parts.sender.send(message));
    await noteMessage(this.#parts, message, sent);
    switch (sent.type) {
      case 'accepted':
        accepted = sent;
        if (!within) hint();
        return;
      case 'duplicate':
        return;
      case 'not running':
        if (!sent.known) throw new WorkflowNotFoundError(this.workflowId, this.#target.runId);
        throw new WorkflowNotRunningError(
          this.workflowId,
          kind === 'signal' ? `it takes no signal "${name}"` : 'it cannot be cancelled',
          sent.closing ? 'closing' : 'closed',
        );
    }
  }

  #terminated(answer: TerminateAnswer): void {
    if (answer.type === 'terminated') {
      // If this process holds it, it can let go at once, and need not find out by a refused write.
      this.#parts.engine()?.runs.ofRun(answer.runId)?.drop();
      this.#parts.wakeup.tell({ type: 'run closed', runId: answer.runId });
      // Its parent and its children are to hear of it.
      this.#parts.wakeup.tell({ type: 'messages to deliver' });
      return;
    }
    if (answer.type === 'unanswered') throw answer.error;
    if (!answer.known) throw new WorkflowNotFoundError(this.workflowId, this.#target.runId);
    throw new WorkflowNotRunningError(this.workflowId, 'there is nothing to terminate', 'closed');
  }
}
