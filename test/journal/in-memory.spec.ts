import { describe, expect, it } from '@jest/globals';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { JournalError, JournalUnavailableError } from '../../lib/journal/index.js';
import { type JournalHarness, ManualClock, describeJournalContract } from '../../lib/testing/index.js';

async function makeHarness(): Promise<JournalHarness> {
  const clock = new ManualClock();
  const store = new InMemoryStore({ clock: clock.now });
  const journals: InMemoryJournal[] = [];
  const opened = async (): Promise<InMemoryJournal> => {
    const journal = new InMemoryJournal(store);
    await journal.open();
    journals.push(journal);
    return journal;
  };
  return {
    journal: await opened(),
    second: opened,
    now: async () => clock.now(),
    elapse: async (ms) => clock.advance(ms),
    killWorker: async (owner) => store.killProcess(owner),
    holdActor: async (actorId) => {
      const release = await store.holdActor(actorId);
      return async () => release();
    },
    dispose: async () => void (await Promise.all(journals.map((journal) => journal.close()))),
  };
}

describeJournalContract('InMemoryJournal', makeHarness, { describe, it, expect });

describe('what is peculiar to InMemoryJournal', () => {
  it('takes part in no transaction', async () => {
    const harness = await makeHarness();
    await expect(harness.journal.start([], { within: { manager: {} } })).rejects.toBeInstanceOf(JournalError);
    await expect(harness.journal.send([], { within: { manager: {} } })).rejects.toThrow(
      /use the Postgres journal/,
    );
    await harness.dispose();
  });

  it('is unavailable before it is opened and after it was closed', async () => {
    const journal = new InMemoryJournal();
    await expect(journal.rescue('default')).rejects.toBeInstanceOf(JournalUnavailableError);
    await journal.open();
    expect(await journal.rescue('default')).toEqual({ deadWorkers: [], freedActors: 0 });
    await journal.close();
    await expect(journal.rescue('default')).rejects.toMatchObject({ ambiguous: false });
  });

  it('goes by the clock of the machine when it is given none', async () => {
    const store = new InMemoryStore();
    const before = Date.now();
    expect(store.now()).toBeGreaterThanOrEqual(before);
  });
});
