import { describe, expect, it } from '@jest/globals';
import { FoldError, NonDeterminismError, RunNotReadyError } from '../../../lib/core/index.js';
import type { FoldOptions, HistoryEvent } from '../../../lib/core/index.js';
import {
  cancel,
  completed,
  drive,
  expectSameAgain,
  failed,
  feed,
  fired,
  line,
} from '../../support/fold-kit.js';
import {
  newFold,
  refold,
  resultOf,
  Ship,
  scheduler,
  signal,
  started,
  stopped,
  workflow,
} from '../../support/fold-kit.js';
import type { Driven } from '../../support/fold-kit.js';

const saga = workflow(async ({ act }) => {
  await act('pay', 5, 'EUR');
  await act('book', { room: 1 });
  await act('ship');
});

describe('rollback', () => {
  it('F20: undoes what completed, the last first, one at a time, with result and arguments', async () => {
    const events = [
      started(),
      completed(0, 'payment'),
      completed(1, 'booking'),
      failed(2),
      completed(3),
      completed(4),
    ];
    const run = await drive(saga, events);
    expect(line(run.history)).toMatch(
      /activity_failed2 rollback_started activity_scheduled3:unbook activity_completed3 activity_scheduled4:unpay activity_completed4 run_failed$/,
    );
    const undos = run.history.flatMap((entry) =>
      entry.type === 'activity_scheduled' && entry.undoes !== null
        ? [[entry.undoes, entry.args, entry.compensation]]
        : [],
    );
    expect(undos).toEqual([
      [1, '["booking",{"room":1}]', null],
      [0, '["payment",5,"EUR"]', null],
    ]);
    expect(run.history.at(-1)).toMatchObject({ rollback: 'complete' });
    await expectSameAgain(saga, run);
  });

  it('F20: in order of recorded completion, late ones included', async () => {
    const definition = workflow(async ({ act }) => {
      await Promise.all([act('pay'), act('book'), act('reserve'), act('a')]);
    });
    const events = [started(), completed(1), failed(3), completed(2), stopped(0), completed(4), completed(5)];
    const run = await drive(definition, events);
    expect(line(run.history)).toMatch(
      /activity_failed3 rollback_started activity_cancel_requested0 activity_cancel_requested2 activity_completed2 activity_cancelled0 activity_scheduled4:unreserve activity_completed4 activity_scheduled5:unbook/,
    );
    await expectSameAgain(definition, run);
  });

  it('F20: nothing is undone while something that has a compensation could still complete', async () => {
    const definition = workflow(async ({ act }) => {
      await act('pay');
      await act('book');
    });
    const run = await drive(definition, [started(), completed(0, 'p'), cancel()]);
    expect(line(run.history)).toMatch(/cancel_requested activity_cancel_requested1 rollback_started$/);
    await feed(run, completed(1, 'b'));
    expect(line(run.history)).toMatch(/activity_completed1 activity_scheduled2:unbook$/);
    for (const event of [completed(2), completed(3)]) await feed(run, event);
    expect(run.history.at(-1)).toMatchObject({ type: 'run_cancelled', rollback: 'complete' });
    await expectSameAgain(definition, run);
  });

  it('F20: what has no compensation is asked to stop, and not waited for', async () => {
    const definition = workflow(async ({ act }) => {
      await act('pay');
      await Promise.all([act('a'), act('b')]);
    });
    const run = await drive(definition, [started(), completed(0), failed(1), completed(3)]);
    expect(line(run.history)).toMatch(
      /activity_failed1 rollback_started activity_cancel_requested2 activity_scheduled3:unpay activity_completed3 run_failed$/,
    );
    expect(run.history.at(-1)).toMatchObject({ abandoned: [2] });
    await expectSameAgain(definition, run);
  });

  it('F20: a compensation that fails for good is listed, and the next is tried', async () => {
    const events = [started(), completed(0), completed(1), failed(2), failed(3), completed(4)];
    const run = await drive(saga, events);
    expect(run.history.at(-1)).toMatchObject({ type: 'run_failed', rollback: 'incomplete' });
    expect(run.fold.progress.failedSteps).toEqual([expect.objectContaining({ of: 1, name: 'unbook' })]);
    await expectSameAgain(saga, run);
  });

  it('F20: without anything to undo there is no rollback; a manual one is left to the code', async () => {
    const nothing = await drive(saga, [started(), failed(0)]);
    expect(line(nothing.history)).toBe('run_started activity_scheduled0:pay activity_failed0 run_failed');
    expect(nothing.history.at(-1)).toMatchObject({ rollback: 'none' });
    const manual = workflow(
      async ({ act }) => {
        await act('pay');
        await act('a');
      },
      { compensation: 'manual' },
    );
    const run = await drive(manual, [started(), completed(0), failed(1)]);
    expect(line(run.history)).toMatch(/activity_failed1 run_failed$/);
    expect(run.history.at(-1)).toMatchObject({ rollback: 'none' });
  });

  it('F20: commit forgets what was done before; onRollback adds a step', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      await act('pay');
      ctx.commit();
      ctx.onRollback(Ship, 'by hand');
      await act('book');
      throw new Error('no');
    });
    const run = await drive(definition, [started(), completed(0), completed(2), completed(3), completed(4)]);
    expect(line(run.history)).toContain('rollback_cleared rollback_step_added1 activity_scheduled2:book');
    expect(line(run.history)).toMatch(
      /activity_scheduled3:unbook activity_completed3 activity_scheduled4:Ship activity_completed4 run_failed$/,
    );
    expect(run.history).toContainEqual(
      expect.objectContaining({ name: 'Ship', undoes: 1, args: '["by hand"]' }),
    );
    await expectSameAgain(definition, run);
  });

  it('F20: ctx.compensate undoes now, and waits for what was already asked to stop', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      await act('pay');
      await ctx.withTimeout(5, () => act('book')).catch(() => undefined);
      const [first, second] = await Promise.all([ctx.compensate(), ctx.compensate()]);
      return [first, second, await ctx.compensate(), await act('a')];
    });
    const events = [started(), completed(0), fired(1), completed(2, 'late'), completed(3), failed(4)];
    const run = await drive(definition, [...events, completed(5, 'on')]);
    expect(line(run.history)).toMatch(
      /activity_cancel_requested2 activity_completed2 activity_scheduled3:unbook activity_completed3 activity_scheduled4:unpay activity_failed4 activity_scheduled5:a/,
    );
    const incomplete = { complete: false };
    expect(resultOf(run)).toEqual([incomplete, incomplete, incomplete, 'on']);
    await expectSameAgain(definition, run);
  });

  it('F20: a run that fails while ctx.compensate is at work goes on with it', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      await act('pay');
      await act('book');
      void ctx.compensate();
      await act('a');
    });
    const run = await drive(definition, [
      started(),
      completed(0),
      completed(1),
      failed(2),
      completed(3),
      completed(4),
    ]);
    expect(line(run.history)).toMatch(
      /activity_failed2 rollback_started activity_completed3 activity_scheduled4:unpay activity_completed4 run_failed$/,
    );
    expect(run.history.at(-1)).toMatchObject({ rollback: 'complete' });
    await expectSameAgain(definition, run);
  });

  it('F16: while it rolls back, signals and cancels are recorded and not handled, and no user code runs', async () => {
    let handled = 0;
    const definition = workflow(
      async ({ act }) => {
        await act('pay');
        throw new Error('no');
      },
      { signals: { poke: () => void handled++ } },
    );
    const run = await drive(definition, [started(), completed(0), signal('poke'), cancel(), completed(1)]);
    expect(line(run.history)).toMatch(
      /rollback_started activity_scheduled1:unpay signal_received cancel_requested activity_completed1 run_failed$/,
    );
    expect(handled).toBe(0);
    expect(run.history.at(-1)).toMatchObject({ unreadSignals: 1 });
    await expectSameAgain(definition, run);
  });
});

