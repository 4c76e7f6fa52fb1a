import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { WorkflowContext } from '../../lib/core/index.js';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { Workflow } from '../../lib/nest/index.js';
import { openStages } from '../support/open-stages.js';
import { scriptedJournal } from '../support/scripted-journal.js';
import type { ScriptedWorkflow, Stage } from '../support/stage.js';

@Workflow({ name: 'scripted', version: 1 })
class First {
  run(_: WorkflowContext, input: number): Promise<string> {
    return Promise.resolve(`${input}`);
  }
}

/** Continues with each signal, and ends with the third one. Tells which versions it had. */
const monthly = (version: number, named = false): ScriptedWorkflow => ({
  version,
  make: ({ ctx }) => ({
    run: async (input) => {
      const versions = [...(input as number[]), version];
      await ctx.waitForSignal('next');
      if (versions.length === 3) return versions;
      return named ? ctx.continueAsNew(First as never, versions as never) : ctx.continueAsNew(versions);
    },
  }),
});

const settings = { heartbeatInterval: 20, leaseTimeout: 60_000 };

describe('A run that continues while a deploy is under way', () => {
  const open = openStages();

  /** A worker of the day before, which knows what others have from its heartbeats alone. */
  async function yesterdays(
    store: InMemoryStore,
    residency: 'sticky' | 'always replay' = 'sticky',
    named = false,
  ) {
    const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
    const heard = { newest: -1 };
    detour('heartbeat', async (real, owner) => {
      const answer = await real(owner);
      if (answer.type === 'alive') heard.newest = answer.newer[0]?.version ?? 0;
      return answer;
    });
    const stage = await open({
      journal,
      workflows: [monthly(1, named)],
      settings: { ...settings, residency },
    });
    /** Until the worker has heard that this is the newest version of others; 0: that there is none. */
    const hears = async (version: number): Promise<void> => {
      while (heard.newest !== version) await setImmediate();
      // Its engine hears it next.
      await setImmediate();
    };
    return { stage, hears };
  }
  const todays = (store: InMemoryStore): Promise<Stage> =>
    open({
      journal: new InMemoryJournal(store),
      // It has the version of the day before as well, for the runs that are open.
      workflows: [monthly(1), monthly(2)],
      settings,
    });
  const runsOf = async (stage: Stage, id: string): Promise<readonly (readonly [number, string])[]> => {
    const { runs } = await stage.client.list({ where: { id }, orderBy: 'oldest' });
    return runs.map(({ version, state }) => [version, state] as const);
  };
  const untilContinued = async (stage: Stage, id: string, times: number): Promise<void> => {
    while ((await runsOf(stage, id)).length <= times) await setImmediate();
  };

  it.each(['sticky', 'always replay'] as const)(
    'goes on in the newest version of the fleet, at a worker that has it (%s)',
    async (residency) => {
      const store = new InMemoryStore();
      const { stage: old, hears } = await yesterdays(store, residency);
      const handle = await old.client.start('scripted', [], { id: 'plan' });
      await handle.signal('next');
      await untilContinued(old, 'plan', 1);
      const today = await todays(store);
      await hears(2);
      await handle.signal('next');
      await untilContinued(old, 'plan', 2);
      await handle.signal('next');
      expect(await handle.result()).toEqual([1, 1, 2]);
      expect(await runsOf(old, 'plan')).toEqual([
        [1, 'continued'],
        [1, 'continued'],
        [2, 'completed'],
      ]);
      // It was left to others in the commit that continued, and nobody had to give it back.
      expect(today.recorder.count('run claimed')).toBeGreaterThan(0);
      expect(old.recorder.count('turn failed') + today.recorder.count('turn failed')).toBe(0);
    },
  );

  it('stays where it is when the only workers with a newer version are leaving', async () => {
    const store = new InMemoryStore();
    const { stage: old, hears } = await yesterdays(store);
    const today = await todays(store);
    await hears(2);
    // The deploy is rolled back.
    await today.runtime.stopClaiming();
    await hears(0);
    const handle = await old.client.start('scripted', [], { id: 'plan' });
    for (let n = 0; n < 3; n++) await handle.signal('next');
    expect(await handle.result()).toEqual([1, 1, 1]);
    expect(old.recorder.count('run claimed')).toBe(0);
  });

  it('stays where it is when they were not heard of for two heartbeats, long before their sessions end', async () => {
    const store = new InMemoryStore();
    const { stage: old, hears } = await yesterdays(store);
    const today = await todays(store);
    await hears(2);
    await today.runtime.engine?.abandon();
    await hears(0);
    const handle = await old.client.start('scripted', [], { id: 'plan' });
    for (let n = 0; n < 3; n++) await handle.signal('next');
    expect(await handle.result()).toEqual([1, 1, 1]);
  });

  it('goes on in the version that it names', async () => {
    const store = new InMemoryStore();
    const { stage: old, hears } = await yesterdays(store, 'sticky', true);
    await todays(store);
    await hears(2);
    const handle = await old.client.start('scripted', [], { id: 'plan' });
    await handle.signal('next');
    await untilContinued(old, 'plan', 1);
    expect(await runsOf(old, 'plan')).toEqual([
      [1, 'continued'],
      [1, 'running'],
    ]);
  });
});
