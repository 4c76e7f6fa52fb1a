import { describe, expect, it } from '@jest/globals';
import type { HistoryEvent } from '../../../lib/core/index.js';
import { WorkflowMistakeError } from '../../../lib/core/index.js';
import {
  cancel,
  completed,
  drive,
  expectSameAgain,
  failed,
  failureOf,
  fired,
  line,
  refold,
  resultOf,
  signal,
  started,
  workflow,
} from '../../support/fold-kit.js';
import type { Steps } from '../../support/fold-kit.js';

const nameOf = (error: Error): string => error.name;

/** Takes signals `a` and `b` by races of their waits, until it has so many. */
const collecting = (total: number, first: (steps: Steps) => Promise<unknown>) =>
  workflow(async function (steps) {
    const seen: unknown[] = [];
    while (seen.length < total) seen.push(await first(steps));
    return seen;
  });
const byRace = ({ ctx }: Steps): Promise<unknown> =>
  ctx
    .race({ a: () => ctx.waitForSignal<number>('a'), b: () => ctx.waitForSignal<number>('b') })
    .then(({ key, value }) => `${key}${value}`);
const byPromiseRace = ({ ctx }: Steps): Promise<unknown> =>
  Promise.race([
    ctx.waitForSignal<number>('a').then((n) => `a${n}`),
    ctx.waitForSignal<number>('b').then((n) => `b${n}`),
  ]);

const numbers = Array.from({ length: 20 }, (_, i) => i);
const alternating = numbers.map((n): HistoryEvent => signal(n % 2 === 0 ? 'a' : 'b', n));
const all = numbers.map((n) => `${n % 2 === 0 ? 'a' : 'b'}${n}`);

