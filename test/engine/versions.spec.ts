import { afterEach, describe, expect, it } from '@jest/globals';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { activity, Stage } from '../support/stage.js';
import type { ScriptedWorkflow } from '../support/stage.js';

/** Waits for a signal, then does what its version does. */
const versioned = (version: number): ScriptedWorkflow => ({
  version,
  signals: ['go'],
  make: ({ ctx, act }) => {
    let gone = false;
    return {
      go: () => void (gone = true),
      run: async () => {
        await ctx.condition(() => gone);
        return act('work', `version ${version}`);
      },
    };
  },
});

describe('versions of a workflow', () => {
  const stages: Stage[] = [];
  const store = new InMemoryStore();
  const worker = async (...versions: readonly number[]): Promise<Stage> => {
    const stage = await Stage.open({
      journal: new InMemoryJournal(store),
      activities: [activity('work', (_, name: string) => name)],
      workflows: versions.map(versioned),
    });
    stages.push(stage);
    return stage;
  };
  afterEach(async () => {
    for (const stage of stages.splice(0)) await stage.close();
  });

  it('stand side by side: a new run begins with the newest, and open ones keep theirs', async () => {
    const before = await worker(1);
    const old = await before.client.start('scripted');
    await before.close();
    stages.splice(0);
    const both = await worker(1, 2);
    const fresh = await both.client.start('scripted');
    for (const { workflowId } of [old, fresh]) await both.client.handle(workflowId).signal('go');
    expect(await both.client.handle(old.workflowId).result()).toBe('version 1');
    expect(await fresh.result()).toBe('version 2');
  });

  it('are taken up only by who has them: a run that nobody serves stays as it is, and goes on when one comes', async () => {
    const before = await worker(1);
    const { workflowId } = await before.client.start('scripted');
    await before.close();
    stages.splice(0);
    const newer = await worker(2);
    await newer.client.handle(workflowId).signal('go');
    // It has done something else meanwhile, and not this.
    const fresh = await newer.client.start('scripted');
    await fresh.signal('go');
    expect(await fresh.result()).toBe('version 2');
    const description = await newer.client.describe(workflowId);
    expect(description).toMatchObject({
      state: 'running',
      version: 1,
      blocked: null,
      inbox: { owner: null },
    });
    expect(newer.recorder.count('turn failed')).toBe(0);
    const again = await worker(1);
    expect(await again.client.handle(workflowId).result()).toBe('version 1');
  });
});
