import { describe, expect, it } from '@jest/globals';
import { NonDeterminismError } from '../../../lib/core/index.js';
import type { FoldOptions, HistoryEntry, WorkflowDefinition } from '../../../lib/core/index.js';
import { codec, completed, drive, failed, fired, line, newFold } from '../../support/fold-kit.js';
import { refold, resultOf, scheduler, signal, started, workflow } from '../../support/fold-kit.js';
import type { Steps } from '../../support/fold-kit.js';

/** The workflow as it was when the history was written. */
const original = workflow(async ({ ctx, act }) => {
  await act('a', 1);
  await ctx.sleep(5);
  return act('b', 2);
});
const events = [started(), completed(0), fired(1), completed(2, 'end')];

const changed = (run: (steps: Steps) => Promise<unknown>): WorkflowDefinition => workflow(run);

async function driftOf(
  definition: WorkflowDefinition,
  history: readonly HistoryEntry[],
  options: Partial<FoldOptions> = { strict: false },
): Promise<NonDeterminismError> {
  const { fault } = await refold(definition, history, options);
  expect(fault).toBeInstanceOf(NonDeterminismError);
  return fault as NonDeterminismError;
}

describe('drift', () => {
  it('F7: an inserted call', async () => {
    const { history } = await drive(original, events.slice(0, 2));
    const drift = await driftOf(
      changed(async ({ ctx, act }) => {
        await act('a', 1);
        await act('fresh');
        await ctx.sleep(5);
      }),
      history,
    );
    expect(drift).toMatchObject({
      recorded: 'timer_started sleep',
      asked: 'activity_scheduled fresh',
      agreedUpTo: 3,
    });
    expect(drift.message).toContain('entry 4');
    expect(drift.message).toMatch(/old code again|new version/);
  });

  it('an entry that only a newer version knows, wherever it stands', async () => {
    const { history } = await drive(original, events.slice(0, 2));
    const fresh = { type: 'run_paused', at: 1, id: 9, name: 'x' } as unknown as HistoryEntry;
    for (let place = 0; place <= history.length; place++) {
      const drift = await driftOf(original, [...history.slice(0, place), fresh, ...history.slice(place)]);
      expect(drift.recorded).toContain('run_paused');
      expect(drift.message).toContain('only newer versions of nestjs-continuum know');
    }
  });

  it('F7: a removed call', async () => {
    const { history } = await drive(original, events.slice(0, 2));
    const drift = await driftOf(
      changed(({ act }) => act('b', 2)),
      history,
    );
    expect(drift).toMatchObject({
      recorded: 'activity_scheduled a',
      asked: 'activity_scheduled b',
      agreedUpTo: 1,
    });
  });

  it('F7: a removed call at the end of an event', async () => {
    const two = workflow(async ({ act }) => Promise.all([act('a'), act('b')]));
    const { history } = await drive(two, [started()]);
    const drift = await driftOf(
      changed(async ({ act }) => act('a')),
      history,
    );
    expect(drift).toMatchObject({ recorded: 'activity_scheduled b', asked: null, agreedUpTo: 2 });
  });

  it('F7: reordered calls', async () => {
    const { history } = await drive(original, events.slice(0, 3));
    const drift = await driftOf(
      changed(async ({ ctx, act }) => {
        await ctx.sleep(5);
        await act('a', 1);
      }),
      history,
    );
    expect(drift).toMatchObject({
      recorded: 'activity_scheduled a',
      asked: 'timer_started sleep',
      agreedUpTo: 1,
    });
  });

  it('F7: a renamed activity', async () => {
    const { history } = await drive(original, events.slice(0, 1));
    const drift = await driftOf(
      changed(({ act }) => act('renamed', 1)),
      history,
    );
    expect(drift).toMatchObject({
      recorded: 'activity_scheduled a',
      asked: 'activity_scheduled renamed',
      agreedUpTo: 1,
    });
  });

  it('F7: a timer that became an activity', async () => {
    const { history } = await drive(original, events.slice(0, 2));
    const drift = await driftOf(
      changed(async ({ act }) => {
        await act('a', 1);
        await act('sleep', 5);
      }),
      history,
    );
    expect(drift).toMatchObject({
      recorded: 'timer_started sleep',
      asked: 'activity_scheduled sleep',
      agreedUpTo: 3,
    });
  });

  it('F7: an activity that became a timer', async () => {
    const { history } = await drive(original, events.slice(0, 1));
    const drift = await driftOf(
      changed(async ({ ctx }) => ctx.sleep(5)),
      history,
    );
    expect(drift).toMatchObject({
      recorded: 'activity_scheduled a',
      asked: 'timer_started sleep',
      agreedUpTo: 1,
    });
  });

  it('F7: an activity that became a timer, after it has completed', async () => {
    const { history } = await drive(original, events.slice(0, 2));
    const drift = await driftOf(
      changed(async ({ ctx }) => {
        await ctx.sleep(5);
        await ctx.sleep(5);
      }),
      history,
    );
    expect(drift).toMatchObject({ recorded: 'activity_scheduled a', asked: 'timer_started sleep' });
  });

  it('F7: a run that ends early, one that does not end, and one whose history goes on', async () => {
    const { history } = await drive(original, events);
    const early = await driftOf(
      changed(({ act }) => act('a', 1)),
      history,
    );
    expect(early).toMatchObject({ recorded: 'timer_started sleep', asked: 'run_completed', agreedUpTo: 3 });
    const late = await driftOf(
      changed(async ({ ctx, act }) => {
        await act('a', 1);
        await ctx.sleep(5);
        await act('b', 2);
        await act('c');
      }),
      history,
    );
    expect(late).toMatchObject({ recorded: 'run_completed', asked: 'activity_scheduled c', agreedUpTo: 7 });
    const more = await driftOf(original, [...history, signal('late')]);
    expect(more).toMatchObject({ recorded: 'signal_received late', asked: null, agreedUpTo: 8 });
  });

  it('F7: another outcome is drift in every mode; another stack is not', async () => {
    const { history } = await drive(original, events);
    const other = changed(async ({ ctx, act }) => {
      await act('a', 1);
      await ctx.sleep(5);
      await act('b', 2);
      return 'another end';
    });
    expect(await driftOf(other, history)).toMatchObject({
      recorded: 'run_completed "end"',
      asked: 'run_completed "another end"',
    });
    const failing = () =>
      workflow(async ({ act }) => Promise.reject(new Error(String(await act('a')), { cause: 1 })));
    const failedRun = await drive(failing(), [started(), completed(0, 'x')]);
    const end = failedRun.history.at(-1)!;
    if (end.type !== 'run_failed') throw new Error(line(failedRun.history));
    const elsewhere = Object.assign(new Error('x', { cause: 1 }), {
      stack: 'Error: x\n at another/line.js:1',
    });
    const moved = [...failedRun.history.slice(0, -1), { ...end, failure: codec.encodeFailure(elsewhere) }];
    expect((await refold(failing(), moved)).fault).toBeNull();
    const reworded = [
      ...moved.slice(0, -1),
      { ...end, failure: codec.encodeFailure(new Error('y', { cause: 1 })) },
    ];
    await driftOf(failing(), reworded);
  });

  it('F7: an event for something that the code does not have in flight, and a command without an event', async () => {
    const { history } = await drive(original, events.slice(0, 1));
    const drift = await driftOf(original, [...history, completed(9)]);
    expect(drift).toMatchObject({ recorded: 'activity_completed 9', agreedUpTo: 2 });
    await driftOf(original, history.slice(1));
  });

  it('F7: no catch of the code swallows it, and nothing that it does afterwards counts', async () => {
    const { history } = await drive(original, events.slice(0, 2));
    const afterwards: string[] = [];
    const swallowing = changed(async ({ ctx, act }) => {
      try {
        await act('renamed', 1);
      } catch {
        afterwards.push('caught');
      } finally {
        await ctx.compensate();
        afterwards.push('undone');
      }
      return act('refund');
    });
    const fold = await refold(swallowing, history, { strict: false });
    expect(fold.fault).toBeInstanceOf(NonDeterminismError);
    expect(fold.takeEmitted()).toEqual([]);
    expect(afterwards).toEqual([]);
  });

  it('F7: nothing is written by a turn that drifted, and the run goes on when the old code is back', async () => {
    const { history } = await drive(original, events.slice(0, 2));
    const drifted = await refold(
      changed(({ act }) => act('renamed', 1)),
      history,
      { strict: false },
    );
    expect(drifted.feed(fired(1))).toBe(false);
    expect(drifted.step()).toBe(false);
    expect(drifted.takeEmitted()).toEqual([]);
    const back = await refold(original, history);
    for (const event of events.slice(2)) {
      back.feed(event);
      await scheduler.pump(back);
    }
    expect(resultOf({ fold: back, history: back.takeEmitted() })).toBe('end');
  });
});

