import { afterEach, describe, expect, it } from '@jest/globals';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { gate } from '../support/gate.js';
import type { Gate } from '../support/gate.js';
import { activity, Stage } from '../support/stage.js';
import type { ScriptedWorkflow } from '../support/stage.js';

describe('A run whose workers die', () => {
  const stages: Stage[] = [];
  const store = new InMemoryStore();
  const ended: string[] = [];
  let killing: Gate<void>;

  afterEach(async () => {
    for (const stage of stages.splice(0)) await stage.close();
    ended.length = 0;
  });

  /** `kills` begins and never ends: the test crashes the process there. `done` ends at once. `wait` ends when told. */
  async function process(workflow: ScriptedWorkflow, released: Gate<void> = gate()): Promise<Stage> {
    killing = gate();
    const opened = killing;
    const stage = await Stage.open({
      journal: new InMemoryJournal(store),
      activities: [
        activity(
          'kills',
          () => {
            opened.open();
            return new Promise(() => {});
          },
          { retry: { maxAttempts: 2, initialInterval: 1 } },
        ),
        activity('fails', () => Promise.reject(new Error('of itself')), { retry: { maxAttempts: 1 } }),
        activity('done', (_, name: string) => void ended.push(name)),
        activity('wait', () => released.opened, { retry: { maxAttempts: 9, initialInterval: 1 } }),
      ],
      workflows: [workflow],
      settings: { leaseTimeout: 300, heartbeatInterval: 50, parkAfter: 60_000 },
    });
    stages.push(stage);
    return stage;
  }
  const deathsOf = async (stage: Stage, id: string): Promise<number> =>
    (await stage.client.describe(id)).deaths?.count ?? 0;
  /** Once a turn has recorded what is asked for. */
  const recorded = async (stage: Stage, id: string, isIt: (type: string) => boolean): Promise<void> => {
    for (;;) {
      const committed = stage.recorder.count('turn committed');
      const history = await stage.client.handle(id).history();
      if (history.some(({ entry }) => isIt(entry.type))) return;
      await stage.recorder.until('turn committed', () => stage.recorder.count('turn committed') > committed);
    }
  };

  it('is not cleared by its other steps while the activity that was under way waits for its next attempt', async () => {
    const beside: ScriptedWorkflow = {
      make: ({ act }) => ({
        run: () => Promise.all([act('kills'), act('done', 'a').then(() => act('done', 'b'))]),
      }),
    };
    const first = await process(beside);
    await first.client.start('scripted', undefined, { id: 'beside' });
    await killing.opened;
    await first.crash();
    const second = await process(beside);
    // The steps beside it go on, and the activity is at its second attempt.
    await killing.opened;
    await recorded(second, 'beside', (type) => type === 'activity_completed');
    expect(await deathsOf(second, 'beside')).toBe(1);
    await second.crash();
    const third = await process(beside);
    await expect(third.client.handle('beside').result()).rejects.toMatchObject({
      cause: { cause: { name: 'AttemptLostError' } },
    });
    expect(third.recorder.events).toContainEqual(expect.objectContaining({ type: 'run claimed', deaths: 2 }));
  });

  it('is not cleared by the end of what was lost with its workers, but by the step after it', async () => {
    const onwards = gate();
    const next: ScriptedWorkflow = {
      make: ({ act }) => ({
        run: async () => {
          await act('kills').catch(() => undefined);
          await act('wait');
          await act('kills');
        },
      }),
    };
    const first = await process(next);
    await first.client.start('scripted', undefined, { id: 'next' });
    for (let current = first, i = 0; i < 2; i++) {
      await killing.opened;
      await current.crash();
      current = await process(next, onwards);
    }
    const last = stages.at(-1)!;
    await recorded(last, 'next', (type) => type === 'activity_failed');
    expect(await deathsOf(last, 'next')).toBe(2);
    onwards.open();
    await killing.opened;
    expect(await deathsOf(last, 'next')).toBe(0);
    await last.client.handle('next').terminate();
  });

  it('is cleared by a signal where nothing was under way', async () => {
    const waits: ScriptedWorkflow = {
      signals: ['note'],
      make: ({ ctx }) => {
        let notes = 0;
        return {
          note: () => void notes++,
          run: () => ctx.condition(() => notes === 3),
        };
      },
    };
    const first = await process(waits);
    const handle = await first.client.start('scripted', undefined, { id: 'waits' });
    await handle.signal('note');
    await recorded(first, 'waits', (type) => type === 'signal_received');
    await first.crash();
    const second = await process(waits);
    await second.recorder.until('run claimed', ({ deaths }) => deaths === 1);
    expect(await deathsOf(second, 'waits')).toBe(1);
    await second.client.handle('waits').signal('note');
    await second.recorder.until('turn committed');
    expect(await deathsOf(second, 'waits')).toBe(0);
    await second.client.handle('waits').terminate();
  });
});
