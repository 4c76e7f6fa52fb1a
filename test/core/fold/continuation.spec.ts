import { describe, expect, it } from '@jest/globals';
import type { ChooseSuccessor, Duration } from '../../../lib/core/index.js';
import { SEMANTICS_VERSION } from '../../../lib/core/index.js';
import { Workflow } from '../../../lib/nest/index.js';
import {
  cancel,
  codec,
  completed,
  drive,
  expectSameAgain,
  failureOf,
  fired,
  refold,
  refused,
  accepted,
} from '../../support/fold-kit.js';
import { line, resultOf, signal, started, workflow } from '../../support/fold-kit.js';
import type { HistoryEvent } from '../../../lib/core/index.js';

const chooseSuccessor: ChooseSuccessor = (_, version) => ({ runId: 'the next run', version: version ?? 7 });
const live = { chooseSuccessor };

const startedWith = (...signals: readonly (readonly [string, unknown, true?])[]): HistoryEvent => ({
  type: 'run_started',
  at: 1,
  input: 'null',
  seed: 's',
  semanticsVersion: SEMANTICS_VERSION,
  continuedFrom: 'the last run',
  signals: signals.map(([name, payload, checked]) => ({
    name,
    payload: codec.encode(payload),
    ...(checked && { checked }),
  })),
});

@Workflow({ name: 'other', version: 3 })
class Other {
  run(): Promise<void> {
    return Promise.resolve();
  }
}

