import { describe, expect, it } from '@jest/globals';
import { NonDeterminismError } from '../../../lib/core/index.js';
import type { ChooseSuccessor, WorkflowDefinition } from '../../../lib/core/index.js';
import { Workflow } from '../../../lib/nest/index.js';
import { childCompleted } from '../../support/children-kit.js';
import {
  completed,
  Deliver,
  drive,
  expectSameAgain,
  failed,
  failureOf,
  feed,
  identity,
  line,
  refold,
  resultOf,
  Ship,
  signal,
  started,
  workflow,
} from '../../support/fold-kit.js';
import type { Driven, Steps, WorkflowSketch } from '../../support/fold-kit.js';

/*
 * F7: a workflow or an activity has got another name, and histories know it by the one it had. What the code asks for by the
 * new name is what was recorded under the old one, and stays recorded like that.
 */

@Workflow({ name: 'bill', version: 1 })
class Bill {
  run(_: unknown, amount: number): Promise<number> {
    return Promise.resolve(amount);
  }
}
@Workflow({ name: 'invoice', aliases: ['bill'], version: 1 })
class Invoice {
  run(_: unknown, amount: number): Promise<number> {
    return Promise.resolve(amount);
  }
}

/** Goes on with the history under the code of today. */
async function goOn(definition: WorkflowDefinition, { history }: Driven): Promise<Driven> {
  const fold = await refold(definition, history, { chooseSuccessor });
  if (fold.fault) throw fold.fault;
  return { fold, history: [...history] };
}
const chooseSuccessor: ChooseSuccessor = (_, version) => ({ runId: 'the next run', version: version ?? 1 });

const RENAMED: WorkflowSketch = { activityAliases: { charge: ['pay'], deliver: ['send', 'ship'] } };
const old = workflow(async ({ act }) => [await act('pay', 1), await act('ship', 2)]);
const renamed = (names = RENAMED): WorkflowDefinition =>
  workflow(async ({ act }) => [await act('charge', 1), await act('deliver', 2)], names);

describe('activities that were renamed', () => {
  it('F7: are those that the history knows by the old name, also where every command has to be exact', async () => {
    const run = await goOn(renamed(), await drive(old, [started(), completed(0, 'paid')]));
    await feed(run, completed(1, 'sent'));
    expect(resultOf(run)).toEqual(['paid', 'sent']);
    expect(line(run.history)).toBe(
      'run_started activity_scheduled0:pay activity_completed0 activity_scheduled1:ship activity_completed1 run_completed',
    );
    await expectSameAgain(renamed(), run);
    await expectSameAgain(old, run);
  });

  it('are recorded under the new name from then on', async () => {
    const run = await goOn(renamed(), await drive(old, [started()]));
    await feed(run, completed(0, 'paid'));
    expect(line(run.history)).toContain(
      'activity_scheduled0:pay activity_completed0 activity_scheduled1:deliver',
    );
    await expectSameAgain(renamed(), run);
  });

  it('are drift without the alias, and under the alias of something else', async () => {
    const run = await drive(old, [started(), completed(0), completed(1)]);
    for (const names of [{}, { activityAliases: { charge: ['ship'], deliver: ['pay'] } }]) {
      const { fault } = await refold(renamed(names), run.history, { strict: false });
      expect(fault).toBeInstanceOf(NonDeterminismError);
      expect(fault).toMatchObject({ recorded: 'activity_scheduled pay', asked: 'activity_scheduled charge' });
    }
  });

  it('F7: may come in another order and with other arguments, like any', async () => {
    const all = ({ act }: Steps, names: readonly string[]) =>
      Promise.all(names.map((name) => act(name, name.length)));
    const run = await drive(
      workflow((steps) => all(steps, ['pay', 'other', 'ship', 'pay'])),
      [started(), completed(2, 'sent')],
    );
    const reordered = await refold(
      workflow(async ({ act }) => {
        const parts = [act('deliver', 4), act('other', 5), act('charge', 3), act('charge', 3)];
        return Promise.all(parts);
      }, RENAMED),
      run.history,
      { strict: false },
    );
    expect(reordered.fault).toBeNull();
    expect(reordered.reordered).toBeGreaterThan(0);
    const changed = await refold(
      workflow((steps) => all(steps, ['charge', 'other', 'deliver', 'charge']), RENAMED),
      run.history,
      { strict: false },
    );
    expect(changed.fault).toBeNull();
    expect(changed.changedArguments).toBe(3);
  });

  it('fail with the same error as before, so that what the run came to is the same', async () => {
    const run = await drive(old, [started(), completed(0), failed(1, new RangeError('too heavy'))]);
    const again = await refold(renamed(), run.history);
    expect(again.fault).toBeNull();
    // The rollback has begun under the old code and ends under the new one.
    const rest = { fold: again, history: [...run.history] };
    await feed(rest, completed(2));
    expect(failureOf(rest)).toMatchObject({ name: 'ActivityFailure', activity: 'ship' });
    await expectSameAgain(renamed(), rest);
  });

  it('F20: are undone by what was recorded with them, with and without code', async () => {
    const run = await goOn(renamed(), await drive(old, [started(), completed(0)]));
    await feed(run, failed(1));
    expect(line(run.history).split(' ').slice(-2)).toEqual(['rollback_started', 'activity_scheduled2:unpay']);
    await expectSameAgain(renamed(), run);
    const withoutCode = await refold(renamed(), run.history, { withoutCode: true });
    expect(withoutCode.fault).toBeNull();
    expect([...withoutCode.progress.inFlight.keys()]).toEqual([2]);
  });

  it('are steps of a rollback that were added under the old name', async () => {
    const adding = (type: typeof Ship): WorkflowDefinition =>
      workflow(async ({ ctx, act }) => {
        ctx.onRollback(type, 'back');
        await act('wait');
      });
    const run = await goOn(adding(Deliver), await drive(adding(Ship), [started()]));
    await feed(run, failed(1));
    expect(line(run.history)).toMatch(/activity_scheduled2:Ship$/);
    await expectSameAgain(adding(Deliver), run);
    // The other way round it is drift: the old code has never heard of the new name.
    const fresh = await drive(adding(Deliver), [started()]);
    expect((await refold(adding(Ship), fresh.history)).fault).toBeInstanceOf(NonDeterminismError);
  });

  it('may be renamed in two deploys, so that old and new workers go on with each other’s runs', async () => {
    // First the old name with the new one as an alias, everywhere; then the other way round.
    const first = workflow(async ({ act }) => [await act('pay', 1), await act('ship', 2)], {
      activityAliases: { pay: ['charge'], ship: ['deliver'] },
    });
    const fresh = await drive(renamed(), [started(), completed(0)]);
    expect(line(fresh.history)).toContain(':charge');
    const run = await goOn(first, fresh);
    await feed(run, completed(1));
    await expectSameAgain(renamed(), run);
  });
});

