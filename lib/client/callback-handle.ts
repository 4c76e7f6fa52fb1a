import type { StandardSchemaV1 } from '@standard-schema/spec';
import { isCallbackToken, readCallbackToken } from '../core/index.js';
import type { CallbackName, PayloadArgs } from '../core/index.js';
import { newMessageId } from '../engine/index.js';
import { asRunId } from '../journal/index.js';
import type { CallbackAnswer, CallbackRef, CallbackSettlement } from '../journal/index.js';
import type { ClientParts } from './client-parts.js';
import { CallbackNotFoundError, CallbackNotPendingError } from './errors.js';
import { byOf, noteSettlement } from './operations.js';
import type { ActorOption } from './operations.js';
import { sendInDoubt } from './update-asker.js';
import { checkName, checkOptions, invalid, refusedAsInvalid, validated } from './validation.js';

/** How whoever settles a callback knows it. */
export interface CallbackLookup<S extends StandardSchemaV1 = StandardSchemaV1> {
  /** For what it is completed with: that of `ctx.callback`. Defaults to none: then the workflow applies its own. */
  readonly schema?: S | undefined;
}

export interface SettleOptions extends ActorOption {
  /**
   * What has settled a callback with this id settles no later one that has the same key: give that of the request where requests
   * may be repeated and keys are used again. Defaults to a new one.
   */
  readonly dedupeId?: string | undefined;
}

/** `unchanged`: it was settled before, and stays as it is. */
export type Settled = 'applied' | 'unchanged';

type CompleteArgs<Payload> = unknown extends Payload
  ? [value?: unknown, options?: SettleOptions]
  : PayloadArgs<Payload, SettleOptions>;

/**
 * A callback that a workflow has opened by `ctx.callback`, from outside: it is settled once, by whoever comes first.
 *
 * ```ts
 * const answer = await client.callback<Payment>(`payment-${orderId}`).complete(payment, { dedupeId: event.id });
 * ```
 */
export class CallbackHandle<Payload = unknown> {
  readonly #parts: ClientParts;
  readonly #key: string | null;
  readonly #callback: CallbackRef;
  /** What its token says of its run. */
  readonly #workflowId: string | null;
  readonly #schema: StandardSchemaV1 | undefined;

  /** @internal Handles are made by the client. */
  constructor(parts: ClientParts, keyOrToken: string, options: CallbackLookup | undefined) {
    checkOptions('the call of callback()', options, ['schema']);
    this.#parts = parts;
    this.#schema = options?.schema;
    const isToken = typeof keyOrToken === 'string' && isCallbackToken(keyOrToken);
    this.#key = isToken ? null : keyOrToken;
    const token = isToken ? readToken(keyOrToken, parts.namespace) : null;
    this.#workflowId = token && token.workflowId;
    this.#callback = token
      ? { by: 'command', runId: asRunId(token.runId), command: token.id }
      : byKey(keyOrToken);
  }

  /**
   * Completes the callback: its `result` resolves to the value in the workflow. Once this resolves that is never lost, unless the
   * run ends before it takes it up.
   *
   * @param value what `result` resolves to
   * @param options `dedupeId`, `actor`
   * @returns `'unchanged'` where it was completed or failed before, also by an earlier call of this one
   * @throws CallbackNotFoundError where there is none, or none yet
   * @throws CallbackNotPendingError where it is over: by its timeout, with its scope or with its run
   * @throws InvalidInputError for a value that the schema refuses, UnstorableValueError, PayloadTooLargeError
   */
  async complete(...args: CompleteArgs<Payload>): Promise<Settled> {
    // The two optional parameters that every form of the arguments has.
    const [value, options] = args as readonly [unknown, SettleOptions?];
    checkSettleOptions('complete', options);
    const checked = await validated(this.#schema, value, 'the completion of a callback');
    const payload = this.#parts.codec.encode(checked);
    return await this.#settle({ news: 'completed', payload, checkedBy: this.#schema && 'callback' }, options);
  }

  /**
   * Fails the callback: its `result` rejects with `CallbackFailure`, whose `cause` is the error.
   *
   * @param error why: an `Error`, or anything that can be stored
   * @param options `dedupeId`, `actor`
   * @returns and throws as {@link complete} does
   */
  async fail(error: unknown, options?: SettleOptions): Promise<Settled> {
    checkSettleOptions('fail', options);
    const payload = this.#parts.codec.encodeFailure(error);
    return await this.#settle({ news: 'failed', payload }, options);
  }

  async #settle(
    how: Pick<CallbackSettlement, 'news' | 'payload' | 'checkedBy'>,
    options: SettleOptions | undefined,
  ): Promise<Settled> {
    const { namespace, journal } = this.#parts;
    const dedupeId = options?.dedupeId ?? newMessageId();
    const by = byOf(this.#parts, options?.actor);
    const settlement = { ...how, namespace, callback: this.#callback, dedupeId, by };
    const answer = await sendInDoubt(async () => {
      const [only] = await journal.settleCallbacks([settlement]);
      if (only?.type === 'unanswered') throw only.error;
      return only;
    }).catch((error: unknown) => {
      throw refusedAsInvalid('the completion of a callback', error);
    });
    // What settled it under an id that was drawn here was this very call, whose answer got lost.
    const own = options?.dedupeId === undefined && answer?.type === 'unchanged' && answer.same;
    if (own) return 'applied';
    await noteSettlement(this.#parts, settlement, answer, this.#workflowId);
    return this.#cameTo(answer);
  }

  #cameTo(answer: Exclude<CallbackAnswer, { type: 'unanswered' }> | undefined): Settled {
    switch (answer?.type) {
      case 'accepted': {
        const { owner, actorId } = answer;
        this.#parts.wakeup.tell(
          owner === null ? { type: 'run ready' } : { type: 'message arrived', actorId },
        );
        return 'applied';
      }
      case 'unchanged':
        return 'unchanged';
      case 'not pending':
        throw new CallbackNotPendingError(this.#key);
      case 'unknown':
      case undefined:
        throw new CallbackNotFoundError(this.#key);
      default:
        return answer satisfies never;
    }
  }
}

const byKey = (key: string): CallbackRef => {
  checkName('the key of a callback', key);
  return { by: 'key', key };
};

function readToken(token: string, own: string): CallbackName {
  const name = readCallbackToken(token);
  const { namespace } = name;
  if (namespace !== own) {
    throw invalid(
      'the token of a callback',
      `is of the namespace "${namespace}", and this client is of "${own}": use one of that namespace`,
    );
  }
  return name;
}

function checkSettleOptions(verb: string, options: SettleOptions | undefined): void {
  checkOptions(`the call of ${verb}()`, options, ['dedupeId', 'actor']);
  if (options?.dedupeId !== undefined) checkName('a dedupeId', options.dedupeId);
}
