import type { Codec } from '../codec.js';
import { ActivityFailure, CancelledError } from '../errors.js';
import type { ActivityFailed, CommandId, HistoryEvent } from '../history.js';
import { Deferred, ignore } from './deferred.js';
import { messageOf } from '../thrown.js';
import type { Scope } from './scope.js';

/** An event that ends a command. */
export type EndingEvent = Extract<HistoryEvent, { id: CommandId }>;

/** Something that code may be waiting for: a command in flight, or a wait without one. */
export abstract class Pending extends Deferred {
  constructor(
    readonly scope: Scope,
    /** The order in which a cancellation rejects: by command id; a wait ranks behind the commands before it (F15). */
    readonly rank: number,
  ) {
    super();
    this.promise.catch(ignore);
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
  abstract settle(event: EndingEvent): void;
}

export class PendingActivity extends Operation {
  readonly #name: string;
  readonly #codec: Codec;

  constructor(scope: Scope, id: CommandId, name: string, codec: Codec) {
    super(scope, id);
    this.#name = name;
    this.#codec = codec;
  }

  settle(event: EndingEvent): void {
    switch (event.type) {
      case 'activity_completed':
        return this.resolve(this.#codec.decode(event.result));
      case 'activity_failed':
        return this.reject(this.#failure(event));
      case 'activity_cancelled':
        return this.reject(new CancelledError(`The activity ${this.#name} was cancelled.`));
      case 'timer_fired':
        return;
      default:
        return event satisfies never;
    }
  }

  #failure({ failure, attempts }: ActivityFailed): ActivityFailure {
    const cause = this.#codec.decodeFailure(failure);
    const times = attempts === 1 ? '1 attempt' : `${attempts} attempts`;
    return new ActivityFailure(
      `${this.#name} failed after ${times}: ${messageOf(cause)}`,
      this.#name,
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
  settle(): void {
    if (this.#fired) this.#fired();
    else this.resolve();
  }
}
