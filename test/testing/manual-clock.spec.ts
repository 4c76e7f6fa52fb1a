import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../lib/testing/index.js';

describe('ManualClock', () => {
  it('stands still until it is moved', () => {
    const clock = new ManualClock(1_000);
    const { now } = clock;
    expect(now()).toBe(1_000);
    clock.advance(250);
    expect([now(), clock.now()]).toEqual([1_250, 1_250]);
  });

  it('begins at the present time, and does not go back', () => {
    const before = Date.now();
    const clock = new ManualClock();
    expect(clock.now()).toBeGreaterThanOrEqual(before);
    expect(() => clock.advance(-1)).toThrow(RangeError);
    expect(() => clock.advance(NaN)).toThrow(RangeError);
  });
});
