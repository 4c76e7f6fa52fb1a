import { describe, expect, it } from '@jest/globals';
import type { CancellationScope, WorkflowDefinition } from '../../../lib/core/index.js';
import {
  cancel,
  completed,
  drive,
  expectSameAgain,
  failureOf,
  fired,
  signal,
} from '../../support/fold-kit.js';
import { line, refold, resultOf, started, stopped, workflow } from '../../support/fold-kit.js';
import { Chance } from '../../support/random.js';

const nameOf = (error: Error): string => error.name;

describe('cancelling', () => {
  it('F12: the result of a command whose await was rejected is recorded, and settles nothing', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      const seen = await act('a').catch(nameOf);
      await ctx.nonCancellable(() => act('clean'));
      return seen;
    });
    const run = await drive(definition, [started(), cancel(), completed(0, 'late'), completed(1)]);
    expect(resultOf(run)).toBe('CancelledError');
    expect(line(run.history)).toContain(
      'activity_cancel_requested0 activity_scheduled1:clean activity_completed0',
    );
    await expectSameAgain(definition, run);
  });

  it('F12: a cancelled timer never fires', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      await ctx.sleep('1h').catch(nameOf);
      return ctx.nonCancellable(() => act('a'));
    });
    const run = await drive(definition, [started(), cancel()]);
    expect(run.fold.progress.nextTimer()).toBeNull();
    expect(run.fold.feed(fired(0))).toBe(false);
  });

  it('F15: the order of clean-up is that of the commands, whatever helpers the branches pass through', async () => {
    const branches = (hops: readonly number[]) =>
      workflow(async ({ ctx, act }) => {
        const deep = async (k: number, promise: Promise<unknown>): Promise<unknown> =>
          k > 0 ? await deep(k - 1, promise) : promise;
        await Promise.allSettled(
          hops.map(async (k, i) => {
            await deep(k, act(`work${i}`)).catch(() => ctx.nonCancellable(() => act(`clean${i}`)));
          }),
        );
      });
    const plain = await drive(branches([0, 0, 0, 0, 0]), [started(), cancel()]);
    const chance = new Chance(5);
    for (let i = 0; i < 30; i++) {
      const refactored = branches(Array.from({ length: 5 }, () => chance.below(4)));
      expect((await refold(refactored, plain.history)).fault).toBeNull();
    }
    const cleaned = plain.history.flatMap((entry) =>
      entry.type === 'activity_scheduled' ? [entry.name] : [],
    );
    expect(cleaned.slice(5)).toEqual(['clean0', 'clean1', 'clean2', 'clean3', 'clean4']);
  });

  it('F15: sticky: later calls in the cancelled scope reject at once, without a command', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      const seen: unknown[] = [await ctx.sleep(1e6).catch(nameOf)];
      seen.push(await act('a').catch(nameOf), await ctx.condition(() => true).catch(nameOf));
      seen.push(
        await ctx.waitForSignal('w').catch(nameOf),
        await ctx.withTimeout(1, () => act('a')).catch(nameOf),
      );
      return [...seen, ctx.cancelRequested, await ctx.nonCancellable(() => act('clean'))];
    });
    const run = await drive(definition, [started(), cancel(), completed(1, 'ok')]);
    expect(resultOf(run)).toEqual([...Array<string>(5).fill('CancelledError'), true, 'ok']);
    expect(line(run.history)).toBe(
      'run_started timer_started0 cancel_requested timer_cancelled0 activity_scheduled1:clean activity_completed1 run_completed',
    );
    await expectSameAgain(definition, run);
  });

  it('F15: it reaches the whole tree but nonCancellable scopes, in order of command id, waits behind what was before', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      const order: string[] = [];
      const watch = (name: string, promise: Promise<unknown>) =>
        promise.then(
          () => order.push(name),
          (error: Error) => order.push(`${name} ${error.name}`),
        );
      await Promise.all([
        watch('timer', ctx.sleep(1e6)),
        ctx.cancellable(() => watch('nested', act('a'))),
        ctx.nonCancellable(() => watch('protected', act('b'))),
        watch(
          'condition',
          ctx.condition(() => false, 1e6),
        ),
        watch('signal', ctx.waitForSignal('w')),
        watch('last', act('c')),
      ]);
      return order;
    });
    const run = await drive(definition, [started(), cancel(), completed(2)]);
    expect(resultOf(run)).toEqual([
      ...['timer', 'nested', 'condition', 'signal', 'last'].map((name) => `${name} CancelledError`),
      'protected',
    ]);
    expect(line(run.history)).toContain(
      'cancel_requested timer_cancelled0 activity_cancel_requested1 timer_cancelled3 activity_cancel_requested4',
    );
    await expectSameAgain(definition, run);
  });

  it('F15: scope.cancel marks at once, and rejects when the code that called it is quiet', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      const order: string[] = [];
      let scope: CancellationScope | undefined;
      const inside = ctx.cancellable(async (own) => {
        scope = own;
        await Promise.all([
          act('a').catch((error: Error) => order.push(`a: ${error.message}`)),
          ctx.sleep(5).catch((error: Error) => order.push(`timer: ${error.name}`)),
        ]);
      });
      await act('go');
      scope?.cancel('enough');
      order.push('behind cancel');
      await inside;
      const own = ctx.cancellable(async (late) => {
        late.cancel();
        await ctx.sleep(1);
      });
      return [...order, await own.catch(nameOf), ctx.cancelRequested];
    });
    const run = await drive(definition, [started(), completed(2)]);
    expect(resultOf(run)).toEqual([
      'behind cancel',
      'a: The scope was cancelled: enough',
      'timer: CancelledError',
      'CancelledError',
      false,
    ]);
    await expectSameAgain(definition, run);
  });

  it('F15: the run ends cancelled when a cancellation leaves it, also one that Promise.any has wrapped', async () => {
    const any = workflow(async ({ act }) => Promise.any([act('a'), act('b')]));
    const run = await drive(any, [started(), cancel('no more')]);
    expect(run.history.at(-1)).toMatchObject({ type: 'run_cancelled', rollback: 'none', abandoned: [0, 1] });
    await expectSameAgain(any, run);
    const plain = workflow(async ({ act }) => act('a'));
    const failure = failureOf(await drive(plain, [started(), cancel('no more')]));
    expect([failure.name, failure.message]).toEqual(['CancelledError', 'The run was cancelled: no more']);
    expect(failure).toHaveProperty('reason', 'no more');
  });

  it('F15: it ends failed with any other error, and when nobody asked it to cancel', async () => {
    const other = workflow(async ({ act }) => {
      await act('a').catch((error: unknown) => {
        throw new Error('wrapped', { cause: error });
      });
    });
    expect((await drive(other, [started(), cancel()])).history.at(-1)).toMatchObject({ type: 'run_failed' });
    const own = workflow(async ({ ctx }) =>
      ctx.cancellable(async (scope) => {
        scope.cancel();
        await ctx.sleep(1);
      }),
    );
    expect((await drive(own, [started()])).history.at(-1)).toMatchObject({ type: 'run_failed' });
  });

  it('F15: a second cancel is recorded, nothing else', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      await act('a').catch(nameOf);
      return ctx.nonCancellable(() => act('b'));
    });
    const run = await drive(definition, [started(), cancel(), cancel('again'), completed(1, 'b')]);
    expect(resultOf(run)).toBe('b');
    expect(line(run.history)).toMatch(/cancel_requested activity_completed1 run_completed$/);
    await expectSameAgain(definition, run);
  });
});

