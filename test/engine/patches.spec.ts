import { afterEach, describe, expect, it } from '@jest/globals';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { activity, Stage } from '../support/stage.js';
import type { ScriptedWorkflow, StageOptions } from '../support/stage.js';

/** Ships after an approval; since the patch it checks for fraud first. */
const order = (patched: boolean): ScriptedWorkflow => ({
  signals: ['approve'],
  make: ({ ctx, act }) => {
    let approvals = 0;
    return {
      approve: () => void approvals++,
      run: async () => {
        const done: unknown[] = [];
        for (let i = 1; i <= 3; i++) {
          if (patched && ctx.patched(`check:${i}`)) done.push(await act('check'));
          await ctx.condition(() => approvals >= i);
          done.push(await act('ship'));
        }
        return done;
      },
    };
  },
});

describe.each(['sticky', 'always replay'] as const)('patches, %s', (residency) => {
  const stages: Stage[] = [];
  const open = async (options: StageOptions): Promise<Stage> => {
    const stage = await Stage.open({ ...options, settings: { residency, ...options.settings } });
    stages.push(stage);
    return stage;
  };
  const activities = [activity('check', () => 'checked'), activity('ship', () => 'shipped')];
  afterEach(async () => {
    for (const stage of stages.splice(0)) await stage.close();
  });

  it('F18: a run that is under way when the patch is deployed keeps what it did, and takes the new way from there', async () => {
    const store = new InMemoryStore();
    const worker = (patched: boolean) =>
      open({ journal: new InMemoryJournal(store), activities, workflows: [order(patched)] });
    const before = await worker(false);
    const { workflowId } = await before.client.start('scripted');
    await before.recorder.until('turn committed');
    await before.close();
    stages.splice(0);

    const after = await worker(true);
    const handle = after.client.handle(workflowId);
    for (let i = 0; i < 3; i++) await handle.signal('approve');
    expect(await handle.result()).toEqual(['shipped', 'checked', 'shipped', 'checked', 'shipped']);
    const notes = (await handle.history()).flatMap(({ entry }) =>
      entry.type === 'patched' ? [entry.name] : [],
    );
    expect(notes).toEqual(['check:2', 'check:3']);
  });

  it('F18: a worker that dies takes no answer with it', async () => {
    const store = new InMemoryStore();
    const settings = { leaseTimeout: 200, heartbeatInterval: 50 };
    const options = { activities, workflows: [order(true)], settings };
    const first = await open({ ...options, journal: new InMemoryJournal(store) });
    const { workflowId } = await first.client.start('scripted');
    await first.client.handle(workflowId).signal('approve');
    await first.recorder.until('activity attempt started', ({ activity: name }) => name === 'ship');
    await first.crash();
    const second = await open({ ...options, journal: new InMemoryJournal(store) });
    const handle = second.client.handle(workflowId);
    for (let i = 0; i < 2; i++) await handle.signal('approve');
    expect(await handle.result()).toEqual(['checked', 'shipped', 'checked', 'shipped', 'checked', 'shipped']);
  });
});
