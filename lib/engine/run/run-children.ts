import { TimeoutFailure } from '../../core/index.js';
import type { Codec, EncodedFailure, HistoryEvent } from '../../core/index.js';
import { readChildMessage } from '../../journal/index.js';
import type { InboxMessage, RunId } from '../../journal/index.js';
import type { EntryAbout, Intake, WorkKind } from './work-kind.js';

/** Of a message that has to have one: an end without a payload is one of an older worker. */
const NOTHING = 'null';

/** Nothing comes of children by itself. */
const EMPTY: Intake = { notes: [], next: () => undefined, taken: () => undefined };

/**
 * The children of one resident run. They are runs of their own, held by whichever worker: nothing goes on here for them, and
 * their ends come as messages.
 */
export class RunChildren implements WorkKind {
  readonly idle = true;
  readonly #runId: RunId;
  readonly #codec: Codec;
  readonly #sent: (what: 'child' | 'message') => void;

  /** @param sent what the journal has got for other runs: somebody should look for it */
  constructor(runId: RunId, codec: Codec, sent: (what: 'child' | 'message') => void) {
    this.#runId = runId;
    this.#codec = codec;
    this.#sent = sent;
  }

  obstacle(): null {
    return null;
  }

  committed(entry: EntryAbout<'child'>): void {
    if (entry.type === 'child_started') this.#sent('child');
    else if (entry.type === 'child_cancel_requested') this.#sent('message');
  }

  recover(): void {}
  drain(): void {}
  stop(): void {}

  settle(): boolean {
    return false;
  }
  take(): Intake {
    return EMPTY;
  }

  /** `null` of a child that another run of this workflow id has started: it is nobody's here. */
  received({ name, payload, at }: InboxMessage): HistoryEvent | null {
    const { runId, command: id, news } = readChildMessage(name ?? '');
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
      default:
        return news satisfies never;
    }
  }

  nextMoment(): null {
    return null;
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
