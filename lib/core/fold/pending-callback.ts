import type { StandardSchemaV1 } from '@standard-schema/spec';
import { CallbackFailure } from '../errors.js';
import type { CallbackOpened } from '../history.js';
import { CallbackAlreadyOpenError } from '../reaching-errors.js';
import { messageOf } from '../thrown.js';
import type { Execution } from './execution.js';
import type { EndingEvent, PendingTimer } from './operation.js';
import { Operation } from './operation.js';
import type { Scope } from './scope.js';
import type { UnawaitedOutcome } from './unawaited-calls.js';
import { OVER } from './unawaited-calls.js';

/** A callback that nobody has settled yet. Cancelling its scope withdraws it (F15). */
export class PendingCallback extends Operation {
  /** Ends it when the time runs out. */
  timer: PendingTimer | null = null;
  readonly #run: Execution;
  readonly #key: string | null;

  constructor(
    run: Execution,
    scope: Scope,
    { id, name }: CallbackOpened,
    /** Applied by whoever drives the fold, to what was given (F34). */
    readonly schema: StandardSchemaV1 | undefined,
  ) {
    super(scope, id);
    this.#run = run;
    this.#key = name;
  }

  get call(): string {
    return this.#key === null ? 'ctx.callback' : `ctx.callback("${this.#key}")`;
  }

  settle(event: EndingEvent): UnawaitedOutcome | null {
    if (this.timer) this.#run.cancelTimer(this.timer);
    const { codec } = this.#run;
    if (event.type === 'callback_completed') {
      this.resolve(codec.decode(event.result));
      return OVER;
    }
    if (event.type === 'callback_failed')
      return this.#fail(this.#failure(codec.decodeFailure(event.failure)));
    // Only what has a key can be in the way of another one.
    if (event.type === 'callback_not_opened')
      return this.#fail(new CallbackAlreadyOpenError(this.#key ?? ''));
    return null;
  }

  /** As a wait for a signal whose time ran out. */
  runOut(): void {
    if (!this.#run.pending.delete(this)) return;
    this.#run.withdrawCallback(this.id);
    this.#run.unawaited.keep(this, OVER);
    this.resolve();
  }

  #fail(error: Error): UnawaitedOutcome {
    this.reject(error);
    return { outcome: 'failed', error };
  }

  #failure(cause: unknown): CallbackFailure {
    const name = this.#key === null ? '' : ` "${this.#key}"`;
    return new CallbackFailure(`The callback${name} failed: ${messageOf(cause)}`, this.#key, { cause });
  }
}
