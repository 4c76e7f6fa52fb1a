import { describe, expect, it } from '@jest/globals';
import { LongTimer } from '../../lib/concurrency/index.js';
import type { Timers } from '../../lib/concurrency/index.js';

const DAY = 24 * 60 * 60 * 1_000;
/** Node's timers end at once when they are asked for more. */
const MOST = 2 ** 31 - 1;

/** Timers as Node's are, with a time that is moved by hand. */
class FakeTimers implements Timers {
  now = 0;
  #waiting = new Map<NodeJS.Timeout, { readonly at: number; readonly then: () => void }>();

  readonly setTimeout = (then: () => void, ms: number): NodeJS.Timeout => {
    // The cast: nothing else of a timer is used.
    const timer = { unref: () => timer } as unknown as NodeJS.Timeout;
    this.#waiting.set(timer, { at: this.now + (ms > MOST ? 1 : Math.max(1, Math.trunc(ms))), then });
    return timer;
  };
  readonly clearTimeout = (timer: NodeJS.Timeout | undefined): void => {
    if (timer) this.#waiting.delete(timer);
  };

  get waiting(): number {
    return this.#waiting.size;
  }

  advance(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const due = [...this.#waiting]
        .filter(([, { at }]) => at <= until)
        .toSorted(([, a], [, b]) => a.at - b.at)[0];
      if (!due) break;
      const [timer, { at, then }] = due;
      this.#waiting.delete(timer);
      this.now = at;
      then();
    }
    this.now = until;
  }
}

describe('LongTimer', () => {
  it.each([0, 1, 1.5, 60_000, MOST - 1, MOST, MOST + 1, 30 * DAY, 365 * DAY, 1_000 * DAY])(
    'waits %d ms, and no less',
    (ms) => {
      const timers = new FakeTimers();
      let firedAt: number | null = null;
      LongTimer.start(ms, () => (firedAt = timers.now), false, timers);
      timers.advance(ms + 2);
      expect(firedAt).toBeGreaterThanOrEqual(ms);
      expect(firedAt).toBeLessThanOrEqual(ms + 1);
      expect(timers.waiting).toBe(0);
    },
  );

  it('never fires when there is no end to it', () => {
    const timers = new FakeTimers();
    let fired = false;
    const timer = LongTimer.start(Number.POSITIVE_INFINITY, () => (fired = true), false, timers);
    timers.advance(2_000 * DAY);
    expect(fired).toBe(false);
    timer.cancel();
    expect(timers.waiting).toBe(0);
  });

  it('can be called off at any time', () => {
    const timers = new FakeTimers();
    let fired = false;
    const timer = LongTimer.start(60 * DAY, () => (fired = true), false, timers);
    timers.advance(40 * DAY);
    timer.cancel();
    timers.advance(40 * DAY);
    expect(fired).toBe(false);
    expect(timers.waiting).toBe(0);
  });
});
