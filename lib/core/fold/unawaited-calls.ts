import type { CommandId } from '../history.js';
import type { DurablePromise } from './durable-promise.js';

/** What became of a call, as far as it is worth telling when nobody awaited it. */
export type UnawaitedOutcome =
  | { readonly outcome: 'failed'; readonly error: unknown }
  /** It has ended, and nobody waited: a sleep, a condition, a signal. */
  | { readonly outcome: 'over' }
  | { readonly outcome: 'under way' };

/** A durable call whose promise nobody took up. */
export type UnawaitedCall = UnawaitedOutcome & {
  /** The activity, or the call of the context: `ctx.sleep`. */
  readonly call: string;
  /** Of its command; `null`: it has none. */
  readonly id: CommandId | null;
};

/** What a call is known by. */
export interface Call {
  readonly call: string;
  readonly id: CommandId | null;
  readonly promise: DurablePromise;
}

/** So many are kept: a run may be long, and the first ones tell. */
const KEPT = 20;

export const OVER: UnawaitedOutcome = { outcome: 'over' };
const UNDER_WAY: UnawaitedOutcome = { outcome: 'under way' };

/**
 * Calls that ended before anybody awaited them (F6). Code may still pick one up: which were forgotten is known when
 * the run completes.
 */
export class UnawaitedCalls {
  #kept: { readonly call: Call; readonly outcome: UnawaitedOutcome }[] | null = null;

  /** To be told unless somebody takes it up later, or already has. */
  keep(call: Call, outcome: UnawaitedOutcome): void {
    if (call.promise.isAwaited) return;
    const kept = (this.#kept ??= []);
    if (kept.length >= KEPT) this.#kept = kept.filter((item) => !item.call.promise.isAwaited);
    if (this.#kept.length < KEPT) this.#kept.push({ call, outcome });
  }

  /** Those that nobody has taken up so far; `pending` are still under way. */
  told(pending: Iterable<Call>): readonly UnawaitedCall[] {
    const told: UnawaitedCall[] = [];
    const tell = ({ call, id, promise }: Call, outcome: UnawaitedOutcome): void => {
      if (!promise.isAwaited && told.length < KEPT) told.push({ call, id, ...outcome });
    };
    for (const { call, outcome } of this.#kept ?? []) tell(call, outcome);
    for (const call of pending) tell(call, UNDER_WAY);
    return told;
  }
}
