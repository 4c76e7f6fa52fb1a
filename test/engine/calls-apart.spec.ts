import { describe, expect, it } from '@jest/globals';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { ManualClock } from '../../lib/testing/index.js';
import { gate } from '../support/gate.js';
import { openStages } from '../support/open-stages.js';
import { activity } from '../support/stage.js';

const HOUR = 3_600_000;

// What belongs to one call of a run is that call's own: attempts, keys, times.
describe.each(['sticky', 'always replay'] as const)('The calls of a run, %s', (residency) => {
  const open = openStages();

  it('have their attempts each: those of one iteration of a loop are not taken from the next', async () => {
    const attempts: number[] = [];
    const stage = await open({
      activities: [
        activity(
          'work',
          (context, i: number) => {
            attempts.push(context.attempt);
            if (context.attempt < 2) throw new Error('not yet');
            return i;
          },
          { retry: { maxAttempts: 2, initialInterval: 1 } },
        ),
      ],
      workflows: [
        {
          make: ({ act }) => ({
            run: async () => {
              const results: unknown[] = [];
              for (let i = 0; i < 5; i++) results.push(await act('work', i));
              return results;
            },
          }),
        },
      ],
      settings: { residency },
    });
    await expect(stage.client.execute('scripted')).resolves.toEqual([0, 1, 2, 3, 4]);
    expect(attempts).toEqual([1, 2, 1, 2, 1, 2, 1, 2, 1, 2]);
  });

  it('have their keys each: what undoes a call has another key than it, and keeps it when it is tried again', async () => {
    const keys: string[] = [];
    const undo = activity(
      'refund',
      (context) => {
        keys.push(context.idempotencyKey);
        if (context.attempt === 1) throw new Error('not yet');
      },
      { retry: { initialInterval: 1 } },
    );
    const charge = activity('charge', (context) => void keys.push(context.idempotencyKey), {
      compensation: undo,
    });
    const stage = await open({
      activities: [undo, charge],
      workflows: [
        {
          make: ({ act }) => ({
            run: async () => {
              await act('charge', 'the same order');
              throw new Error('no');
            },
          }),
        },
      ],
      settings: { residency },
    });
    await expect(stage.client.execute('scripted')).rejects.toMatchObject({ rollback: 'complete' });
    const [charged, refunded, again] = keys;
    expect(refunded).not.toBe(charged);
    expect(again).toBe(refunded);
    expect(keys).toHaveLength(3);
  });

  it('have their results each: what an attempt comes to after its timeout counts for nothing', async () => {
    const later = gate();
    const heartbeats: unknown[] = [];
    const stage = await open({
      activities: [
        activity(
          'work',
          async (context) => {
            if (context.attempt === 1) {
              // It does not care that it is asked to stop.
              await later.opened;
              context.heartbeat('of the first attempt');
              return 'of the first attempt';
            }
            heartbeats.push(context.lastHeartbeat);
            later.open();
            // What the first one comes to is there before this one ends.
            for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
            return 'of a later attempt';
          },
          { timeout: 50, retry: { initialInterval: 1, maxAttempts: 99 } },
        ),
      ],
      workflows: [{ make: ({ act }) => ({ run: () => act('work') }) }],
      settings: { residency },
    });
    const handle = await stage.client.start('scripted');
    await expect(handle.result()).resolves.toBe('of a later attempt');
    expect(new Set(heartbeats)).toEqual(new Set([undefined]));
    const history = await handle.history();
    expect(history.filter(({ entry }) => entry.type === 'activity_completed')).toHaveLength(1);
  });

  it('have their times each: signals that come meanwhile begin no attempt early, and delay no timer', async () => {
    const clock = new ManualClock();
    const store = new InMemoryStore({ clock: clock.now });
    let tries = 0;
    const stage = await open({
      journal: new InMemoryJournal(store),
      activities: [
        activity(
          'flaky',
          () => {
            if (++tries === 1) throw new Error('not yet');
            return tries;
          },
          { retry: { initialInterval: HOUR, jitter: 0 } },
        ),
      ],
      workflows: [
        {
          signals: ['poke'],
          make: ({ ctx, act }) => {
            const pokes: unknown[] = [];
            return {
              poke: (n: unknown) => void pokes.push(n),
              run: async () => {
                const [done] = await Promise.all([act('flaky'), ctx.sleep(2 * HOUR)]);
                return [done, pokes, ctx.now().getTime()];
              },
            };
          },
        },
        { name: 'other', make: () => ({ run: () => Promise.resolve() }) },
      ],
      // It leaves whenever it has nothing to do, and comes back for each signal.
      settings: { residency, parkAfter: 1, heartbeatInterval: 20, leaseTimeout: 100 * HOUR },
    });
    const begun = clock.now();
    /** Time passes, and the worker looks for what is due: it has heard of another run. */
    const advance = async (ms: number): Promise<void> => {
      clock.advance(ms);
      await stage.client.start('other', undefined, { startAt: new Date(clock.now() - 1) });
    };
    const handle = await stage.client.start('scripted');
    for (let n = 0; n < 2; n++) {
      await stage.recorder.until('run released', () => stage.recorder.count('run released') > n);
      await handle.signal('poke', n);
    }
    await stage.recorder.until('run released', () => stage.recorder.count('run released') > 2);
    expect(tries).toBe(1);
    // The worker reckons on from the last time that it was told, so its times are a little ahead of a clock that stands still.
    await advance(HOUR + 60_000);
    await stage.recorder.until('activity attempt started', ({ attempt }) => attempt === 2);
    expect((await handle.describe()).state).toBe('running');
    await stage.recorder.until('run released', () => stage.recorder.count('run released') > 3);
    await advance(HOUR);
    const [done, pokes, ended] = (await handle.result()) as [number, number[], number];
    expect([done, pokes]).toEqual([2, [0, 1]]);
    expect(ended).toBeGreaterThanOrEqual(begun + 2 * HOUR);
  });
});
