import { describe, expect, it } from '@jest/globals';
import { createHook } from 'node:async_hooks';
import { SharedTimers } from '../../lib/concurrency/shared-timers.js';

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1));
};

describe('SharedTimers', () => {
  it('ends each wait after its time, those of one length in order, and none that was cancelled', async () => {
    const timers = new SharedTimers();
    const ended: string[] = [];
    const began = performance.now();
    let longTook = 0;
    timers.start(30, () => (longTook = performance.now() - began));
    const cancelled = timers.start(10, () => ended.push('cancelled'));
    timers.start(10, () => {
      ended.push('first');
      timers.start(10, () => ended.push('third'));
    });
    timers.start(10, () => ended.push('second'));
    cancelled.cancel();
    await until(() => ended.length === 3 && longTook > 0);
    // A machine that was busy for 30 ms ends what is due by then in any order of lengths.
    expect(ended).toEqual(['first', 'second', 'third']);
    expect(longTook).toBeGreaterThanOrEqual(30);
  });

  it('waits anew once all of a length are over', async () => {
    const timers = new SharedTimers();
    const ended: number[] = [];
    for (let i = 0; i < 3; i++) {
      timers.start(5, () => ended.push(i));
      await until(() => ended.length === i + 1);
    }
    expect(ended).toEqual([0, 1, 2]);
  });

  it('is never early for one that began later', async () => {
    const timers = new SharedTimers();
    timers.start(20, () => {}).cancel();
    await new Promise((resolve) => setTimeout(resolve, 15));
    const began = performance.now();
    await new Promise<void>((resolve) => timers.start(20, resolve));
    expect(performance.now() - began).toBeGreaterThanOrEqual(20);
  });

  it('costs one timer of Node, however many wait', () => {
    let made = 0;
    const hook = createHook({ init: (_, type) => void (type === 'Timeout' && made++) }).enable();
    const timers = new SharedTimers();
    for (let i = 0; i < 1_000; i++) timers.start(60_000, () => {}).cancel();
    hook.disable();
    expect(made).toBe(1);
  });
});
