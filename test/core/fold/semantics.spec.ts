import { describe, expect, it } from '@jest/globals';
import { SEMANTICS_VERSION, UnsupportedSemanticsError } from '../../../lib/core/index.js';
import type { HistoryEvent, Steppable } from '../../../lib/core/index.js';
import { RandomStream } from '../../../lib/core/fold/random-stream.js';
import { WindowScheduler } from '../../../lib/engine/process/window-scheduler.js';
import {
  cancel,
  completed,
  drive,
  fired,
  newFold,
  signal,
  started,
  workflow,
} from '../../support/fold-kit.js';
import type { Steps } from '../../support/fold-kit.js';

const poke = {
  signals: {
    poke() {
      this['poked'] = true;
    },
  },
} satisfies Parameters<typeof workflow>[1];

/** How many microtasks lie between the settling of a promise and the line after its await. */
async function hops(
  call: (this: Record<string, unknown>, steps: Steps) => Promise<unknown>,
  ends: readonly HistoryEvent[],
): Promise<number> {
  let counted = 0;
  let seen = -1;
  const definition = workflow(async function (steps) {
    await call.call(this, steps).catch(() => undefined);
    seen = counted;
  }, poke);
  const fold = newFold(definition);
  const counting: Steppable = {
    step: () => {
      counted = 0;
      let left = 50;
      const tick = (): void => {
        counted++;
        if (left-- > 0) queueMicrotask(tick);
      };
      queueMicrotask(tick);
      return fold.step();
    },
    close: () => fold.close(),
    rest: () => fold.rest(),
    hint: () => fold.hint(),
  };
  const scheduler = new WindowScheduler();
  for (const event of [started(), ...ends]) {
    fold.feed(event);
    await scheduler.pump(counting);
  }
  if (fold.fault) throw fold.fault;
  return seen;
}

describe('semantics version', () => {
  it('F29: a run recorded under other rules is refused', async () => {
    const definition = workflow(({ act }) => act('a'));
    const { fold, history } = await drive(definition, [
      { ...started(), semanticsVersion: 99 } as HistoryEvent,
    ]);
    expect(fold.fault).toBeInstanceOf(UnsupportedSemanticsError);
    expect(fold.fault).toMatchObject({ recorded: 99, supported: SEMANTICS_VERSION });
    expect(history).toEqual([]);
  });

  /*
   * A number that changes here changes who wins a race in runs that exist: it needs a new semantics version. `catch`
   * in `hops` adds one for each call.
   */
  it('F29: canary: hops from an event to the line after the await', async () => {
    const fulfilled = completed(0, 1);
    const budget = {
      run: await hops(({ act }) => act('a'), [fulfilled]),
      sleep: await hops(({ ctx }) => ctx.sleep(1), [fired(0)]),
      cancelled: await hops(({ ctx }) => ctx.sleep(1), [cancel()]),
      condition: await hops(
        function ({ ctx }) {
          return ctx.condition(() => this['poked'] === true);
        },
        [signal('poke')],
      ),
      'condition out of time': await hops(({ ctx }) => ctx.condition(() => false, 5), [fired(0)]),
      waitForSignal: await hops(({ ctx }) => ctx.waitForSignal('w'), [signal('w')]),
      cancellable: await hops(({ ctx, act }) => ctx.cancellable(() => act('a')), [fulfilled]),
      race: await hops(({ ctx, act }) => ctx.race({ a: () => act('a') }), [fulfilled]),
      'race that waits for a loser': await hops(
        ({ ctx, act }) => ctx.race({ a: () => act('a'), b: () => ctx.sleep('1h') }),
        [fulfilled],
      ),
      withTimeout: await hops(({ ctx, act }) => ctx.withTimeout(9, () => act('a')), [completed(1)]),
      nonCancellable: await hops(
        ({ ctx, act }) => ctx.nonCancellable(async () => void (await act('a'))),
        [fulfilled],
      ),
      map: await hops(({ ctx, act }) => ctx.map([1], () => act('a')), [fulfilled]),
      saga: await hops(({ ctx, act }) => ctx.saga(() => act('a')), [fulfilled]),
      'saga that undoes': await hops(
        ({ ctx, act }) => ctx.saga(() => act('pay').then(() => Promise.reject(new Error('no')))),
        [completed(0), completed(1)],
      ),
      compensate: await hops(
        async ({ ctx, act }) => {
          await act('pay');
          await ctx.compensate();
        },
        [completed(0), completed(1)],
      ),
    };
    const viaCatch = 1;
    expect(
      Object.fromEntries(Object.entries(budget).map(([name, count]) => [name, count - viaCatch])),
    ).toEqual({
      run: 1,
      sleep: 1,
      cancelled: 1,
      condition: 1,
      'condition out of time': 1,
      waitForSignal: 1,
      cancellable: 1,
      race: 2,
      'race that waits for a loser': 2,
      withTimeout: 2,
      nonCancellable: 3,
      map: 2,
      saga: 2,
      'saga that undoes': 1,
      compensate: 2,
    });
  });

  it('F29: canary: numbers and ids that follow from a seed', () => {
    const stream = new RandomStream('seed\0random');
    expect([stream.number(), stream.number(), stream.uuid()]).toMatchInlineSnapshot(`
      [
        0.43540520876382405,
        0.9920051790694677,
        "26ddba2c-cdf3-4945-8fe5-244fa537e012",
      ]
    `);
  });

  it('F9: random numbers are spread evenly, and streams differ', () => {
    const stream = new RandomStream('any');
    const numbers = Array.from({ length: 20_000 }, () => stream.number());
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
    const inTenth = (tenth: number) => numbers.filter((number) => Math.floor(number * 10) === tenth).length;
    const counts = Array.from({ length: 10 }, (_, tenth) => inTenth(tenth));
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThan(400);
    const ids = new Set(Array.from({ length: 2000 }, (_, i) => new RandomStream(`seed ${i}`).uuid()));
    expect(ids.size).toBe(2000);
  });
});
