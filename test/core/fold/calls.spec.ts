import { describe, expect, it } from '@jest/globals';
import {
  NotInWorkflowError,
  UnavailableActivityError,
  UnstorableValueError,
} from '../../../lib/core/index.js';
import { completed, drive, expectSameAgain, failed, failureOf, fired, line } from '../../support/fold-kit.js';
import { Payments, resultOf, Ship, signal, started, Unknown, workflow } from '../../support/fold-kit.js';

describe('durable calls', () => {
  it('F6: acts at the call, not at the await', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      const promise = act('a');
      const timer = ctx.sleep(1);
      await Promise.all([promise, timer]);
    });
    const run = await drive(definition, [started()]);
    expect(line(run.history)).toBe('run_started activity_scheduled0:a timer_started1');
  });

  it('F6: ids number the recorded commands; a condition takes none, so that adding one shifts nothing', async () => {
    const plain = workflow(async ({ act }) => [await act('a'), await act('b')]);
    const withCondition = workflow(async ({ ctx, act }) => {
      const result = [await act('a')];
      await ctx.condition(() => true, '1h');
      return [...result, await act('b')];
    });
    const run = await drive(plain, [started(), completed(0), completed(1)]);
    await expectSameAgain(withCondition, run);
  });

  it('F6: a durable promise that fails before it is awaited is no floating rejection', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      const promise = act('a');
      await ctx.sleep(5);
      return promise.catch((error: Error) => error.name);
    });
    const run = await drive(definition, [started(), failed(0), fired(1)]);
    expect(resultOf(run)).toBe('ActivityFailure');
    expect(run.fold.floatingRejections).toEqual([]);
    await expectSameAgain(definition, run);
  });

  it('F6: ctx.run and ctx.activities find activities by class, and record what the call asks for', async () => {
    const definition = workflow(async ({ ctx }) => {
      await ctx.run(Ship, { box: 1 }, { timeout: '1m', retry: { maxAttempts: Infinity } });
      return ctx.activities(Payments, { heartbeatTimeout: 1500 }).pay(7);
    });
    const run = await drive(definition, [started(), completed(0), completed(1, 'paid')]);
    expect(run.history[1]).toMatchObject({
      name: 'Ship',
      args: '[{"box":1}]',
      compensation: null,
      options: { timeout: 60_000, retry: { maxAttempts: null } },
    });
    expect(run.history[3]).toMatchObject({
      name: 'pay',
      compensation: 'unpay',
      options: { heartbeatTimeout: 1500 },
    });
    expect(resultOf(run)).toBe('paid');
  });

  it('F6: a class that has no activities here ends the turn, not the run', async () => {
    const definition = workflow(({ ctx }) => ctx.run(Unknown, 1).catch(() => 'swallowed'));
    const run = await drive(definition, [started()]);
    expect(run.fold.fault).toBeInstanceOf(UnavailableActivityError);
    expect(run.fold.fault?.message).toContain('"Unknown"');
    expect(run.fold.progress.closed).toBeNull();
  });

  it('F6: a call that cannot be made is rejected with the rule and the remedy', async () => {
    const definition = workflow(async ({ ctx }) => {
      const refused: unknown[] = [];
      await ctx.run(Payments as unknown as typeof Ship, 1).catch((error: unknown) => refused.push(error));
      await ctx.run(Ship, 1, { timeout: -1 }).catch((error: unknown) => refused.push(error));
      return refused.map((error) => [error instanceof NotInWorkflowError, (error as Error).message]);
    });
    const run = await drive(definition, [started()]);
    expect(line(run.history)).toBe('run_started run_completed');
    expect(resultOf(run)).toEqual([
      [true, expect.stringContaining('ctx.activities(Payments)')],
      [false, expect.stringContaining('timeout')],
    ]);
  });

  it('F8: values are encoded at the call and decoded at the delivery', async () => {
    const definition = workflow(async ({ act }, input: { list: number[] }) => {
      const argument = { n: 1 };
      const promise = act('a', argument);
      argument.n = 2;
      const result = (await promise) as { at: Date; big: bigint; none: undefined };
      return [result.at instanceof Date, typeof result.big, 'none' in result, input.list];
    });
    const result = { at: new Date(5), big: 1n, none: undefined };
    const run = await drive(definition, [started({ list: [1] }), completed(0, result)]);
    expect(run.history[1]).toMatchObject({ args: '[{"n":1}]' });
    expect(resultOf(run)).toEqual([true, 'bigint', true, [1]]);
    await expectSameAgain(definition, run);
  });

  it('F8: what cannot be stored rejects that call with its path, and leaves no command', async () => {
    const definition = workflow(async ({ act }) => {
      const paths: string[] = [];
      for (const value of [() => 1, Symbol('s'), Promise.resolve(1)]) {
        await act('a', { deep: [value] }).catch((error: UnstorableValueError) =>
          paths.push(`${error.name} ${error.path}`),
        );
      }
      return paths;
    });
    const run = await drive(definition, [started()]);
    expect(line(run.history)).toBe('run_started run_completed');
    expect(resultOf(run)).toEqual(Array(3).fill(expect.stringMatching(/^UnstorableValueError \$.*deep/)));
  });

  it('F8: a result that cannot be stored fails the run', async () => {
    const run = await drive(
      workflow(() => Promise.resolve({ f: () => 1 })),
      [started()],
    );
    expect(failureOf(run)).toBeInstanceOf(UnstorableValueError);
  });

  it('F8: errors keep class, message and causes, live as in replay', async () => {
    const definition = workflow(async ({ act }) => {
      try {
        return await act('a');
      } catch (error) {
        const { name, message, cause } = error as Error;
        return [name, message, cause instanceof TypeError, ((cause as Error).cause as Error).message];
      }
    });
    const error = new TypeError('bad', { cause: new Error('root') });
    const run = await drive(definition, [started(), failed(0, error, 3)]);
    expect(resultOf(run)).toEqual(['ActivityFailure', 'a failed after 3 attempts: bad', true, 'root']);
    await expectSameAgain(definition, run);
  });

  it('F8: sleep takes durations and dates, never a time that is none', async () => {
    const definition = workflow(async ({ ctx }) => {
      const refused: string[] = [];
      await ctx.sleep(new Date(Number.NaN)).catch((error: Error) => refused.push(error.name));
      await ctx.sleep(-1).catch((error: Error) => refused.push(error.name));
      await ctx.sleep('3600' as '3600s').catch((error: Error) => refused.push(error.name));
      await Promise.all([ctx.sleep('2s'), ctx.sleep(new Date(50)), ctx.sleep(new Date(5000))]);
      return refused;
    });
    const run = await drive(definition, [
      started(undefined, 100),
      fired(1, 100),
      fired(0, 2100),
      fired(2, 5000),
    ]);
    const timers = run.history.flatMap((entry) => (entry.type === 'timer_started' ? [entry.firesAt] : []));
    expect(timers).toEqual([2100, 100, 5000]);
    expect(resultOf(run)).toEqual(['RangeError', 'RangeError', 'RangeError']);
    await expectSameAgain(definition, run);
  });
});

