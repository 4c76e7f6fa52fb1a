import { describe, expect, it } from '@jest/globals';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { gate } from '../support/gate.js';
import { openStages } from '../support/open-stages.js';
import { activity } from '../support/stage.js';
import type { ScriptedWorkflow, Stage, StageOptions } from '../support/stage.js';

const attempt: ScriptedWorkflow = {
  make: ({ ctx, act }) => ({
    run: () =>
      ctx
        .saga(async () => {
          for (const name of ['a', 'b', 'c']) await act('take', name);
          throw new Error('no more');
        })
        .catch((error: Error) => error.message),
  }),
};

describe.each(['sticky', 'always replay'] as const)('a saga in a worker, %s', (residency) => {
  const openStage = openStages();
  const settings = { residency, leaseTimeout: 200, heartbeatInterval: 50 };
  const open = (options: StageOptions): Promise<Stage> => openStage({ ...options, settings });

  it('F36: a worker that dies in the middle of undoing: the next one undoes the rest, each step once', async () => {
    const store = new InMemoryStore();
    const given: string[] = [];
    const reached = gate();
    let dies = true;
    const back = activity('give back', async (_, name: string) => {
      if (name === 'b' && dies) {
        reached.open();
        return new Promise(() => {});
      }
      given.push(name);
      return null;
    });
    const activities = [activity('take', (_, name: string) => name, { compensation: back }), back];
    const options = { activities, workflows: [attempt] };
    const first = await open({ ...options, journal: new InMemoryJournal(store) });
    await first.client.start('scripted', undefined, { id: 'w' });
    await reached.opened;
    await first.crash();
    dies = false;
    const second = await open({ ...options, journal: new InMemoryJournal(store) });
    expect(await second.client.handle('w').result()).toBe('no more');
    expect(given).toEqual(['c', 'b', 'a']);
  });
});
