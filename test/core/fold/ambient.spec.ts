import { describe, expect, it } from '@jest/globals';
import { asyncScope } from '../../../lib/engine/process/async-scope.js';
import { completed, drive, expectSameAgain, feed, line, resultOf, signal } from '../../support/fold-kit.js';
import { started, workflow } from '../../support/fold-kit.js';

const nameOf = (error: Error): string => error.name;

describe('ambient context', () => {
  it('F25: a scope follows its code through awaits', async () => {
    const definition = workflow(async ({ ctx, act }) =>
      ctx
        .cancellable(async (scope) => {
          await act('first');
          const second = act('second');
          scope.cancel();
          await second;
        })
        .catch(nameOf),
    );
    const run = await drive(definition, [started(), completed(0)]);
    expect(resultOf(run)).toBe('CancelledError');
    await expectSameAgain(definition, run);
  });

  it('F25: a handler has its own place in the tree: cancelling a scope of run does not reach it', async () => {
    const definition = workflow(
      async function ({ ctx }) {
        let cancelScope = (): void => undefined;
        const inside = ctx
          .cancellable(async (scope) => {
            cancelScope = () => scope.cancel();
            await ctx.sleep('1h');
          })
          .catch(nameOf);
        await ctx.condition(() => this['begun'] === true);
        cancelScope();
        const seen = await inside;
        await ctx.condition(() => this['done'] !== undefined);
        return [seen, this['done']];
      },
      {
        signals: {
          async poke(_payload, { act }) {
            this['begun'] = true;
            this['done'] = await act('inHandler');
          },
        },
      },
    );
    const run = await drive(definition, [started(), signal('poke'), completed(1, 'kept')]);
    expect(resultOf(run)).toEqual(['CancelledError', 'kept']);
    await expectSameAgain(definition, run);
  });

  it('F25: calls belong to the run they are bound to, whoever makes them', async () => {
    let stolen: (() => Promise<unknown>) | undefined;
    const owner = workflow(async ({ act }) => {
      stolen = () => act('stolen');
      await act('a');
    });
    const thief = workflow(async ({ act }) => {
      await act('b');
      void stolen?.();
      await act('c');
    });
    const [owning, stealing] = [await drive(owner, [started()]), await drive(thief, [started()])];
    await feed(stealing, completed(0));
    expect(line(stealing.history)).toMatch(/activity_completed0 activity_scheduled1:c$/);
    expect(owning.fold.fault?.name).toBe('ForeignAwaitError');
    expect(stealing.fold.fault).toBeNull();
  });

  it('F25: what runs detached is outside every run', async () => {
    let inside: unknown;
    let detached: unknown = 'not looked at';
    const definition = workflow(({ act }) => {
      inside = asyncScope.store();
      asyncScope.detached(() => {
        detached = asyncScope.store();
      });
      return act('a');
    });
    await drive(definition, [started()]);
    expect(inside).toMatchObject({ readOnly: false });
    expect(detached).toBeUndefined();
    expect(asyncScope.store()).toBeUndefined();
  });
});
