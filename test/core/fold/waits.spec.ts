import { describe, expect, it } from '@jest/globals';
import type { Duration, DurationString, WorkflowContext } from '../../../lib/core/index.js';
import { cancel, completed, drive, expectSameAgain, fired, line, resultOf } from '../../support/fold-kit.js';
import { signal, started, workflow } from '../../support/fold-kit.js';
import type { WorkflowSketch } from '../../support/fold-kit.js';

/** A queue that a signal fills. */
const queue: WorkflowSketch = {
  signals: {
    add(item: unknown) {
      ((this['items'] ??= []) as unknown[]).push(item);
    },
  },
};

describe('conditions', () => {
  it('F10: one item wakes one taker, in order of birth, whatever helpers they pass through', async () => {
    const definition = workflow(async function ({ ctx }) {
      const items = (this['items'] = [] as number[]);
      const out: string[] = [];
      const take = async (name: string, hops: number): Promise<void> => {
        await ctx.condition(() => items.length > 0);
        for (let i = 0; i < hops; i++) await null;
        out.push(`${name}${items.shift()}`);
      };
      await Promise.all([take('a', 3), take('b', 0), take('c', 1)]);
      return out;
    }, queue);
    const run = await drive(definition, [started(), signal('add', 1), signal('add', 2), signal('add', 3)]);
    expect(resultOf(run)).toEqual(['a1', 'b2', 'c3']);
    await expectSameAgain(definition, run);
  });

  it('F10: conditions that make each other true settle within one event, after the code is quiet', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      let n = 0;
      const follow = async (k: number): Promise<void> => {
        await ctx.condition(() => n >= k);
        await null;
        n++;
      };
      const all = Promise.all([follow(3), follow(2), follow(1)]);
      await act('a');
      for (let i = 0; i < 200; i++) await null;
      n = 1;
      await all;
      return n;
    });
    const run = await drive(definition, [started(), completed(0)]);
    expect(resultOf(run)).toBe(4);
    expect(line(run.history)).toBe('run_started activity_scheduled0:a activity_completed0 run_completed');
    await expectSameAgain(definition, run);
  });

  it('F10: history alone decides between a signal and a timeout', async () => {
    const definition = workflow(async function ({ ctx, act }) {
      const came = await ctx.condition(() => this['items'] !== undefined, 50);
      return [came, await act('a')];
    }, queue);
    const first = await drive(definition, [started(), signal('add'), completed(1, 1)]);
    expect(resultOf(first)).toEqual([true, 1]);
    expect(line(first.history)).toContain('signal_received timer_cancelled0');
    const second = await drive(definition, [started(), fired(0), signal('add'), completed(1, 1)]);
    expect(resultOf(second)).toEqual([false, 1]);
    await expectSameAgain(definition, first);
    await expectSameAgain(definition, second);
  });

  it('F11: true at the call needs no timer and no command', async () => {
    const definition = workflow(async ({ ctx }) => [
      await ctx.condition(() => true, 1000),
      await ctx.condition(() => false, 1000),
    ]);
    const run = await drive(definition, [started(), fired(0)]);
    expect(line(run.history)).toBe('run_started timer_started0 timer_fired0 run_completed');
    expect(resultOf(run)).toEqual([true, false]);
    await expectSameAgain(definition, run);
  });

  it('F11: a condition that throws rejects its own await, at the call and later', async () => {
    const definition = workflow(async function ({ ctx }) {
      const messages: string[] = [];
      const note = (error: Error): number => messages.push(error.message);
      const look = (message: string) => () => {
        if (message === 'now' || this['items']) throw new Error(message);
        return false;
      };
      await ctx.condition(look('now')).catch(note);
      await ctx.condition(look('later'), 1e6).catch(note);
      return messages;
    }, queue);
    const run = await drive(definition, [started(), signal('add')]);
    expect(resultOf(run)).toEqual(['now', 'later']);
    expect(line(run.history)).toBe(
      'run_started timer_started0 signal_received timer_cancelled0 run_completed',
    );
    await expectSameAgain(definition, run);
  });

  it('F11: a condition answers at once, and only reads', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      const refused: string[] = [];
      const looks: (() => unknown)[] = [
        () => Promise.resolve(true),
        () => act('a'),
        () => ctx.random() > 2,
        () => ctx.condition(() => true),
      ];
      for (const look of looks) {
        await ctx.condition(look as () => boolean).catch((error: Error) => refused.push(error.name));
      }
      return refused;
    });
    const run = await drive(definition, [started()]);
    expect(resultOf(run)).toEqual(Array(4).fill('TypeError'));
    expect(line(run.history)).toBe('run_started run_completed');
  });

  it('F11: what a condition leaves behind does nothing durable and harms nobody', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      const look = (): boolean => {
        void (async () => {
          await null;
          await act('sneaky');
        })().catch(() => undefined);
        return false;
      };
      return ctx.condition(look, 5);
    });
    const run = await drive(definition, [started(), fired(0)]);
    expect(resultOf(run)).toBe(false);
    expect(line(run.history)).not.toContain('sneaky');
  });
});

