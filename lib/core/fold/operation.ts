import type { Codec } from '../codec.js';
import { ActivityFailure, CancelledError } from '../errors.js';
import type { ActivityFailed, CommandId, HistoryEvent } from '../history.js';
import { Deferred } from './deferred.js';
import { messageOf } from '../thrown.js';
import type { Scope } from './scope.js';
import { OVER } from './unawaited-calls.js';
import type { Call, UnawaitedOutcome } from './unawaited-calls.js';

/** An event that ends a command. */
export type EndingEvent = Extract<HistoryEvent, { id: CommandId }>;

/** Something that code may be waiting for: a command in flight, or a wait without one. */
export abstract class Pending extends Deferred implements Call {
  abstract readonly id: CommandId | null;
  abstract readonly call: string;

  constructor(
    readonly scope: Scope,
    /** The order in which a cancellation rejects: by command id; a wait ranks after the commands before it (F15). */
    readonly rank: number,
  ) {
    super();
  }

  override reject(error: unknown): void {
    // Not before it is known to be rejected: nearly none is, and each listener is a promise more.
    void this.promise.mayStayUnhandled();
    super.reject(error);
  }
  /** Whether only the fold waits for it: it has no await to reject (F15). */
  get isInternal(): boolean {
    return false;
  }
}

/** A command in flight whose end code waits for. */
export abstract class Operation extends Pending {
  constructor(
    scope: Scope,
    readonly id: CommandId,
  ) {
    super(scope, id);
  }
  /** What is to be told if nobody ever awaits it; `null`: nothing. */
  abstract settle(event: EndingEvent): UnawaitedOutcome | null;
}

export class PendingActivity extends Operation {
  readonly call: string;
  readonly #codec: Codec;

  constructor(scope: Scope, id: CommandId, name: string, codec: Codec) {
    super(scope, id);
    this.call = name;
    this.#codec = codec;
  }

  settle(event: EndingEvent): UnawaitedOutcome | null {
    switch (event.type) {
      case 'activity_completed':
        this.resolve(this.#codec.decode(event.result));
        return null;
      case 'activity_failed': {
        const error = this.#failure(event);
        this.reject(error);
        return { outcome: 'failed', error };
      }
      case 'activity_cancelled':
        this.reject(new CancelledError(`The activity ${this.call} was cancelled.`));
        return null;
      case 'timer_fired':
      case 'child_accepted':
      case 'child_not_started':
      case 'child_completed':
      case 'child_failed':
      case 'child_cancelled':
      case 'child_terminated':
      case 'message_delivered':
      case 'message_not_delivered':
      case 'callback_completed':
      case 'callback_failed':
      case 'callback_not_opened':
        return null;
      default:
        return event satisfies never;
    }
  }

  #failure({ failure, attempts }: ActivityFailed): ActivityFailure {
    const cause = this.#codec.decodeFailure(failure);
    const times = attempts === 1 ? '1 attempt' : `${attempts} attempts`;
    return new ActivityFailure(
      `${this.call} failed after ${times}: ${messageOf(cause)}`,
      this.call,
      attempts,
      { cause },
    );
  }
}

/** A timer. With `fired` it is the fold's own: of a wait, or of `withTimeout`. */
export class PendingTimer extends Operation {
  readonly #fired: (() => void) | null;

  constructor(scope: Scope, id: CommandId, fired: (() => void) | null) {
    super(scope, id);
    this.#fired = fired;
  }
  override get isInternal(): boolean {
    return this.#fired !== null;
  }
  get call(): string {
    return 'ctx.sleep';
  }
  settle(): UnawaitedOutcome | null {
    if (this.#fired) {
      this.#fired();
      return null;
    }
    this.resolve();
    return OVER;
  }
}
