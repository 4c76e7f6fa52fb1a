import { describe, expect, it } from '@jest/globals';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { JournalUnavailableError } from '../../lib/journal/index.js';
import { ManualClock } from '../../lib/testing/index.js';
import { gate } from '../support/gate.js';
import { heldActivity } from '../support/held-activity.js';
import { openStages } from '../support/open-stages.js';
import { scriptedJournal } from '../support/scripted-journal.js';
import type { ScriptedWorkflow } from '../support/stage.js';

const LEASE = 60_000;
const works: ScriptedWorkflow = { make: ({ act }) => ({ run: () => act('work') }) };

describe('An activity that takes longer than a lease', () => {
  const open = openStages();

  it('counts, once, though others look for dead workers and every third heartbeat fails', async () => {
    const clock = new ManualClock();
    const store = new InMemoryStore({ clock: clock.now });
    const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
    const work = heldActivity('work', 'done', { retry: { maxAttempts: 1 } });
    const settings = { leaseTimeout: LEASE, heartbeatInterval: 20 };
    const options = { activities: [work.handler], workflows: [works], settings };
    const stage = await open({ ...options, journal });
    const handle = await stage.client.start('scripted');
    await work.begun;

    const others = scriptedJournal(new InMemoryJournal(store));
    const rescues = gate();
    let looked = 0;
    others.detour('rescue', async (real, namespace) => {
      const found = await real(namespace);
      if (++looked === 5) rescues.open();
      return found;
    });
    await open({ ...options, journal: others.journal });
    const outlived = gate();
    let beats = 0;
    detour('heartbeat', async (real, owner) => {
      if (++beats === 20) outlived.open();
      // Two of these are less than a lease, twenty are several.
      clock.advance(LEASE / 4);
      if (beats % 3 === 0) throw new JournalUnavailableError('connection reset', false);
      return await real(owner);
    });
    await Promise.all([outlived.opened, rescues.opened]);
    work.letGo();
    await expect(handle.result()).resolves.toBe('done');
    expect(work.attempts).toBe(1);
    expect(stage.recorder.count('worker lost')).toBe(0);
  });
});