describe('workflows that were renamed', () => {
  it('F7: are the children that were started under the old name', async () => {
    const parent = (type: typeof Bill | typeof Invoice): WorkflowDefinition =>
      workflow(async ({ ctx }) => {
        const handle = await ctx.startChild(type, 1);
        return (await handle.result()) + (await ctx.child(type, 2));
      });
    const before = await drive(parent(Bill), [
      started(),
      { type: 'child_accepted', at: 1, id: 0 },
      childCompleted(0, 10),
    ]);
    const run = await goOn(parent(Invoice), before);
    await feed(run, childCompleted(1, 20));
    expect(resultOf(run)).toBe(30);
    expect(run.history.filter(({ type }) => type === 'child_started')).toMatchObject([
      { name: 'bill' },
      { name: 'bill' },
    ]);
    await expectSameAgain(parent(Invoice), run);
    expect((await drive(parent(Invoice), [started()])).history[1]).toMatchObject({ name: 'invoice' });
  });

  it('F20: undo a child under the name that was recorded', async () => {
    const parent = (type: typeof Bill | typeof Invoice): WorkflowDefinition =>
      workflow(async ({ ctx, act }) => {
        // What undoes it gets its result and its input; of which type is of no interest here.
        await ctx.child(type, 1, { compensate: type as never });
        await act('ship');
      });
    const run = await goOn(parent(Invoice), await drive(parent(Bill), [started(), childCompleted(0, 1)]));
    await feed(run, failed(1));
    expect(run.history.at(-1)).toMatchObject({ type: 'child_started', name: 'bill', undoes: 0 });
    await expectSameAgain(parent(Invoice), run);
  });

  it('F16: continue under the new name, and what was recorded under the old one stands', async () => {
    const continuing = (sketch: WorkflowSketch, type?: typeof Bill | typeof Invoice): WorkflowDefinition =>
      workflow(async ({ ctx }) => {
        await ctx.waitForSignal('next');
        if (type) await ctx.continueAsNew(type, 1);
        await ctx.continueAsNew(1);
      }, sketch);
    const before = continuing({ name: 'bill' });
    const after = continuing({ name: 'invoice', aliases: ['bill'] });
    const closed = await drive(before, [started(), signal('next')], { chooseSuccessor });
    expect(closed.history.at(-1)).toMatchObject({ type: 'run_continued', workflow: 'bill' });
    expect((await refold(after, closed.history)).fault).toBeNull();
    const byClass = await drive(continuing({}, Bill), [started(), signal('next')], { chooseSuccessor });
    expect((await refold(continuing({}, Invoice), byClass.history)).fault).toBeNull();

    const open = await goOn(after, await drive(before, [started()]));
    await feed(open, signal('next'));
    expect(open.history.at(-1)).toMatchObject({ type: 'run_continued', workflow: 'invoice' });
    expect((await refold(before, open.history)).fault).toBeInstanceOf(NonDeterminismError);
  });

  it('keep the name in ctx.info that the run was started under, on which code may depend', async () => {
    const reading = (sketch: WorkflowSketch): WorkflowDefinition =>
      workflow(({ ctx, act }) => act('ship', ctx.info.workflow), sketch);
    const run = { ...identity, workflow: 'bill' };
    const before = await drive(reading({ name: 'bill' }), [started()], { run });
    const after = await refold(reading({ name: 'invoice', aliases: ['bill'] }), before.history, { run });
    expect(after.fault).toBeNull();
  });
});
