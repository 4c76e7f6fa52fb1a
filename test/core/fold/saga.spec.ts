import { describe, expect, it } from '@jest/globals';
import { WorkflowMistakeError } from '../../../lib/core/index.js';
import {
  cancel,
  completed,
  drive,
  expectSameAgain,
  failed,
  failureOf,
  feed,
  fired,
  line,
  refold,
  resultOf,
  Ship,
  signal,
  started,
  stopped,
  workflow,
} from '../../support/fold-kit.js';
import type { Driven, Steps } from '../../support/fold-kit.js';

/** What was done and undone, in order: `pay`, `unpay 0`. */
const deeds = ({ history }: Pick<Driven, 'history'>): string[] =>
  history.flatMap((entry) => {
    if (entry.type === 'activity_scheduled')
      return [entry.undoes === null ? entry.name : `${entry.name} ${entry.undoes}`];
    return [];
  });
const undone = (driven: Pick<Driven, 'history'>): string[] =>
  deeds(driven).filter((deed) => deed.startsWith('un'));

const parallel = { rollbackOrder: 'parallel' } as const;

describe('F36: ctx.saga', () => {
  it.each(['reverse', 'parallel'] as const)(
    'F20: waits for what ctx.compensate() began to undo while something else inside was waited for: %s',
    async (rollbackOrder) => {
      const definition = workflow(
        async ({ ctx, act }) => {
          const failing = ctx.waitForSignal('fail').then(() => Promise.reject(new Error('no')));
          const trip = ctx.saga(() => Promise.all([act('pay', 1), act('book', 2), failing]));
          const after = trip.catch(() => act('after'));
          await ctx.waitForSignal('undo');
          await ctx.compensate();
          return after;
        },
        { rollbackOrder },
      );
      const events = [started(), completed(0), signal('fail'), signal('undo'), stopped(1)];
      const driven = await drive(definition, events);
      expect(deeds(driven)).toEqual(['pay', 'book', 'unpay 0']);
      await feed(driven, completed(2));
      expect(deeds(driven)).toEqual(['pay', 'book', 'unpay 0', 'after']);
      await expectSameAgain(definition, driven);
    },
  );

  const trip = workflow(async ({ ctx, act }) => {
    await act('pay', 'before');
    const outcome = await ctx
      .saga(async () => {
        await act('pay', 1);
        await act('book', 2);
        await act('fly');
        return 'booked';
      })
      .catch((error: Error) => error.name);
    await act('tell', outcome);
    return outcome;
  });
  const done = [started(), completed(0), completed(1), completed(2)];

  it('resolves to what its function does, and its steps join those of the run', async () => {
    const driven = await drive(trip, [...done, completed(3), failed(4)]);
    expect(undone(driven)).toEqual(['unbook 2']);
    for (const id of [5, 6, 7]) await feed(driven, completed(id));
    expect(undone(driven)).toEqual(['unbook 2', 'unpay 1', 'unpay 0']);
    expect(failureOf(driven).name).toBe('ActivityFailure');
    await expectSameAgain(trip, driven);
  });

  it('undoes what completed inside, the last first, and then the error passes on', async () => {
    const driven = await drive(trip, [...done, failed(3)]);
    expect(deeds(driven).slice(4)).toEqual(['unbook 2']);
    await feed(driven, completed(4));
    expect(deeds(driven).slice(4)).toEqual(['unbook 2', 'unpay 1']);
    await feed(driven, completed(5));
    expect(deeds(driven).slice(6)).toEqual(['tell']);
    await feed(driven, completed(6));
    expect(resultOf(driven)).toBe('ActivityFailure');
    await expectSameAgain(trip, driven);
  });

  it('goes on from any crash in the middle of undoing', async () => {
    const all = [...done, failed(3), completed(4), completed(5), completed(6)];
    const whole = await drive(trip, all);
    for (let cut = 1; cut <= all.length; cut++) {
      const { history } = await drive(trip, all.slice(0, cut));
      const again: Driven = { fold: await refold(trip, history), history: [...history] };
      for (const event of all.slice(cut)) await feed(again, event);
      expect(again.history).toEqual(whole.history);
    }
  });

  it('of a failed Promise.all: cancels and waits for what is under way, and undoes what completes late', async () => {
    const all = workflow(({ ctx, act }) =>
      ctx.saga(() => Promise.all([act('pay'), act('book'), act('reserve'), act('fly')])),
    );
    const driven = await drive(all, [started(), completed(0), failed(3)]);
    expect(line(driven.history)).toMatch(
      /activity_failed3 activity_cancel_requested1 activity_cancel_requested2$/,
    );
    await feed(driven, completed(1, 'late'));
    expect(undone(driven)).toEqual([]);
    await feed(driven, stopped(2));
    for (const id of [4, 5]) await feed(driven, completed(id));
    expect(undone(driven)).toEqual(['unbook 1', 'unpay 0']);
    expect(failureOf(driven).message).toContain('fly failed');
    expect(driven.history.at(-1)).toMatchObject({ rollback: 'complete' });
    await expectSameAgain(all, driven);
  });

  it('stands in another: the inner undoes its own, and what it leaves is of the outer', async () => {
    const nested = (fails: 'inner' | 'outer') =>
      workflow(({ ctx, act }) =>
        ctx.saga(async () => {
          await act('pay', 'outer');
          await ctx.saga(async () => {
            await act('book', 'inner');
            if (fails === 'inner') throw new Error('inner');
          });
          throw new Error('outer');
        }),
      );
    for (const fails of ['inner', 'outer'] as const) {
      const driven = await drive(nested(fails), [started(), completed(0), completed(1)]);
      for (const id of [2, 3]) await feed(driven, completed(id));
      expect(undone(driven)).toEqual(['unbook 1', 'unpay 0']);
      expect(failureOf(driven).message).toBe(fails);
      await expectSameAgain(nested(fails), driven);
    }
  });

  it('F15: cancelled inside, and the run is cancelled: undone before the cancellation passes on', async () => {
    const cancelled = workflow(({ ctx, act }) =>
      ctx.saga(async () => {
        await act('pay');
        await ctx.sleep(5);
      }),
    );
    const driven = await drive(cancelled, [started(), completed(0), cancel(), completed(2)]);
    expect(line(driven.history)).toMatch(
      /cancel_requested timer_cancelled1 activity_scheduled2:unpay activity_completed2 run_cancelled$/,
    );
    await expectSameAgain(cancelled, driven);
  });

  it('F31: in a time limit, which is told after the undoing', async () => {
    const limited = workflow(({ ctx, act }) =>
      ctx.withTimeout(5, () => ctx.saga(() => act('pay').then(() => ctx.condition(() => false)))),
    );
    const driven = await drive(limited, [started(), completed(1), fired(0), completed(2)]);
    expect(undone(driven)).toEqual(['unpay 1']);
    expect(failureOf(driven).name).toBe('TimeoutFailure');
    await expectSameAgain(limited, driven);
  });

  it('F16: what is shielded inside is finished, and undone like the rest', async () => {
    const shielded = workflow(({ ctx, act }) =>
      ctx.saga(() =>
        Promise.all([
          act('fly'),
          ctx.nonCancellable(async () => {
            await ctx.sleep(5);
            await act('pay');
          }),
        ]),
      ),
    );
    const driven = await drive(shielded, [started(), failed(0), fired(1), completed(2)]);
    expect(undone(driven)).toEqual(['unpay 2']);
    await feed(driven, completed(3));
    expect(failureOf(driven).message).toContain('fly failed');
    await expectSameAgain(shielded, driven);
  });

  it('F16: what a saga has begun to undo is undone, though the run is decided meanwhile', async () => {
    const deserted = workflow(
      async ({ ctx, act }) => {
        void ctx.saga(() => act('pay').then(() => Promise.reject(new Error('no')))).catch(() => undefined);
        await ctx.waitForSignal('leave');
        return 'left';
      },
      { compensation: 'manual' },
    );
    const driven = await drive(deserted, [started(), completed(0), signal('leave')]);
    expect(driven.fold.progress.closed).toBeNull();
    await feed(driven, completed(1));
    expect(resultOf(driven)).toBe('left');
    await expectSameAgain(deserted, driven);
  });

  it('commit() inside is a point of no return for the steps of the saga alone', async () => {
    const branch = workflow(async ({ ctx, act }) => {
      await act('reserve', 'run');
      await Promise.all([
        ctx.saga(async () => {
          await act('pay', 'branch');
          ctx.commit();
          await act('book', 'branch');
          throw new Error('late');
        }),
        act('pay', 'beside'),
      ]);
    });
    const driven = await drive(branch, [started(), completed(0), completed(2), completed(1), completed(3)]);
    expect(driven.history).toContainEqual({ type: 'rollback_cleared', at: 1, steps: [1] });
    for (const id of [4, 5, 6]) await feed(driven, completed(id));
    // The branch's payment stays; what stands beside it and around it is undone with the run.
    expect(undone(driven)).toEqual(['unbook 3', 'unpay 2', 'unreserve 0']);
    expect(driven.history.at(-1)).toMatchObject({ type: 'run_failed', rollback: 'complete' });
    await expectSameAgain(branch, driven);
  });

  it('takes steps that are added by hand', async () => {
    const added = workflow(({ ctx }) =>
      ctx.saga(async () => {
        ctx.onRollback(Ship, 'back');
        throw new Error('no');
      }),
    );
    const driven = await drive(added, [started(), completed(1)]);
    expect(driven.history[2]).toMatchObject({ type: 'activity_scheduled', name: 'Ship', undoes: 0 });
    expect(failureOf(driven).message).toBe('no');
    await expectSameAgain(added, driven);
  });

  it('lists a step that cannot be undone, and tries the others', async () => {
    const driven = await drive(trip, [...done, failed(3), failed(4), completed(5), completed(6)]);
    expect(resultOf(driven)).toBe('ActivityFailure');
    const { undoneSteps } = driven.fold.progress;
    expect(undoneSteps.map(({ step, by, outcome }) => [step.name, step.of, by, outcome])).toEqual([
      ['unbook', 2, 4, 'failed'],
      ['unpay', 1, 5, 'undone'],
    ]);
    await expectSameAgain(trip, driven);
  });

  it('two that fail at once undo their own, side by side', async () => {
    const two = ({ ctx, act }: Steps) => {
      const one = (name: string) => ctx.saga(() => act(name).then(() => Promise.reject(new Error(name))));
      return Promise.allSettled([one('pay'), one('book')]).then((all) => all.map(({ status }) => status));
    };
    const driven = await drive(workflow(two), [started(), completed(0), completed(1)]);
    expect(undone(driven)).toEqual(['unpay 0', 'unbook 1']);
    for (const id of [3, 2]) await feed(driven, completed(id));
    expect(resultOf(driven)).toEqual(['rejected', 'rejected']);
    await expectSameAgain(workflow(two), driven);
  });
});

