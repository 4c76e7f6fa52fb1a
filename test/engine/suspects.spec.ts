import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { ManualClock } from '../../lib/testing/index.js';
import type { Journal } from '../../lib/journal/index.js';
import { gate } from '../support/gate.js';
import type { Gate } from '../support/gate.js';
import { scriptedJournal } from '../support/scripted-journal.js';
import { activity, Stage } from '../support/stage.js';
import type { ScriptedWorkflow } from '../support/stage.js';

const named: ScriptedWorkflow = {
  make: ({ act }) => ({
    async run(input) {
      if (input === 'exits') return [await act('pay'), 'exit'];
      if (input !== 'paces') return act(String(input));
      while (!(await act('pace')));
      return 'paced';
    },
  }),
};

/** Long enough for every pause of a suspect. */
const PAUSE = 60_000;

describe('A run that three workers died with', () => {
  const stages: Stage[] = [];
  let store: InMemoryStore;
  let clock: ManualClock;
  let begun: string[];
  let kills: Gate<void>;
  /** Lets go of `kills`: it was none. */
  let spares: Gate<void>;
  let ends: Gate<void>;

  beforeEach(() => {
    clock = new ManualClock();
    store = new InMemoryStore({ clock: clock.now });
    begun = [];
    spares = gate();
    ends = gate();
  });
  afterEach(async () => {
    spares.open();
    ends.open();
    for (const stage of stages.splice(0)) await stage.close();
  });

  async function process(journal: Journal = new InMemoryJournal(store)): Promise<Stage> {
    kills = gate();
    const opened = kills;
    const stage = await Stage.open({
      journal,
      activities: [
        activity(
          'kills',
          async () => {
            begun.push('kills');
            opened.open();
            await spares.opened;
            return 'spared';
          },
          { retry: { maxAttempts: Number.POSITIVE_INFINITY, initialInterval: 1 } },
        ),
        activity('pay', () => void begun.push('pay'), { retry: { maxAttempts: 3, initialInterval: 1 } }),
        activity('short', () => void begun.push('short')),
        activity('pace', () => Promise.race([ends.opened.then(() => true), pause(20).then(() => false)])),
        activity('long', async () => {
          begun.push('long');
          await ends.opened;
        }),
      ],
      workflows: [named],
      settings: { leaseTimeout: 30_000, heartbeatInterval: 50, shutdownTimeout: 10 },
    });
    stages.push(stage);
    return stage;
  }

  /** Three processes die with it. */
  async function suspect(): Promise<void> {
    for (let i = 0; i < 3; i++) {
      const stage = await process();
      if (i === 0) await stage.client.start('scripted', 'kills', { id: 'suspect' });
      await kills.opened;
      await stage.crash();
      await rescue();
    }
    clock.advance(PAUSE);
  }

  async function rescue(): Promise<void> {
    clock.advance(PAUSE);
    const rescuer = new InMemoryJournal(store);
    await rescuer.open();
    await rescuer.rescue('default');
  }

  it('is alone in the process that takes it up: nothing is begun beside it until it goes on', async () => {
    await suspect();
    const stage = await process();
    await kills.opened;
    const neighbour = await stage.client.start('scripted', 'short', { id: 'neighbour' });
    expect((await stage.client.describe('neighbour')).inbox).toMatchObject({ owner: null });
    expect(begun.filter((name) => name === 'short')).toEqual([]);
    expect(await stage.client.describe('suspect')).toMatchObject({ blocked: null, deaths: { count: 3 } });
    spares.open();
    await expect(stage.client.handle('suspect').result()).resolves.toBe('spared');
    await neighbour.result();
  }, 30_000);

  it('holds up others for some seconds at most, where it takes long and kills nobody', async () => {
    await suspect();
    const stage = await process();
    await kills.opened;
    const began = performance.now();
    await (await stage.client.start('scripted', 'short', { id: 'neighbour' })).result();
    expect(performance.now() - began).toBeGreaterThan(2_000);
    expect(stage.runtime.engine?.runs.size).toBe(1);
  }, 30_000);

  it('is blocked, with those that it killed, when it kills two processes that it is alone in', async () => {
    await suspect();
    for (let i = 0; i < 2; i++) {
      const stage = await process();
      await kills.opened;
      expect((await stage.client.describe('suspect')).blocked).toBeNull();
      await stage.crash();
      if (i === 0) await rescue();
      clock.advance(PAUSE);
    }
    const last = await process();
    const { run, reason } = await last.recorder.until('run blocked');
    expect(run).toMatchObject({ workflow: 'scripted', workflowId: 'suspect' });
    expect(reason).toMatch(/^5 workers died while they ran it: test \(process/);
    expect(await last.client.describe('suspect')).toMatchObject({
      blocked: {
        reason: expect.stringMatching(/^5 workers died while they ran it: test \(process/) as unknown,
      },
      deaths: { count: 5 },
    });
    const neighbour = await last.client.start('scripted', 'short', { id: 'neighbour' });
    await neighbour.result();
    expect(begun).toEqual([...Array<string>(5).fill('kills'), 'short']);
    // The same code, ten minutes later.
    clock.advance(11 * PAUSE);
    await kills.opened;
  }, 30_000);

  it('is blocked, and does not fail, where the code behind an activity kills: one attempt is lost with the first worker', async () => {
    for (let i = 0; i < 5; i++) {
      const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
      const dies = gate();
      // As far as the journal knows: the process ends in the turn that would record what the activity did.
      detour('commit', (real, turns, options) => {
        if (!turns.some(({ entries }) => entries.some(({ type }) => type === 'activity_completed')))
          return real(turns, options);
        dies.open();
        return new Promise(() => {});
      });
      const stage = await process(journal);
      if (i === 0) await stage.client.start('scripted', 'exits', { id: 'exits' });
      await dies.opened;
      await stage.crash();
      await rescue();
      if (i < 4) clock.advance(PAUSE);
    }
    const last = await process();
    expect(await last.client.describe('exits')).toMatchObject({
      state: 'running',
      blocked: {
        reason: expect.stringMatching(/^5 workers died while they ran it: test \(process/) as unknown,
      },
    });
    expect(begun).toEqual(['pay', 'pay']);
    // Ten minutes later the code is mended, and nothing is paid again.
    clock.advance(11 * PAUSE);
    await expect(last.client.handle('exits').result()).resolves.toEqual([undefined, 'exit']);
    expect(begun).toEqual(['pay', 'pay']);
  }, 30_000);

  it('comes to its turn where every worker is at work: one lets go of what it holds, and interrupts nothing', async () => {
    await suspect();
    const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
    detour('claimSuspects', () => Promise.resolve([]));
    const busy = await process(journal);
    const long = await busy.client.start('scripted', 'long', { id: 'long' });
    const pacing = await busy.client.start('scripted', 'paces', { id: 'pacing' });
    await busy.recorder.until('activity attempt started', (event) => event.activity === 'long');
    detour('claimSuspects', (real, request) => real(request));
    await busy.recorder.until('run released', ({ run }) => run.workflowId === 'pacing');
    // Not before the other had its time to end.
    await kills.opened;
    ends.open();
    spares.open();
    // The worker's own clock did not stand still.
    clock.advance(1_000);
    await expect(busy.client.handle('suspect').result()).resolves.toBe('spared');
    await long.result();
    await expect(pacing.result()).resolves.toBe('paced');
    expect(begun).toEqual(['kills', 'kills', 'kills', 'long', 'kills']);
  }, 60_000);

  it('is given back by a process that is told to stop before it took it up', async () => {
    await suspect();
    const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
    detour('claimSuspects', () => Promise.resolve([]));
    const busy = await process(journal);
    await busy.client.start('scripted', 'long', { id: 'long' });
    await busy.recorder.until('activity attempt started');
    const claimed = gate();
    detour('claimSuspects', async (real, request) => {
      const claims = await real(request);
      if (claims.length > 0) claimed.open();
      return claims;
    });
    await claimed.opened;
    await busy.close();
    // The clock stands still, and the worker's own did not.
    clock.advance(PAUSE);
    const next = await process();
    await kills.opened;
    expect((await next.client.describe('suspect')).deaths).toMatchObject({ count: 3 });
  }, 30_000);
});
