import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { NonRetryableError } from '../../lib/core/index.js';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { JournalRefusedError, JournalUnavailableError } from '../../lib/journal/index.js';
import type { HistoryEntry } from '../../lib/core/index.js';
import type { SendAnswer } from '../../lib/journal/index.js';
import { gate } from '../support/gate.js';
import type { Gate } from '../support/gate.js';
import { scriptedJournal } from '../support/scripted-journal.js';
import { activity, Stage } from '../support/stage.js';
import type { ScriptedWorkflow } from '../support/stage.js';

/** The code behind `work` is what kills the worker, in front of its commit: the journals of the test see to that. */
const pays: ScriptedWorkflow = {
  make: ({ act }) => ({
    run: async (input) => {
      const paid = await act('work', input);
      return [paid, await act('next')];
    },
  }),
};

describe('What an activity did in a run whose workers die', () => {
  const stages: Stage[] = [];
  let store: InMemoryStore;
  let attempts: number;
  /** How often results were sent to be kept. */
  let sent: number;
  let killed: Gate<void>;

  beforeEach(() => {
    store = new InMemoryStore();
    attempts = 0;
    sent = 0;
  });
  afterEach(async () => {
    for (const stage of stages.splice(0)) await stage.close();
  });

  const tellsWork = (entry: HistoryEntry): boolean =>
    (entry.type === 'activity_completed' || entry.type === 'activity_failed') && entry.id === 0;

  /** @param send instead of the journal's own */
  async function process(
    code: 'kills' | 'lives',
    send: (real: () => Promise<readonly SendAnswer[]>) => Promise<readonly SendAnswer[]> = (real) => real(),
  ): Promise<Stage> {
    killed = gate();
    const dead = killed;
    const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
    if (code === 'kills') {
      detour('commit', (real, turns, options) => {
        if (!turns.some(({ entries }) => entries.some(tellsWork))) return real(turns, options);
        dead.open();
        return new Promise(() => {});
      });
    }
    detour('send', (real, messages, options) => {
      sent++;
      return send(() => real(messages, options));
    });
    const stage = await Stage.open({
      journal,
      activities: [
        activity(
          'work',
          ({ attempt }, input: string) => {
            attempts++;
            if (input === 'fails') throw new NonRetryableError(`Refused at attempt ${attempt}.`);
            return attempt;
          },
          { retry: { maxAttempts: 2, initialInterval: 1 } },
        ),
        activity('next', () => 'next'),
      ],
      workflows: [pays],
      settings: { leaseTimeout: 300, heartbeatInterval: 50, parkAfter: 60_000 },
    });
    stages.push(stage);
    return stage;
  }

  /** So many workers die with it, each behind `work`. */
  async function afterDeaths(deaths: number, input: 'succeeds' | 'fails'): Promise<void> {
    for (let i = 0; i < deaths; i++) {
      const stage = await process('kills');
      if (i === 0) await stage.client.start('scripted', input, { id: 'w' });
      await killed.opened;
      await stage.crash();
    }
  }

  it('is kept before the code behind it runs: the next worker has the result, and makes no further attempt', async () => {
    await afterDeaths(2, 'succeeds');
    const last = await process('lives');
    await expect(last.client.handle('w').result()).resolves.toEqual([2, 'next']);
    expect(attempts).toBe(2);
  });

  it('is kept where it failed for good, as what the attempt told', async () => {
    await afterDeaths(2, 'fails');
    const last = await process('lives');
    await expect(last.client.handle('w').result()).rejects.toMatchObject({
      cause: { name: 'ActivityFailure', attempts: 2, cause: { message: 'Refused at attempt 2.' } },
    });
    expect(attempts).toBe(2);
  });

  it('is sent nowhere before a worker has died, nor once the run goes on', async () => {
    const first = await process('lives');
    await expect(first.client.execute('scripted', 'succeeds')).resolves.toEqual([1, 'next']);
    expect(sent).toBe(0);
    await first.close();
    await afterDeaths(1, 'succeeds');
    const last = await process('lives');
    await expect(last.client.handle('w').result()).resolves.toEqual([2, 'next']);
    expect(sent).toBe(1);
  });

  it('is taken as ever where the journal refuses to keep it', async () => {
    await afterDeaths(1, 'succeeds');
    const last = await process('lives', () => Promise.reject(new JournalRefusedError('not this one')));
    await expect(last.client.handle('w').result()).resolves.toEqual([2, 'next']);
    expect(attempts).toBe(2);
    expect(sent).toBeGreaterThan(0);
    expect(last.recorder.count('turn failed')).toBe(0);
  });

  it('counts once where it was sent twice', async () => {
    await afterDeaths(1, 'succeeds');
    let lost = false;
    const last = await process('lives', async (real) => {
      const answers = await real();
      if (lost) return answers;
      lost = true;
      throw new JournalUnavailableError('the answer got lost', true);
    });
    const handle = last.client.handle('w');
    await expect(handle.result()).resolves.toEqual([2, 'next']);
    expect([sent, attempts]).toEqual([2, 2]);
    const history = await handle.history();
    expect(history.filter(({ entry }) => entry.type === 'activity_completed')).toHaveLength(2);
  });
});
