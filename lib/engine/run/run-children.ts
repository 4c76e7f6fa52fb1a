import { TimeoutFailure } from '../../core/index.js';
import type { Codec, EncodedFailure, HistoryEvent } from '../../core/index.js';
import { readLetterName } from '../../journal/index.js';
import type { InboxMessage, RunId } from '../../journal/index.js';
import { QuietKind } from './quiet-kind.js';

/** Of a message that has to have one: an end without a payload is one of an older worker. */
const NOTHING = 'null';

/**
 * The children of one resident run. They are runs of their own, held by whichever worker, and their ends come as messages.
 */
export class RunChildren extends QuietKind {
  readonly #runId: RunId;
  readonly #codec: Codec;

  constructor(runId: RunId, codec: Codec) {
    super();
    this.#runId = runId;
    this.#codec = codec;
  }

  /** `null` of a child that another run of this workflow id has started: it is nobody's here. */
  received({ name, payload, at }: InboxMessage): HistoryEvent | null {
    const { runId, command: id, news } = readLetterName(name ?? '');
    if (runId !== this.#runId) return null;
    switch (news) {
      case 'accepted':
        return { type: 'child_accepted', at, id };
      case 'refused':
        return { type: 'child_not_started', at, id };
      case 'completed':
        return { type: 'child_completed', at, id, result: payload ?? NOTHING };
      case 'timed_out':
        return { type: 'child_failed', at, id, failure: this.#timedOut(payload) };
      case 'failed':
        return { type: 'child_failed', at, id, failure: payload ?? NOTHING };
      case 'cancelled':
        return { type: 'child_cancelled', at, id, failure: payload ?? NOTHING };
      case 'terminated':
        return { type: 'child_terminated', at, id, reason: reasonOf(payload) };
      case 'delivered':
      case 'not found':
      case 'not running':
      case 'taken':
        return null;
      default:
        return news satisfies never;
    }
  }

  /** Inside the child it was a cancellation. Its parent is told what that was for: nobody here has cancelled anything. */
  #timedOut(payload: EncodedFailure | null): EncodedFailure {
    const cause: unknown = payload === null ? undefined : this.#codec.decodeFailure(payload);
    const message = cause instanceof Error ? cause.message : 'The run timed out.';
    return this.#codec.encodeFailure(new TimeoutFailure(message));
  }
}

/** The journal has written it as plain JSON. */
function reasonOf(payload: string | null): string | null {
  const reason: unknown = payload === null ? null : JSON.parse(payload);
  return typeof reason === 'string' ? reason : null;
}
