import { describe, expect, it } from '@jest/globals';
import { WorkflowFailure } from '../../lib/core/index.js';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { gate } from '../support/gate.js';
import { openStages } from '../support/open-stages.js';
import { activity } from '../support/stage.js';
import type { ScriptedWorkflow, Stage } from '../support/stage.js';

/** One after another, or side by side, over one journal. */
describe('A worker with aliases', () => {
  const open = openStages();

  const order = (names: { name: string; aliases?: string[] }, pay: string): ScriptedWorkflow => ({
    ...names,
    signals: ['approve'],
    queries: ['status', 'calledBy'],
    make: ({ ctx, act }) => {
      let approved: unknown = null;
      return {
        status: () => approved,
        calledBy: () => ctx.info.workflow,
        approve: (by: unknown) => {
          approved = by;
        },
        run: async (input: unknown) => {
          const paid = await act(pay, input);
          await ctx.condition(() => approved !== null);
          if (approved === 'nobody') throw new WorkflowFailure('refused');
          return [paid, await act('ship')];
        },
      };
    },
  });
  const yesterday = order({ name: 'order' }, 'pay');
  const today = order({ name: 'purchase', aliases: ['order'] }, 'charge');
  const undone: unknown[] = [];
  const activitiesOf = (names: {
    pay: string;
    unpay: string;
    aliases?: { pay: string[]; unpay: string[] };
  }) => {
    const { aliases } = names;
    const undo = (_: unknown, result: unknown): void => void undone.push([names.unpay, result]);
    const compensation = activity(names.unpay, undo, { aliases: aliases?.unpay });
    const paying = (_: unknown, amount: unknown): string => `${names.pay} ${String(amount)}`;
    return [
      activity(names.pay, paying, { compensation, aliases: aliases?.pay }),
      compensation,
      activity('ship', () => 'shipped'),
    ];
  };
  const before = activitiesOf({ pay: 'pay', unpay: 'unpay' });
  const after = activitiesOf({
    pay: 'charge',
    unpay: 'refund',
    aliases: { pay: ['pay'], unpay: ['unpay'] },
  });
  const isWaiting = async (stage: Stage, id: string): Promise<void> => {
    while (
      (await stage.client
        .handle(id)
        .query('status')
        .catch(() => undefined)) !== null
    );
    while ((await stage.client.handle(id).history()).length < 3);
  };

  it('goes on with runs, compensations and queries under the old names, which stay as they are stored', async () => {
    const store = new InMemoryStore();
    const old = await open({
      journal: new InMemoryJournal(store),
      workflows: [yesterday],
      activities: before,
    });
    for (const id of ['kept', 'undone']) await old.client.start('order', 7, { id });
    for (const id of ['kept', 'undone']) await isWaiting(old, id);
    await old.runtime.close();

    const stage = await open({ journal: new InMemoryJournal(store), workflows: [today], activities: after });
    const kept = stage.client.handle('kept');
    expect(await kept.query('calledBy')).toBe('order');
    await kept.signal('approve', 'Kim');
    expect(await kept.result()).toEqual(['pay 7', 'shipped']);
    expect(await kept.describe()).toMatchObject({ workflow: 'order' });
    await stage.client.handle('undone').signal('approve', 'nobody');
    await expect(stage.client.handle('undone').result()).rejects.toMatchObject({ rollback: 'complete' });
    expect(undone.splice(0)).toEqual([['refund', 'pay 7']]);
    const scheduled = (await stage.client.handle('undone').history()).flatMap(({ entry }) =>
      entry.type === 'activity_scheduled' ? [entry.name] : [],
    );
    expect(scheduled).toEqual(['pay', 'unpay']);
    expect(stage.recorder.count('turn failed')).toBe(0);
  });

  it('starts under the new name, whichever name it is asked by', async () => {
    const stage = await open({ workflows: [today], activities: after });
    for (const name of ['order', 'purchase']) {
      const handle = await stage.client.start(name, 7);
      expect(await handle.describe()).toMatchObject({ workflow: 'purchase' });
      await handle.signal('approve', 'Kim');
      expect(await handle.result()).toEqual(['charge 7', 'shipped']);
    }
  });

  it('makes attempts that were under way under the old name, within one limit for all names', async () => {
    const store = new InMemoryStore();
    const going = gate();
    const first: ScriptedWorkflow = {
      make: ({ act }) => ({ run: () => act('pay', 1) }),
    };
    const old = await open({
      journal: new InMemoryJournal(store),
      workflows: [first],
      activities: [
        activity('pay', () => {
          going.open();
          return new Promise(() => {});
        }),
      ],
      settings: { leaseTimeout: 300, heartbeatInterval: 50 },
    });
    const { workflowId } = await old.client.start('scripted');
    await going.opened;
    await old.crash();
    let most = 0;
    let now = 0;
    const charge = activity(
      'charge',
      async () => {
        most = Math.max(most, ++now);
        await Promise.resolve();
        now--;
        return 'charged';
      },
      { aliases: ['pay'], concurrency: 1 },
    );
    const stage = await open({
      journal: new InMemoryJournal(store),
      workflows: [{ make: ({ act }) => ({ run: () => act('charge', 1) }) }],
      activities: [charge],
    });
    const others = [1, 2, 3].map(() => stage.client.execute('scripted'));
    expect(await stage.client.handle(workflowId).result()).toBe('charged');
    await Promise.all(others);
    expect(most).toBe(1);
  });

  it('continues under the new name, so that no run has the old one at the end', async () => {
    const store = new InMemoryStore();
    const monthly = (names: { name: string; aliases?: string[] }): ScriptedWorkflow => ({
      ...names,
      make: ({ ctx }) => ({
        run: async (month: unknown) => {
          await ctx.waitForSignal('next');
          return month === 3 ? 'over' : ctx.continueAsNew((month as number) + 1);
        },
      }),
    });
    const old = await open({ journal: new InMemoryJournal(store), workflows: [monthly({ name: 'plan' })] });
    const { workflowId } = await old.client.start('plan', 1, { id: 'plan-1' });
    await old.runtime.close();
    const stage = await open({
      journal: new InMemoryJournal(store),
      workflows: [monthly({ name: 'subscription', aliases: ['plan'] })],
    });
    const handle = stage.client.handle(workflowId);
    for (let n = 0; n < 3; n++) await handle.signal('next');
    expect(await handle.result()).toBe('over');
    const { runs } = await stage.client.list({ where: { id: workflowId }, orderBy: 'oldest' });
    expect(runs.map(({ workflow }) => workflow)).toEqual(['plan', 'subscription', 'subscription']);
  });
});
