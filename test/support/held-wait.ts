import { jest } from '@jest/globals';
import { LongTimer } from '../../lib/concurrency/long-timer.js';
import { gate } from './gate.js';

/** Longer than anything else waits in a test, in ms. */
const LONG = 3_600_000;
/** For an activity whose next attempt a test begins by the end of a held wait; its run stays in memory meanwhile. */
export const RETRIED_MUCH_LATER = { initialInterval: LONG, maxInterval: LONG, jitter: 0 };
export const STAYS_IN_MEMORY = { parkAfter: 2 * LONG };

/** A wait of the engine that a test ends. */
export interface HeldWait {
  readonly begun: Promise<void>;
  /** Its time has come. */
  end(): void;
}

/** Holds the first wait from now on that is longer than half an hour; the others are what they are. */
export function holdWait(): HeldWait {
  const begun = gate();
  let then: (() => void) | undefined;
  const start = LongTimer.start.bind(LongTimer);
  const spy = jest.spyOn(LongTimer, 'start').mockImplementation((ms, ended, ...rest) => {
    if (ms < LONG / 2) return start(ms, ended, ...rest);
    spy.mockRestore();
    then = ended;
    begun.open();
    // There is one to be cancelled, and it does nothing.
    return start(0, () => undefined);
  });
  return {
    begun: begun.opened,
    end: () => {
      if (!then) throw new Error('Nothing waits yet.');
      then();
    },
  };
}