describe('ctx.compensate', () => {
  it('F16: in nonCancellable goes on after the decision, also when somebody outside called it first', async () => {
    const seen: string[] = [];
    const definition = workflow(
      async ({ ctx, act }) => {
        await act('pay');
        void ctx.compensate();
        void ctx.nonCancellable(async () => {
          const { complete } = await ctx.compensate();
          seen.push(`complete: ${complete}`);
          await act('tell');
        });
        return 'left';
      },
      { compensation: 'manual' },
    );
    const run = await drive(definition, [started(), completed(0), completed(1), completed(2)]);
    expect(seen).toEqual(['complete: true']);
    expect(line(run.history)).toMatch(/scheduled1:unpay .* activity_scheduled2:tell .* run_completed$/);
    await expectSameAgain(definition, run);
  });
});

describe('rollback without code', () => {
  const unusable = {
    ...saga,
    construct: () => {
      throw new Error('The code must not be made.');
    },
  };

  async function withoutCode(
    history: Driven['history'],
    events: readonly HistoryEvent[],
    options: Partial<FoldOptions> = {},
  ) {
    const fold = await refold(unusable, history, { withoutCode: true, ...options });
    const driven: Driven = { fold, history: [] };
    for (const event of events) await feed(driven, event);
    return driven;
  }

  it('F22: from the recorded rollback on everything follows from history', async () => {
    const head = [started(), completed(0, 'p'), completed(1, 'b'), failed(2)];
    const tail = [signal('late'), completed(3), failed(4)];
    const whole = await drive(saga, [...head, ...tail]);
    const begun = await drive(saga, head);
    const rest = await withoutCode(begun.history, tail);
    expect(rest.fold.fault).toBeNull();
    expect([...begun.history, ...rest.history]).toEqual(whole.history);
    expect(rest.fold.decided?.type).toBe('failed');
    expect(rest.fold.progress.closed).toMatchObject({ type: 'run_failed', rollback: 'incomplete' });
  });

  it('F22: it can be taken over at any step', async () => {
    const head = [started(), completed(0, 'p'), completed(1, 'b'), failed(2)];
    const whole = await drive(saga, [...head, completed(3), completed(4)]);
    const begun = await drive(saga, [...head, completed(3)]);
    const rest = await withoutCode(begun.history, [completed(3), completed(4)]);
    expect([...begun.history, ...rest.history]).toEqual(whole.history);
  });

  it('F22: a run that does not roll back needs its code, and one without code answers no query', async () => {
    const open = await drive(saga, [started()]);
    const fold = newFold(unusable, { withoutCode: true });
    fold.replay(open.history);
    await scheduler.pump(fold);
    expect(fold.fault).toBeInstanceOf(FoldError);
    const begun = await drive(saga, [started(), completed(0), failed(1)]);
    const without = await refold(unusable, begun.history, { withoutCode: true });
    expect(() => without.query('look', [])).toThrow(RunNotReadyError);
  });
});

