import { describe, expect, it } from '@jest/globals';
import { HandlerFailure } from '../../../lib/core/index.js';
import type { Successor } from '../../../lib/core/fold/decision.js';
import { cancel, completed, drive, expectSameAgain, failureOf, fired } from '../../support/fold-kit.js';
import { line, refold, resultOf, signal, started, stopped, workflow } from '../../support/fold-kit.js';

const nothing = { signals: { poke() {} } };

describe('decision and conclusion', () => {
  it('F16: a race loser stays in flight, and is listed when the run ends', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      const first = await Promise.race([act('a'), ctx.sleep(10).then(() => 'slow')]);
      return [first, await act('b')];
    });
    const run = await drive(definition, [started(), fired(1), completed(2, 'B')]);
    expect(resultOf(run)).toEqual(['slow', 'B']);
    expect(run.history.at(-1)).toMatchObject({ abandoned: [0] });
    await expectSameAgain(definition, run);
  });

  it('F16: the agenda of the deciding event is still delivered, so that every branch cleans up', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      await Promise.all(
        [1, 2, 3].map(async (i) => {
          try {
            await act(`work${i}`);
          } finally {
            await ctx.nonCancellable(() => act(`clean${i}`));
          }
        }),
      );
    });
    const ends = [completed(3), stopped(0), stopped(1), stopped(2), completed(4), completed(5)];
    const run = await drive(definition, [started(), cancel(), ...ends]);
    expect(line(run.history)).toMatch(/activity_completed5 run_cancelled$/);
    expect(run.history.at(-1)).toMatchObject({ abandoned: [] });
    await expectSameAgain(definition, run);
  });

  it('F16: also through withTimeout', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      await Promise.all([
        act('plain'),
        (async () => {
          try {
            await ctx.withTimeout('1h', () => act('b'));
          } finally {
            await ctx.nonCancellable(() => act('clean'));
          }
        })(),
      ]);
    });
    const run = await drive(definition, [started(), cancel(), completed(3)]);
    expect(line(run.history)).toMatch(/activity_scheduled3:clean activity_completed3 run_cancelled$/);
    await expectSameAgain(definition, run);
  });

  it('F16: the run is decided at once, and ends when its nonCancellable scopes are done', async () => {
    const definition = workflow(({ ctx, act }) => {
      void ctx.nonCancellable(async () => {
        await act('audit');
        await act('more');
      });
      return Promise.resolve('ok');
    });
    const run = await drive(definition, [started()]);
    expect(run.fold.decided).toEqual({ type: 'completed', result: '"ok"' });
    expect(run.fold.progress.closed).toBeNull();
    const whole = await drive(definition, [started(), completed(0), completed(1)]);
    expect(resultOf(whole)).toBe('ok');
    expect(line(whole.history)).toMatch(/activity_scheduled1:more activity_completed1 run_completed$/);
    await expectSameAgain(definition, whole);
  });

  it('F16: other work does not: its calls are inert and its promises never settle', async () => {
    const definition = workflow(({ ctx, act }) => {
      void act('plain').then(() => act('more'));
      void ctx.nonCancellable(() => act('audit'));
      void ctx.sleep(5).then(() => act('never'));
      return Promise.resolve('ok');
    });
    const run = await drive(definition, [started(), completed(0), fired(2), completed(1)]);
    expect(line(run.history)).toBe(
      'run_started activity_scheduled0:plain activity_scheduled1:audit timer_started2 ' +
        'activity_completed0 timer_fired2 activity_completed1 run_completed',
    );
    await expectSameAgain(definition, run);
  });

  it('F16: synchronous calls of abandoned code record nothing, and do not float', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      const loser = async (): Promise<void> => {
        await act('a').catch(() => undefined);
        ctx.sideEffect(() => 1);
      };
      void ctx.nonCancellable(() => act('audit'));
      await Promise.all([act('b'), loser(), loser()]);
    });
    const run = await drive(definition, [started(), cancel(), completed(0)]);
    expect(run.fold.fault).toBeNull();
    expect(line(run.history)).toMatch(/activity_cancel_requested3 activity_completed0 run_cancelled$/);
    await expectSameAgain(definition, run);
  });

  it('F16: while it finishes, signals are still handled and taken', async () => {
    const definition = workflow(
      function ({ ctx, act }) {
        void ctx.nonCancellable(async () => {
          const payload = await ctx.waitForSignal('confirm');
          await act('saw', payload, this['poked']);
        });
        throw new Error('boom');
      },
      {
        signals: {
          poke() {
            this['poked'] = true;
          },
        },
      },
    );
    const run = await drive(definition, [started(), signal('poke'), signal('confirm', 7), completed(0)]);
    expect(run.history).toContainEqual(expect.objectContaining({ name: 'saw', args: '[7,true]' }));
    expect(failureOf(run).message).toBe('boom');
    await expectSameAgain(definition, run);
  });

  it('F16: a cancel after the decision changes nothing', async () => {
    const definition = workflow(({ ctx, act }) => {
      void ctx.nonCancellable(() => act('audit'));
      return Promise.resolve('ok');
    });
    const run = await drive(definition, [started(), cancel(), completed(0)]);
    expect(resultOf(run)).toBe('ok');
    await expectSameAgain(definition, run);
  });

  it('F17: a handler that decides under held signals: what follows is recorded, not handled', async () => {
    const seen: unknown[] = [];
    const definition = workflow(({ ctx }) => ctx.sleep('1h'), {
      signals: {
        add(payload: number) {
          seen.push(payload);
          if (payload === 1) throw new Error('bad');
        },
      },
    });
    const events = [started(), signal('add', 1, true), signal('add', 2, true), signal('add', 3)];
    const run = await drive(definition, events);
    expect(seen).toEqual([1]);
    expect(failureOf(run).name).toBe('HandlerFailure');
    expect(line(run.history)).toMatch(/signal_received signal_received signal_received run_failed$/);
    await expectSameAgain(definition, run);
  });

  it('F16, F17: a run that a handler decides before it has started ends when its start is recorded', async () => {
    const definition = workflow(() => Promise.resolve('never run'), {
      signals: {
        add() {
          throw new Error('bad');
        },
      },
    });
    const run = await drive(definition, [signal('add'), started('input')]);
    expect(line(run.history)).toBe('signal_received run_started run_failed');
    await expectSameAgain(definition, run);
  });
});

