import { describe, expect, it } from '@jest/globals';
import { RunawayError, WorkflowMistakeError } from '../../../lib/core/index.js';
import type { HistoryEvent } from '../../../lib/core/index.js';
import {
  cancel,
  completed,
  drive,
  expectSameAgain,
  failed,
  failureOf,
  feed,
  line,
  refold,
  resultOf,
  started,
  stopped,
  workflow,
} from '../../support/fold-kit.js';
import type { Steps } from '../../support/fold-kit.js';
import { countWork } from '../../support/count-work.js';

const each = (options?: { concurrency?: number }, items: Iterable<unknown> = ['a', 'b', 'c']) =>
  workflow(({ ctx, act }) => ctx.map(items, (item, index) => act('do', item, index), options));

/** Names and first arguments of what was scheduled. */
const scheduled = ({ history }: { history: readonly { type: string }[] }): number =>
  history.filter(({ type }) => type === 'activity_scheduled').length;

describe('F35: ctx.map', () => {
  it('begins every item at once, and gives the results in the order of the items', async () => {
    const driven = await drive(each(), [started(), completed(2, 'C'), completed(0, 'A'), completed(1, 'B')]);
    expect(resultOf(driven)).toEqual(['A', 'B', 'C']);
    expect(driven.history.slice(1, 4)).toMatchObject([
      { args: '["a",0]' },
      { args: '["b",1]' },
      { args: '["c",2]' },
    ]);
    await expectSameAgain(each(), driven);
  });

  it('takes a set, and makes nothing of an empty list', async () => {
    const run = await drive(each({}, new Set(['x'])), [started(), completed(0, 'X')]);
    expect(resultOf(run)).toEqual(['X']);
    expect(resultOf(await drive(each({}, []), [started()]))).toEqual([]);
  });

  it('reads its list at the call: what is done to it later changes nothing', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      const items = [1, 2];
      const results = ctx.map(items, (item) => act('do', item), { concurrency: 1 });
      items.push(3);
      return results;
    });
    expect(resultOf(await drive(definition, [started(), completed(0, 'A'), completed(1, 'B')]))).toEqual([
      'A',
      'B',
    ]);
  });

  it('has no more items under way than asked for: each that ends lets the next one begin', async () => {
    const definition = each({ concurrency: 2 }, [1, 2, 3, 4]);
    const driven = await drive(definition, [started()]);
    expect(scheduled(driven)).toBe(2);
    for (const [id, begun] of [
      [1, 3],
      [0, 4],
      [3, 4],
      [2, 4],
    ] as const) {
      await feed(driven, completed(id, id));
      expect(scheduled(driven)).toBe(begun);
    }
    expect(resultOf(driven)).toEqual([0, 1, 2, 3]);
    await expectSameAgain(definition, driven);
  });

  it('goes on in the window of what ended, also where items end at once', async () => {
    const definition = workflow(({ ctx }) => ctx.map([1, 2, 3], async (n) => n * 2, { concurrency: 1 }));
    expect(resultOf(await drive(definition, [started()]))).toEqual([2, 4, 6]);
  });

  it('the first that fails cancels the others, and it rejects when all have settled', async () => {
    const caught: string[] = [];
    const definition = workflow(({ ctx, act }) =>
      ctx.map(
        [0, 1, 2, 3],
        async (n) => {
          try {
            return await act('do', n);
          } catch (error) {
            caught.push(`${n} ${(error as Error).name}`);
            if (n === 2) await ctx.nonCancellable(() => act('tidy', n));
            throw error;
          }
        },
        { concurrency: 3 },
      ),
    );
    const driven = await drive(definition, [started(), failed(1)]);
    expect(caught).toEqual(['1 ActivityFailure', '0 CancelledError', '2 CancelledError']);
    expect(line(driven.history)).toMatch(
      /activity_failed1 activity_cancel_requested0 activity_cancel_requested2 activity_scheduled3:tidy$/,
    );
    // The one that tidies up is waited for, and the fourth never begins.
    await feed(driven, completed(3));
    expect(failureOf(driven).message).toContain('do failed after 1 attempt');
    expect(scheduled(driven)).toBe(4);
    await expectSameAgain(definition, driven);
  });

  it('tells of what failed besides, in one line', async () => {
    const definition = workflow(({ ctx, act }) =>
      ctx.map([0, 1, 2], async (n) => {
        await act('do', n).catch(() => {
          throw new Error(`item ${n}`);
        });
      }),
    );
    const { fold } = await drive(definition, [started(), failed(1)]);
    expect(fold.takeLogs().map(({ message }) => message)).toEqual([
      'ctx.map: after the item 1 had failed, 2 items, the first of them 0 failed too: Error: item 0',
    ]);
  });

  it('F15: a cancellation of the run ends it, though an item catches its own', async () => {
    const definition = workflow(({ ctx, act }) =>
      ctx.map([0, 1, 2], (n) => act('do', n).catch(() => 'caught'), { concurrency: 1 }),
    );
    const driven = await drive(definition, [started(), cancel()]);
    expect(failureOf(driven).name).toBe('CancelledError');
    expect(scheduled(driven)).toBe(1);
    await expectSameAgain(definition, driven);
  });

  it('F20: what completed stays on the stack', async () => {
    const definition = workflow(({ ctx, act }) => ctx.map([0, 1, 2], (n) => act('pay', n)));
    const driven = await drive(definition, [started(), completed(2), failed(0), stopped(1), completed(3)]);
    expect(line(driven.history)).toMatch(/activity_scheduled3:unpay activity_completed3 run_failed$/);
    await expectSameAgain(definition, driven);
  });

  it('stands in itself, in a time limit and in a race', async () => {
    const definition = workflow(({ ctx, act }) =>
      ctx.withTimeout('1m', () =>
        ctx.race({
          all: () => ctx.map([0, 1], (n) => ctx.map([0, 1], (m) => act('do', n, m))),
          late: () => ctx.sleep('1h'),
        }),
      ),
    );
    const ends = [1, 2, 3, 4].map((id): HistoryEvent => completed(id, id));
    const driven = await drive(definition, [started(), ...ends]);
    expect(resultOf(driven)).toEqual({
      key: 'all',
      value: [
        [1, 2],
        [3, 4],
      ],
    });
    await expectSameAgain(definition, driven);
  });

  it.each<[string, (steps: Steps) => Promise<unknown>]>([
    ['list', ({ ctx }) => ctx.map(7 as unknown as [], async () => 1)],
    ['function', ({ ctx }) => ctx.map([1], 'f' as unknown as () => Promise<1>)],
    ['concurrency', ({ ctx }) => ctx.map([1], async () => 1, { concurrency: 0 })],
    ['concurrency', ({ ctx }) => ctx.map([1], async () => 1, { concurrency: 1.5 })],
  ])('refuses what is no %s', async (what, run) => {
    const { fold } = await drive(workflow(run), [started()]);
    expect(fold.fault).toBeInstanceOf(WorkflowMistakeError);
    expect(fold.fault?.message).toContain(what);
  });

  it('F14: a loop of maps is a runaway all the same', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      for (;;) void ctx.map([1], () => act('do'));
    });
    const { fold } = await drive(definition, [started()]);
    expect(fold.fault).toBeInstanceOf(RunawayError);
  });

  describe('10,000 items', () => {
    const many = (compensated: boolean, concurrency?: number) =>
      workflow(async ({ ctx, act }, count: never) => {
        const items = Array.from({ length: count }, (_, i) => i);
        const done = await ctx.map(items, (n) => act(compensated ? 'pay' : 'do', n), { concurrency });
        return done.length;
      });
    const ends = (count: number) => Array.from({ length: count }, (_, id) => completed(id));

    it('of two calls each fit into one event', async () => {
      const definition = workflow(({ ctx, act }) =>
        ctx.map(Array.from({ length: 10_000 }), () => Promise.all([act('a'), act('b')])),
      );
      const { fold } = await drive(definition, [started()]);
      expect(fold.fault).toBeNull();
      expect(fold.progress.inFlight.size).toBe(20_000);
    });

    /** What is looked at for one item. */
    async function workOf(count: number, live: (count: number) => Promise<void>): Promise<number> {
      return (await countWork(() => live(count))) / count;
    }

    it.each<[string, (count: number) => Promise<void>]>([
      ['completed', async (count) => void (await drive(many(false), [started(count), ...ends(count)]))],
      [
        'a few at a time',
        async (count) => void (await drive(many(false, 10), [started(count), ...ends(count)])),
      ],
      [
        'replayed',
        async (count) => {
          const { history } = await drive(many(false), [started(count), ...ends(count)]);
          await refold(many(false), history);
        },
      ],
      [
        'cancelled',
        async (count) => {
          const stops = Array.from({ length: count }, (_, id) => stopped(id));
          await drive(many(false), [started(count), cancel(), ...stops]);
        },
      ],
      [
        'failed and rolled back',
        async (count) => {
          const undone = Array.from({ length: count - 1 }, (_, i) => completed(count + i));
          await drive(many(true), [started(count), ...ends(count - 1), failed(count - 1), ...undone]);
        },
      ],
    ])(
      'cost no more each than 1,000 do: %s',
      async (_how, live) => {
        const [few, lots] = [await workOf(1_000, live), await workOf(10_000, live)];
        expect(few).toBeGreaterThan(1);
        expect(lots).toBeLessThan(few * 1.5);
      },
      120_000,
    );
  });
});