describe('what code sees', () => {
  it('F9: now is the time of consumption, and never goes back', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      const times = [ctx.now().getTime()];
      await act('a');
      times.push(ctx.now().getTime());
      await act('a');
      return [...times, ctx.now().getTime()];
    });
    const run = await drive(definition, [started(undefined, 50), completed(0, 1, 40), completed(1, 1, 55)]);
    expect(resultOf(run)).toEqual([50, 50, 55]);
    expect(run.history.map(({ at }) => at)).toEqual([50, 50, 50, 50, 55, 55]);
    await expectSameAgain(definition, run);
  });

  it('F9: historyLength is the number of the event, whatever is loaded or was written since', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      const seen = [ctx.info.historyLength];
      await Promise.all([act('a').then(() => seen.push(ctx.info.historyLength)), act('b')]);
      return [...seen, ctx.info.historyLength, ctx.info.workflow, ctx.info.workflowId];
    });
    const run = await drive(definition, [started(), completed(0), completed(1)]);
    expect(resultOf(run)).toEqual([1, 4, 5, 'test', 'order-1']);
    await expectSameAgain(definition, run);
  });

  it('F9: random streams come from the seed of the run, one for each purpose', async () => {
    const draw = (uuidFirst: boolean) =>
      workflow(({ ctx }) => {
        const early = uuidFirst ? ctx.uuid() : null;
        const numbers = [ctx.random(), ctx.random()];
        return Promise.resolve([numbers, early ?? ctx.uuid()]);
      });
    const [a, b] = [await drive(draw(true), [started()]), await drive(draw(false), [started()])];
    expect(resultOf(a)).toEqual(resultOf(b));
    expect((resultOf(a) as [number[], string])[1]).toMatch(
      /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/,
    );
    const other = await drive(draw(true), [{ ...started(), seed: 'another' } as ReturnType<typeof started>]);
    expect(resultOf(other)).not.toEqual(resultOf(a));
  });

  it('F9: a handler may draw before the run has started', async () => {
    const definition = workflow(
      function ({ ctx }) {
        return Promise.resolve([this['drawn'], ctx.random()]);
      },
      {
        signals: {
          draw(_payload, { ctx }) {
            this['drawn'] = ctx.random();
          },
        },
      },
    );
    const run = await drive(definition, [signal('draw'), started()]);
    expect(resultOf(run)).toEqual([expect.any(Number), expect.any(Number)]);
    await expectSameAgain(definition, run);
  });

  it('F9, F21: lines of the log appear once, and not while replaying', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      ctx.log.log('one', { n: 1 });
      await act('a');
      ctx.log.warn('two');
    });
    const run = await drive(definition, [started(undefined, 7), completed(0, 1, 9)]);
    expect(run.fold.takeLogs()).toEqual([
      { level: 'log', message: 'one', facts: { n: 1 }, at: 7 },
      { level: 'warn', message: 'two', facts: undefined, at: 9 },
    ]);
    expect(run.fold.takeLogs()).toEqual([]);
    await expectSameAgain(definition, run);
  });
});

