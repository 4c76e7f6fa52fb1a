import type { HistoryEvent, Instant, Lineage, RunStarted } from '../../core/index.js';
import { SEMANTICS_VERSION } from '../../core/index.js';
import type { Codec, SignalCheck } from '../../core/index.js';
import type { InboxMessage } from '../../journal/index.js';
import { newSeed } from '../ids.js';
import { readContinuation } from './continuation.js';
import type { RunHost } from './run-host.js';
import type { Arrival } from './work-kind.js';

/** What a turn takes in, with the moment that orders it (F5). */
export type TurnInput =
  | {
      readonly type: 'message';
      readonly moment: Instant;
      readonly message: InboxMessage;
      readonly hold: boolean;
    }
  /** A schema is to be applied to a signal that was taken in before (F34). */
  | { readonly type: 'signal check'; readonly moment: Instant; readonly check: SignalCheck }
  /** Something that the run had in flight has ended. */
  | Arrival;

/** The event of a message; not of one that a kind of work receives (see {@link KindsOfWork.receiverOf}). */
export function eventOf(
  message: InboxMessage,
  hold: boolean,
  at: Instant,
  host: EventMaker,
  lineage: Lineage | null,
): HistoryEvent {
  const { by } = message;
  const told = by === undefined ? undefined : { by };
  switch (message.kind) {
    case 'start':
      return startOf(message, at, host, lineage);
    case 'signal':
      return {
        type: 'signal_received',
        at,
        name: message.name!,
        payload: message.payload!,
        arrivedAt: message.at,
        hold,
        ...(message.checkedBy === 'signal' ? { checked: true } : {}),
        ...told,
      };
    case 'update':
      return {
        type: 'update_accepted',
        at,
        name: message.name!,
        updateId: message.updateId!,
        payload: message.payload!,
        arrivedAt: message.at,
        hold,
        ...told,
      };
    case 'cancel':
      return { type: 'cancel_requested', at, reason: reasonOf(message, host.codec), ...told };
    case 'rollback_retry':
      return { type: 'rollback_retried', at, reason: reasonOf(message, host.codec), ...told };
    case 'activity_result':
    case 'child_start':
    case 'child_end':
    case 'message_result':
    case 'callback_result':
      throw new Error('What the end of work means is for its kind to say.');
  }
}

/** What events are made with. */
export type EventMaker = Pick<RunHost, 'codec' | 'settings'>;

function startOf(
  { name, payload, attributes, by }: InboxMessage,
  at: Instant,
  { codec, settings: { continueAfter } }: EventMaker,
  lineage: Lineage | null,
): RunStarted {
  const fixed = {
    type: 'run_started',
    at,
    seed: newSeed(),
    semanticsVersion: SEMANTICS_VERSION,
    ...(lineage && { lineage }),
    ...(continueAfter && { continueAfter }),
    ...(attributes && { attributes: codec.encodeOwn(attributes) }),
    ...(by !== undefined && { by }),
  } as const;
  // A start has a payload. With a name it continues the run of that id.
  if (name === null) return { ...fixed, input: payload! };
  const { input, signals } = readContinuation(payload!);
  return { ...fixed, input, continuedFrom: name, ...(signals.length > 0 && { signals }) };
}

/** Why a cancellation was asked for. */
export function reasonOf(message: InboxMessage, codec: Codec): string | null {
  const reason = message.payload === null ? null : codec.decode(message.payload);
  return typeof reason === 'string' ? reason : null;
}

/** What an end must not lose (F17). */
const isSignal = ({ kind }: InboxMessage): boolean => kind === 'signal' || kind === 'update';

/**
 * The order in which a refused deciding turn is taken again (F17): the messages that had come in before the event that
 * decided; or, when a signal decided, after it and the ones already held with it. All but the last are held, so that
 * every handler has run before `run` looks.
 */
export function retakeOrder(taken: readonly TurnInput[], unread: readonly InboxMessage[]): TurnInput[] {
  const seen = new Set(taken.flatMap((input) => (input.type === 'message' ? [input.message.n] : [])));
  const lastSignal = unread.findLastIndex(isSignal);
  const fresh: TurnInput[] = unread
    .slice(0, lastSignal + 1)
    .filter((message) => !seen.has(message.n))
    .map((message) => ({ type: 'message', moment: message.at, message, hold: false }));
  const head = [...taken];
  const decider = head.pop();
  const bySignal = decider?.type === 'message' && isSignal(decider.message);
  const block: TurnInput[] = bySignal ? [decider, ...fresh] : fresh;
  for (let last = head.at(-1); last?.type === 'message' && last.hold; last = head.at(-1))
    block.unshift(head.pop()!);
  const held = block.map((input, i) =>
    input.type === 'message' ? { ...input, hold: i < block.length - 1 } : input,
  );
  return decider && !bySignal ? [...head, ...held, decider] : [...head, ...held];
}