describe('what an end abandons', () => {
  it.each(['completed', 'continued', 'failed'])(
    'is the same when code asks in another order: %s',
    async (end) => {
      const ends = (first: string, second: string) =>
        workflow(({ ctx, act }) => {
          void act(first);
          void act(second);
          if (end === 'continued') void ctx.continueAsNew();
          if (end === 'failed') throw new Error('no');
        });
      const chooseSuccessor = (): Successor => ({ runId: 'next', version: 1 });
      const { history } = await drive(ends('a', 'b'), [started()], { chooseSuccessor });
      expect(history.at(-1)).toMatchObject({ type: `run_${end}`, abandoned: [0, 1] });
      const again = await refold(ends('b', 'a'), history, { strict: false });
      expect([again.fault, again.reordered]).toEqual([null, 1]);
    },
  );
});

describe('errors', () => {
  it.each(['at once', 'later'])(
    'F19: a signal handler that fails %s fails the run, which rolls back',
    async (when) => {
      const definition = workflow(
        async ({ ctx, act }) => {
          await act('pay');
          await ctx.sleep(1e6);
        },
        {
          signals: {
            add() {
              const error = new TypeError('bad payload');
              if (when === 'at once') throw error;
              return Promise.reject(error);
            },
          },
        },
      );
      const run = await drive(definition, [started(), completed(0), signal('add'), completed(2)]);
      const failure = failureOf(run) as HandlerFailure;
      expect(failure).toBeInstanceOf(HandlerFailure);
      expect([failure.handler, failure.message]).toEqual([
        'add',
        'The handler of signal add failed: bad payload',
      ]);
      expect((failure.cause as Error).name).toBe('TypeError');
      expect(run.history.at(-1)).toMatchObject({ rollback: 'complete' });
      await expectSameAgain(definition, run);
    },
  );

  it('F19: a handler that ends with the cancellation of the run is no failure', async () => {
    const definition = workflow(
      async ({ ctx, act }) => {
        await ctx.sleep(1e6).catch(async (error: unknown) => {
          await ctx.nonCancellable(() => act('clean'));
          throw error;
        });
      },
      { signals: { add: (_payload, { act }) => act('slow') } },
    );
    const run = await drive(definition, [started(), signal('add'), cancel(), completed(2), stopped(1)]);
    expect(failureOf(run).name).toBe('CancelledError');
    await expectSameAgain(definition, run);
  });

  it('F19: a constructor may read; a durable call in it is a mistake, which blocks the run', async () => {
    const reading = workflow(() => Promise.resolve('ok'), {
      construct: ({ ctx }) => void [ctx.now(), ctx.random(), ctx.info.runId],
    });
    expect(resultOf(await drive(reading, [started()]))).toBe('ok');
    const acting = workflow(() => Promise.resolve('ok'), { construct: ({ act }) => void act('a') });
    const run = await drive(acting, [started()]);
    expect(run.fold.fault?.name).toBe('WorkflowMistakeError');
    expect(run.fold.fault?.message).toContain('constructor');
  });

  it('F19: asynchronous handlers run beside run, in the order of history', async () => {
    const definition = workflow(
      async function ({ ctx }) {
        this['out'] = [];
        await ctx.condition(() => this['done'] === 2);
        return this['out'];
      },
      {
        signals: {
          async add(name: string, { act }) {
            const out = this['out'] as string[];
            out.push(`>${name}`);
            out.push(`${name}:${String(await act('a', name))}`);
            this['done'] = ((this['done'] as number | undefined) ?? 0) + 1;
          },
        },
      },
    );
    const events = [started(), signal('add', 'x'), signal('add', 'y'), completed(1, 2), completed(0, 1)];
    const run = await drive(definition, events);
    expect(resultOf(run)).toEqual(['>x', '>y', 'y:2', 'x:1']);
    await expectSameAgain(definition, run);
  });

  it('F19: whatever is thrown fails the run, also what is no error', async () => {
    const definition = workflow(() => Promise.reject('text'), nothing);
    const run = await drive(definition, [started()]);
    expect(run.history.at(-1)).toMatchObject({
      type: 'run_failed',
      failure: expect.stringContaining('text'),
    });
    await expectSameAgain(definition, run);
  });
});
