import { describeWorkflow, messageOf, readProperty } from '../core/index.js';
import type { Duration, SideEffectOutcome, UpdateAnswered } from '../core/index.js';
import { pause } from '../concurrency/index.js';
import { newMessageId } from '../engine/index.js';
import { Backoff, JournalError, JournalUnavailableError } from '../journal/index.js';
import type { Message, RunDescription, UpdateRefusal } from '../journal/index.js';
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
import { hintOf } from './message-sender.js';
import type { NoAnswer } from './answer-waiter.js';
import { Patience } from './patience.js';
import type { RunTarget } from './run-target.js';
import { isServed } from './serving.js';
import type { FinalAnswer } from './update-waiter.js';
import { checkName, checkOptions, checkSignal, durationOf, validated } from './validation.js';

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
/** How long is looked, after a wait that timed out, for what to tell of it. In ms. */
const LOOK_TIMEOUT = 1_000;

/** One call for an update. */
export interface UpdateCall {
  readonly updateId: string;
  readonly patience: Patience;
}

/** Asks a run for one update, and waits for its answer. */
export class UpdateAsker {
  readonly #parts: ClientParts;
  readonly #target: RunTarget;
  readonly #name: string;

  constructor(parts: ClientParts, target: RunTarget, name: string) {
    this.#parts = parts;
    this.#target = target;
    this.#name = name;
  }

