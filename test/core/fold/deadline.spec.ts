import { describe, expect, it } from '@jest/globals';
import type { Ambient } from '../../../lib/core/fold/async-scope.js';
import { rejection } from '../../../lib/core/fold/ownership.js';
import { asyncScope } from '../../../lib/engine/process/async-scope.js';
import { scheduler } from '../../support/fold-kit.js';
import {
  cancel,
  codec,
  completed,
  drive,
  expectSameAgain,
  feed,
  fired,
  line,
  newFold,
  passed,
  refold,
  signal,
  started,
  stopped,
  workflow,
} from '../../support/fold-kit.js';
import type { Driven } from '../../support/fold-kit.js';

const endOf = ({ history }: Driven): Error => {
  const end = history.at(-1);
  if (end?.type !== 'run_timed_out') throw new Error(`It has not timed out: ${line(history)}`);
  return codec.decodeFailure(end.failure) as Error;
};

describe('The end of a time limit', () => {
  it('F15: cancels the run, rolls it back, and ends it timed out', async () => {
    const definition = workflow(async ({ act, ctx }) => {
      await act('pay');
      await ctx.sleep('1 day');
    });
    const driven = await drive(definition, [started(), completed(0), passed(), completed(2)]);
    expect(line(driven.history)).toBe(
      'run_started activity_scheduled0:pay activity_completed0 timer_started1 deadline_passed timer_cancelled1 ' +
        'rollback_started activity_scheduled2:unpay activity_completed2 run_timed_out',
    );
    expect(driven.history.at(-1)).toMatchObject({ rollback: 'complete' });
    expect(endOf(driven)).toMatchObject({
      name: 'CancelledError',
      reason: 'timed out',
      message: 'The run timed out: its runTimeout ended at 1970-01-01T00:00:00.008Z.',
    });
    await expectSameAgain(definition, driven);
    const later = await refold(definition, driven.history.slice(0, 8), { withoutCode: true });
    expect(later.decided).toMatchObject({ type: 'timed_out' });
  });

  it('F15: tells which limit it was', async () => {
    const definition = workflow(({ ctx }) => ctx.sleep('1 day'));
    const driven = await drive(definition, [started(), passed('chain')]);
    expect(endOf(driven).message).toContain('its executionTimeout ended');
  });

  it('code that returns all the same completes, and code that throws something else fails', async () => {
    const completes = workflow(async ({ ctx }) => {
      await ctx.sleep('1 day').catch(() => undefined);
      return ctx.cancelRequested;
    });
    const done = await drive(completes, [started(), passed()]);
    expect(done.history.at(-1)).toMatchObject({ type: 'run_completed', result: 'true' });
    const fails = workflow(async ({ ctx }) => {
      await ctx.sleep('1 day').catch(() => {
        throw new Error('of its own');
      });
    });
    expect((await drive(fails, [started(), passed()])).history.at(-1)?.type).toBe('run_failed');
  });

  it('lets nonCancellable parts finish', async () => {
    const definition = workflow(async ({ act, ctx }) => {
      try {
        await ctx.sleep('1 day');
      } finally {
        await ctx.nonCancellable(() => act('tidy'));
      }
    });
    const driven = await drive(definition, [started(), passed(), completed(1)]);
    expect(line(driven.history)).toMatch(/activity_scheduled1:tidy activity_completed1 run_timed_out$/);
    await expectSameAgain(definition, driven);
  });

  it('of cancellation and time limit the first in order gives the end its name', async () => {
    const definition = workflow(async ({ act, ctx }) => {
      try {
        await ctx.sleep('1 day');
      } finally {
        await ctx.nonCancellable(() => act('tidy'));
      }
    });
    const late = await drive(definition, [started(), cancel(), passed(), completed(1)]);
    expect(line(late.history)).toMatch(
      /cancel_requested timer_cancelled0 activity_scheduled1:tidy .* run_cancelled$/,
    );
    const early = await drive(definition, [started(), passed(), cancel(), completed(1)]);
    expect(line(early.history)).toMatch(
      /deadline_passed .* cancel_requested activity_completed1 run_timed_out$/,
    );
    await expectSameAgain(definition, early);
  });

  it('F16, F20: is no event once the run is decided, rolls back or has passed it', async () => {
    const definition = workflow(async ({ act, ctx }) => {
      await act('pay');
      void ctx.nonCancellable(() => act('tidy'));
      throw new Error('no');
    });
    const driven = await drive(definition, [started(), completed(0)]);
    expect(driven.fold.awaitsDeadline).toBe(false);
    expect(await feed(driven, passed())).toBe(false);
    await feed(driven, completed(1));
    expect(await feed(driven, passed())).toBe(false);
    expect(line(driven.history)).toMatch(/rollback_started activity_scheduled2:unpay$/);
    const twice = await drive(
      workflow(async ({ act, ctx }) => {
        await ctx.sleep('1 day').catch(() => act('more'));
      }),
      [started(), passed()],
    );
    expect(await feed(twice, passed())).toBe(false);
  });

  it('F15: reaches handlers, and does not make them fail the run', async () => {
    const definition = workflow(({ ctx }) => ctx.sleep('1 day'), {
      signals: { poke: (_, { act }) => act('work') },
    });
    const driven = await drive(definition, [started(), signal('poke'), passed(), stopped(1), fired(0)]);
    expect(endOf(driven).name).toBe('CancelledError');
  });
});