describe('rollback without code of a newer history', () => {
  it('is drift that names the entry which this version does not know', async () => {
    const definition = workflow(({ act }) => act('pay').then(() => Promise.reject(new Error('no'))));
    const { history } = await drive(definition, [started(), completed(0)]);
    // The cast: no entry of this version.
    const newer = { type: 'something_new', at: 2 } as unknown as (typeof history)[number];
    const fold = await refold(definition, [...history, newer], { withoutCode: true });
    expect(fold.fault).toBeInstanceOf(NonDeterminismError);
    expect(fold.fault?.message).toMatch(
      /entry 6: something_new.*A newer version of nestjs-continuum wrote it/,
    );
    expect(fold.takeEmitted()).toEqual([]);
  });
});

describe('termination', () => {
  it('ends a run of any kind without its code', async () => {
    const run = await drive(saga, [started(), completed(0)]);
    const fold = await refold(saga, [...run.history, { type: 'run_terminated', at: 9, reason: 'enough' }]);
    expect(fold.fault).toBeNull();
    expect(fold.progress.closed).toMatchObject({ type: 'run_terminated', reason: 'enough' });
    expect(fold.seq).toBe(run.fold.seq + 1);
    expect(fold.feed(completed(1))).toBe(false);
    expect(
      (await refold(saga, [{ type: 'run_terminated', at: 9, reason: null }])).progress.closed,
    ).not.toBeNull();
  });
});
