import { expect, it, jest } from '@jest/globals';
import { InMemoryJournal } from '../../lib/journal/in-memory/index.js';
import { asRunId } from '../../lib/journal/index.js';

const DAY = 86_400_000;
/** What a timer of Node counts at most, in ms: it ends a longer one at once. */
const LONGEST = 2 ** 31 - 1;

it('a wait for a result that is longer than a timer of Node counts goes on after one', async () => {
  const timers: { readonly ring: () => void; readonly within: number }[] = [];
  const real = await import('node:timers');
  jest.unstable_mockModule('node:timers', () => ({
    ...real,
    setTimeout: (ring: () => void, within: number) => timers.push({ ring, within }),
    clearTimeout: () => undefined,
  }));
  const { ResultWaiter } = await import('../../lib/client/result-waiter.js');
  const { Patience } = await import('../../lib/client/patience.js');
  const { Wakeup } = await import('../../lib/wakeup/index.js');

  const journal = new InMemoryJournal();
  const waiter = new ResultWaiter(journal, new Wakeup(journal, 'default', 'w1'));
  const settled = jest.fn();
  const waiting = waiter.wait(asRunId('r-1'), new Patience(60 * DAY), true).then(settled);
  const next = (): number => timers.find(({ within }) => within > DAY)!.within;
  /** The long timer, and not that of the poll. */
  const ring = async (): Promise<void> => {
    const [timer] = timers.splice(
      timers.findIndex(({ within }) => within > DAY),
      1,
    );
    timer!.ring();
    await Promise.resolve();
  };
  expect(next()).toBe(LONGEST);
  await ring();
  expect(next()).toBe(LONGEST);
  await ring();
  expect(next()).toBe(60 * DAY - 2 * LONGEST);
  expect(settled).not.toHaveBeenCalled();
  await ring();
  await waiting;
  expect(settled).toHaveBeenCalledWith('timeout');
});
