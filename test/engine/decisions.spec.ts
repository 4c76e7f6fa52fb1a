import { describe, expect, it } from '@jest/globals';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { JournalUnavailableError } from '../../lib/journal/index.js';
import type { SendAnswer } from '../../lib/journal/index.js';
import { gate } from '../support/gate.js';
import { holdWait, RETRIED_MUCH_LATER, STAYS_IN_MEMORY } from '../support/held-wait.js';
import { openStages } from '../support/open-stages.js';
import { scriptedJournal } from '../support/scripted-journal.js';
import { activity } from '../support/stage.js';
import type { ScriptedWorkflow, StageOptions } from '../support/stage.js';

/** What can go wrong around a decision: the messages, results and requests that come in while it is taken. */
describe('Decisions', () => {
  const open = openStages();

  const counts: ScriptedWorkflow = {
    signals: ['note'],
    make: () => {
      let notes = 0;
      return { note: () => void notes++, run: () => Promise.resolve(notes) };
    },
  };
  const waits: ScriptedWorkflow = {
    signals: ['note'],
    make: ({ ctx }) => ({ note: () => undefined, run: () => ctx.sleep('1 hour') }),
  };

  it('F17: handles signals that stand behind the start of a run that ends at once', async () => {
    const store = new InMemoryStore();
    const outside = await open({ journal: new InMemoryJournal(store), workflows: [counts], worker: false });
    const handle = await outside.client.start('scripted', undefined, { id: 'w' });
    await handle.signal('note', 1);
    await handle.signal('note', 2);
    const worker = await open({ journal: new InMemoryJournal(store), workflows: [counts] });
    await expect(worker.client.handle('w').result()).resolves.toBe(2);
    expect(worker.recorder.count('worker lost')).toBe(0);
  });

  it('F15, F17: loses no signal that comes while a run is cancelled that has not begun', async () => {
    const store = new InMemoryStore();
    const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
    const called: string[] = [];
    const options: StageOptions = {
      workflows: [
        {
          make: () => {
            called.push('constructor');
            return { run: () => Promise.resolve(called.push('run')) };
          },
        },
      ],
    };
    const client = await open({ ...options, journal: new InMemoryJournal(store), worker: false });
    const startAt = new Date(Date.now() + 3_600_000);
    const handle = await client.client.start('scripted', undefined, { id: 'w', startAt });
    await handle.signal('note', 'before');
    await handle.cancel({ reason: 'not needed' });
    await handle.signal('note', 'behind');
    detour(
      'commit',
      async (real, turns, how) => {
        await handle.signal('note', 'meanwhile');
        return real(turns, how);
      },
      3,
    );
    const stage = await open({ ...options, journal });
    await expect(stage.client.handle('w').result()).rejects.toMatchObject({ name: 'WorkflowCancelledError' });
    const history = await stage.client.handle('w').history();
    expect(history.filter(({ entry }) => entry.type === 'signal_received')).toHaveLength(4);
    expect(history.at(-1)?.entry).toMatchObject({ type: 'run_cancelled', unreadSignals: 4 });
    expect(called).toEqual([]);
  });

  it('F17: handles signals that stand behind the cancellation that ends a run', async () => {
    const store = new InMemoryStore();
    const outside = await open({ journal: new InMemoryJournal(store), workflows: [waits], worker: false });
    const handle = await outside.client.start('scripted', undefined, { id: 'w' });
    await handle.cancel();
    await handle.signal('note', 1);
    const worker = await open({ journal: new InMemoryJournal(store), workflows: [waits] });
    await expect(worker.client.handle('w').result()).rejects.toMatchObject({
      name: 'WorkflowCancelledError',
    });
    expect(worker.recorder.count('worker lost')).toBe(0);
    const history = await handle.history();
    expect(history.filter(({ entry }) => entry.type === 'signal_received')).toHaveLength(1);
  });

  it('F17: keeps a result that a signal had made superfluous, when the next signal undoes that', async () => {
    const store = new InMemoryStore();
    const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
    const outside = new InMemoryJournal(store);
    await outside.open();
    const stage = await open({
      journal,
      activities: [activity('work', () => 'worked', { retry: { maxAttempts: 1 } })],
      workflows: [
        {
          signals: ['finish', 'undo'],
          make: ({ act, ctx }) => {
            let finished = false;
            return {
              finish: () => void (finished = true),
              undo: () => void (finished = false),
              run: () => Promise.race([act('work'), ctx.condition(() => finished).then(() => 'finished')]),
            };
          },
        },
      ],
    });
    const send = (name: string): Promise<readonly SendAnswer[]> =>
      outside.send([
        {
          namespace: 'default',
          workflowId: 'w',
          runId: null,
          kind: 'signal',
          name,
          payload: 'null',
          dedupeId: null,
        },
      ]);
    const next = ['finish', 'undo'];
    detour('commit', async (real, turns, options) => {
      const name = turns.some((turn) => turn.decides) ? next.shift() : undefined;
      if (name !== undefined) await send(name);
      return real(turns, options);
    });
    await expect(stage.client.execute('scripted', undefined, { id: 'w' })).resolves.toBe('worked');
  });

  it('F20: begins no attempt of an activity whose cancellation is being recorded', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const refund = activity('refund', () => undefined);
    let begun = 0;
    const charge = activity(
      'charge',
      () => {
        if (++begun === 1) throw new Error('flaky');
        return 'charged';
      },
      { compensation: refund, retry: RETRIED_MUCH_LATER },
    );
    const stage = await open({
      journal,
      activities: [charge, refund],
      workflows: [{ make: ({ act }) => ({ run: () => act('charge') }) }],
      settings: STAYS_IN_MEMORY,
    });
    const second = holdWait();
    const handle = await stage.client.start('scripted');
    await second.begun;
    // The time of the second attempt comes while the commit of its cancellation is under way.
    detour(
      'commit',
      (real, turns, options) => {
        second.end();
        return real(turns, options);
      },
      1,
    );
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ name: 'WorkflowCancelledError' });
    expect(begun).toBe(1);
  });

  it('F21: answers no query from a turn that is never committed', async () => {
    const store = new InMemoryStore();
    const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
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
              run: () => ctx.sleep('1 hour'),
            };
          },
        },
      ],
    });
    const handle = await stage.client.start('scripted', undefined, { id: 'w' });
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
    const asked = handle.query('get');
    const outside = new InMemoryJournal(store);
    await outside.open();
    await outside.terminate([{ namespace: 'default', workflowId: 'w', runId: null, reason: null }]);
    go.open();
    await expect(asked).resolves.toBe('old');
  });

  it('keeps what an activity did when it is not known whether the decision was recorded', async () => {
    const store = new InMemoryStore();
    const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
    let tries = 0;
    const stage = await open({
      journal,
      activities: [activity('once', () => ++tries, { retry: { maxAttempts: 1 } })],
      workflows: [{ make: ({ act }) => ({ run: () => act('once') }) }],
    });
    detour('commit', (real, turns, options) =>
      turns.some((turn) => turn.decides)
        ? Promise.resolve(turns.map(() => ({ type: 'signals unread', inboxSeq: 0 }) as const))
        : real(turns, options),
    );
    detour('commitLocked', () => Promise.reject(new JournalUnavailableError('connection reset', true)), 1);
    await expect(stage.client.execute('scripted', undefined, { id: 'w' })).resolves.toBe(1);
    expect(tries).toBe(1);
  });

  it('F5: a timer that was due first wins over a message that is read before it is noticed', async () => {
    const store = new InMemoryStore();
    const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
    // The worker's estimate of the database's clock is 300 ms behind.
    detour('heartbeat', async (real, owner) => {
      const answer = await real(owner);
      return answer.type === 'alive' ? { ...answer, now: answer.now - 300 } : answer;
    });
    const stage = await open({
      journal,
      activities: [activity('work', () => undefined)],
      workflows: [
        {
          make: ({ act, ctx }) => ({
            run: async () => {
              const word = (await ctx.waitForSignal('word', { timeout: 100 })) ?? 'timed out';
              // It does not decide at once: a decision would be taken again with the signal before it (F17).
              await act('work');
              return word;
            },
          }),
        },
      ],
    });
    // So the timer is 200 ms overdue by the database when it starts, and the worker does not know it.
    const handle = await stage.client.start('scripted');
    await handle.signal('word', 'late').catch(() => undefined);
    await expect(handle.result()).resolves.toBe('timed out');
  });

  it('survives an error that cannot be read', async () => {
    const hostile = Object.defineProperty(new Error('hostile'), 'name', {
      get() {
        throw new Error('no name');
      },
    });
    const stage = await open({
      activities: [
        activity(
          'work',
          () => {
            throw hostile;
          },
          { retry: { maxAttempts: 1 } },
        ),
      ],
      workflows: [{ make: ({ act }) => ({ run: () => act('work') }) }],
    });
    await expect(stage.client.execute('scripted')).rejects.toMatchObject({ name: 'WorkflowFailedError' });
  });

  it('tells of an activity that nobody awaited, and that never began', async () => {
    const stage = await open({
      activities: [activity('mail', () => undefined)],
      workflows: [
        {
          make: ({ act }) => ({
            run: () => {
              void act('mail');
              return Promise.resolve('done');
            },
          }),
        },
      ],
    });
    await stage.client.execute('scripted');
    const { calls } = await stage.recorder.until('calls not awaited');
    expect(calls).toEqual([{ call: 'mail', outcome: 'never began' }]);
  });

  it('tells of it also when code called it that nobody awaited', async () => {
    const stage = await open({
      activities: [activity('mail', () => undefined)],
      workflows: [
        {
          make: ({ act }) => ({
            run: () => {
              void (async () => act('mail'))();
              return Promise.resolve('done');
            },
          }),
        },
      ],
    });
    await stage.client.execute('scripted');
    const { calls } = await stage.recorder.until('calls not awaited');
    expect(calls).toEqual([{ call: 'mail', outcome: 'never began' }]);
  });

  it('F24: shows a floating rejection at once', async () => {
    const stage = await open({
      workflows: [
        {
          make: ({ ctx }) => ({
            run: () => {
              void Promise.reject(new Error('nobody awaits me'));
              return ctx.sleep('1 hour');
            },
          }),
        },
      ],
    });
    await stage.client.start('scripted');
    const { error } = await stage.recorder.until('rejection floats');
    expect(error).toMatchObject({ message: 'nobody awaits me' });
  });

  it.each([true, false])(
    'F13, F30: names the line of the last durable call in development: %s',
    async (replayCheck) => {
      const stage = await open({
        settings: { replayCheck },
        workflows: [
          {
            make: ({ ctx }) => ({
              run: async () => {
                await ctx.sleep(1);
                // Not traced: a write on a socket that is open, for instance.
                await new Promise(() => {});
              },
            }),
          },
        ],
      });
      await stage.client.start('scripted');
      const { error } = await stage.recorder.until('turn failed');
      const [, site] = /The last durable call before it: timer_started sleep \(command 0\)(.*)\.$/.exec(
        error.message,
      )!;
      if (replayCheck) expect(site).toMatch(/^ at .*decisions\.spec\.ts:\d+:\d+\)?$/);
      else expect(site).toBe('');
    },
  );

  it('F13, F30: names the foreign operation, and the line where it began', async () => {
    const stage = await open({
      activities: [activity('work', () => 'done')],
      workflows: [
        {
          make: ({ act }) => ({
            run: async () => {
              await new Promise((resolve) => setTimeout(resolve, 5));
              return act('work');
            },
          }),
        },
      ],
    });
    await stage.client.start('scripted');
    const { error } = await stage.recorder.until('turn failed');
    expect(error.name).toBe('ForeignAwaitError');
    expect(error.message).toMatch(/It had begun: Timeout at .*decisions\.spec\.ts/);
  });

  it('F23, F30: warns of two side effects without a name in one event', async () => {
    const stage = await open({
      workflows: [
        {
          make: ({ ctx }) => ({
            run: () => Promise.resolve([ctx.sideEffect(() => 1), ctx.sideEffect(() => 2)]),
          }),
        },
      ],
    });
    await expect(stage.client.execute('scripted')).resolves.toEqual([1, 2]);
    const { message } = await stage.recorder.until('workflow log', ({ level }) => level === 'warn');
    expect(message).toContain('name them');
  });
});
