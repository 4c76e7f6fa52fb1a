import type { Codec } from '../codec.js';
import { CancelledError, ChildWorkflowFailure } from '../errors.js';
import type { ChildStarted } from '../history.js';
import { WorkflowAlreadyStartedError } from '../reaching-errors.js';
import { messageOf } from '../thrown.js';
import { Deferred } from './deferred.js';
import type { EndingEvent } from './operation.js';
import { Operation } from './operation.js';
import type { Scope } from './scope.js';
import type { UnawaitedOutcome } from './unawaited-calls.js';
import { Wait } from './waits.js';

/** How a child ended, as its parent meets it. */
type ChildOutcome =
  { readonly type: 'result'; readonly value: unknown } | { readonly type: 'error'; readonly error: Error };

/** A child in flight. Cancelling its scope asks it to cancel (F15). */
export abstract class PendingChild extends Operation {
  readonly started: ChildStarted;
  readonly #codec: Codec;

  constructor(scope: Scope, started: ChildStarted, codec: Codec) {
    super(scope, started.id);
    this.started = started;
    this.#codec = codec;
  }

  /** `null` for an event that is not its end. A value is decoded anew each time. */
  protected outcomeOf(event: EndingEvent): ChildOutcome | null {
    switch (event.type) {
      case 'child_completed':
        return { type: 'result', value: this.#codec.decode(event.result) };
      case 'child_failed': {
        const cause = this.#codec.decodeFailure(event.failure);
        return this.#failed(`failed: ${messageOf(cause)}`, cause);
      }
      case 'child_cancelled':
        return this.#failed('was cancelled.', this.#codec.decodeFailure(event.failure));
      case 'child_terminated': {
        const why = event.reason === null ? '.' : `: ${event.reason}`;
        return this.#failed(
          `was terminated${why}`,
          new CancelledError(`It was terminated${why}`, event.reason),
        );
      }
      case 'child_not_started': {
        const { workflowId } = this.started;
        return { type: 'error', error: new WorkflowAlreadyStartedError(workflowId, null, 'running') };
      }
      case 'child_accepted':
      case 'message_delivered':
      case 'message_not_delivered':
      case 'callback_completed':
      case 'callback_failed':
      case 'callback_not_opened':
      case 'activity_completed':
      case 'activity_failed':
      case 'activity_cancelled':
      case 'timer_fired':
        return null;
      default:
        return event satisfies never;
    }
  }

  #failed(how: string, cause: unknown): ChildOutcome {
    const { name, workflowId, runId } = this.started;
    const message = `The child "${workflowId}" of ${name} ${how}`;
    return { type: 'error', error: new ChildWorkflowFailure(message, name, workflowId, runId, { cause }) };
  }
}

/** Of `ctx.child`: code waits for its result. */
export class AwaitedChild extends PendingChild {
  get call(): string {
    return `ctx.child(${this.started.name})`;
  }

  settle(event: EndingEvent): UnawaitedOutcome | null {
    const outcome = this.outcomeOf(event);
    if (outcome?.type === 'result') this.resolve(outcome.value);
    if (outcome?.type !== 'error') return null;
    this.reject(outcome.error);
    return { outcome: 'failed', error: outcome.error };
  }
}

/**
 * Of `ctx.startChild`: code waits for its handle, and may ask for the result later, in any scope. So it keeps its end, also one
 * that comes after its scope was cancelled.
 */
export class StartedChild extends PendingChild {
  #accepted = false;
  #end: EndingEvent | null = null;
  #result: Deferred | null = null;

  get call(): string {
    return `ctx.startChild(${this.started.name})`;
  }
  /** Nobody waits for it any more, or yet: cancelling its scope rejects nothing. */
  override get isInternal(): boolean {
    return this.#accepted && this.#result === null;
  }

  accept(handle: unknown): void {
    this.#accepted = true;
    this.resolve(handle);
  }

  /** It has ended when no code may go on by that (F15, F16): its handle tells the end to whoever asks. */
  keepEnd(event: EndingEvent): void {
    this.#end = event;
  }

  settle(event: EndingEvent): UnawaitedOutcome | null {
    this.keepEnd(event);
    const outcome = this.outcomeOf(event);
    if (!this.#accepted) {
      if (outcome?.type !== 'error') return null;
      this.reject(outcome.error);
      return { outcome: 'failed', error: outcome.error };
    }
    if (outcome?.type === 'result') this.#result?.resolve(outcome.value);
    else if (outcome) this.#rejectResult(outcome.error);
    return null;
  }

  override reject(error: unknown): void {
    super.reject(error);
    this.#rejectResult(error);
  }

  #rejectResult(error: unknown): void {
    if (this.#result === null) return;
    void this.#result.promise.mayStayUnhandled();
    this.#result.reject(error);
  }

  /** How it ended; `null`: it has not. */
  get outcome(): ChildOutcome | null {
    return this.#end && this.outcomeOf(this.#end);
  }

  /** For code in the scope that the child was started in: cancelling it rejects this, too. */
  get result(): Promise<unknown> {
    return (this.#result ??= new Deferred()).promise;
  }
}

/** Code in another scope than the child's waits for its end. */
export class ChildWait extends Wait {
  readonly otherwise = undefined;
  readonly #child: StartedChild;

  constructor(scope: Scope, rank: number, child: StartedChild) {
    super(scope, rank);
    this.#child = child;
  }
  get call(): string {
    return `${this.#child.call}.result`;
  }
  /** Throws how the child failed, which rejects the wait (F11). */
  holds(): boolean {
    const { outcome } = this.#child;
    if (outcome?.type === 'error') throw outcome.error;
    return outcome !== null;
  }
  take(): unknown {
    const { outcome } = this.#child;
    return outcome?.type === 'result' ? outcome.value : undefined;
  }
  end(): void {}
}