describe('F36: what a saga leaves to others', () => {
  it.each(['by the workflow', 'by a misuse'])(
    'a mistake %s blocks the run, and undoes nothing',
    async (how) => {
      let mended = false;
      const definition = workflow(({ ctx, act }) =>
        ctx
          .saga(async () => {
            await act('pay');
            if (!mended) {
              if (how === 'by a misuse') await ctx.sideEffect(async () => 1);
              throw new TypeError('mistyped');
            }
            return 'paid';
          })
          .catch((error: Error) => error.name),
      );
      const mistakes = how === 'by a misuse' ? 'fail' : 'block';
      const blocked = await drive(definition, [started(), completed(0)], { mistakes });
      expect(blocked.fold.fault).toBeInstanceOf(WorkflowMistakeError);
      expect(undone(blocked)).toEqual([]);
      mended = true;
      const goesOn = await drive(definition, [started(), completed(0)], { mistakes });
      expect(resultOf(goesOn)).toBe('paid');
    },
  );

  it('the catch of an inner one runs before an outer one that failed meanwhile undoes anything', async () => {
    const definition = workflow(({ ctx, act }) =>
      ctx.saga(async () => {
        await act('pay');
        const inner = ctx.saga(async () => {
          await act('book');
          await act('fly');
        });
        await Promise.all([inner.catch(() => ctx.nonCancellable(() => act('tell'))), act('fail')]);
      }),
    );
    const events = [started(), completed(0), completed(1), failed(3), failed(2), completed(4)];
    const driven = await drive(definition, events);
    expect(deeds(driven).slice(4)).toEqual(['unbook 1', 'tell']);
    await feed(driven, completed(5));
    expect(deeds(driven).slice(6)).toEqual(['unpay 0']);
    await feed(driven, completed(6));
    expect(failureOf(driven).message).toContain('fail failed');
    await expectSameAgain(definition, driven);
  });

  it('F16: code outside of nonCancellable does not go on after the decision, when the undoing has ended', async () => {
    const seen: string[] = [];
    const deserted = (shielded: boolean) =>
      workflow(
        async ({ ctx, act }) => {
          const failing = () =>
            ctx
              .saga(() => act('pay').then(() => Promise.reject(new Error('no'))))
              .catch(() => seen.push(shielded ? 'shielded' : 'bare'));
          void (shielded ? ctx.nonCancellable(failing) : failing());
          await ctx.waitForSignal('leave');
          return 'left';
        },
        { compensation: 'manual' },
      );
    for (const shielded of [false, true]) {
      const driven = await drive(deserted(shielded), [
        started(),
        completed(0),
        signal('leave'),
        completed(1),
      ]);
      expect(resultOf(driven)).toBe('left');
      await expectSameAgain(deserted(shielded), driven);
    }
    // Driven once, and replayed once.
    expect(seen).toEqual(['shielded', 'shielded']);
  });
});

