import { describe, expect, it } from '@jest/globals';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import type { Journal } from '../../lib/journal/index.js';
import { openStages } from '../support/open-stages.js';
import { activity } from '../support/stage.js';
import type { ScriptedWorkflow } from '../support/stage.js';

const waits: ScriptedWorkflow = {
  name: 'waits',
  signals: ['go'],
  make: ({ ctx, act }) => ({
    go: () => undefined,
    run: () => act('do').then(() => ctx.condition(() => false)),
  }),
};

describe('a run that ends between its claim and the reading of its history', () => {
  const open = openStages();
  const activities = [activity('do', () => null)];

  it('is left as it is: nothing fails', async () => {
    const store = new InMemoryStore();
    const first = await open({ journal: new InMemoryJournal(store), activities, workflows: [waits] });
    const { workflowId } = await first.client.start('waits', null);
    await first.recorder.until('turn committed', ({ entries }) => entries === 1);
    await first.runtime.drain();
    await first.client.handle(workflowId).signal('go');

    const own = new InMemoryJournal(store);
    let loads = 0;
    const journal: Journal = new Proxy(own, {
      get(target, verb) {
        const value: unknown = Reflect.get(target, verb);
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]) => {
          if (verb === 'load' && loads++ === 0) await first.client.handle(workflowId).terminate();
          return await (Reflect.apply(value, target, args) as Promise<unknown>);
        };
      },
    });
    const second = await open({ journal, activities, workflows: [waits] });
    await second.recorder.until('lease lost');
    expect(loads).toBeGreaterThan(0);
    expect(second.recorder.events.filter(({ type }) => type === 'turn failed')).toEqual([]);
    expect((await second.client.describe(workflowId)).state).toBe('terminated');
  });
});
