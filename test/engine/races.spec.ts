import { describe, expect, it } from '@jest/globals';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { JournalUnavailableError } from '../../lib/journal/index.js';
import type { SendAnswer } from '../../lib/journal/index.js';
import { gate } from '../support/gate.js';
import { holdWait, RETRIED_MUCH_LATER, STAYS_IN_MEMORY } from '../support/held-wait.js';
import { openStages } from '../support/open-stages.js';
import { scriptedJournal } from '../support/scripted-journal.js';
import { activity } from '../support/stage.js';
import type { ScriptedWorkflow } from '../support/stage.js';

const collector: ScriptedWorkflow = {
  signals: ['note'],
  make: ({ act }) => {
    const notes: unknown[] = [];
    return {
      note: (text: unknown) => void notes.push(text),
      run: async () => {
        await act('work');
        return notes;
      },
    };
  },
};

const works: ScriptedWorkflow = { make: ({ act }) => ({ run: () => act('work') }) };

describe('Races of the engine', () => {
  const open = openStages();

  it('F17: takes a decision again with the signals that came in, the third time under the lock', async () => {
    const store = new InMemoryStore();
    const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
    const outside = new InMemoryJournal(store);
    await outside.open();
    const stage = await open({
      journal,
      activities: [activity('work', () => 'done')],
      workflows: [collector],
    });
    let sent = 0;
    const signal = {
      namespace: 'default',
      workflowId: 'w',
      runId: null,
      kind: 'signal',
      name: 'note',
      dedupeId: null,
    } as const;
    const send = async (): Promise<void> => {
      await expect(outside.send([{ ...signal, payload: String(sent++) }])).resolves.toMatchObject([
        { type: 'accepted' },
      ]);
    };
    // However often it decides, a signal was quicker.
    detour('commit', async (real, turns, options) => {
      if (turns.some((turn) => turn.decides)) await send();
      return real(turns, options);
    });
    let late: Promise<readonly SendAnswer[]> = Promise.resolve([]);
    detour('commitLocked', async (real, lease, inboxAfter, take) =>
      real(lease, inboxAfter, (messages) => {
        // While the lock is held nothing arrives.
        late = outside.send([{ ...signal, payload: '"late"' }]);
        return take(messages);
      }),
    );
    await expect(stage.client.execute('scripted', undefined, { id: 'w' })).resolves.toEqual([0, 1]);
    expect(stage.recorder.count('turn refused')).toBe(2);
    const [answer] = await late;
    expect(['again', 'not running']).toContain(answer!.type);
    // What was recorded replays to the same result.
    const history = await stage.client.handle('w').history();
    expect(history.filter(({ entry }) => entry.type === 'signal_received')).toHaveLength(2);
  });

  it('begins an attempt whose time comes while the run is being read anew', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const reading = gate();
    const slow = gate();
    let tries = 0;
    const stage = await open({
      journal,
      activities: [
        activity(
          'flaky',
          () => {
            if (++tries === 1) throw new Error('not yet');
            return tries;
          },
          { retry: RETRIED_MUCH_LATER },
        ),
      ],
      workflows: [{ make: ({ act }) => ({ run: () => act('flaky') }) }],
      settings: { residency: 'always replay', ...STAYS_IN_MEMORY },
    });
    // The reading after the note of the second attempt takes longer than the wait for it.
    detour('load', async (real, requests) => {
      const loaded = await real(requests);
      if (loaded.some(({ history }) => history.some((entry) => entry.type === 'activity_attempt'))) {
        reading.open();
        await slow.opened;
      }
      return loaded;
    });
    const second = holdWait();
    const result = stage.client.execute('scripted');
    await second.begun;
    await reading.opened;
    second.end();
    slow.open();
    await expect(result).resolves.toBe(2);
  });

  it('goes on after a commit whose answer got lost', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const stage = await open({
      journal,
      activities: [activity('work', (_, n: number) => n + 1)],
      workflows: [
        {
          make: ({ act }) => ({
            run: async () => act('work', await act('work', await act('work', 0))),
          }),
        },
      ],
    });
    let calls = 0;
    detour('commit', async (real, turns, options) => {
      if (++calls > 4) return real(turns, options);
      if (calls % 2 === 1) await real(turns, options);
      throw new JournalUnavailableError('connection reset', true);
    });
    await expect(stage.client.execute('scripted', undefined, { id: 'w' })).resolves.toBe(3);
    const history = await stage.client.handle('w').history();
    expect(history.map(({ entry }) => entry.type)).toEqual([
      'run_started',
      ...[1, 2, 3].flatMap(() => ['activity_scheduled', 'activity_completed']),
      'run_completed',
    ]);
  });

  it('starts a run once whose start was answered by a broken connection', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const stage = await open({ journal, activities: [activity('work', () => 1)], workflows: [collector] });
    detour(
      'start',
      async (real, requests) => {
        await real(requests);
        throw new JournalUnavailableError('connection reset', true);
      },
      1,
    );
    await expect(stage.client.execute('scripted', undefined, { id: 'w' })).resolves.toEqual([]);
    expect(await stage.client.count()).toBe(1);
  });

  it('keeps no slot from other runs while a start waits for an open transaction', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const stage = await open({
      journal,
      activities: [activity('work', () => 'done')],
      workflows: [works],
      settings: { runs: 1 },
    });
    const waits = gate();
    const end = gate();
    detour('start', async (real, requests, options) => {
      const isContended = requests.some(({ workflowId }) => workflowId === 'contended');
      if (!isContended) return real(requests, options);
      if (!options?.wait) return requests.map(() => ({ type: 'again' }) as const);
      waits.open();
      await end.opened;
      return real(requests, options);
    });
    const contended = stage.client.execute('scripted', undefined, { id: 'contended' });
    await waits.opened;
    // Born leased; and, as it waits for its time, claimed.
    await expect(stage.client.execute('scripted')).resolves.toBe('done');
    const due = { startAt: new Date(Date.now() - 1) };
    await expect(stage.client.execute('scripted', undefined, due)).resolves.toBe('done');
    end.open();
    await expect(contended).resolves.toBe('done');
  });

  it('blocks a run again that could not be blocked, and keeps its session', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const stage = await open({ journal, activities: [activity('work', () => 1)], workflows: [collector] });
    detour('commit', () => Promise.reject(new Error('out of memory')), 2);
    await expect(stage.client.execute('scripted', undefined, { id: 'w' })).resolves.toEqual([]);
    expect(stage.recorder.count('worker lost')).toBe(0);
    expect(stage.recorder.count('worker registered')).toBe(1);
  });

  it('lets go of its runs when its session was declared dead, and begins a new one', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const begun = gate();
    let tries = 0;
    const stage = await open({
      journal,
      activities: [
        activity('work', () => {
          if (++tries > 1) return 'second';
          begun.open();
          return new Promise(() => {});
        }),
      ],
      workflows: [{ make: ({ act }) => ({ run: () => act('work') }) }],
      settings: { heartbeatInterval: 50 },
    });
    const result = stage.client.execute('scripted');
    await begun.opened;
    detour(
      'heartbeat',
      async (_, owner) => {
        await journal.unregister(owner);
        return { type: 'dead' as const };
      },
      1,
    );
    await expect(result).resolves.toBe('second');
  });

  it('answers queries from committed state only', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const committing = gate();
    const go = gate();
    const stage = await open({
      journal,
      workflows: [
        {
          signals: ['set'],
          queries: ['get'],
          make: ({ ctx }) => {
            let value = 'old';
            return {
              set: (to: string) => void (value = to),
              get: () => value,
              run: async () => {
                await ctx.condition(() => value === 'end');
              },
            };
          },
        },
      ],
    });
    const handle = await stage.client.start('scripted');
    await expect(handle.query('get')).resolves.toBe('old');
    detour(
      'commit',
      async (real, turns, options) => {
        committing.open();
        await go.opened;
        return real(turns, options);
      },
      1,
    );
    await handle.signal('set', 'new');
    await committing.opened;
    let answered = false;
    const asked = handle.query('get').then((answer) => {
      answered = true;
      return answer;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(answered).toBe(false);
    go.open();
    await expect(asked).resolves.toBe('new');
  });

  it('F24: notices a rejection that floats in the very window that completes the run', async () => {
    const stage = await open({
      workflows: [
        {
          make: () => ({
            run: () => {
              void Promise.reject(new Error('nobody awaits me'));
              return Promise.resolve('done');
            },
          }),
        },
      ],
    });
    await stage.client.start('scripted', undefined, { id: 'w' });
    const { error } = await stage.recorder.until('turn failed');
    expect(error).toMatchObject({ name: 'FloatingRejectionError' });
    expect((await stage.client.describe('w')).state).toBe('running');
  });
});