describe('cancelling a run that has not begun', () => {
  it('F15: calls none of its code, and counts the signals that nobody took', async () => {
    const called: string[] = [];
    const definition: WorkflowDefinition = {
      ...workflow(async () => void called.push('run')),
      signals: new Set(['handled']),
      construct: () => {
        called.push('constructor');
        throw new Error('never made');
      },
    };
    const run = await drive(definition, [
      cancel('not needed'),
      signal('handled', 1),
      cancel('really'),
      signal('buffered', 2),
      started(),
    ]);
    expect(called).toEqual([]);
    expect(line(run.history)).toBe(
      'cancel_requested signal_received cancel_requested signal_received run_started run_cancelled',
    );
    expect(run.history.at(-1)).toMatchObject({ rollback: 'none', abandoned: [], unreadSignals: 2 });
    expect(failureOf(run)).toMatchObject({ name: 'CancelledError', reason: 'not needed' });
    await expectSameAgain(definition, run);
  });
});

describe('withTimeout', () => {
  it('F31: time runs out: the work is asked to stop, and TimeoutFailure is thrown', async () => {
    const definition = workflow(({ ctx, act }) => ctx.withTimeout(10, () => act('slow')).catch(nameOf));
    const run = await drive(definition, [started(), fired(0)]);
    expect(resultOf(run)).toBe('TimeoutFailure');
    expect(line(run.history)).toBe(
      'run_started timer_started0 activity_scheduled1:slow timer_fired0 activity_cancel_requested1 run_completed',
    );
    await expectSameAgain(definition, run);
  });

  it('F31: done in time: its value, and the timer is cancelled', async () => {
    const definition = workflow(({ ctx, act }) => ctx.withTimeout(10, () => act('quick')));
    const run = await drive(definition, [started(), completed(1, 'v')]);
    expect(resultOf(run)).toBe('v');
    expect(line(run.history)).toMatch(/activity_completed1 timer_cancelled0 run_completed$/);
    await expectSameAgain(definition, run);
  });

  it('F31: nested ones tell their own timeout from another', async () => {
    const definition = workflow(async ({ ctx }) => {
      const seen: string[] = [];
      await ctx
        .withTimeout(100, async () => {
          await ctx
            .withTimeout(10, () => ctx.sleep(1000))
            .catch((error: Error) => seen.push(`inner ${error.name}`));
          await ctx.sleep(1000);
        })
        .catch((error: Error) => seen.push(`outer ${error.name}`));
      return seen;
    });
    const inner = await drive(definition, [started(), fired(1), fired(0)]);
    expect(resultOf(inner)).toEqual(['inner TimeoutFailure', 'outer TimeoutFailure']);
    const outer = await drive(definition, [started(), fired(0)]);
    expect(resultOf(outer)).toEqual(['inner CancelledError', 'outer TimeoutFailure']);
    await expectSameAgain(definition, inner);
    await expectSameAgain(definition, outer);
  });

  it('F31: a cancelled run is no timeout', async () => {
    const definition = workflow(({ ctx }) => ctx.withTimeout(10, () => ctx.sleep(1000)).catch(nameOf));
    const run = await drive(definition, [started(), cancel()]);
    expect(resultOf(run)).toBe('CancelledError');
    expect(line(run.history)).toContain('timer_cancelled0 timer_cancelled1');
    await expectSameAgain(definition, run);
  });

  it('F31: it waits for protected work and gives its late value; another error wins over the timeout', async () => {
    const late = workflow(({ ctx, act }) => ctx.withTimeout(10, () => ctx.nonCancellable(() => act('must'))));
    expect(resultOf(await drive(late, [started(), fired(0), completed(1, 'late')]))).toBe('late');
    const other = workflow(({ ctx }) =>
      ctx
        .withTimeout(10, () =>
          ctx.sleep(100).catch(() => {
            throw new RangeError('mine');
          }),
        )
        .catch(nameOf),
    );
    expect(resultOf(await drive(other, [started(), fired(0)]))).toBe('RangeError');
    const any = workflow(({ ctx, act }) =>
      ctx.withTimeout(10, () => Promise.any([act('a'), act('b')])).catch(nameOf),
    );
    expect(resultOf(await drive(any, [started(), fired(0)]))).toBe('TimeoutFailure');
  });

  it('F31: inside nonCancellable it works while the run is cancelled; code that throws at once is met too', async () => {
    const definition = workflow(({ ctx, act }) =>
      ctx.nonCancellable(() => ctx.withTimeout(10, () => act('cleanup')).catch(nameOf)),
    );
    const run = await drive(definition, [started(), cancel(), fired(0)]);
    expect(resultOf(run)).toBe('TimeoutFailure');
    await expectSameAgain(definition, run);
    const sync = workflow(({ ctx }) =>
      ctx
        .withTimeout(10, () => {
          throw new RangeError('at once');
        })
        .catch(nameOf),
    );
    expect(resultOf(await drive(sync, [started()]))).toBe('RangeError');
    const refused = workflow(({ ctx, act }) => ctx.withTimeout(-1, () => act('a')).catch(nameOf));
    expect(line((await drive(refused, [started()])).history)).toBe('run_started run_completed');
  });

  it('F31, F12: a stopped activity that ends late changes nothing any more', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      const seen = await ctx.withTimeout(10, () => act('slow')).catch(nameOf);
      await act('next');
      return seen;
    });
    const run = await drive(definition, [started(), fired(0), stopped(1), completed(2)]);
    expect(resultOf(run)).toBe('TimeoutFailure');
    await expectSameAgain(definition, run);
  });
});
