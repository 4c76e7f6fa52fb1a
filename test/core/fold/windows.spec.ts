import { describe, expect, it } from '@jest/globals';
import type { HistoryEvent } from '../../../lib/core/index.js';
import { isOwned, rejection, thrown } from '../../../lib/core/index.js';
import {
  completed,
  drive,
  expectSameAgain,
  failureOf,
  fired,
  line,
  newFold,
} from '../../support/fold-kit.js';
import {
  cancel,
  feed,
  refold,
  resultOf,
  scheduler,
  signal,
  started,
  workflow,
} from '../../support/fold-kit.js';

describe('windows and deliveries', () => {
  it('F1: a step opens a window and closes the one before it', async () => {
    const definition = workflow(async ({ act }) => act('a'));
    const fold = newFold(definition);
    fold.feed(started());
    expect(fold.step()).toBe(true);
    expect(fold.takeEmitted().map((entry) => entry.type)).toEqual(['run_started', 'activity_scheduled']);
    expect(fold.step()).toBe(false);
    expect(fold.step()).toBe(false);
  });

  it("F1, F24: a callback that throws closes the window at once; what comes then is not the run's", async () => {
    const fold = newFold(workflow(({ act }) => act('a')));
    fold.feed(started());
    expect([isOwned(), fold.step(), isOwned()]).toEqual([false, true, true]);
    expect(thrown(new Error('of a callback'))).toBe(true);
    expect([isOwned(), fold.fault?.name]).toEqual([false, 'CallbackError']);
    expect([thrown(new Error('of the application')), rejection(new Error('too'), {})]).toEqual([
      false,
      false,
    ]);
    expect(fold.step()).toBe(false);
  });

  it('F2: an event settles one promise per window, and its agenda is first in, first out', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      const order: number[] = [];
      const branch = async (i: number): Promise<void> => {
        await ctx.condition(() => order.length >= i, '1h');
        for (let hop = 0; hop < 3 - i; hop++) await null;
        order.push(i);
      };
      await Promise.all([branch(1), branch(2), (async () => order.push((await act('a')) as number))()]);
      return order;
    });
    const run = await drive(definition, [started(), completed(2, 0)]);
    expect(resultOf(run)).toEqual([0, 1, 2]);
    await expectSameAgain(definition, run);
  });

  it('F3: the fold is stepped from outside, and does nothing by itself', async () => {
    const definition = workflow(async ({ act }) => act('a'));
    const fold = newFold(definition);
    expect(fold.feed(started())).toBe(true);
    await new Promise((resolve) => setImmediate(resolve));
    expect(fold.takeEmitted()).toEqual([]);
    await scheduler.pump(fold);
    expect(line(fold.takeEmitted())).toBe('run_started activity_scheduled0:a');
  });

  it('F4: an event, its commands and then the notes about them stand together', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      await Promise.all([act('a'), act('b')]);
      await ctx.sleep(5);
    });
    const run = await drive(definition, [started(), completed(0)]);
    const fold = run.fold;
    const note = { type: 'activity_heartbeat', at: 1, id: 1, details: '1' } as const;
    fold.feed(completed(1));
    expect(fold.step()).toBe(true);
    fold.note(note);
    await scheduler.pump(fold);
    run.history.push(...fold.takeEmitted());
    expect(line(run.history)).toMatch(/activity_completed1 timer_started2 activity_heartbeat1$/);
    await expectSameAgain(definition, run);
  });

  it('F4: a note while nothing is delivered is appended at once, and is known to the progress', async () => {
    const definition = workflow(async ({ act }) => act('a'));
    const run = await drive(definition, [started()]);
    const note = {
      at: 2,
      id: 0,
      attempt: 2,
      startsAt: 9,
      parked: true,
      failure: null,
      heartbeat: '"x"',
    } as const;
    run.fold.note({ type: 'activity_attempt', ...note });
    expect(run.fold.progress.inFlight.get(0)).toMatchObject({
      attempt: 2,
      startsAt: 9,
      parked: true,
      heartbeat: '"x"',
    });
    expect(run.fold.seq).toBe(3);
    run.history.push(...run.fold.takeEmitted());
    await expectSameAgain(definition, run);
  });

  it('F4: a replayed entry is never written again', async () => {
    const definition = workflow(async ({ act }) => [await act('a'), await act('b')]);
    const run = await drive(definition, [started(), completed(0)]);
    const again = await refold(definition, run.history);
    expect(again.takeEmitted()).toEqual([]);
    expect(again.seq).toBe(run.fold.seq);
    again.feed(completed(1, 'B'));
    await scheduler.pump(again);
    expect(line(again.takeEmitted())).toBe('activity_completed1 run_completed');
  });
});

describe('consumption', () => {
  it('F5: an event for a command no longer in flight is consumed without a record', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      await ctx.condition(() => false, 5);
      await act('a');
    });
    const run = await drive(definition, [started(), fired(0)]);
    expect(await feed(run, fired(0))).toBe(false);
    expect(await feed(run, completed(7))).toBe(false);
    expect(await feed(run, fired(1))).toBe(false);
    expect(line(run.history)).toBe('run_started timer_started0 timer_fired0 activity_scheduled1:a');
  });

  it('F5: two ends of one command that are fed together count once', async () => {
    const definition = workflow(async ({ act }) => act('a'));
    const run = await drive(definition, [started()]);
    expect([run.fold.feed(completed(0, 1)), run.fold.feed(completed(0, 2))]).toEqual([true, true]);
    await scheduler.pump(run.fold);
    run.history.push(...run.fold.takeEmitted());
    expect(resultOf(run)).toBe(1);
    expect(run.fold.feed(signal('late'))).toBe(false);
  });

  it('F5: timers fire by due time, then by command id', async () => {
    const definition = workflow(async ({ ctx }) => {
      await Promise.all([ctx.sleep(10), ctx.sleep(5), ctx.sleep(10), ctx.sleep(5)]);
    });
    const { fold } = await drive(definition, [started(undefined, 100)]);
    expect(fold.progress.nextTimer()).toBe(105);
    expect(fold.progress.dueTimers(200).map(({ started: timer }) => timer.id)).toEqual([1, 3, 0, 2]);
    expect(fold.progress.dueTimers(105)).toHaveLength(2);
  });

  it('F5: the first event makes the object, whichever it is', async () => {
    const made: number[] = [];
    const definition = workflow(
      function () {
        return Promise.resolve(this['seen']);
      },
      {
        construct: () => made.push(1),
        signals: {
          mark(payload: string) {
            this['seen'] = payload;
          },
        },
      },
    );
    const events: HistoryEvent[] = [signal('mark', 'before the start'), started()];
    const run = await drive(definition, events);
    expect(made).toHaveLength(1);
    expect(resultOf(run)).toBe('before the start');
    await expectSameAgain(definition, run);
  });

  it('F5, F15: a cancel before the start is kept: run is called in a cancelled scope', async () => {
    const definition = workflow(async ({ act }) => act('a'));
    const run = await drive(definition, [cancel(), started()]);
    expect(line(run.history)).toBe('cancel_requested run_started run_cancelled');
    expect(failureOf(run).name).toBe('CancelledError');
    await expectSameAgain(definition, run);
  });

  it('F5: a second run_started is refused', async () => {
    const definition = workflow(async ({ act }) => act('a'));
    const run = await drive(definition, [started()]);
    expect(await feed(run, started())).toBe(false);
  });
});
