import { afterEach, describe, expect, it } from '@jest/globals';
import { WorkflowCancelledError, WorkflowTerminatedError } from '../../lib/client/index.js';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import type { Journal } from '../../lib/journal/index.js';
import { heldActivity } from '../support/held-activity.js';
import { scriptedJournal } from '../support/scripted-journal.js';
import { activity, Stage } from '../support/stage.js';
import type { ScriptedWorkflow } from '../support/stage.js';

/*
 * A process that dies right after its commit tells nobody of it. What it has committed is found all the same: everything
 * that a hint tells is in the tables too.
 */

const waits: ScriptedWorkflow = {
  make: ({ ctx, act }) => ({ run: async () => act('see', await ctx.waitForSignal('go')) }),
};
const works: ScriptedWorkflow = { name: 'works', make: ({ act }) => ({ run: () => act('work') }) };

describe('Where no hint of another process arrives', () => {
  const stages: Stage[] = [];
  afterEach(async () => {
    for (const stage of stages.splice(0)) await stage.close();
  });

  /** Writes into `store`, and tells nobody. */
  const silent = (store: InMemoryStore): Journal => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
    detour('notify', () => Promise.resolve());
    return journal;
  };
  const pair = async (parkAfter: number) => {
    const store = new InMemoryStore();
    const work = heldActivity('work', 'done');
    const worker = await Stage.open({
      journal: silent(store),
      workflows: [waits, works],
      activities: [work.handler, activity('see', (_, value: unknown) => value)],
      settings: { parkAfter, heartbeatInterval: 50 },
    });
    stages.push(worker);
    const sender = await Stage.open({ journal: silent(store), workflows: [waits, works], worker: false });
    stages.push(sender);
    return { worker, sender, work };
  };

  it.each([
    ['is in memory', 60_000, 'turn committed'],
    ['has left', 10, 'run released'],
  ] as const)(
    'a start, a signal and the result find their ways while the run %s',
    async (_, parkAfter, at) => {
      const { worker, sender } = await pair(parkAfter);
      const handle = await sender.client.start('scripted');
      const result = handle.result();
      await worker.recorder.until(at);
      await handle.signal('go', 'gone');
      await expect(result).resolves.toBe('gone');
    },
    20_000,
  );

  it('a cancel and a termination reach the worker that has the run at work', async () => {
    const { worker, sender, work } = await pair(60_000);
    for (const [verb, error] of [
      ['cancel', WorkflowCancelledError],
      ['terminate', WorkflowTerminatedError],
    ] as const) {
      const handle = await sender.client.start('works');
      await worker.recorder.until('activity attempt started', ({ run }) => run.runId === handle.runId);
      await handle[verb]();
      await expect(handle.result()).rejects.toBeInstanceOf(error);
      // It has let go of it as well: nothing of the run is left in this process.
      work.letGo();
      await worker.recorder.until(
        verb === 'cancel' ? 'run closed' : 'lease lost',
        ({ run }) => run.runId === handle.runId,
      );
    }
    expect(worker.recorder.count('worker lost')).toBe(0);
  }, 20_000);
});