describe('a timeout that is none', () => {
  const NONE: readonly Duration[] = [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    -1,
    // As from a file of settings, which no compiler has looked at.
    '3600' as DurationString,
    'soon' as DurationString,
  ];
  it.each<[string, (ctx: WorkflowContext, timeout: Duration) => Promise<unknown>]>([
    ['sleep', (ctx, timeout) => ctx.sleep(timeout)],
    ['a condition', (ctx, timeout) => ctx.condition(() => false, timeout)],
    ['waitForSignal', (ctx, timeout) => ctx.waitForSignal('w', { timeout })],
    ['withTimeout', (ctx, timeout) => ctx.withTimeout(timeout, () => ctx.waitForSignal('w'))],
  ])('F8: is refused at once by %s, and leaves nothing behind', async (_name, wait) => {
    const definition = workflow(async ({ ctx }) => {
      const refused: unknown[] = [];
      for (const timeout of NONE) await wait(ctx, timeout).catch((error: Error) => refused.push(error.name));
      return [...refused, await ctx.waitForSignal('w')];
    });
    const run = await drive(definition, [started(), signal('w', 'for who really waits')]);
    expect(resultOf(run)).toEqual([...NONE.map(() => 'RangeError'), 'for who really waits']);
    expect(line(run.history)).toBe('run_started signal_received run_completed');
    await expectSameAgain(definition, run);
  });
});

describe('signals', () => {
  it('F10: signals are kept until they are asked for, and waiters are served in order', async () => {
    const definition = workflow(async ({ ctx }) => {
      const out: unknown[] = [await ctx.waitForSignal('w')];
      out.push(...(await Promise.all([ctx.waitForSignal('w'), ctx.waitForSignal({ name: 'w' })])));
      return [...out, await ctx.waitForSignal('w', { timeout: 5 })];
    });
    const events = [signal('w', 1), started(), signal('w', 2), signal('w', 3), fired(0)];
    const run = await drive(definition, events);
    expect(resultOf(run)).toEqual([1, 2, 3, undefined]);
    await expectSameAgain(definition, run);
  });

  it('F10: a buffered signal goes to who waited before, not to who asks now', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      const out: string[] = [];
      const take = async (name: string): Promise<void> => {
        out.push(name + String(await ctx.waitForSignal('w')));
      };
      const early = take('early');
      await act('a');
      await Promise.all([early, take('late')]);
      return out;
    });
    const run = await drive(definition, [started(), completed(0), signal('w', 1), signal('w', 2)]);
    expect(resultOf(run)).toEqual(['early1', 'late2']);
    await expectSameAgain(definition, run);
  });

  it('F17: after a held signal no wait is looked at, so that every handler runs before run looks', async () => {
    const definition = workflow(async function ({ ctx }) {
      await ctx.condition(() => this['items'] !== undefined);
      return this['items'];
    }, queue);
    const held = [signal('add', 1, true), signal('add', 2, true), signal('add', 3)];
    const run = await drive(definition, [started(), ...held]);
    expect(resultOf(run)).toEqual([1, 2, 3]);
    await expectSameAgain(definition, run);
  });

  it('F32: waiting for a signal that has a handler is an error', async () => {
    const definition = workflow(
      ({ ctx }) => ctx.waitForSignal('add').catch((error: Error) => error.message),
      queue,
    );
    const run = await drive(definition, [started()]);
    expect(resultOf(run)).toContain('"add" has a handler');
  });

  it('F32: signals that nobody takes are counted at the end', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      await ctx.waitForSignal('w');
      await act('pay');
      throw new Error('no');
    });
    const events = [started(), signal('w', 1), signal('w', 2), signal('v', 3), completed(0), signal('w', 4)];
    const run = await drive(definition, [...events, completed(1)]);
    expect(run.history.at(-1)).toMatchObject({ type: 'run_failed', unreadSignals: 3 });
    await expectSameAgain(definition, run);
    const closing = workflow(() => Promise.resolve(1));
    expect((await drive(closing, [signal('w'), started()])).history.at(-1)).toMatchObject({
      unreadSignals: 1,
    });
  });

  it('F10, F15: a cancelled wait leaves its signals to others', async () => {
    const definition = workflow(async ({ ctx }) => {
      const cancelled = await ctx.waitForSignal('w', { timeout: '1h' }).catch((error: Error) => error.name);
      return [cancelled, await ctx.nonCancellable(() => ctx.waitForSignal('w'))];
    });
    const run = await drive(definition, [started(), cancel(), signal('w', 'kept')]);
    expect(resultOf(run)).toEqual(['CancelledError', 'kept']);
    expect(line(run.history)).toContain('cancel_requested timer_cancelled0');
    await expectSameAgain(definition, run);
  });
});