describe('tolerant matching', () => {
  const both = (first: string, second: string): WorkflowDefinition =>
    workflow(async ({ act }) => Promise.all([act(first, 1), act(second, 2)]));
  const pair = workflow(async ({ act }) => Promise.all([act('a', 1), act('b', 2)]));

  it('F7: an equal command of the segment is taken whatever its place, and counted', async () => {
    const { history } = await drive(pair, [started()]);
    const swapped = workflow(async ({ act }) => {
      const b = act('b', 2);
      const a = act('a', 1);
      return Promise.all([a, b]);
    });
    const fold = await refold(swapped, history, { strict: false });
    expect([fold.fault, fold.reordered, fold.changedArguments]).toEqual([null, 1, 0]);
    for (const event of [completed(0, 'A'), completed(1, 'B')]) {
      fold.feed(event);
      await scheduler.pump(fold);
    }
    expect(resultOf({ fold, history: fold.takeEmitted() })).toEqual(['A', 'B']);
    await driftOf(swapped, history, { strict: true });
  });

  it('F7: changed arguments are taken and counted; strict matching shows both', async () => {
    const { history } = await drive(pair, [started()]);
    const other = workflow(async ({ act }) => Promise.all([act('a', 'one'), act('b', 2)]));
    const fold = await refold(other, history, { strict: false });
    expect([fold.fault, fold.reordered, fold.changedArguments]).toEqual([null, 0, 1]);
    const drift = await driftOf(other, history, { strict: true });
    expect(drift).toMatchObject({
      recorded: 'activity_scheduled a [1]',
      asked: 'activity_scheduled a ["one"]',
    });
  });

  it('F7: options and due times are never compared', async () => {
    const { history } = await drive(pair, [started()]);
    const withOptions = history.map((entry) =>
      entry.type === 'activity_scheduled'
        ? { ...entry, options: { timeout: 5 }, compensation: 'other' }
        : entry,
    );
    expect((await refold(pair, withOptions)).fault).toBeNull();
  });

  it('F7: a name that is not in the segment is drift in either mode', async () => {
    const { history } = await drive(pair, [started()]);
    await driftOf(both('b', 'c'), history);
    await driftOf(both('a', 'c'), history);
  });

  it('F7: thousands of calls in reverse order take no time with the square of their number', async () => {
    const calls = 6000;
    const inOrder = (order: number[]) =>
      workflow(async ({ act }) => {
        await Promise.all(order.map((i) => act('a', i)));
      });
    const order = Array.from({ length: calls }, (_, i) => i);
    const { history } = await drive(inOrder(order), [started()]);
    const fold = newFold(inOrder(order.toReversed()), { strict: false });
    let compared = 0;
    const watched = history.map((entry) => {
      if (entry.type !== 'activity_scheduled') return entry;
      const { args, ...rest } = entry;
      return Object.defineProperty({ ...rest }, 'args', {
        enumerable: true,
        get: () => {
          compared++;
          return args;
        },
      }) as typeof entry;
    });
    fold.replay(watched);
    await scheduler.pump(fold);
    expect([fold.fault, fold.reordered]).toEqual([null, calls - 1]);
    expect(compared).toBeLessThan(20 * calls);
  });

  it('F7: a failed activity that is compensated elsewhere still matches by kind, name and what it undoes', async () => {
    const definition = workflow(async ({ act }) => {
      await act('pay', 1);
      await act('a');
    });
    const run = await drive(definition, [started(), completed(0, 'p'), failed(1), completed(2)]);
    expect(line(run.history)).toMatch(
      /rollback_started activity_scheduled2:unpay activity_completed2 run_failed$/,
    );
    const wrong = run.history.map((entry) =>
      entry.type === 'activity_scheduled' && entry.id === 2 ? { ...entry, undoes: 1 } : entry,
    );
    await driftOf(definition, wrong);
  });
});
