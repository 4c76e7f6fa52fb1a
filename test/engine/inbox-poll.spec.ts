import { afterEach, describe, expect, it } from '@jest/globals';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { gate } from '../support/gate.js';
import { scriptedJournal } from '../support/scripted-journal.js';
import { activity, Stage } from '../support/stage.js';
import type { ScriptedWorkflow } from '../support/stage.js';

const RUNS = 100;
const NEVER = 3_000_000;

/** Stays in memory through the activity that it does not wait for yet. */
const staying: ScriptedWorkflow = {
  make: ({ ctx, act }) => ({
    run: async () => {
      const stays = act('stay');
      await act('see', await ctx.waitForSignal('go'));
      await stays;
    },
  }),
};

describe('A crowd of messages from another process', () => {
  const stages: Stage[] = [];
  afterEach(async () => {
    for (const stage of stages.splice(0)) await stage.close();
  });

  it('reaches runs in memory although no hint names them, with few questions, long before a heartbeat', async () => {
    const store = new InMemoryStore();
    const stay = gate();
    const all = gate();
    const [begun, seen] = [new Set<string>(), new Set<unknown>()];
    const allBegun = gate();
    const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
    const worker = await Stage.open({
      journal,
      workflows: [staying],
      activities: [
        activity('stay', (context) => {
          begun.add(context.idempotencyKey);
          if (begun.size === RUNS) allBegun.open();
          return stay.opened;
        }),
        activity('see', (_, value: unknown) => {
          seen.add(value);
          if (seen.size === RUNS) all.open();
        }),
      ],
      settings: { runs: RUNS, activities: 2 * RUNS, leaseTimeout: NEVER, heartbeatInterval: NEVER / 3 },
    });
    stages.push(worker);
    const sender = await Stage.open({
      journal: new InMemoryJournal(store),
      workflows: [staying],
      worker: false,
    });
    stages.push(sender);
    let questions = 0;
    detour('owned', (real, owner, which) => {
      questions++;
      return real(owner, which);
    });
    const ids = Array.from({ length: RUNS }, (_, i) => `w${i}`);
    await Promise.all(ids.map((id) => worker.client.start('scripted', undefined, { id })));
    await allBegun.opened;
    await Promise.all(ids.map((id) => sender.client.handle(id).signal('go', id)));
    await all.opened;
    expect(seen).toEqual(new Set(ids));
    expect(questions).toBeLessThan(RUNS / 10);
    stay.open();
  });
});