  async ask(payload: unknown, options: UpdateOptions = {}): Promise<unknown> {
    checkUpdateOptions('the call of update()', options, UPDATE_OPTIONS);
    const call = updateCallOf(options);
    const sent = await this.sent(call, async () => {
      const message = await this.message(payload, call, options);
      checkAtWork(this.#parts);
      const answer = await this.inDoubt(call, () => this.#parts.sender.send(message));
      await noteMessage(this.#parts, message, answer);
      return answer;
    });
    if (sent.type === 'not running') throw this.#notTaken(sent);
    return await this.answered(call, sent);
  }

  /**
   * Sends it, and waits for that as long as the caller does. A send that is under way goes on: the update may still be taken up,
   * and be asked for again by its id.
   */
  async sent<T extends object>(call: UpdateCall, send: () => Promise<T>): Promise<T> {
    call.patience.signal?.throwIfAborted();
    const sent = await call.patience.within(send());
    if (sent === 'aborted') throw call.patience.signal?.reason;
    if (sent === 'timeout') throw await this.#timedOut(call, this.#standingUnsent());
    return sent;
  }

  /** Repeats it while its answer gets lost, until nobody waits any more. */
  inDoubt<T>({ patience }: UpdateCall, send: () => Promise<T>): Promise<T> {
    patience.signal?.throwIfAborted();
    return sendInDoubt(send, () => patience.over);
  }

  /** Waits for the answer of an update that was sent. */
  async answered(call: UpdateCall, sent: Exclude<Sent, { type: 'not running' }>): Promise<unknown> {
    const { namespace } = this.#parts;
    const ref = { namespace, workflowId: this.#target.workflowId, updateId: call.updateId };
    const actorId = sent.type === 'accepted' ? sent.actorId : null;
    const answer = this.#parts.updates.wait(ref, actorId, call.patience);
    if (sent.type === 'accepted') this.#parts.wakeup.tell(hintOf(sent));
    return this.#answerOf(await answer, call);
  }

  /** Checks everything that can be checked here. Nothing is stored yet. */
  async message(payload: unknown, { updateId }: UpdateCall, { actor }: ActorOption): Promise<Message> {
    const { workflowId, type } = this.#target;
    checkName('the name of an update', this.#name);
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
      dedupeId: updateId,
      by: byOf(this.#parts, actor),
    };
  }

  /** What is given to whoever asked. */
  async #answerOf(answer: FinalAnswer | NoAnswer, call: UpdateCall): Promise<unknown> {
    const { workflowId } = this.#target;
    if (answer === 'closed') {
      throw new ClientClosedError(workflowId, this.#target.runId, `the answer to the update "${this.#name}"`);
    }
    if (answer === 'aborted') throw call.patience.signal?.reason;
    if (answer === 'timeout') throw await this.#timedOut(call, this.#standing(call.updateId));
    switch (answer.type) {
      case 'answered':
        return this.#outcomeOf(answer.entry);
      case 'refused':
        throw this.#refusalOf(answer.refusal, call);
      case 'gone':
      case 'unknown':
        throw this.#notRunning('closed');
      default:
        return answer satisfies never;
    }
  }

  async #timedOut({ updateId, patience }: UpdateCall, look: Promise<Standing>): Promise<UpdateTimeoutError> {
    const standing = await new Patience(LOOK_TIMEOUT).within(look);
    const { accepted, waitingFor } = typeof standing === 'string' ? UNKNOWN : standing;
    const { workflowId } = this.#target;
    // Without a limit no time runs out.
    const waited = patience.timeout ?? 0;
    return new UpdateTimeoutError(workflowId, this.#name, updateId, waited, accepted, waitingFor);
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

  #refusalOf({ why, failure }: UpdateRefusal, { updateId }: UpdateCall): Error {
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
        return new TooManyUpdatesError(workflowId, this.#name, updateId);
      case 'not running':
        return this.#notRunning('closing');
      case 'continued':
        return this.#notRunning('continued');
      default:
        return why satisfies never;
    }
  }

  /** What is known after a wait that timed out, for the error. */
  async #standing(updateId: string): Promise<Standing> {
    try {
      const run = await this.#target.describe();
      const [inbox] = await this.#parts.journal.load([
        { actorId: run.actorId, runId: run.runId, historyAfter: null, inboxAfter: 0 },
      ]);
      const accepted = !inbox?.messages.some((message) => message.updateId === updateId);
      const otherwise = accepted ? 'Its handler is at work.' : 'The run has not taken it up yet.';
      return { accepted, waitingFor: (await this.#obstacleOf(run)) ?? otherwise };
    } catch {
      return UNKNOWN;
    }
  }

  /** The same of one that may not be sent yet. */
  async #standingUnsent(): Promise<Standing> {
    try {
      const obstacle = await this.#obstacleOf(await this.#target.describe());
      return { accepted: false, waitingFor: obstacle ?? NOT_SENT };
    } catch {
      return { accepted: false, waitingFor: NOT_SENT };
    }
  }

  /** What keeps the run from taking anything up; `null`: nothing that is known. */
  async #obstacleOf(run: RunDescription): Promise<string | null> {
    if (run.blocked) return `The run is blocked, because its code cannot go on: ${run.blocked.reason}`;
    if (run.inbox?.owner === null && !(await isServed(this.#parts, run))) {
      return `No worker is there that has ${run.workflow}, version ${run.version}.`;
    }
    return null;
  }
}

/** How far an update has come. */
interface Standing {
  readonly accepted: boolean;
  readonly waitingFor: string;
}
const UNKNOWN: Standing = { accepted: false, waitingFor: 'The journal cannot be reached.' };
const NOT_SENT =
  'It is not sent yet: somebody holds the run, an open transaction that has signalled it perhaps, or the journal cannot be reached.';

/**
 * A send whose answer got lost is repeated: by its id the message counts once.
 *
 * @param over whether nobody waits for it any more; defaults to never
 */
export async function sendInDoubt<T>(send: () => Promise<T>, over: () => boolean = never): Promise<T> {
  const backoff = new Backoff();
  for (let tries = 1; ; tries++) {
    try {
      return await send();
    } catch (error) {
      const mayWork =
        error instanceof JournalError && (error.ambiguous || error instanceof JournalUnavailableError);
      if (!mayWork || tries === SENDS || over()) throw error;
    }
    await pause(backoff.next());
  }
}

/** Throws {@link InvalidInputError} for what cannot be. */
export function checkUpdateOptions(call: string, options: UpdateOptions, known: readonly string[]): void {
  checkOptions(call, options, known);
  checkSignal(options.signal);
}

/** Throws {@link InvalidInputError} for what cannot be. */
export function updateCallOf({ dedupeId, timeout, signal }: UpdateOptions): UpdateCall {
  if (dedupeId !== undefined) checkName('a dedupeId', dedupeId);
  const limit = timeout === Number.POSITIVE_INFINITY ? null : (durationOf('timeout', timeout) ?? TIMEOUT);
  return { updateId: dedupeId ?? newMessageId(), patience: new Patience(limit, signal) };
}

const never = (): boolean => false;
