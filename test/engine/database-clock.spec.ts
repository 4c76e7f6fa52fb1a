import { performance } from 'node:perf_hooks';
import { describe, expect, it } from '@jest/globals';
import { DatabaseClock } from '../../lib/engine/index.js';

const HOUR = 3_600_000;

describe('DatabaseClock', () => {
  it('follows the database, however wrong the clock of the process is', () => {
    const clock = new DatabaseClock();
    const now = performance.now();
    clock.sync(Date.now() + HOUR, now, now);
    expect(Math.abs(clock.now() - (Date.now() + HOUR))).toBeLessThan(100);
  });

  it('is never surely past what the database may not have reached', () => {
    const clock = new DatabaseClock();
    const now = performance.now();
    // The answer took 40 ms: the reading may be 20 ms off.
    clock.sync(1_000_000, now - 40, now);
    expect(clock.now()).toBeGreaterThanOrEqual(1_000_020);
    expect(clock.safelyPast()).toBeLessThanOrEqual(clock.now() - 20);
    expect(clock.until(clock.now())).toBeGreaterThanOrEqual(20);
    expect(clock.until(0)).toBe(0);
  });

  it('keeps a good reading rather than take a worse one', () => {
    const clock = new DatabaseClock();
    const now = performance.now();
    clock.sync(1_000_000, now, now);
    clock.sync(5_000_000, now - 10_000, now);
    expect(clock.now()).toBeLessThan(1_001_000);
  });
});
