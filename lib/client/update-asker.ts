import { describeWorkflow, messageOf, readProperty } from '../core/index.js';
import type { Duration, SideEffectOutcome, UpdateAnswered } from '../core/index.js';
import { pause } from '../concurrency/index.js';
import { newMessageId } from '../engine/index.js';
import { Backoff, JournalError, JournalUnavailableError } from '../journal/index.js';
import type { Message, RunDescription, RunId, UpdateRef, UpdateRefusal } from '../journal/index.js';
import { checkAtWork } from './client-parts.js';
import type { ClientParts } from './client-parts.js';
import {
  ClientClosedError,
  InvalidInputError,
  TooManyUpdatesError,
  UnknownHandlerError,
  UpdateFailedError,
  UpdateRefusedError,
  UpdateTimeoutError,
  WorkflowNotFoundError,
  WorkflowNotRunningError,
} from './errors.js';
import type { NotRunningReason } from './errors.js';
import { handlerOf } from './handlers.js';
import type { Sent } from './message-sender.js';
import { byOf, noteMessage } from './operations.js';
import type { ActorOption } from './operations.js';
import { isServed } from './serving.js';
import type { AwaitedAnswer, Patience } from './update-waiter.js';
import { checkName, checkOptions, checkSignal, durationOf, validated } from './validation.js';

/** Whom an update is for, as its handle knows it. */
export interface UpdateTarget {
  readonly workflowId: string;
  readonly runId: RunId | null;
  /** The class of its workflow, where that is known. */
  readonly type: (abstract new (...dependencies: never[]) => object) | undefined;
  /** Which run, or which runs, it may reach. */
  scope(): Promise<Pick<Message, 'runId' | 'actorId'>>;
  /** The run that it reaches now. */
  describe(): Promise<RunDescription>;
}

export interface UpdateOptions extends ActorOption {
  /**
   * Asked for twice with one id the update happens once, and both get its one answer, over all runs of the workflow id. Give
   * one where a request may be repeated. Defaults to a new one.
   */
  readonly dedupeId?: string | undefined;
  /** How long to wait for the answer; `Infinity` for no limit. Defaults to `'1m'`. */
  readonly timeout?: Duration | undefined;
  /** Ends the wait, not the update: the call then rejects with the reason of the signal. Defaults to none. */
  readonly signal?: AbortSignal | undefined;
}
export const UPDATE_OPTIONS: readonly (keyof UpdateOptions)[] = ['dedupeId', 'timeout', 'signal', 'actor'];

/** In ms. */
const TIMEOUT = 60_000;
/** How often an update is sent again whose send came to nothing certain: by its id it counts once. */
const SENDS = 6;

/** Asks a run for one update, and waits for its answer. */
export class UpdateAsker {
  readonly #parts: ClientParts;
  readonly #target: UpdateTarget;
  readonly #name: string;

  constructor(parts: ClientParts, target: UpdateTarget, name: string) {
    this.#parts = parts;
    this.#target = target;
    this.#name = name;
  }

