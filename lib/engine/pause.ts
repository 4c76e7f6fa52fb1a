import { setTimeout } from 'node:timers';

/** Waits. In ms. */
export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
