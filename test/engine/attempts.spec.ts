import { describe, expect, it } from '@jest/globals';
import type { ActivityHandler } from '../../lib/engine/index.js';
import { writeReturned } from '../../lib/engine/activities/returned-result.js';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { JournalRefusedError, JournalUnavailableError } from '../../lib/journal/index.js';
import type { Turn } from '../../lib/journal/index.js';
import { ManualClock } from '../../lib/testing/index.js';
import { gate } from '../support/gate.js';
import type { Gate } from '../support/gate.js';
import { openStages } from '../support/open-stages.js';
import { scriptedJournal } from '../support/scripted-journal.js';
import { activity, SETTINGS } from '../support/stage.js';
import type { ScriptedWorkflow, StageOptions } from '../support/stage.js';

const works: ScriptedWorkflow = { make: ({ act }) => ({ run: () => act('work') }) };

/** What an activity does at each attempt; the last one for all that follow. */
type Attempt = 'until told to stop' | 'for ever' | 'done';

describe('Attempts', () => {
  const open = openStages();

  /** Processes, one after the other, on one store, with one activity that does what `script` says. */
  function deployments(
    retry: { maxAttempts: number; initialInterval?: number; backoff?: number; jitter?: number },
    script: readonly Attempt[],
  ) {
    const store = new InMemoryStore();
    const begun: Gate<number>[] = script.map(() => gate<number>());
    let tries = 0;
    const options: StageOptions = {
      activities: [
        activity(
          'work',
          (context) => {
            const attempt = script[Math.min(tries, script.length - 1)];
            begun[tries++]?.open(context.attempt);
            if (attempt === 'done') return context.attempt;
            return new Promise((_, reject) => {
              if (attempt === 'until told to stop')
                context.signal.addEventListener('abort', () => reject(new Error('stopped')));
            });
          },
          { retry },
        ),
      ],
      workflows: [works],
      settings: { leaseTimeout: 300, heartbeatInterval: 50, shutdownTimeout: 10 },
    };
    return {
      begun: (n: number) => begun[n]!.opened,
      tries: () => tries,
      next: (journal = new InMemoryJournal(store)) => open({ ...options, journal }),
      store,
    };
  }

  it('counts no attempt that a shutdown interrupted: deploys fail no run', async () => {
    const deployed = deployments({ maxAttempts: 1 }, [
      'until told to stop',
      'until told to stop',
      'until told to stop',
      'done',
    ]);
    for (let i = 0; i < 3; i++) {
      const stage = await deployed.next();
      if (i === 0) await stage.client.start('scripted', undefined, { id: 'w' });
      await deployed.begun(i);
      await stage.close();
    }
    const last = await deployed.next();
    // Numbered as what they were: the fourth beginning.
    await expect(last.client.handle('w').result()).resolves.toBe(4);
  });

  it('counts no attempt that did not stop in time either', async () => {
    const deployed = deployments({ maxAttempts: 1 }, ['for ever', 'done']);
    const first = await deployed.next();
    await first.client.start('scripted', undefined, { id: 'w' });
    await deployed.begun(0);
    await first.close();
    await expect((await deployed.next()).client.handle('w').result()).resolves.toBe(2);
  });

  it('counts no attempt of a process that shut down without being able to record it', async () => {
    const deployed = deployments({ maxAttempts: 1 }, ['until told to stop', 'done']);
    const { journal, detour } = scriptedJournal(new InMemoryJournal(deployed.store));
    const first = await deployed.next(journal as InMemoryJournal);
    await first.client.start('scripted', undefined, { id: 'w' });
    await deployed.begun(0);
    detour('commit', () => Promise.reject(new JournalUnavailableError('connection refused', false)));
    await first.close();
    await expect((await deployed.next()).client.handle('w').result()).resolves.toBe(2);
  });

  it('counts the attempts whose process died, and only those', async () => {
    const deployed = deployments({ maxAttempts: 2, initialInterval: 1 }, [
      'until told to stop',
      'for ever',
      'until told to stop',
      'for ever',
    ]);
    const first = await deployed.next();
    await first.client.start('scripted', undefined, { id: 'w' });
    await deployed.begun(0);
    await first.close();
    const second = await deployed.next();
    await deployed.begun(1);
    await second.crash();
    const third = await deployed.next();
    await deployed.begun(2);
    await third.close();
    const fourth = await deployed.next();
    await deployed.begun(3);
    await fourth.crash();
    const result = (await deployed.next()).client.handle('w').result();
    await expect(result).rejects.toMatchObject({
      cause: { name: 'ActivityFailure', cause: { name: 'AttemptLostError' } },
    });
    expect(deployed.tries()).toBe(4);
  });

  it('waits longer and longer before what follows an attempt whose process died', async () => {
    const retry = { maxAttempts: Number.POSITIVE_INFINITY, initialInterval: 5, backoff: 10, jitter: 0 };
    const deployed = deployments(retry, ['for ever', 'for ever', 'for ever', 'done']);
    for (let i = 0; i < 3; i++) {
      const stage = await deployed.next();
      if (i === 0) await stage.client.start('scripted', undefined, { id: 'w' });
      await deployed.begun(i);
      await stage.crash();
    }
    const last = await deployed.next();
    await expect(last.client.handle('w').result()).resolves.toBe(4);
    const history = await last.client.handle('w').history();
    const waits = history.flatMap(({ entry }) =>
      entry.type === 'activity_attempt' ? [entry.startsAt - entry.at] : [],
    );
    expect(waits).toEqual([5, 50, 500]);
  });

  it('does not take the returned result of an earlier attempt for that of the one under way', async () => {
    const deployed = deployments({ maxAttempts: 9, initialInterval: 1 }, [
      'until told to stop',
      'for ever',
      'done',
    ]);
    const first = await deployed.next();
    await first.client.start('scripted', undefined, { id: 'w' });
    await deployed.begun(0);
    await first.close();
    const second = await deployed.next();
    await deployed.begun(1);
    await second.crash();
    await second.journal.send([
      {
        namespace: 'default',
        workflowId: 'w',
        runId: null,
        kind: 'activity_result',
        ...writeReturned({ id: 0, attempt: 1, outcome: { type: 'completed', result: '"stale"' } }),
        dedupeId: null,
      },
    ]);
    // Not the stale one, and it does not stand still.
    await expect((await deployed.next()).client.handle('w').result({ timeout: 20_000 })).resolves.toBe(3);
  });

  // ------------------------------------------------------------------------------ turns that are not recorded

  const notes = (turn: Turn): boolean => turn.entries.some(({ type }) => type === 'activity_attempt');
  const fails = (maxAttempts: number, tried: () => void): ActivityHandler =>
    activity(
      'work',
      () => {
        tried();
        throw new RangeError('told by the attempt');
      },
      { retry: { maxAttempts, initialInterval: 1 } },
    );

  it('keeps how an attempt failed where the turn that notes it fails', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    let refused = 0;
    detour('commit', (real, turns, options) => {
      if (refused === 0 && turns.some(notes)) {
        refused++;
        throw new JournalRefusedError('not this turn');
      }
      return real(turns, options);
    });
    let tries = 0;
    const stage = await open({ journal, activities: [fails(2, () => tries++)], workflows: [works] });
    const handle = await stage.client.start('scripted');
    await expect(handle.result()).rejects.toBeDefined();
    expect([refused, tries]).toEqual([1, 2]);
    const attempts = (await handle.history()).flatMap(({ entry }) =>
      entry.type === 'activity_attempt' ? [entry] : [],
    );
    expect(attempts).toMatchObject([{ attempt: 2, failure: { message: 'told by the attempt' } }]);
  });

  it('counts an attempt that failed where the turn that notes it is not recorded', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    let lost = 0;
    detour('commit', async (real, turns, options) =>
      lost === 0 && turns.some(notes)
        ? turns.map(() => (lost++, { type: 'history lost' } as const))
        : await real(turns, options),
    );
    let tries = 0;
    const stage = await open({ journal, activities: [fails(2, () => tries++)], workflows: [works] });
    await expect(stage.client.execute('scripted')).rejects.toBeDefined();
    expect([lost, tries]).toEqual([1, 2]);
  });

  it('counts no attempt that never began where the turn that notes it fails', async () => {
    const store = new InMemoryStore();
    const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
    const begun = gate();
    const options: StageOptions = {
      activities: [
        activity('hog', () => {
          begun.open();
          return new Promise(() => {});
        }),
        activity('work', (context) => context.attempt, { retry: { maxAttempts: 1 } }),
      ],
      workflows: [{ make: ({ act }) => ({ run: (input) => act(String(input)) }) }],
      settings: { activities: 1, shutdownTimeout: 10, heartbeatInterval: 50 },
    };
    const first = await open({ ...options, journal });
    await first.client.start('scripted', 'hog');
    await begun.opened;
    const { runId } = await first.client.start('scripted', 'work', { id: 'waits' });
    let refused = 0;
    detour('commit', (real, turns, given) => {
      if (refused === 0 && turns.some((turn) => turn.lease.runId === runId && notes(turn))) {
        refused++;
        throw new JournalRefusedError('not this turn');
      }
      return real(turns, given);
    });
    await first.close();
    expect(refused).toBe(1);
    const second = await open({ ...options, journal: new InMemoryJournal(store), settings: SETTINGS });
    await expect(second.client.handle('waits').result()).resolves.toBe(1);
  });

  // ---------------------------------------------------------------------------------- scheduleToCloseTimeout

  it('holds the deadline while an attempt waits for a slot', async () => {
    const release = gate();
    const begun: string[] = [];
    const stage = await open({
      activities: [
        activity('work', async (_, name: string) => {
          begun.push(name);
          await release.opened;
          return name;
        }),
        activity(
          'late',
          (_, name: string) => {
            begun.push(name);
          },
          { scheduleToCloseTimeout: 30 },
        ),
      ],
      workflows: [
        { make: ({ act }) => ({ run: (input) => act(input === 'late' ? 'late' : 'work', input) }) },
      ],
      settings: { activities: 1 },
    });
    const first = await stage.client.start('scripted', 'first');
    const late = await stage.client.start('scripted', 'late');
    await expect(late.result()).rejects.toMatchObject({
      cause: {
        name: 'ActivityFailure',
        attempts: 0,
        cause: {
          name: 'TimeoutFailure',
          message: expect.stringContaining('scheduleToCloseTimeout of 30 ms') as unknown,
        },
      },
    });
    release.open();
    await expect(first.result()).resolves.toBe('first');
    expect(begun).toEqual(['first']);
  });

  it('stops an attempt under way at the deadline, and says which', async () => {
    const stage = await open({
      activities: [
        activity('work', () => new Promise(() => {}), { timeout: '1 hour', scheduleToCloseTimeout: 500 }),
      ],
      workflows: [works],
    });
    await expect(stage.client.execute('scripted')).rejects.toMatchObject({
      cause: {
        name: 'ActivityFailure',
        attempts: 1,
        cause: {
          name: 'TimeoutFailure',
          message: expect.stringContaining('scheduleToCloseTimeout of 500 ms') as unknown,
        },
      },
    });
  });

  it.each(['crash', 'close'] as const)(
    'begins nothing after an outage that outlasted the deadline (%s)',
    async (end) => {
      const clock = new ManualClock();
      const store = new InMemoryStore({ clock: clock.now });
      const begun = gate();
      let tries = 0;
      const options: StageOptions = {
        activities: [
          activity(
            'work',
            (context) => {
              tries++;
              begun.open();
              return new Promise((_, reject) => {
                context.signal.addEventListener('abort', () => reject(new Error('stopped')));
              });
            },
            { retry: { maxAttempts: 9, initialInterval: 1 }, scheduleToCloseTimeout: '1 hour' },
          ),
        ],
        workflows: [works],
        settings: { leaseTimeout: 300, heartbeatInterval: 20, shutdownTimeout: 10 },
      };
      const first = await open({ ...options, journal: new InMemoryJournal(store) });
      await first.client.start('scripted', undefined, { id: 'w' });
      await begun.opened;
      await first[end]();
      clock.advance(2 * 3_600_000);
      const second = await open({ ...options, journal: new InMemoryJournal(store) });
      await expect(second.client.handle('w').result()).rejects.toMatchObject({
        cause: {
          name: 'ActivityFailure',
          attempts: 1,
          cause: {
            name: 'TimeoutFailure',
            message: expect.stringContaining('scheduleToCloseTimeout of 3600000 ms') as unknown,
            cause: { name: 'AttemptLostError' },
          },
        },
      });
      expect(tries).toBe(1);
    },
  );
});
