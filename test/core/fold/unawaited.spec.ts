import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import {
  completed,
  drive,
  expectSameAgain,
  failed,
  fired,
  resultOf,
  Ship,
  signal,
  started,
  workflow,
} from '../../support/fold-kit.js';
import type { Driven, Steps } from '../../support/fold-kit.js';

/** What is told of a run: `mail failed`, `ctx.sleep under way`. */
const told = ({ fold }: Driven): string[] =>
  fold.unawaitedCalls.map(({ call, outcome }) => `${call} ${outcome}`);

/** Every way in which code takes up a promise. */
const TAKEN_UP: Readonly<Record<string, (promise: Promise<unknown>, steps: Steps) => unknown>> = {
  await: async (promise) => {
    try {
      await promise;
    } catch {
      // It has failed.
    }
  },
  then: (promise) => promise.then(undefined, () => undefined),
  catch: (promise) => promise.catch(() => undefined),
  finally: (promise) => promise.finally(() => undefined).catch(() => undefined),
  'Promise.all': (promise) => Promise.all([null, promise]).catch(() => undefined),
  'Promise.allSettled': (promise) => Promise.allSettled([promise]),
  'Promise.any': (promise) => Promise.any([promise, Promise.reject(new Error('no'))]).catch(() => undefined),
  'a lost Promise.race': (promise) => Promise.race([Promise.resolve(), promise]),
  'another promise': (promise) =>
    new Promise((resolve) => {
      resolve(promise);
    }).catch(() => undefined),
  'an async function that returns it': (promise) => (async () => promise)().catch(() => undefined),
  'for await': async (promise) => {
    for await (const item of [promise.catch(() => null)]) void item;
  },
  'ctx.cancellable': (promise, { ctx }) => ctx.cancellable(() => promise).catch(() => undefined),
  'ctx.withTimeout': (promise, { ctx }) => ctx.withTimeout('1h', () => promise).catch(() => undefined),
};

