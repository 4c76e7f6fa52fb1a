import { describe, expect, it } from '@jest/globals';
import { UnservedWatch } from '../../lib/dispatch/index.js';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { openStages } from '../support/open-stages.js';
import { Recorder } from '../support/stage.js';
import type { ScriptedWorkflow } from '../support/stage.js';

const waits: ScriptedWorkflow = {
  name: 'waits',
  version: 2,
  signals: ['go'],
  make: ({ ctx }) => {
    let gone = false;
    return { go: () => void (gone = true), run: () => ctx.condition(() => gone) };
  },
};

describe('Runs that nobody serves', () => {
  const open = openStages();

  it('are told once for each workflow and version, and go on when a worker with it comes', async () => {
    const store = new InMemoryStore();
    const first = await open({ journal: new InMemoryJournal(store), workflows: [waits] });
    const handles = await Promise.all([1, 2].map(() => first.client.start('waits', null)));
    const other = await open({ journal: new InMemoryJournal(store), workflows: [{ ...waits, version: 3 }] });
    const recorder = new Recorder();
    const watch = new UnservedWatch(other.journal, 'default', recorder, 60_000, other.runtime.journalRetry);
    await watch.look();
    expect(recorder.events).toEqual([]);
    await first.runtime.drain();
    await watch.look();
    await watch.look();
    expect(recorder.events).toEqual([{ type: 'workflow not served', workflow: 'waits', version: 2 }]);
    const [run] = (await other.client.list({ where: { served: false } })).runs;
    expect(run).toMatchObject({ workflow: 'waits', version: 2, state: 'running' });
    const handle = other.client.handle(handles[0]!.workflowId);
    expect((await handle.describe()).waitingFor[0]).toMatchObject({ kind: 'unserved' });
    await expect(handle.result({ timeout: 5 })).rejects.toMatchObject({
      served: false,
      waitingFor: expect.stringContaining('No live worker has "waits" version 2'),
    });
    await open({ journal: new InMemoryJournal(store), workflows: [waits] });
    await handle.signal('go');
    expect(await handle.result()).toBe(true);
    await watch.stop();
  });
});