  async ask(payload: unknown, options: UpdateOptions = {}): Promise<unknown> {
    checkUpdateOptions('the call of update()', options, UPDATE_OPTIONS);
    const until = deadlineOf(options);
    const message = await this.message(payload, options);
    checkAtWork(this.#parts);
    options.signal?.throwIfAborted();
    const sent = await sendInDoubt(() => this.#parts.sender.send(message));
    await noteMessage(this.#parts, message, sent);
    if (sent.type === 'not running') throw this.#notTaken(sent);
    return await this.answered(message, sent, until, options);
  }

  /** Waits for the answer of an update that was sent. */
  async answered(
    { namespace, workflowId, dedupeId: updateId }: UpdateMessage,
    sent: Exclude<Sent, { type: 'not running' }>,
    until: number | null,
    options: UpdateOptions,
  ): Promise<unknown> {
    const ref = { namespace, workflowId, updateId };
    const actorId = sent.type === 'accepted' ? sent.actorId : null;
    const answer = this.#parts.updates.wait(ref, actorId, patienceOf(until, options.signal));
    if (sent.type === 'accepted') this.#hint(sent);
    return this.#answerOf(await answer, ref, options);
  }

  /** Checks everything that can be checked here. Nothing is stored yet. */
  async message(payload: unknown, options: UpdateOptions): Promise<UpdateMessage> {
    const { workflowId, type } = this.#target;
    checkName('the name of an update', this.#name);
    if (options.dedupeId !== undefined) checkName('a dedupeId', options.dedupeId);
    const schema = handlerOf(type && describeWorkflow(type), 'update', this.#name);
    const value = await validated(schema, payload, `the payload of the update "${this.#name}"`);
    return {
      namespace: this.#parts.namespace,
      workflowId,
      ...(await this.#target.scope()),
      kind: 'update',
      name: this.#name,
      payload: this.#parts.codec.encode(value),
      checkedBy: schema && 'handler',
      dedupeId: options.dedupeId ?? newMessageId(),
      by: byOf(this.#parts, options.actor),
    };
  }

  /** What is given to whoever asked. */
  async #answerOf(
    answer: AwaitedAnswer,
    { updateId }: UpdateRef,
    { signal, timeout }: UpdateOptions,
  ): Promise<unknown> {
    const { workflowId } = this.#target;
    if (answer === 'closed') {
      throw new ClientClosedError(workflowId, this.#target.runId, `the answer to the update "${this.#name}"`);
    }
    if (answer === 'aborted') throw signal?.reason;
    if (answer === 'timeout') {
      const { accepted, waitingFor } = await this.#standing(updateId);
      const waited = durationOf('timeout', timeout) ?? TIMEOUT;
      throw new UpdateTimeoutError(workflowId, this.#name, updateId, waited, accepted, waitingFor);
    }
    switch (answer.type) {
      case 'answered':
        return this.#outcomeOf(answer.entry);
      case 'refused':
        throw this.#refusalOf(answer.refusal);
      case 'gone':
      case 'unknown':
        throw this.#notRunning('closed');
      default:
        return answer satisfies never;
    }
  }

  #hint({ owner, actorId }: Extract<Sent, { type: 'accepted' }>): void {
    this.#parts.wakeup.tell(owner === null ? { type: 'run ready' } : { type: 'message arrived', actorId });
  }

  #notTaken({ known, closing }: Extract<Sent, { type: 'not running' }>): Error {
    const { workflowId, runId } = this.#target;
    return known
      ? this.#notRunning(closing ? 'closing' : 'closed')
      : new WorkflowNotFoundError(workflowId, runId);
  }

  #notRunning(reason: NotRunningReason): WorkflowNotRunningError {
    return new WorkflowNotRunningError(
      this.#target.workflowId,
      `it answers no update "${this.#name}"`,
      reason,
    );
  }

  #outcomeOf({ outcome, unanswered }: UpdateAnswered): unknown {
    if (unanswered !== null) throw this.#notRunning(unanswered);
    if (outcome.type === 'value') return this.#parts.codec.decode(outcome.value);
    throw new UpdateFailedError(this.#target.workflowId, this.#name, { cause: this.#failureOf(outcome) });
  }

  #failureOf({ failure }: Extract<SideEffectOutcome, { type: 'failure' }>): unknown {
    return this.#parts.codec.decodeFailure(failure);
  }

  #refusalOf({ why, failure }: UpdateRefusal): Error {
    const { workflowId, type } = this.#target;
    const cause = this.#parts.codec.decodeFailure(failure);
    switch (why) {
      case 'validator':
        return new UpdateRefusedError(workflowId, this.#name, { cause });
      case 'schema':
        return new InvalidInputError(`the payload of the update "${this.#name}"`, [
          { message: messageOf(cause), path: [] },
        ]);
      case 'unknown': {
        const known = readProperty(cause, 'known');
        const names = Array.isArray(known) ? known.map(String) : [];
        const workflow = (type && describeWorkflow(type)?.name) ?? `"${workflowId}"`;
        return new UnknownHandlerError(workflow, 'update', this.#name, names);
      }
      case 'too many':
        return new TooManyUpdatesError(workflowId, this.#name);
      case 'not running':
        return this.#notRunning('closing');
      case 'continued':
        return this.#notRunning('continued');
      default:
        return why satisfies never;
    }
  }

  /** What is known after a wait that timed out, for the error. */
  async #standing(updateId: string): Promise<{ readonly accepted: boolean; readonly waitingFor: string }> {
    try {
      const run = await this.#target.describe();
      const [inbox] = await this.#parts.journal.load([
        { actorId: run.actorId, runId: run.runId, historyAfter: null, inboxAfter: 0 },
      ]);
      const accepted = !inbox?.messages.some((message) => message.updateId === updateId);
      return { accepted, waitingFor: await this.#obstacleOf(run, accepted) };
    } catch {
      return { accepted: false, waitingFor: 'The journal cannot be reached.' };
    }
  }

  async #obstacleOf(run: RunDescription, accepted: boolean): Promise<string> {
    if (run.blocked) return `The run is blocked, because its code cannot go on: ${run.blocked.reason}`;
    if (run.inbox?.owner === null && !(await isServed(this.#parts, run))) {
      return `No worker is there that has ${run.workflow}, version ${run.version}.`;
    }
    return accepted ? 'Its handler is at work.' : 'The run has not taken it up yet.';
  }
}

/** An update always has an id. */
export type UpdateMessage = Message & { readonly dedupeId: string };

/** A send whose answer got lost is repeated: by its id the message counts once. */
export async function sendInDoubt<T>(send: () => Promise<T>): Promise<T> {
  const backoff = new Backoff();
  for (let tries = 1; ; tries++) {
    try {
      return await send();
    } catch (error) {
      const mayWork =
        error instanceof JournalError && (error.ambiguous || error instanceof JournalUnavailableError);
      if (!mayWork || tries === SENDS) throw error;
    }
    await pause(backoff.next());
  }
}

/** Throws {@link InvalidInputError} for what cannot be. */
export function checkUpdateOptions(call: string, options: UpdateOptions, known: readonly string[]): void {
  checkOptions(call, options, known);
  checkSignal(options.signal);
}

/** By the monotonic clock; `null` for no limit. */
export function deadlineOf({ timeout }: UpdateOptions): number | null {
  if (timeout === Number.POSITIVE_INFINITY) return null;
  return performance.now() + (durationOf('timeout', timeout) ?? TIMEOUT);
}

const patienceOf = (until: number | null, signal: AbortSignal | undefined): Patience => ({
  timeout: until === null ? null : Math.max(0, until - performance.now()),
  signal,
});