describe('calls that nobody awaits', () => {
  it('F6: an activity that failed is told by name, with its error', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      void act('mail');
      await ctx.sleep(100);
      return 'ok';
    });
    const run = await drive(definition, [started(), failed(0), fired(1)]);
    expect(resultOf(run)).toBe('ok');
    expect(run.fold.unawaitedCalls).toEqual([
      {
        call: 'mail',
        id: 0,
        outcome: 'failed',
        error: expect.objectContaining({ message: 'mail failed after 1 attempt: boom' }),
      },
    ]);
    await expectSameAgain(definition, run);
  });

  it('F6: a sleep, a condition and a wait for a signal are told, whether they have ended or not', async () => {
    const definition = workflow(
      async function ({ ctx, act }) {
        void ctx.sleep(1);
        void ctx.condition(() => this['poked'] === true);
        void ctx.condition(() => false, 5);
        void ctx.waitForSignal('early');
        void ctx.sleep('1h');
        void ctx.condition(() => false);
        void ctx.waitForSignal('late', { timeout: '1h' });
        await act('work');
      },
      {
        signals: {
          poke() {
            this['poked'] = true;
          },
        },
      },
    );
    const run = await drive(definition, [
      started(),
      fired(0),
      signal('poke'),
      fired(1),
      signal('early'),
      completed(4),
    ]);
    expect(resultOf(run)).toBeUndefined();
    expect(told(run)).toEqual([
      'ctx.sleep over',
      'ctx.condition over',
      'ctx.condition over',
      'ctx.waitForSignal("early") over',
      'ctx.sleep under way',
      'ctx.condition under way',
      'ctx.waitForSignal("late") under way',
    ]);
  });

  it('F6: so is a call that could not even be made', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      void act('mail', () => undefined);
      void ctx.sleep('soon' as never);
      void ctx.run(Ship, {}, { retry: { maxAttempts: 0 } });
      void ctx.condition(() => {
        throw new Error('no');
      });
      return 'ok';
    });
    const run = await drive(definition, [started()]);
    expect(resultOf(run)).toBe('ok');
    expect(told(run)).toEqual([
      'mail failed',
      'ctx.sleep failed',
      'ctx.run(Ship) failed',
      'ctx.condition failed',
    ]);
  });

  it('F6: an activity under way is told; one that succeeded did what it was called for', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      void act('audit');
      void act('mail');
      void ctx.compensate();
      await ctx.sleep(1);
    });
    const run = await drive(definition, [started(), completed(0), fired(2)]);
    expect(told(run)).toEqual(['mail under way']);
  });

  it('F6, F20: an undoing that is cut off is told', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      await act('pay');
      void ctx.compensate();
      await ctx.sleep(1);
    });
    const run = await drive(definition, [started(), completed(0), fired(1)]);
    expect(told(run)).toEqual(['ctx.compensate under way']);
  });

  it.each(Object.entries(TAKEN_UP))(
    'F6: is awaited by %s, before and after it has failed',
    async (_, take) => {
      const early = workflow(async (steps) => {
        const taken = take(steps.act('mail'), steps);
        await steps.act('work');
        await taken;
      });
      const ids = (await drive(early, [started()])).history.flatMap((entry) =>
        entry.type === 'activity_scheduled' ? [entry.id] : [],
      );
      const [mail, work] = ids as [number, number];
      const before = await drive(early, [started(), failed(mail), completed(work)]);
      expect(resultOf(before)).toBeUndefined();
      expect(told(before)).toEqual([]);

      const late = workflow(async (steps) => {
        const mailed = steps.act('mail');
        await steps.act('work');
        await take(mailed, steps);
      });
      const after = await drive(late, [started(), failed(0), completed(1)]);
      expect(resultOf(after)).toBeUndefined();
      expect(told(after)).toEqual([]);
    },
  );

  it('F6: is not awaited by looking at it, by a scope that only hands it on, or by being kept', async () => {
    const definition = workflow(async function ({ ctx, act }) {
      this['kept'] = act('kept');
      void [act('listed')].map((promise) => typeof promise.then === 'function' && promise instanceof Promise);
      void ctx.cancellable(() => act('scoped'));
      await act('work');
    });
    const run = await drive(definition, [started(), failed(0), failed(1), failed(2), completed(3)]);
    expect(told(run)).toEqual(['kept failed', 'listed failed', 'scoped failed']);
  });

  it('F6: of many, the first are told', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      // These are awaited, though late: they do not take the place of others.
      const late = Array.from({ length: 30 }, (_, n) => act(`late ${n}`));
      await ctx.sleep(1);
      await Promise.allSettled(late);
      for (let n = 0; n < 30; n++) void act(`lost ${n}`);
      await ctx.sleep(1);
    });
    const ends = Array.from({ length: 30 }, (_, n) => failed(n));
    const lost = Array.from({ length: 30 }, (_, n) => failed(n + 31));
    const run = await drive(definition, [started(), ...ends, fired(30), ...lost, fired(61)]);
    expect(resultOf(run)).toBeUndefined();
    expect(told(run)).toEqual(Array.from({ length: 20 }, (_, n) => `lost ${n} failed`));
  });

  it('F29: the promise of a call passes for a plain one', async () => {
    const seen: unknown[] = [];
    const definition = workflow(async ({ ctx }) => {
      const nap = ctx.sleep(1);
      seen.push(
        nap.constructor,
        nap.then(() => 1),
        inspect(nap),
        nap instanceof Promise,
      );
      await nap;
    });
    await drive(definition, [started(), fired(0)]);
    expect(seen).toEqual([
      Promise,
      expect.any(Promise),
      expect.stringMatching(/^Promise \{\s+<pending>/),
      true,
    ]);
    expect(Object.getPrototypeOf(seen[1])).toBe(Promise.prototype);
  });
});