describe('A run that has timed out', () => {
  it('F24: shows its error, so that a rejection that nobody handles does not stop it', async () => {
    let ambient: Ambient | undefined;
    const definition = workflow(async ({ ctx }) => {
      void ctx.nonCancellable(() => {
        ambient = asyncScope.store();
        return ctx.sleep('2 days');
      });
      await ctx.sleep('1 day');
    });
    const driven = await drive(definition, [started(), passed()]);
    expect(driven.fold.decided?.type).toBe('timed_out');
    expect(rejection(new Error('nobody looks'), Promise.resolve(), ambient)).toBe(true);
    await feed(driven, fired(0));
    expect(driven.fold.fault).toBeNull();
    expect(endOf(driven).name).toBe('CancelledError');
  });
});

describe('A run whose code cannot go on when its time is over', () => {
  const definition = workflow(async ({ act }) => {
    await Promise.all([act('pay'), act('work')]);
  });
  const forced = async (history: Driven['history'], code = definition): Promise<Driven> => {
    const fold = newFold(code, { withoutCode: true });
    fold.replay(history);
    fold.force(passed(), new Error('drift'));
    await scheduler.pump(fold);
    return { fold, history: [...history, ...fold.takeEmitted()] };
  };

  it('F22: is rolled back without its code, and says so', async () => {
    const { history } = await drive(definition, [started(), completed(0)]);
    const driven = await forced(history);
    expect(line(driven.history)).toBe(
      'run_started activity_scheduled0:pay activity_scheduled1:work activity_completed0 deadline_passed ' +
        'rollback_started activity_cancel_requested1 activity_scheduled2:unpay',
    );
    expect(driven.history.at(-3)).toMatchObject({ outcome: 'timed_out', forced: true });
    // Another holder goes on from there.
    const next = newFold(definition, { withoutCode: true });
    next.replay(driven.history);
    next.feed(completed(2));
    await scheduler.pump(next);
    expect(next.takeEmitted().at(-1)).toMatchObject({ type: 'run_timed_out', rollback: 'complete' });
  });

  it('F22: ends at once where there is nothing to undo, or nothing is undone by itself', async () => {
    const nothing = await forced([started()]);
    expect(line(nothing.history)).toBe('run_started deadline_passed rollback_started run_timed_out');
    expect((await forced([])).history.at(-1)).toMatchObject({ type: 'run_timed_out', rollback: 'none' });
    const manual = workflow(async ({ act }) => void (await act('pay')), { compensation: 'manual' });
    const { history } = await drive(manual, [started(), completed(0)]);
    // Its code has ended it already.
    expect(history.at(-1)?.type).toBe('run_completed');
    const held = history.slice(0, 3);
    expect((await forced(held, manual)).history.at(-1)).toMatchObject({
      type: 'run_timed_out',
      rollback: 'none',
    });
  });

  it('keeps the name of what asked it to end before', async () => {
    const slow = workflow(async ({ act, ctx }) => {
      await ctx.nonCancellable(() => act('work'));
    });
    const { history } = await drive(slow, [started(), cancel()]);
    const driven = await forced(history, slow);
    expect(driven.history.find(({ type }) => type === 'rollback_started')).toMatchObject({
      outcome: 'cancelled',
    });
  });
});