describe('F20: a rollback side by side', () => {
  const three = async ({ act }: Steps): Promise<void> => {
    for (const name of ['pay', 'book', 'reserve']) await act(name);
    throw new Error('no');
  };
  const events = [started(), completed(0), completed(1), completed(2)];

  it('begins every compensation at once, and ends when all have ended', async () => {
    const definition = workflow(three, parallel);
    const driven = await drive(definition, events);
    expect(undone(driven)).toEqual(['unreserve 2', 'unbook 1', 'unpay 0']);
    for (const event of [completed(5), failed(3), completed(4)]) await feed(driven, event);
    expect(driven.history.at(-1)).toMatchObject({ type: 'run_failed', rollback: 'incomplete' });
    expect(driven.fold.progress.failedSteps.map(({ of }) => of)).toEqual([2]);
    await expectSameAgain(definition, driven);
  });

  it('waits until nothing can complete any more', async () => {
    const definition = workflow(({ act }) => Promise.all([act('pay'), act('book'), act('fly')]), parallel);
    const driven = await drive(definition, [started(), completed(0), failed(2)]);
    expect(undone(driven)).toEqual([]);
    await feed(driven, completed(1));
    expect(undone(driven)).toEqual(['unbook 1', 'unpay 0']);
  });

  it('F22: is recorded, so that it needs neither the code nor its option', async () => {
    const driven = await drive(workflow(three, parallel), events);
    const begin = driven.history.findIndex(({ type }) => type === 'rollback_started');
    expect(driven.history[begin]).toMatchObject({ order: 'parallel' });
    const fold = await refold(workflow(three), driven.history, { withoutCode: true });
    const rest: Driven = { fold, history: [] };
    for (const id of [3, 4, 5]) await feed(rest, completed(id));
    expect(line(rest.history)).toMatch(/activity_completed5 run_failed$/);
  });

  it.each(['parallel', 'reverse'] as const)(
    'F7: of %s the option may change under a run: a replay undoes as it was recorded',
    async (order) => {
      const byHand = (rollbackOrder: 'parallel' | 'reverse') =>
        workflow(
          async ({ ctx, act }) => {
            for (const name of ['pay', 'book', 'reserve']) await act(name);
            const outcome = await ctx
              .saga(() => act('pay').then(() => Promise.reject(new Error('x'))))
              .catch(() => 1);
            return [outcome, await ctx.compensate()];
          },
          { rollbackOrder },
        );
      const ends = [...events, ...[3, 4, 5, 6].map((id) => completed(id))];
      const driven = await drive(byHand(order), ends);
      const other = byHand(order === 'parallel' ? 'reverse' : 'parallel');
      for (const cut of [6, 7, 8]) {
        const { history } = await drive(byHand(order), ends.slice(0, cut));
        const fold = await refold(other, history);
        expect([fold.fault, fold.seq]).toEqual([null, history.length]);
        const again: Driven = { fold, history: [...history] };
        for (const id of [5, 6, 7]) await feed(again, completed(id));
        expect(undone(again)).toHaveLength(4);
        expect(resultOf(again)).toEqual([1, { complete: true }]);
      }
      await feed(driven, completed(7));
      expect(resultOf(driven)).toEqual([1, { complete: true }]);
      await expectSameAgain(byHand(order), driven);
    },
  );
});
