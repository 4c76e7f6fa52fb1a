import { describe, expect, it } from '@jest/globals';
import type { WorkflowDefinition } from '../../../lib/core/index.js';
import { Bill, childAccepted, childCancelled, childCompleted, UndoBill } from '../../support/children-kit.js';
import {
  drive,
  expectSameAgain,
  failed,
  failureOf,
  feed,
  line,
  started,
  workflow,
} from '../../support/fold-kit.js';
import type { Driven } from '../../support/fold-kit.js';

const undone = ({ history }: Driven): number[] =>
  history.flatMap((entry) => (entry.type === 'child_started' && entry.undoes !== null ? [entry.undoes] : []));
const CLOSES = ['cancel', 'terminate', 'abandon'] as const;

describe('F36: children in a saga', () => {
  it.each(CLOSES)('one that completed is undone by the saga (parentClose: %s)', async (parentClose) => {
    const definition = workflow(({ ctx, act }) =>
      ctx.saga(async () => {
        await ctx.child(Bill, 1, { compensate: UndoBill, parentClose });
        await act('fly');
      }),
    );
    const driven = await drive(definition, [started(), childCompleted(0, 5), failed(1)]);
    // By the saga: the run itself has not begun to roll back.
    expect(driven.fold.decided).toBeNull();
    expect(undone(driven)).toEqual([0]);
    await feed(driven, childCompleted(2, null));
    expect(failureOf(driven).message).toContain('fly failed');
    await expectSameAgain(definition, driven);
  });

  it.each(CLOSES)(
    'one under way is stopped, waited for and undone (parentClose: %s)',
    async (parentClose) => {
      const definition = workflow(({ ctx, act }) =>
        ctx.saga(() => Promise.all([ctx.child(Bill, 1, { compensate: UndoBill, parentClose }), act('fly')])),
      );
      const driven = await drive(definition, [started(), failed(1)]);
      expect(line(driven.history)).toMatch(/activity_failed1 child_cancel_requested0$/);
      expect(driven.fold.decided).toBeNull();
      await feed(driven, childCompleted(0, 5));
      expect(driven.fold.decided).toBeNull();
      expect(undone(driven)).toEqual([0]);
      await feed(driven, childCompleted(2, null));
      expect(driven.history.at(-1)).toMatchObject({ type: 'run_failed', rollback: 'complete' });
      await expectSameAgain(definition, driven);
    },
  );

  const shielded = (parentClose: 'cancel' | 'abandon'): WorkflowDefinition =>
    workflow(({ ctx, act }) =>
      ctx.saga(async () => {
        await ctx.nonCancellable(() => ctx.startChild(Bill, 1, { parentClose }));
        await act('fly');
      }),
    );

  it('one that no cancellation reached is stopped and waited for', async () => {
    const driven = await drive(shielded('cancel'), [started(), childAccepted(0), failed(1)]);
    expect(line(driven.history)).toMatch(/activity_failed1 child_cancel_requested0$/);
    await feed(driven, childCancelled(0));
    expect(failureOf(driven).message).toContain('fly failed');
    await expectSameAgain(shielded('cancel'), driven);
  });

  it('one that outlives its parent, and that nothing undoes, is left alone', async () => {
    const driven = await drive(shielded('abandon'), [started(), childAccepted(0), failed(1)]);
    expect(line(driven.history)).toMatch(/activity_failed1 run_failed$/);
    expect(driven.history.at(-1)).toMatchObject({ abandoned: [0] });
    await expectSameAgain(shielded('abandon'), driven);
  });
});
