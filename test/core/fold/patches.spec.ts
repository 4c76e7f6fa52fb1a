import { describe, expect, it } from '@jest/globals';
import { NonDeterminismError, WorkflowMistakeError } from '../../../lib/core/index.js';
import type { WorkflowDefinition } from '../../../lib/core/index.js';
import { cancel, completed, drive, expectSameAgain, failed, feed } from '../../support/fold-kit.js';
import { line, refold, resultOf, scheduler, signal, started, workflow } from '../../support/fold-kit.js';
import type { Driven, Steps } from '../../support/fold-kit.js';

/** The code as it was when runs began. */
const before = workflow(async ({ act }) => {
  await act('a');
  await act('b');
  return act('c');
});

/** Folds what another version of the code has written, and goes on live. */
async function takeOver(definition: WorkflowDefinition, { history }: Driven): Promise<Driven> {
  const fold = await refold(definition, history, { strict: false });
  if (fold.fault) throw fold.fault;
  return { fold, history: [...history] };
}

const answers: (boolean | undefined)[] = [];
/** Asks once at each of three places. */
const asking = (id = 'fee') =>
  workflow(async ({ ctx, act }) => {
    answers.length = 0;
    answers.push(ctx.patched(id));
    await act('a');
    answers.push(ctx.patched(id));
    await act('b');
    answers.push(ctx.patched(id));
    return act('c');
  });

