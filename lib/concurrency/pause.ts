import { LongTimer } from './long-timer.js';

/** Waits. In ms. */
export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    LongTimer.start(ms, resolve, true);
  });

/** Waits, and does not keep the process alive for it. In ms. */
export const unrefPause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    LongTimer.start(ms, resolve);
  });