describe('side effects', () => {
  it('F23: run once, decoded at once, and read from the record at every replay', async () => {
    let runs = 0;
    const definition = workflow(async ({ ctx, act }) => {
      const value = ctx.sideEffect(() => ({ at: new Date(++runs) }), 'clock');
      await act('a', value);
      return value.at.getTime();
    });
    const run = await drive(definition, [started(), completed(0 + 1)]);
    expect(run.history[1]).toMatchObject({ type: 'side_effect_recorded', id: 0, name: 'clock' });
    expect(resultOf(run)).toBe(1);
    await expectSameAgain(definition, run);
    expect(runs).toBe(1);
  });

  it('F23: a thrown error is recorded and thrown again', async () => {
    let runs = 0;
    const definition = workflow(async ({ ctx, act }) => {
      let seen = '';
      try {
        ctx.sideEffect(() => {
          throw new RangeError(`run ${++runs}`);
        });
      } catch (error) {
        seen = (error as Error).message;
      }
      await act('a', seen);
      return seen;
    });
    const run = await drive(definition, [started(), completed(1)]);
    expect(resultOf(run)).toBe('run 1');
    await expectSameAgain(definition, run);
  });

  it('F23: it has to answer at once, storably, and does nothing durable', async () => {
    const definition = workflow(async ({ ctx }) => {
      const refused: string[] = [];
      const attempts: (() => unknown)[] = [
        () => Promise.resolve(1),
        () => () => 1,
        () => ctx.sleep(1),
        () => ctx.random(),
      ];
      for (const attempt of attempts) {
        try {
          ctx.sideEffect(attempt);
        } catch (error) {
          refused.push((error as Error).name);
        }
      }
      await null;
      return refused;
    });
    const run = await drive(definition, [started()]);
    expect(resultOf(run)).toEqual(['TypeError', 'UnstorableValueError', 'TypeError', 'TypeError']);
    expect(run.history.filter((entry) => entry.type === 'timer_started')).toEqual([]);
    await expectSameAgain(definition, run);
  });
});