describe('patches', () => {
  it('F18: a new run goes the new way, and notes it once, behind the event', async () => {
    const driven = await drive(asking(), [started(), completed(0), completed(1), completed(2, 'end')]);
    expect(resultOf(driven)).toBe('end');
    expect(answers).toEqual([true, true, true]);
    expect(line(driven.history)).toMatch(/^run_started activity_scheduled0:a patched activity_completed0 /);
    expect(driven.history.filter(({ type }) => type === 'patched')).toEqual([
      { type: 'patched', at: 1, name: 'fee' },
    ]);
    await expectSameAgain(asking(), driven);
  });

  it.each([1, 2, 3])(
    'F18: a run that was taken %i events far before goes the old way to its end',
    async (far) => {
      const all = [started(), completed(0), completed(1), completed(2, 'end')];
      const driven = await takeOver(asking(), await drive(before, all.slice(0, far)));
      for (const event of all.slice(far)) await feed(driven, event);
      expect(resultOf(driven)).toBe('end');
      expect(answers).toEqual([false, false, false]);
      expect(line(driven.history)).not.toContain('patched');
      await expectSameAgain(asking(), driven);
    },
  );

  it('F18: a run that comes to the call later than the deploy goes the new way, from there on', async () => {
    const later = workflow(async ({ ctx, act }) => {
      await act('a');
      if (ctx.patched('check')) await act('fresh');
      await act('b');
      return ctx.patched('check');
    });
    const driven = await takeOver(later, await drive(before, [started()]));
    for (const event of [completed(0), completed(1), completed(2)]) await feed(driven, event);
    expect(line(driven.history)).toContain('activity_completed0 activity_scheduled1:fresh patched');
    expect(resultOf(driven)).toBe(true);
    await expectSameAgain(later, driven);
  });

  it('F18: turn by turn and from any prefix a loop answers the same', async () => {
    const loop = (patch: boolean) =>
      workflow(async ({ ctx, act }) => {
        for (let i = 0; i < 4; i++) {
          if (patch && ctx.patched(`fee:${i}`)) await act('fee', i);
          await act('work', i);
        }
      });
    const old = await drive(loop(false), [started(), completed(0)]);
    // It stands in the second turn, which the old code has recorded: only the third and fourth have a fee.
    const driven = await takeOver(loop(true), old);
    for (let id = 1; id <= 5; id++) await feed(driven, completed(id));
    expect(line(driven.history)).toMatch(/:work .*:work .*:fee .*:work .*:fee .*:work .*run_completed$/);
    await expectSameAgain(loop(true), driven);
    for (let cut = old.history.length; cut < driven.history.length; cut++) {
      const entry = driven.history[cut]!;
      if (entry.type !== 'activity_completed') continue;
      const again = await takeOver(loop(true), { ...driven, history: driven.history.slice(0, cut) });
      for (let { id } = entry; id <= 5; id++) await feed(again, completed(id));
      expect(again.history).toEqual(driven.history);
    }
  });

  it('F18: what a crash before the commit forgot is answered and noted again', async () => {
    const once = asking();
    const driven = await drive(once, [started()]);
    const again = await drive(once, [started()]);
    expect(again.history).toEqual(driven.history);
    expect(answers).toEqual([true]);
  });

  it('F16, F18: an answer in the event that ends the run stands before the end', async () => {
    const last = workflow(async ({ ctx, act }) => {
      await act('a');
      return ctx.patched('late') ? 'new' : 'old';
    });
    const driven = await drive(last, [started(), completed(0)]);
    expect(resultOf(driven)).toBe('new');
    expect(line(driven.history)).toMatch(/activity_completed0 patched run_completed$/);
    await expectSameAgain(last, driven);
  });

  it('F18: the call may move, and be removed when the old way is', async () => {
    const ask = (where: 'first' | 'second' | 'nowhere') =>
      workflow(async ({ ctx, act }) => {
        if (where === 'first') ctx.patched('fee');
        await act('a');
        if (where === 'second') ctx.patched('fee');
        if (where === 'nowhere') ctx.deprecatePatch('fee');
        return act('b');
      });
    const driven = await drive(ask('first'), [started(), completed(0), completed(1)]);
    for (const where of ['first', 'second', 'nowhere'] as const) {
      const fold = await refold(ask(where), driven.history);
      expect([fold.fault, fold.seq, fold.takeEmitted()]).toEqual([null, driven.history.length, []]);
    }
    const moved = await drive(ask('second'), [started(), completed(0), completed(1)]);
    await expectSameAgain(ask('first'), moved);
  });

  it('F18: to go back behind a patch that runs have met is drift', async () => {
    const patched = workflow(async ({ ctx, act }) => {
      if (ctx.patched('fee')) await act('fee');
      return act('a');
    });
    const { history } = await drive(patched, [started()]);
    const fold = await refold(
      workflow(async ({ act }) => act('a')),
      history,
      { strict: false },
    );
    expect(fold.fault).toBeInstanceOf(NonDeterminismError);
  });

  it('F18: handlers, branches and shielded code get the answer of their run', async () => {
    const seen: unknown[] = [];
    const run = async ({ ctx, act }: Steps) => {
      seen.length = 0;
      await Promise.all([
        act('a').then(() => seen.push('branch', ctx.patched('p'))),
        ctx.nonCancellable(async () => {
          await act('b');
          seen.push('shielded', ctx.patched('p'));
        }),
      ]);
      return seen;
    };
    const handler = (_: never, { ctx }: Steps) => void seen.push('handler', ctx.patched('p'));
    const definition = workflow(run, { signals: { poke: handler } });
    const driven = await drive(definition, [signal('poke'), started(), completed(1), completed(0)]);
    expect(resultOf(driven)).toEqual(['shielded', true, 'branch', true]);
    expect(line(driven.history)).toMatch(/^signal_received patched run_started/);
    await expectSameAgain(definition, driven);
  });

  it('F18, F22: notes of a run that rolls back are no hindrance, with code and without', async () => {
    const failing = workflow(async ({ ctx, act }) => {
      await act('pay', 1);
      if (ctx.patched('strict')) await act('check');
    });
    const driven = await drive(failing, [started(), completed(0), failed(1)]);
    expect(line(driven.history)).toContain('rollback_started activity_scheduled2:unpay');
    await expectSameAgain(failing, driven);
    const withoutCode = await refold(failing, driven.history, { withoutCode: true });
    withoutCode.feed(completed(2));
    await scheduler.pump(withoutCode);
    expect(line(withoutCode.takeEmitted())).toBe('activity_completed2 run_failed');
  });

  it('F15, F18: asked in the clean-up of a cancelled run', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      try {
        await ctx.sleep(9);
      } finally {
        if (ctx.patched('tidy')) await ctx.nonCancellable(() => act('tidy'));
      }
    });
    const driven = await drive(definition, [started(), cancel(), completed(1)]);
    expect(line(driven.history)).toMatch(/activity_scheduled1:tidy patched .* run_cancelled$/);
    await expectSameAgain(definition, driven);
  });

  it('F16: asking after the decision ends no code that is on its way to something protected', async () => {
    const ends = (asks: boolean) =>
      workflow(async ({ ctx, act }) => {
        void ctx.continueAsNew();
        if (!asks || ctx.patched('p')) await ctx.nonCancellable(() => act('audit'));
        else await ctx.nonCancellable(() => act('audit'));
      });
    const live = { chooseSuccessor: () => ({ runId: 'next', version: 1 }) };
    const old = await drive(ends(false), [started()], live);
    expect((await refold(ends(true), old.history)).fault).toBeNull();
    const driven = await drive(ends(true), [started(), completed(0)], live);
    expect(line(driven.history)).toBe(
      'run_started activity_scheduled0:audit patched activity_completed0 run_continued',
    );
    await expectSameAgain(ends(true), driven);
  });

  it('F11, F19, F21: who only reads, and who makes the object, cannot ask', async () => {
    const mistakes: readonly [string, WorkflowDefinition][] = [
      ['condition', workflow(({ ctx }) => ctx.condition(() => ctx.patched('p')))],
      ['side effect', workflow(async ({ ctx }) => ctx.sideEffect(() => ctx.patched('p')))],
      ['constructor', workflow(async () => 1, { construct: ({ ctx }) => void ctx.patched('p') })],
    ];
    for (const [where, definition] of mistakes) {
      const { fold } = await drive(definition, [started()]);
      expect([where, fold.fault?.name]).toEqual([where, WorkflowMistakeError.name]);
    }
    const asked = workflow(({ ctx }) => ctx.sleep(1), { queries: { q: (_, { ctx }) => ctx.patched('p') } });
    const { fold } = await drive(asked, [started()]);
    expect(() => fold.query('q', [])).toThrow(TypeError);
  });

  it.each(['', 'x'.repeat(256), 'a\u0000b', 7, undefined])('refuses the id %j', async (id) => {
    for (const call of ['patched', 'deprecatePatch'] as const) {
      const { fold } = await drive(
        workflow(async ({ ctx }) => void ctx[call](id as string)),
        [started()],
      );
      expect(fold.fault).toBeInstanceOf(WorkflowMistakeError);
      expect(fold.fault?.message).toContain(`ctx.${call}: the id of a patch must`);
    }
  });
});
