import { describe, expect, it, jest } from '@jest/globals';
import { UnservedWatch } from '../../lib/dispatch/index.js';
import { InMemoryJournal } from '../../lib/journal/in-memory/index.js';
import type { Claim } from '../../lib/journal/index.js';
import { SchemaError } from '../../lib/journal/index.js';
import { Workflow } from '../../lib/nest/index.js';
import { gate } from '../support/gate.js';
import { heldActivity } from '../support/held-activity.js';
import { openStages } from '../support/open-stages.js';
import { scriptedJournal } from '../support/scripted-journal.js';
import { Stage } from '../support/stage.js';
import type { ScriptedWorkflow } from '../support/stage.js';

const works: ScriptedWorkflow = { make: ({ act }) => ({ run: () => act('work') }) };
const quick: ScriptedWorkflow = { name: 'quick', make: () => ({ run: () => Promise.resolve('done') }) };

@Workflow({ name: 'elsewhere' })
class Elsewhere {
  run(): Promise<string> {
    return Promise.resolve('done');
  }
}

describe('Closing', () => {
  const open = openStages();

  it('gives back at once what a claim brings after the stop, and renews nothing', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const work = heldActivity('work', 'done');
    const stage = await open({
      journal,
      activities: [work.handler],
      workflows: [works, quick],
      settings: { heartbeatInterval: 20 },
    });
    const working = await stage.client.start('scripted');
    await work.begun;
    const claimed = gate<readonly Claim[]>();
    const answer = gate();
    detour('claim', async (real, request) => {
      const claims = await real(request);
      if (claims.length === 0) return claims;
      claimed.open(claims);
      await answer.opened;
      return claims;
    });
    const late = await stage.client.start('quick', undefined, { startAt: new Date(Date.now() - 1) });
    expect(await claimed.opened).toHaveLength(1);
    const closing = stage.runtime.close();
    answer.open();
    await stage.recorder.until('run released', ({ run }) => run.runId === late.runId);
    // Another worker takes it up while this one still works.
    const other = await open({ journal, workflows: [quick] });
    await expect(other.client.handle(late.workflowId).result()).resolves.toBe('done');
    // Heartbeats go on, and bring no doubt.
    const beats = gate();
    let count = 0;
    detour('heartbeat', async (real, id) => {
      const told = await real(id);
      if (++count === 6) beats.open();
      return told;
    });
    await beats.opened;
    work.letGo();
    await closing;
    await expect(other.client.handle(working.workflowId).result()).resolves.toBe('done');
    expect(work.attempts).toBe(1);
    expect(stage.recorder.count('worker lost')).toBe(0);
  });

  it('claims nothing where it is closed while it still begins', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const registering = gate();
    const answer = gate();
    detour('register', async (real, session) => {
      registering.open();
      await answer.opened;
      return real(session);
    });
    let claims = 0;
    detour('claim', (real, request) => {
      claims++;
      return real(request);
    });
    const stage = await Stage.prepare({ journal, workflows: [quick] });
    const starting = stage.runtime.startWorker();
    await registering.opened;
    await stage.runtime.stopClaiming();
    answer.open();
    await starting;
    expect(stage.runtime.engine?.accepting ?? false).toBe(false);
    await stage.close();
    expect(claims).toBe(0);
  });

  it('says what it is where a result is asked for while an application closes whose worker never began', async () => {
    const stage = await Stage.prepare({ workflows: [quick] });
    await expect(stage.client.execute('quick')).rejects.toThrow('has not begun');
    await stage.runtime.stopClaiming();
    const handle = await stage.client.start('quick');
    const told = /is closing, and the worker of this process does not begin/;
    await Promise.all(
      [stage.client.execute('quick'), handle.result()].map((waiting) =>
        expect(waiting).rejects.toThrow(told),
      ),
    );
    await stage.close();
  });

  it('ends the session without the look for runs that nobody serves', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const looking = gate();
    const watch = jest.spyOn(UnservedWatch.prototype, 'stop').mockReturnValue(looking.opened);
    const ended = gate();
    detour('unregister', async (real, worker) => {
      await real(worker);
      ended.open();
    });
    const settings = { shutdownTimeout: 600_000 };
    const stage = await open({ journal, workflows: [quick], settings });
    const closing = stage.runtime.close();
    await ended.opened;
    looking.open();
    await closing;
    watch.mockRestore();
  });

  it('counts a run that continues as one which this worker lacks among those that it gives back', async () => {
    const elsewhere = heldActivity('work', 'done');
    const continues: ScriptedWorkflow = {
      make: ({ ctx, act }) => ({
        run: () => act('work').then(() => ctx.continueAsNew(Elsewhere)),
      }),
    };
    const stage = await open({ activities: [elsewhere.handler], workflows: [continues] });
    await stage.client.start('scripted');
    await elsewhere.begun;
    const closing = stage.runtime.close();
    elsewhere.letGo();
    await closing;
    const drained = await stage.recorder.until('worker drained');
    expect(drained).toMatchObject({ givenBack: 1, ended: 0, left: 0 });
  });

  it('is bounded, whatever the journal does not answer', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const work = heldActivity('work', 'never told');
    const stage = await open({
      journal,
      activities: [work.handler],
      workflows: [works],
      settings: { shutdownTimeout: 100, heartbeatInterval: 20 },
    });
    await stage.client.start('scripted');
    await work.begun;
    const silent = (): Promise<never> => new Promise(() => {});
    const hangs = gate();
    for (const verb of ['claim', 'commit', 'rescue', 'unregister', 'notify', 'refence', 'send'] as const)
      detour(verb, silent);
    detour('heartbeat', () => {
      hangs.open();
      return silent();
    });
    await hangs.opened;
    const before = performance.now();
    await stage.runtime.close();
    expect(performance.now() - before).toBeLessThan(5_100);
  });

  it('keeps other runs where one cannot be blocked because its history cannot be written', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const work = heldActivity('work', 'done');
    const stage = await open({
      journal,
      activities: [work.handler],
      workflows: [works, { name: 'waits', make: ({ ctx }) => ({ run: () => ctx.waitForSignal('go') }) }],
    });
    const working = await stage.client.start('scripted');
    const waits = await stage.client.start('waits');
    await work.begun;
    const often = gate();
    let refusals = 0;
    let isBroken = true;
    detour('commit', (real, turns, options) => {
      if (!isBroken) return real(turns, options);
      if (++refusals === 8) often.open();
      return Promise.reject(new SchemaError('permission denied for table history'));
    });
    await waits.signal('go', 'gone');
    await often.opened;
    expect(stage.recorder.count('worker lost')).toBe(0);
    isBroken = false;
    work.letGo();
    await expect(working.result()).resolves.toBe('done');
    await expect(waits.result()).resolves.toBe('gone');
    expect(work.attempts).toBe(1);
    expect(stage.recorder.count('worker registered')).toBe(1);
  });
});
