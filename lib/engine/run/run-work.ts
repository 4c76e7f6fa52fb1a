import type { HistoryEvent, Instant } from '../../core/index.js';
import { SEMANTICS_VERSION } from '../../core/index.js';
import type { Codec, SignalCheck, TimerInFlight } from '../../core/index.js';
import type { InboxMessage } from '../../journal/index.js';
import type { EndVerdict } from '../activities/attempt-verdict.js';
import { newSeed } from '../ids.js';

/** Something a run has to take in, with the moment that orders it (F5). */
export type Work =
  | {
      readonly type: 'message';
      readonly moment: Instant;
      readonly message: InboxMessage;
      readonly hold: boolean;
    }
  /** A schema is to be applied to a signal that was taken in before (F34). */
  | { readonly type: 'signal check'; readonly moment: Instant; readonly check: SignalCheck }
  | { readonly type: 'activity end'; readonly moment: Instant; readonly end: EndVerdict }
  | { readonly type: 'timer'; readonly moment: Instant; readonly timer: TimerInFlight };

/** By moment; of one moment messages come before results, and timers last (F5). */
export function earliest(candidates: readonly (Work | undefined)[]): Work | undefined {
  let first: Work | undefined;
  // Callers give messages, results, timers, in this order: of one moment the first of them stays first.
  for (const work of candidates) if (work && (!first || work.moment < first.moment)) first = work;
  return first;
}

/** The event of a message. `activity_result` is not among them: what it means depends on the attempts made so far. */
export function eventOf(message: InboxMessage, hold: boolean, at: Instant, codec: Codec): HistoryEvent {
  switch (message.kind) {
    case 'start':
      return {
        type: 'run_started',
        at,
        input: message.payload!,
        seed: newSeed(),
        semanticsVersion: SEMANTICS_VERSION,
      };
    case 'signal':
      return {
        type: 'signal_received',
        at,
        name: message.name!,
        payload: message.payload!,
        arrivedAt: message.at,
        hold,
        ...(message.checkedBy === 'signal' ? { checked: true } : {}),
      };
    case 'cancel':
      return { type: 'cancel_requested', at, reason: reasonOf(message, codec) };
    case 'activity_result':
      throw new Error('An activity result is settled by the activities of the run.');
  }
}

function reasonOf(message: InboxMessage, codec: Codec): string | null {
  const reason = message.payload === null ? null : codec.decode(message.payload);
  return typeof reason === 'string' ? reason : null;
}

/**
 * The order in which a refused deciding turn is taken again (F17): the messages that had come in before the event that
 * decided; or, when a signal decided, after it and the ones already held with it. All but the last are held, so that
 * every handler has run before `run` looks.
 */
export function retakeOrder(taken: readonly Work[], unread: readonly InboxMessage[]): Work[] {
  const seen = new Set(taken.flatMap((work) => (work.type === 'message' ? [work.message.n] : [])));
  const lastSignal = unread.findLastIndex((message) => message.kind === 'signal');
  const fresh: Work[] = unread
    .slice(0, lastSignal + 1)
    .filter((message) => !seen.has(message.n))
    .map((message) => ({ type: 'message', moment: message.at, message, hold: false }));
  const head = [...taken];
  const decider = head.pop();
  const bySignal = decider?.type === 'message' && decider.message.kind === 'signal';
  const block: Work[] = bySignal ? [decider, ...fresh] : fresh;
  for (let last = head.at(-1); last?.type === 'message' && last.hold; last = head.at(-1))
    block.unshift(head.pop()!);
  const held = block.map((work, i) =>
    work.type === 'message' ? { ...work, hold: i < block.length - 1 } : work,
  );
  return decider && !bySignal ? [...head, ...held, decider] : [...head, ...held];
}
