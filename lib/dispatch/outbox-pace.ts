import type { Delivery } from '../journal/index.js';

/** How often to look while there is work, and at most when there is none. In ms. */
const BUSY_POLL = 1_000;
const IDLE_POLL = 5_000;
/** When to look again for what was to go to a run that somebody had locked, in ms. */
const HELD_POLL = 100;

/** When to look again for what is due, where no hint says so. Its times are those of a monotonic clock, in ms. */
export class OutboxPace {
  #idleLooks = 0;
  /** By then everything that was held has come due; `null`: nothing was. */
  #heldUntil: number | null = null;

  /** What a look has come to, which went on from `began` until `ended`. */
  looked({ done, held }: Pick<Delivery, 'done' | 'held'>, began: number, ended: number): void {
    this.#idleLooks = done === 0 ? this.#idleLooks + 1 : 0;
    // A hint may bring about a look before that time, which does not find what is held.
    if (this.#heldUntil !== null && began >= this.#heldUntil) this.#heldUntil = null;
    if (held) this.#heldUntil = ended + HELD_POLL;
  }

  /** A look has failed. What was held has time: nothing can be delivered just now. */
  failed(): void {
    this.#idleLooks++;
    this.#heldUntil = null;
  }

  /** How long to wait from `now` on. Chance is in it: workers that were started together should not all look at the same time. */
  wait(now: number, chance = Math.random()): number {
    const usual = Math.min(BUSY_POLL * (1 + this.#idleLooks / 10), IDLE_POLL) * (0.75 + chance / 2);
    if (this.#heldUntil === null) return usual;
    return Math.min(usual, Math.max(this.#heldUntil - now, 0) + (HELD_POLL * chance) / 2);
  }
}