describe('continuing as new', () => {
  it('F16: decides the run at the call, which no catch and no finally sees', async () => {
    const seen: string[] = [];
    const definition = workflow(async ({ ctx, act }, input: number) => {
      try {
        await act('a');
        return await ctx.continueAsNew({ n: input + 1 });
      } catch {
        seen.push('caught');
        return 'caught';
      } finally {
        seen.push('finally');
      }
    });
    const run = await drive(definition, [started(1), completed(0)], live);
    expect(run.history.at(-1)).toEqual({
      type: 'run_continued',
      at: 1,
      runId: 'the next run',
      workflow: 'test',
      version: 7,
      input: '{"n":2}',
      abandoned: [],
      carriedSignals: 0,
    });
    expect(seen).toEqual([]);
    await expectSameAgain(definition, run);
  });

  it('names the workflow and the version of the class it is given', async () => {
    const definition = workflow(({ ctx }) => ctx.continueAsNew(Other));
    const run = await drive(definition, [started()], live);
    expect(run.history.at(-1)).toMatchObject({
      workflow: 'other',
      version: 3,
      input: codec.encode(undefined),
    });
    await expectSameAgain(definition, run);
  });

  it('records the time limit that the call gives, and nothing where it gives none', async () => {
    const definition = workflow(({ ctx }, runTimeout: Duration | undefined) =>
      ctx.continueAsNew('on', { runTimeout }),
    );
    const run = await drive(definition, [started('2 minutes')], live);
    expect(run.history.at(-1)).toMatchObject({ type: 'run_continued', input: '"on"', runLimit: 120_000 });
    await expectSameAgain(definition, run);
    expect((await drive(definition, [started()], live)).history.at(-1)).not.toHaveProperty('runLimit');
    const ofClass = workflow(({ ctx }) => ctx.continueAsNew(Other, undefined, { runTimeout: 5 }));
    expect((await drive(ofClass, [started()], live)).history.at(-1)).toMatchObject({
      workflow: 'other',
      runLimit: 5,
    });
  });

  it('F7: another limit in the code than in the history is no drift, and the recorded one stays', async () => {
    const limited = (runTimeout: number) => workflow(({ ctx }) => ctx.continueAsNew('on', { runTimeout }));
    const run = await drive(limited(5_000), [started()], live);
    for (const other of [limited(9_000), workflow(({ ctx }) => ctx.continueAsNew('on'))]) {
      const again = await refold(other, run.history);
      expect(again.fault).toBe(null);
      expect(again.progress.closed).toMatchObject({ runLimit: 5_000 });
    }
  });

  it('refuses what is no time limit, and what is no option', async () => {
    const refusal = async (options: object): Promise<unknown> => {
      const told = (error: Error): string => `${error.name}: ${error.message}`;
      const definition = workflow(({ ctx }) => ctx.continueAsNew('on', options).catch(told));
      return resultOf(await drive(definition, [started()], live));
    };
    expect(await refusal({ runTimeout: 0 })).toBe(
      'RangeError: ctx.continueAsNew: "runTimeout" must be more than nothing.',
    );
    expect(await refusal({ runTimeout: 'soon' })).toMatch(/^RangeError: "soon" is not a duration/);
    expect(await refusal({ executionTimeout: 5 })).toBe(
      'TypeError: ctx.continueAsNew: "executionTimeout" is an unknown option. There is runTimeout.',
    );
  });

  it('F16: the first decision counts, whichever it is', async () => {
    const both = workflow(({ ctx }) => {
      void ctx.continueAsNew(1);
      void ctx.continueAsNew(2);
      return Promise.resolve('result');
    });
    expect((await drive(both, [started()], live)).history.at(-1)).toMatchObject({ input: '1' });
    const inHandler = workflow(({ ctx }) => ctx.condition(() => false), {
      signals: { next: (payload: number, { ctx }) => ctx.continueAsNew(payload) },
    });
    const run = await drive(inHandler, [started(), signal('next', 5)], live);
    expect(run.history.at(-1)).toMatchObject({ type: 'run_continued', input: '5' });
    await expectSameAgain(inHandler, run);
  });

  it('F16: nonCancellable scopes are finished first, and what is in flight is left', async () => {
    const definition = workflow(({ ctx, act }) => {
      void act('abandoned');
      void ctx.sleep(1_000);
      void ctx.nonCancellable(() => act('audit'));
      return ctx.continueAsNew();
    });
    const run = await drive(definition, [started(), completed(2)], live);
    expect(line(run.history)).toMatch(/activity_completed2 run_continued$/);
    expect(run.history.at(-1)).toMatchObject({ abandoned: [0, 1] });
    await expectSameAgain(definition, run);
  });

  it('undoes nothing: it is a point of no return', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      await act('pay', 5);
      return ctx.continueAsNew();
    });
    const run = await drive(definition, [started(), completed(0)], live);
    expect(line(run.history)).toBe('run_started activity_scheduled0:pay activity_completed0 run_continued');
  });

  it('F15: a run that was asked to cancel does not go on, unless it says so', async () => {
    const swallows = workflow(async ({ ctx }) => {
      await ctx.sleep(10).catch(() => {});
      return ctx.continueAsNew();
    });
    const cancelled = await drive(swallows, [started(), cancel()], live);
    expect(line(cancelled.history)).toMatch(/cancel_requested timer_cancelled0 run_cancelled$/);
    await expectSameAgain(swallows, cancelled);
    const insists = workflow(async ({ ctx }) => {
      await ctx.sleep(10).catch(() => {});
      return ctx.nonCancellable(() => ctx.continueAsNew());
    });
    const insisted = await drive(insists, [started(), cancel()], live);
    expect(line(insisted.history)).toMatch(/timer_cancelled0 run_continued$/);
    await expectSameAgain(insists, insisted);
  });

  it('rejects what cannot be stored, and classes that are no workflows', async () => {
    const unstorable = workflow(({ ctx }) => ctx.continueAsNew({ f: () => 1 }));
    expect(failureOf(await drive(unstorable, [started()], live)).message).toMatch(/cannot be stored.*\$\.f/);
    class Plain {
      run(): Promise<void> {
        return Promise.resolve();
      }
    }
    const plain = workflow(({ ctx }) => ctx.continueAsNew(Plain).catch((error: Error) => error.message));
    expect(resultOf(await drive(plain, [started()], live))).toMatch(/Plain is no workflow/);
  });

  it('F24: a rejection that nobody awaits fails the turn, as that of a run that completes', async () => {
    const definition = workflow(({ ctx, act }) => {
      void act('a').then(() => act('b'));
      return ctx.continueAsNew();
    });
    const run = await drive(definition, [started()], live);
    expect(run.fold.fault).toBeNull();
    expect(line(run.history)).toMatch(/run_continued$/);
  });

  it('F7: code that continues with something else has drifted', async () => {
    const program = (input: unknown) => workflow(({ ctx }) => ctx.continueAsNew(input));
    const { history } = await drive(program(1), [started()], live);
    expect((await refold(program(2), history)).fault?.message).toMatch(/run_continued/);
    const other = workflow(({ ctx }) => ctx.continueAsNew(Other, undefined));
    expect((await refold(other, history)).fault?.message).toMatch(/run_continued/);
  });

  it('F17: carries the signals that nobody has taken, in order of arrival', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      await act('work');
      await ctx.waitForSignal('b');
      return ctx.continueAsNew();
    });
    const events = [signal('a', 1), signal('b', 2), signal('a', 3), signal('b', 4)];
    const run = await drive(definition, [started(), ...events, completed(0)], live);
    expect(run.history.at(-1)).toMatchObject({ type: 'run_continued', carriedSignals: 3 });
    expect(run.fold.untakenSignals).toEqual([
      { name: 'a', payload: '1' },
      { name: 'a', payload: '3' },
      { name: 'b', payload: '4' },
    ]);
    await expectSameAgain(definition, run);
  });

  it('F17: what was carried is there before anything else, and is carried on in its order', async () => {
    const definition = workflow(async ({ ctx }) => {
      const first = await ctx.waitForSignal('a');
      await ctx.sleep(10);
      return ctx.continueAsNew({ first });
    });
    const carried = startedWith(['a', 1], ['b', 2], ['a', 3]);
    const run = await drive(definition, [carried, signal('a', 4), fired(0)], live);
    expect(run.history.at(-1)).toMatchObject({ input: '{"first":1}', carriedSignals: 3 });
    expect(run.fold.untakenSignals.map(({ payload }) => payload)).toEqual(['2', '3', '4']);
    await expectSameAgain(definition, run);
  });

  it('F34: a check that was made counts in the next run, and one that was not answered is made there', async () => {
    const schema = {
      '~standard': { version: 1, vendor: 'x', validate: (value: unknown) => ({ value }) },
    } as const;
    const definition = workflow(async ({ ctx }) => [
      await ctx.waitForSignal({ name: 'a', schema }),
      await ctx.waitForSignal({ name: 'a', schema }),
      await ctx.waitForSignal({ name: 'a', schema }),
    ]);
    const carried = startedWith(['a', 1, true], ['a', 2], ['a', 3]);
    const run = await drive(definition, [carried, accepted('a', -2, 'two'), refused('a', -3)], live);
    expect(run.fold.requestedCheck).toBeNull();
    await expectSameAgain(definition, run);
    const whole = await drive(
      definition,
      [carried, accepted('a', -2, 'two'), accepted('a', -3, 'three')],
      live,
    );
    expect(resultOf(whole)).toEqual([1, 'two', 'three']);
    await expectSameAgain(definition, whole);
  });

  it('hands a carried signal to a handler that the next run has', async () => {
    const order: unknown[] = [];
    const definition = workflow(
      function ({ ctx }) {
        order.push('run');
        return ctx.condition(() => order.length === 3);
      },
      { signals: { a: (payload: unknown) => void order.push(payload) } },
    );
    const run = await drive(definition, [startedWith(['a', 1], ['a', 2])], live);
    expect(resultOf(run)).toBe(true);
    expect(order).toEqual(['run', 1, 2]);
  });

  it('F9: is suggested by the size of the history up to the event, and by what was recorded at the start', async () => {
    const seen: unknown[] = [];
    const definition = workflow(async ({ ctx, act }) => {
      for (let i = 0; i < 3; i++) {
        const { historyLength, historyBytes, continueAsNewSuggested } = ctx.info;
        seen.push([historyLength, historyBytes > historyLength * 100, continueAsNewSuggested]);
        await act('work', 'x'.repeat(100));
        // Not what the code itself has added meanwhile.
        expect(ctx.info.historyBytes).toBeGreaterThan(historyBytes);
      }
      return [ctx.info.input, ctx.info.startedAt.getTime()];
    });
    const start = { ...started({ n: 1 }, 7), continueAfter: { entries: 3, bytes: 1e9 } } as HistoryEvent;
    const run = await drive(definition, [start, completed(0), completed(1), completed(2)], live);
    expect(resultOf(run)).toEqual([{ n: 1 }, 7]);
    expect(seen).toEqual([
      [1, true, false],
      [3, true, true],
      [5, true, true],
    ]);
    const lived = seen.splice(0);
    await expectSameAgain(definition, run);
    expect(seen).toEqual(lived);
    const byBytes = { ...started(), continueAfter: { entries: 1e9, bytes: 400 } } as HistoryEvent;
    await drive(definition, [byBytes, completed(0), completed(1), completed(2)], live);
    expect(seen.slice(3).map((one) => (one as unknown[])[2])).toEqual([false, true, true]);
  });

  it('is no longer taken in where a history is as large as it may become, but what is over comes to its end', async () => {
    const definition = workflow(async ({ act }) => {
      await act('pay', 1);
      await act('more');
    });
    const largestHistory = { entries: 3, bytes: 1e9 };
    const full = await drive(definition, [started(), completed(0)], { largestHistory });
    expect(full.fold.fault).toBeNull();
    await expect(
      drive(definition, [started(), completed(0), completed(1)], { largestHistory }),
    ).resolves.toMatchObject({
      fold: { fault: { name: 'HistoryLimitError', size: { entries: 4 }, limit: largestHistory } },
    });
    // Its history is read all the same, and a higher limit lets it go on.
    const again = await refold(definition, full.history, { largestHistory });
    expect(again.fault).toBeNull();
    const whole = await drive(definition, [started(), completed(0), completed(1)], {
      largestHistory: { entries: 4.5, bytes: 1e9 },
    });
    expect(line(whole.history)).toMatch(/run_completed$/);
    const failing = workflow(async ({ act }) => {
      await act('pay', 1);
      throw new Error('no');
    });
    const undone = await drive(failing, [started(), completed(0), completed(1)], { largestHistory });
    expect(line(undone.history)).toMatch(
      /rollback_started activity_scheduled1:unpay activity_completed1 run_failed$/,
    );
  });

  it('is refused with more signals that nobody has taken than may travel, by number and by size, and only live', async () => {
    const definition = workflow(async ({ ctx }) => {
      await ctx.sleep(5);
      return ctx.continueAsNew();
    });
    const three = startedWith(['a', 1], ['b', 2], ['b', 3]);
    const largestHistory = { entries: 3, bytes: 1e9 };
    const many = await drive(definition, [three, fired(0)], { ...live, largestHistory });
    expect(many.fold.fault).toMatchObject({
      name: 'CarriedSignalsError',
      size: { entries: 3, bytes: 6 },
      limit: { entries: 3, bytes: 10_000_000 },
      signal: 'b',
    });
    expect(line(many.history)).not.toContain('run_continued');
    const two = await drive(definition, [startedWith(['a', 1], ['b', 2]), fired(0)], {
      ...live,
      largestHistory,
    });
    expect(two.history.at(-1)).toMatchObject({ type: 'run_continued', carriedSignals: 2 });
    const megabyte = 'x'.repeat(1_000_000);
    const events = [started(), ...Array.from({ length: 10 }, () => signal('a', megabyte)), fired(0)];
    const large = await drive(definition, events, live);
    expect(large.fold.fault).toMatchObject({ name: 'CarriedSignalsError', limit: { bytes: 10_000_000 } });
    // What was recorded under another limit is read as it is.
    const allowed = await drive(definition, [three, fired(0)], live);
    expect((await refold(definition, allowed.history, { largestHistory })).fault).toBeNull();
  });

  it('F15: a cancellation that comes after the decision is its successor’s', async () => {
    const definition = workflow(({ ctx, act }) => {
      void ctx.nonCancellable(() => act('audit'));
      return ctx.continueAsNew();
    });
    const run = await drive(definition, [started(), cancel('first'), cancel('second'), completed(0)], live);
    expect(line(run.history)).toMatch(/cancel_requested cancel_requested activity_completed0 run_continued$/);
    expect(run.fold.lateCancel).toMatchObject({ reason: 'first' });
    const again = await refold(definition, run.history);
    expect(again.lateCancel).toEqual(run.fold.lateCancel);
    const seen = await drive(definition, [started()], live);
    expect(seen.fold.lateCancel).toBeNull();
  });

  it('F17: signals that are held behind a handler that continues travel, though they have a handler here', async () => {
    const handled: unknown[] = [];
    const definition = workflow(({ ctx }) => ctx.condition(() => false), {
      signals: {
        a: (payload: unknown, { ctx }) => {
          handled.push(payload);
          return payload === 1 ? ctx.continueAsNew() : undefined;
        },
      },
    });
    const block = [signal('a', 1, true), signal('a', 2, true), signal('a', 3)];
    const run = await drive(definition, [started(), ...block], live);
    expect(run.history.at(-1)).toMatchObject({ type: 'run_continued', carriedSignals: 2 });
    expect(run.fold.untakenSignals.map(({ payload }) => payload)).toEqual(['2', '3']);
    expect(handled).toEqual([1]);
    await expectSameAgain(definition, run);
  });
});
