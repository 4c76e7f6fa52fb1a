import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { PostgresJournal } from '../../lib/journal/postgres/index.js';
import { createDatabase } from '../support/database.js';
import type { TestDatabase } from '../support/database.js';
import { gate } from '../support/gate.js';
import { activity, Stage } from '../support/stage.js';

describe('A database whose encoding is LATIN1', () => {
  let database: TestDatabase;
  let stage: Stage | undefined;
  beforeAll(async () => {
    database = await createDatabase('LATIN1');
  });
  afterEach(() => stage?.close());
  afterAll(() => database.drop());

  it('keeps a result with a character that it lacks, and disturbs no other run', async () => {
    const begun = gate();
    const finish = gate();
    let tries = 0;
    stage = await Stage.open({
      journal: new PostgresJournal({ connection: { type: 'postgres', url: database.url } }),
      activities: [
        activity('price', () => `${++tries} €`, { retry: { maxAttempts: 1 } }),
        activity(
          'neighbour',
          async () => {
            begun.open();
            await finish.opened;
            return 'undisturbed, ä';
          },
          { retry: { maxAttempts: 1 } },
        ),
      ],
      workflows: [
        {
          make: ({ act }) => ({
            run: async (name) => {
              const result = await act(String(name));
              return result === '1 €' || result;
            },
          }),
        },
      ],
    });
    const undisturbed = await stage.client.start('scripted', 'neighbour');
    await begun.opened;
    const priced = await stage.client.start('scripted', 'price');
    await expect(priced.result()).resolves.toBe(true);
    finish.open();
    await expect(undisturbed.result()).resolves.toBe('undisturbed, ä');
    expect(tries).toBe(1);
    expect(stage.recorder.count('turn failed')).toBe(1);
    expect(stage.recorder.count('worker lost')).toBe(0);
  });
});