describe('F33: ctx.race', () => {
  it('takes every signal, where the losers of Promise.race take half of them', async () => {
    const definition = collecting(20, byRace);
    const run = await drive(definition, [started(), ...alternating]);
    expect(resultOf(run)).toEqual(all);
    await expectSameAgain(definition, run);
    const losing = await drive(collecting(20, byPromiseRace), [started(), ...alternating]);
    expect(losing.fold.progress.closed).toBeNull();
  });

  it('takes every one that was there before, too: no branch takes what it may not use', async () => {
    const definition = collecting(20, byRace);
    const run = await drive(definition, [...alternating, started()]);
    expect(resultOf(run)).toEqual(
      all.toSorted((x, y) => x.charCodeAt(0) - y.charCodeAt(0) || +x.slice(1) - +y.slice(1)),
    );
    await expectSameAgain(definition, run);
  });

  it('takes every one of a block of held signals, and those that come while the losers tidy up', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      const seen: string[] = [];
      while (seen.length < 4) {
        const { key } = await ctx.race({
          a: () => ctx.waitForSignal('a'),
          b: async () => {
            try {
              await ctx.waitForSignal('b');
            } finally {
              await ctx.nonCancellable(() => act(`tidy ${seen.length}`));
            }
          },
        });
        seen.push(key);
      }
      return seen;
    });
    const run = await drive(definition, [
      started(),
      signal('a', 1, true),
      signal('b', 2, false),
      signal('a', 3),
      completed(0),
      completed(1),
      completed(2),
      signal('b', 4),
      completed(3),
    ]);
    expect(resultOf(run)).toEqual(['a', 'a', 'b', 'b']);
    await expectSameAgain(definition, run);
  });

  it('cancels all that the losers wait for, in order of command id, and rejects one per window', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      const order: string[] = [];
      const noted =
        (name: string) =>
        (error: Error): void =>
          void order.push(`${name}: ${error.message}`);
      const first = await ctx.race({
        activity: () => act('slow').catch(noted('activity')),
        sleep: async () => {
          const inner = ctx.sleep('1h').catch(noted('sleep'));
          await ctx.waitForSignal('x', { timeout: '1d' }).catch(noted('signal'));
          await inner;
        },
        condition: () => ctx.condition(() => false).catch(noted('condition')),
        scope: () => ctx.cancellable(() => ctx.withTimeout('2h', () => act('deep'))).catch(noted('scope')),
        inner: () => ctx.race({ one: () => ctx.sleep('3h'), two: () => act('other') }).catch(noted('inner')),
        signal: () => ctx.waitForSignal('go'),
      });
      order.push(first.key);
      return order;
    });
    const run = await drive(definition, [started(), signal('go', 'now')]);
    const lost = 'The branch "signal" of the race settled first.';
    expect(resultOf(run)).toEqual([
      `activity: ${lost}`,
      `sleep: ${lost}`,
      `signal: ${lost}`,
      `condition: ${lost}`,
      `scope: ${lost}`,
      `inner: ${lost}`,
      'signal',
    ]);
    expect(line(run.history)).toContain(
      'signal_received activity_cancel_requested0 timer_cancelled1 timer_cancelled2 timer_cancelled3 ' +
        'activity_cancel_requested4 timer_cancelled5 activity_cancel_requested6 run_completed',
    );
    await expectSameAgain(definition, run);
  });

  it('waits until the losers have settled, and lets what no cancellation reaches come to its end', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      const order: unknown[] = [];
      const first = await ctx.race({
        fast: () => act('fast'),
        charged: () => ctx.nonCancellable(() => act('charge')).then((value) => order.push(value)),
      });
      return [...order, first];
    });
    const run = await drive(definition, [started(), completed(0, 'quick')]);
    expect(run.fold.progress.closed).toBeNull();
    await expectSameAgain(definition, run);
    const ended = await drive(definition, [started(), completed(0, 'quick'), completed(1, 'charged')]);
    expect(resultOf(ended)).toEqual(['charged', { key: 'fast', value: 'quick' }]);
  });

  it('throws what the first branch throws, cancelling the others', async () => {
    const definition = workflow(({ ctx, act }) =>
      ctx.race({ works: () => act('work'), waits: () => ctx.sleep('1h') }),
    );
    const run = await drive(definition, [started(), failed(0, new Error('no luck'))]);
    expect(failureOf(run).message).toContain('no luck');
    expect(line(run.history)).toContain('activity_failed0 timer_cancelled1 run_failed');
    await expectSameAgain(definition, run);
  });

  it('is won by a branch that throws or returns at once, whatever it is made of', async () => {
    const thrown = workflow(({ ctx }) =>
      ctx.race({
        waits: () => ctx.sleep('1h'),
        throws: () => {
          throw new Error('at once');
        },
      }),
    );
    expect(failureOf(await drive(thrown, [started()])).message).toBe('at once');
    const plain = workflow(({ ctx }) =>
      ctx.race({ late: () => ctx.waitForSignal('a'), now: (() => 7) as unknown as () => Promise<number> }),
    );
    const run = await drive(plain, [signal('a', 'kept'), started()]);
    expect(resultOf(run)).toEqual({ key: 'now', value: 7 });
    expect(run.history.at(-1)).toMatchObject({ unreadSignals: 1 });
    await expectSameAgain(plain, run);
  });

  it('drops what the losers come to, and logs what they failed with while they tidied up', async () => {
    const definition = workflow(({ ctx, act }) =>
      ctx.race({
        first: () => act('first'),
        untidy: async () => {
          try {
            await ctx.sleep('1h');
          } finally {
            await ctx.nonCancellable(() => act('tidy'));
          }
        },
        calm: () => ctx.sleep('2h').catch(() => 'nobody asks'),
      }),
    );
    const run = await drive(definition, [started(), completed(0, 1), failed(3, new Error('a mess'))]);
    expect(resultOf(run)).toEqual({ key: 'first', value: 1 });
    expect(run.fold.takeLogs()).toEqual([
      expect.objectContaining({
        level: 'warn',
        message: expect.stringMatching(/"untidy" failed after "first" had settled first: .*a mess/),
      }),
    ]);
    await expectSameAgain(definition, run);
  });

  it('is cancelled with the run, and with the scope around it', async () => {
    const definition = workflow(async ({ ctx }) => {
      const timeout = await ctx
        .withTimeout(5, () => ctx.race({ a: () => ctx.sleep('1h'), b: () => ctx.waitForSignal('b') }))
        .catch(nameOf);
      const order: string[] = [timeout as string];
      await ctx
        .race({
          a: () => ctx.sleep('1h').finally(() => order.push('a')),
          b: () => ctx.waitForSignal('b').finally(() => order.push('b')),
        })
        .catch((error: Error) => order.push(error.message));
      order.push((await ctx.race({ c: async () => 'sticky' }).catch(nameOf)) as string);
      return order;
    });
    const run = await drive(definition, [started(), fired(0, 9), cancel('enough')]);
    expect(resultOf(run)).toEqual([
      'TimeoutFailure',
      'a',
      'b',
      'The run was cancelled: enough',
      'CancelledError',
    ]);
    await expectSameAgain(definition, run);
  });

  it('F16: records nothing when the run is decided before a branch settles', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      const work = act('a');
      const late = async (): Promise<unknown> => {
        const result = await work;
        for (let i = 0; i < 9; i++) await null;
        return result;
      };
      void ctx.race({ late, b: () => ctx.sleep('1h') });
      await work;
    });
    const run = await drive(definition, [started(), completed(0)]);
    expect(line(run.history)).toBe(
      'run_started activity_scheduled0:a timer_started1 activity_completed0 run_completed',
    );
    await expectSameAgain(definition, run);
  });

  it('goes on behind the decision inside a nonCancellable scope', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      void ctx.nonCancellable(() => ctx.race({ a: () => act('a'), b: () => ctx.sleep('1h') }));
      return 'decided';
    });
    const run = await drive(definition, [started(), completed(0)]);
    expect(line(run.history)).toBe(
      'run_started activity_scheduled0:a timer_started1 activity_completed0 timer_cancelled1 run_completed',
    );
    await expectSameAgain(definition, run);
  });

  it.each([
    ['no branch', {}, 'it has no branch'],
    ['nothing', undefined, 'it has no branch'],
    [
      'a promise for a function',
      { a: Promise.resolve(1) },
      'the branch "a" is no function. Write a: () => …',
    ],
  ])('with %s is a mistake, which blocks the run', async (_, branches, message) => {
    const definition = workflow(({ ctx }) => ctx.race(branches as never));
    const { fold } = await drive(definition, [started()]);
    expect(fold.fault).toBeInstanceOf(WorkflowMistakeError);
    expect(fold.fault?.message).toContain(message);
  });

  describe('a second wait for a signal', () => {
    const rivalsOf = async (
      run: (steps: Steps) => Promise<unknown>,
      events: readonly HistoryEvent[],
    ): Promise<string[]> => {
      const definition = workflow(run);
      const driven = await drive(definition, [started(), ...events]);
      await expectSameAgain(definition, driven);
      return [...driven.fold.rivalWaits];
    };

    it('in one scope is noted while the first is open', async () => {
      const loop = async (steps: Steps): Promise<void> => {
        for (;;) await byPromiseRace(steps);
      };
      expect(await rivalsOf(loop, [])).toEqual([]);
      expect(await rivalsOf(loop, [signal('a', 1)])).toEqual(['b']);
      expect(await rivalsOf(loop, [signal('a', 1), signal('b', 2), signal('b', 3)])).toEqual(['b', 'a']);
    });

    it('is none in ctx.race, in scopes of their own, and when the first was cancelled or is over', async () => {
      const loop = async (steps: Steps): Promise<void> => {
        for (;;) await byRace(steps);
      };
      expect(await rivalsOf(loop, alternating)).toEqual([]);
      const workers = ({ ctx }: Steps): Promise<unknown> => {
        const worker = async (): Promise<void> => {
          for (;;) await ctx.waitForSignal('a');
        };
        return Promise.all([ctx.cancellable(worker), ctx.cancellable(worker)]);
      };
      expect(await rivalsOf(workers, [signal('a'), signal('a')])).toEqual([]);
      const again = async ({ ctx }: Steps): Promise<void> => {
        await ctx.waitForSignal('a', { timeout: 5 });
        await ctx.cancellable(async (scope) => {
          const first = ctx.waitForSignal('a').catch(nameOf);
          scope.cancel();
          await first;
        });
        await ctx.waitForSignal('a');
      };
      expect(await rivalsOf(again, [fired(0, 9)])).toEqual([]);
    });

    it('that was made before a replay is not noted again by it', async () => {
      const definition = workflow(async (steps) => {
        for (;;) await byPromiseRace(steps);
      });
      const { history } = await drive(definition, [started(), signal('a', 1)]);
      expect((await refold(definition, history)).rivalWaits.size).toBe(0);
    });
  });
});
