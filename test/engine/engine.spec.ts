import { describe, expect, it } from '@jest/globals';
import {
  AttemptLostError,
  NonRetryableError,
  TimeoutFailure,
  WorkflowFailure,
} from '../../lib/core/index.js';
import {
  ResultTimeoutError,
  WorkflowAlreadyStartedError,
  WorkflowCancelledError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowNotRunningError,
  WorkflowTerminatedError,
} from '../../lib/client/index.js';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { gate } from '../support/gate.js';
import { openStages } from '../support/open-stages.js';
import { activity } from '../support/stage.js';
import type { ScriptedWorkflow, Stage, StageOptions } from '../support/stage.js';

// Everything twice: with runs that stay in memory, and with the memory dropped before every turn (F30).
describe.each(['sticky', 'always replay'] as const)('Engine, %s', (residency) => {
  const openStage = openStages();
  const open = (options: StageOptions): Promise<Stage> =>
    openStage({ ...options, settings: { residency, ...options.settings } });

  it('runs a workflow of two activities to its result', async () => {
    const stage = await open({
      activities: [
        activity('double', (_, n: number) => n * 2),
        activity('increase', (_, n: number) => n + 1),
      ],
      workflows: [
        { make: ({ act }) => ({ run: async (input) => act('increase', await act('double', input)) }) },
      ],
    });
    await expect(stage.client.execute('scripted', 20)).resolves.toBe(41);
    const [run] = (await stage.client.list()).runs;
    const history = await stage.client.handle(run!.workflowId).history();
    expect(history.map(({ entry }) => entry.type)).toEqual([
      'run_started',
      'activity_scheduled',
      'activity_completed',
      'activity_scheduled',
      'activity_completed',
      'run_completed',
    ]);
  });

  it('runs a workflow that does nothing', async () => {
    const stage = await open({ workflows: [{ make: () => ({ run: () => Promise.resolve('done') }) }] });
    await expect(stage.client.execute('scripted')).resolves.toBe('done');
  });

  it('tries a failing activity again, and records every attempt', async () => {
    const flaky = failing(2, () => new Error('not yet'));
    const stage = await open({
      activities: [activity('flaky', flaky.body, { retry: { initialInterval: 1, jitter: 0 } })],
      workflows: [{ make: ({ act }) => ({ run: () => act('flaky') }) }],
    });
    await expect(stage.client.execute('scripted', undefined, { id: 'w' })).resolves.toBe(3);
    const attempts = (await stage.client.handle('w').history()).flatMap(({ entry }) =>
      entry.type === 'activity_attempt' ? [[entry.attempt, entry.parked]] : [],
    );
    expect(attempts).toEqual([
      [2, false],
      [3, false],
    ]);
  });

  it('releases a run whose next attempt is far away, and comes back for it', async () => {
    const flaky = failing(1, () => new Error('not yet'));
    const stage = await open({
      activities: [activity('flaky', flaky.body, { retry: { initialInterval: 300, jitter: 0 } })],
      workflows: [{ make: ({ act }) => ({ run: () => act('flaky') }) }],
      settings: { parkAfter: 10, runs: 1 },
    });
    await expect(stage.client.execute('scripted')).resolves.toBe(2);
    expect(stage.recorder.count('run released')).toBeGreaterThanOrEqual(1);
  });

  it('gives up after the last attempt, and tells the workflow what happened', async () => {
    const hopeless = failing(9, () => new RangeError('never'));
    const stage = await open({
      activities: [activity('hopeless', hopeless.body, { retry: { maxAttempts: 2, initialInterval: 1 } })],
      workflows: [{ make: ({ act }) => ({ run: () => act('hopeless') }) }],
    });
    const failure = await caught(stage.client.execute('scripted', undefined));
    expect(failure).toBeInstanceOf(WorkflowFailedError);
    expect(failure).toMatchObject({
      rollback: 'none',
      cause: {
        name: 'ActivityFailure',
        activity: 'hopeless',
        attempts: 2,
        cause: { name: 'RangeError', message: 'never' },
      },
    });
    expect(hopeless.tries()).toBe(2);
  });

  it.each([
    ['NonRetryableError', new NonRetryableError('declined'), {}],
    ['a class that is named', new TypeError('declined'), { nonRetryable: [TypeError] }],
    [
      'a subclass of it',
      new (class Declined extends RangeError {})('declined'),
      { nonRetryable: ['RangeError'] },
    ],
  ])('does not try again after %s', async (_, error, retry) => {
    const declined = failing(9, () => error);
    const stage = await open({
      activities: [activity('charge', declined.body, { retry: { initialInterval: 1, ...retry } })],
      workflows: [{ make: ({ act }) => ({ run: () => act('charge') }) }],
    });
    await expect(stage.client.execute('scripted')).rejects.toMatchObject({
      cause: { message: expect.stringContaining('declined') },
    });
    expect(declined.tries()).toBe(1);
  });

  it('ends an attempt at its timeout, aborts it, and tries again', async () => {
    const aborted: unknown[] = [];
    let tries = 0;
    const stage = await open({
      activities: [
        activity(
          'slow',
          (context) => {
            if (++tries > 1) return 'quick';
            return new Promise((_, reject) => {
              context.signal.addEventListener('abort', () => {
                aborted.push(context.signal.reason);
                reject(new Error('stopped'));
              });
            });
          },
          { timeout: 20, retry: { initialInterval: 1 } },
        ),
      ],
      workflows: [{ make: ({ act }) => ({ run: () => act('slow') }) }],
    });
    await expect(stage.client.execute('scripted')).resolves.toBe('quick');
    expect(aborted).toEqual([expect.any(TimeoutFailure)]);
  });

  it('ends an attempt that sends no heartbeat, and hands its last words to the next', async () => {
    const seen: unknown[] = [];
    const stage = await open({
      activities: [
        activity(
          'import',
          (context) => {
            seen.push(context.lastHeartbeat);
            context.heartbeat({ row: context.attempt });
            return context.attempt === 1 ? new Promise(() => {}) : 'done';
          },
          { heartbeatTimeout: 20, retry: { initialInterval: 1 } },
        ),
      ],
      workflows: [{ make: ({ act }) => ({ run: () => act('import') }) }],
    });
    await expect(stage.client.execute('scripted')).resolves.toBe('done');
    expect(seen).toEqual([undefined, { row: 1 }]);
  });

  it('gives the same idempotency key to every attempt of a call, and another to every call', async () => {
    const keys: string[] = [];
    const stage = await open({
      activities: [
        activity(
          'charge',
          (context) => {
            keys.push(context.idempotencyKey);
            if (context.attempt === 1) throw new Error('again');
          },
          { retry: { initialInterval: 1 } },
        ),
      ],
      workflows: [
        {
          make: ({ act }) => ({
            run: async () => {
              await act('charge');
              await act('charge');
            },
          }),
        },
      ],
    });
    await stage.client.execute('scripted');
    expect(keys[0]).toBe(keys[1]);
    expect(keys[2]).toBe(keys[3]);
    expect(keys[0]).not.toBe(keys[2]);
  });

  // ---------------------------------------------------------------------------------------- rollback

  it('undoes completed activities in reverse order when the workflow fails', async () => {
    const log: string[] = [];
    const stage = await open({
      ...saga(log),
      workflows: [
        {
          make: ({ act }) => ({
            run: async () => {
              await act('reserve', 1);
              await act('charge', 2);
              throw new WorkflowFailure('no more');
            },
          }),
        },
      ],
    });
    const failure = await caught(stage.client.execute('scripted', undefined));
    expect(failure).toMatchObject({
      rollback: 'complete',
      cause: { name: 'WorkflowFailure', message: 'no more' },
    });
    expect(log).toEqual(['reserve', 'charge', 'undo charge charge:2 2', 'undo reserve reserve:1 1']);
  });

  it('tells a rollback that could not finish apart', async () => {
    const log: string[] = [];
    const stage = await open({
      ...saga(log, { failUndo: 'charge' }),
      workflows: [
        {
          make: ({ act }) => ({
            run: async () => {
              await act('reserve', 1);
              await act('charge', 2);
              throw new WorkflowFailure('no more');
            },
          }),
        },
      ],
    });
    await expect(stage.client.execute('scripted')).rejects.toMatchObject({ rollback: 'incomplete' });
    expect(await stage.recorder.until('run closed')).toMatchObject({
      state: 'failed',
      rollback: 'incomplete',
    });
    expect(log).toContain('undo reserve reserve:1 1');
  });

  it('cancels: the await throws, what was done is undone, and the run ends cancelled', async () => {
    const log: string[] = [];
    const stage = await open({
      ...saga(log),
      workflows: [
        {
          make: ({ act, ctx }) => ({
            run: async () => {
              await act('reserve', 1);
              await ctx.sleep('1 hour');
            },
          }),
        },
      ],
    });
    const handle = await stage.client.start('scripted', undefined, { id: 'w' });
    await stage.recorder.until('turn committed', () => log.length === 1);
    await handle.cancel({ reason: 'changed my mind' });
    const failure = await caught(handle.result());
    expect(failure).toBeInstanceOf(WorkflowCancelledError);
    expect(failure).toMatchObject({
      rollback: 'complete',
      cause: { name: 'CancelledError', reason: 'changed my mind' },
    });
    expect(log).toEqual(['reserve', 'undo reserve reserve:1 1']);
    await expect(handle.cancel()).rejects.toBeInstanceOf(WorkflowNotRunningError);
  });

  it('stops a running activity when the run is cancelled', async () => {
    const stopped = gate<unknown>();
    const begun = gate();
    const stage = await open({
      activities: [
        activity('long', (context) => {
          begun.open();
          return new Promise((_, reject) => {
            context.signal.addEventListener('abort', () => {
              stopped.open(context.signal.reason);
              reject(new Error('stopped'));
            });
          });
        }),
      ],
      workflows: [{ make: ({ act }) => ({ run: () => act('long') }) }],
    });
    const handle = await stage.client.start('scripted');
    await begun.opened;
    await handle.cancel();
    await expect(handle.result()).rejects.toBeInstanceOf(WorkflowCancelledError);
    await expect(stopped.opened).resolves.toMatchObject({ why: 'cancelled' });
  });

  // ------------------------------------------------------------------------------- signals and timers

  const entity: ScriptedWorkflow = {
    signals: ['add'],
    queries: ['items'],
    make: ({ ctx }) => {
      const items: unknown[] = [];
      return {
        add: (item: unknown) => void items.push(item),
        items: () => items,
        run: async (wanted) => {
          await ctx.condition(() => items.length >= (wanted as number));
          return items;
        },
      };
    },
  };

  it('hands signals to their handler in order, and answers queries', async () => {
    const stage = await open({ workflows: [entity] });
    const handle = await stage.client.start('scripted', 3);
    await handle.signal('add', 'a');
    await handle.signal('add', 'b', { dedupeId: 'once' });
    await handle.signal('add', 'b', { dedupeId: 'once' });
    await stage.recorder.until('turn committed', () => stage.recorder.count('turn committed') >= 3);
    await expect(handle.query('items')).resolves.toEqual(['a', 'b']);
    await handle.signal('add', 'c');
    await expect(handle.result()).resolves.toEqual(['a', 'b', 'c']);
    // From history, after the end.
    await expect(handle.query('items')).resolves.toEqual(['a', 'b', 'c']);
    await expect(handle.signal('add', 'd')).rejects.toBeInstanceOf(WorkflowNotRunningError);
    await expect(handle.query('nothing')).rejects.toMatchObject({
      message: expect.stringMatching(/has no query "nothing"\.$/),
      known: ['items'],
    });
  });

  it('loses no signal that was acknowledged, however the run decides meanwhile', async () => {
    const stage = await open({
      activities: [activity('ship', () => 'shipped')],
      workflows: [
        {
          signals: ['note'],
          make: ({ act }) => {
            const notes: unknown[] = [];
            return {
              note: (text: unknown) => void notes.push(text),
              run: async () => {
                await act('ship');
                return notes;
              },
            };
          },
        },
      ],
    });
    for (let round = 0; round < 50; round++) {
      const handle = await stage.client.start('scripted');
      const acknowledged: number[] = [];
      await Promise.all(
        Array.from({ length: 5 }, async (_, i) => {
          try {
            await handle.signal('note', i);
            acknowledged.push(i);
          } catch (error) {
            expect(error).toBeInstanceOf(WorkflowNotRunningError);
          }
        }),
      );
      const notes = (await handle.result()) as number[];
      expect(notes.toSorted(byNumber)).toEqual(acknowledged.toSorted(byNumber));
    }
  });

  it('keeps signals sent before the wait, and times out a wait', async () => {
    const stage = await open({
      workflows: [
        {
          make: ({ ctx }) => ({
            run: async () => {
              await ctx.sleep(30);
              const first = await ctx.waitForSignal('word');
              const second = await ctx.waitForSignal('word', { timeout: 20 });
              return [first, second];
            },
          }),
        },
      ],
    });
    const handle = await stage.client.start('scripted');
    await handle.signal('word', 'early');
    await expect(handle.result()).resolves.toEqual(['early', undefined]);
  });

  it('gives a run back while it waits, and takes it up for a signal', async () => {
    const stage = await open({ workflows: [entity], settings: { runs: 1 } });
    const handle = await stage.client.start('scripted', 1);
    // A slot is wanted: the idle run leaves at once.
    const other = await stage.client.start('scripted', 1);
    await stage.recorder.until('run released');
    await handle.signal('add', 1);
    await other.signal('add', 2);
    await expect(handle.result()).resolves.toEqual([1]);
    await expect(other.result()).resolves.toEqual([2]);
  });

  it('fires timers, and wakes a run that was released for one', async () => {
    const stage = await open({
      workflows: [{ make: ({ ctx }) => ({ run: () => ctx.sleep(400) }) }],
      settings: { parkAfter: 10, runs: 1 },
    });
    const started = Date.now();
    const handle = await stage.client.start('scripted');
    const next = await stage.client.start('scripted');
    await Promise.all([handle.result(), next.result()]);
    expect(Date.now() - started).toBeGreaterThanOrEqual(400);
  });

  // ---------------------------------------------------------------------------------------- takeovers

  const pair = async (
    options: StageOptions,
  ): Promise<{ readonly first: Stage; readonly second: () => Promise<Stage> }> => {
    const store = new InMemoryStore();
    const settings = { leaseTimeout: 300, heartbeatInterval: 50, ...options.settings };
    const first = await open({ ...options, settings, journal: new InMemoryJournal(store) });
    return { first, second: () => open({ ...options, settings, journal: new InMemoryJournal(store) }) };
  };

  it('goes on with the runs of a process that died', async () => {
    const begun = gate();
    let tries = 0;
    const { first, second } = await pair({
      activities: [
        activity('work', () => {
          if (++tries > 1) return 'done';
          begun.open();
          return new Promise(() => {});
        }),
      ],
      workflows: [{ make: ({ act }) => ({ run: () => act('work') }) }],
    });
    await first.client.start('scripted', undefined, { id: 'w' });
    await begun.opened;
    await first.crash();
    const stage = await second();
    await expect(stage.client.handle('w').result()).resolves.toBe('done');
    // The lost attempt counts.
    const attempts = (await stage.client.handle('w').history()).filter(
      ({ entry }) => entry.type === 'activity_attempt',
    );
    expect(attempts).toHaveLength(1);
  });

  it('makes no second attempt of an activity that may have only one', async () => {
    const begun = gate();
    let tries = 0;
    const { first, second } = await pair({
      activities: [
        activity(
          'once',
          () => {
            tries++;
            begun.open();
            return new Promise(() => {});
          },
          { retry: { maxAttempts: 1 } },
        ),
      ],
      workflows: [{ make: ({ act }) => ({ run: () => act('once') }) }],
    });
    await first.client.start('scripted', undefined, { id: 'w' });
    await begun.opened;
    await first.crash();
    const failure = await caught((await second()).client.handle('w').result());
    expect(failure).toMatchObject({
      cause: { name: 'ActivityFailure', cause: { name: AttemptLostError.name } },
    });
    expect(tries).toBe(1);
  });

  it('hands its runs over at an orderly stop, which others take up at once', async () => {
    const begun = gate();
    let tries = 0;
    const { first, second } = await pair({
      activities: [
        activity('work', (context) => {
          if (++tries > 1) return context.attempt;
          begun.open();
          return new Promise((_, reject) =>
            context.signal.addEventListener('abort', () => reject(new Error('aborted'))),
          );
        }),
      ],
      workflows: [{ make: ({ act }) => ({ run: () => act('work') }) }],
      settings: { leaseTimeout: 60_000, heartbeatInterval: 1_000, shutdownTimeout: 10 },
    });
    await first.client.start('scripted', undefined, { id: 'w' });
    await begun.opened;
    await first.close();
    const stage = await second();
    // It began twice; the interrupted attempt does not count.
    await expect(stage.client.handle('w').result()).resolves.toBe(2);
  });

  it('finishes what runs before an orderly stop, and begins nothing more', async () => {
    const begun = gate();
    const finish = gate();
    const log: string[] = [];
    const { first, second } = await pair({
      activities: [
        activity('first', async () => {
          begun.open();
          await finish.opened;
          log.push('first');
        }),
        activity('second', (context) => void log.push(`second, attempt ${context.attempt}`)),
      ],
      workflows: [
        {
          make: ({ act }) => ({
            run: async () => {
              await act('first');
              await act('second');
            },
          }),
        },
      ],
      settings: { leaseTimeout: 60_000, heartbeatInterval: 1_000 },
    });
    await first.client.start('scripted', undefined, { id: 'w' });
    await begun.opened;
    const closing = first.close();
    finish.open();
    await closing;
    expect(log).toEqual(['first']);
    const stage = await second();
    await stage.client.handle('w').result();
    // It was never begun before, so this is its first attempt.
    expect(log).toEqual(['first', 'second, attempt 1']);
  });

  // ------------------------------------------------------------------------------------------- faults

  it('blocks a run whose code drifted, shows it, and goes on when the old code is back', async () => {
    const store = new InMemoryStore();
    const activities = [activity('old', () => 'old'), activity('new', () => 'new')];
    const first = await open({
      journal: new InMemoryJournal(store),
      activities,
      workflows: [workflowOf('old')],
      settings: { buildId: '1' },
    });
    const handle = await first.client.start('scripted', undefined, { id: 'w' });
    await first.recorder.until('turn committed', () => first.recorder.count('turn committed') >= 2);
    await first.close();

    const drifted = await open({
      journal: new InMemoryJournal(store),
      activities,
      workflows: [workflowOf('new')],
      settings: { buildId: '2' },
    });
    await drifted.client.handle('w').signal('go');
    const { error } = await drifted.recorder.until('turn failed');
    expect(error).toMatchObject({ name: 'NonDeterminismError', agreedUpTo: 1 });
    expect(error.message).toContain('old');
    expect(error.message).toContain('new');
    await until(async () => (await drifted.client.describe('w')).blocked !== null);
    const described = await drifted.client.describe('w');
    expect(described.state).toBe('running');
    expect(described.blocked?.reason).toContain('NonDeterminismError');
    await expect(drifted.client.handle('w').query('answer')).rejects.toMatchObject({
      name: 'RunBlockedError',
      statusCode: 503,
      message: 'The workflow "w" is blocked, and answers no queries.',
      cause: { name: 'NonDeterminismError' },
    });
    await drifted.close();

    const again = await open({
      journal: new InMemoryJournal(store),
      activities,
      workflows: [workflowOf('old')],
      settings: { buildId: '3' },
    });
    await expect(again.client.handle('w').result()).resolves.toBe('old');
    void handle;
  });

  it('reports a foreign await at once, and keeps what activities did', async () => {
    let tries = 0;
    let mended = false;
    const stage = await open({
      activities: [
        activity('once', () => ++tries, { retry: { maxAttempts: 1 } }),
        activity('after', () => 'after'),
      ],
      workflows: [
        {
          make: ({ act }) => ({
            run: async () => {
              const done = await act('once');
              if (!mended) await new Promise((resolve) => setTimeout(resolve, 5));
              await act('after');
              return done;
            },
          }),
        },
      ],
    });
    const handle = await stage.client.start('scripted');
    const { error } = await stage.recorder.until('turn failed');
    expect(error.name).toBe('ForeignAwaitError');
    mended = true;
    await expect(handle.result()).resolves.toBe(1);
    expect(tries).toBe(1);
  });

  it('finds a workflow that reads what is not in its history', async () => {
    let outside = 0;
    const stage = await open({
      activities: [activity('work', (_, n: number) => n)],
      workflows: [{ make: ({ act }) => ({ run: () => act('work', outside++ % 2 === 0 ? 0 : 1) }) }],
    });
    await stage.client.start('scripted');
    const { error } = await stage.recorder.until('turn failed');
    expect(['ReplayMismatchError', 'NonDeterminismError']).toContain(error.name);
  });

  // ------------------------------------------------------------------------------------------- client

  it('starts one run per workflow id', async () => {
    const stage = await open({ workflows: [entity] });
    const handle = await stage.client.start('scripted', 1, { id: 'w' });
    await expect(stage.client.start('scripted', 1, { id: 'w' })).rejects.toBeInstanceOf(
      WorkflowAlreadyStartedError,
    );
    const same = await stage.client.start('scripted', 1, { id: 'w', onConflict: 'useExisting' });
    expect(same.runId).toBe(handle.runId);
    const other = await stage.client.start('scripted', 1, { id: 'w', onConflict: 'terminateExisting' });
    expect(other.runId).not.toBe(handle.runId);
    await expect(handle.result()).rejects.toBeInstanceOf(WorkflowTerminatedError);
    await stage.client.handle('w').signal('add', 1);
    await expect(other.result()).resolves.toEqual([1]);
    await expect(stage.client.start('scripted', 1, { id: 'w', onReuse: 'reject' })).rejects.toThrow(
      'has completed before',
    );
  });

  it('waits no longer than asked, and tells unknown workflows apart', async () => {
    const stage = await open({ workflows: [entity] });
    const handle = await stage.client.start('scripted', 1);
    await expect(handle.result({ timeout: 10 })).rejects.toBeInstanceOf(ResultTimeoutError);
    await expect(stage.client.handle('nobody').result()).rejects.toBeInstanceOf(WorkflowNotFoundError);
    await expect(stage.client.handle('nobody').signal('add', 1)).rejects.toBeInstanceOf(
      WorkflowNotFoundError,
    );
    await expect(stage.client.handle('nobody').cancel()).rejects.toBeInstanceOf(WorkflowNotFoundError);
    await expect(stage.client.start('other')).rejects.toThrow('knows no workflow "other"');
    await expect(stage.client.start('scripted', () => 1)).rejects.toMatchObject({
      name: 'UnstorableValueError',
      path: '$',
    });
    await expect(stage.client.start('scripted', 'x'.repeat(1_100_000))).rejects.toMatchObject({
      name: 'PayloadTooLargeError',
      status: 413,
    });
    expect(await stage.client.count()).toBe(1);
  });

  it('terminates against the worker that holds the run', async () => {
    const log: string[] = [];
    const stage = await open({
      ...saga(log),
      workflows: [
        {
          make: ({ act, ctx }) => ({
            run: async () => {
              await act('reserve', 1);
              await ctx.sleep('1 hour');
            },
          }),
        },
      ],
    });
    const handle = await stage.client.start('scripted');
    await stage.recorder.until('turn committed', () => log.length === 1);
    await handle.terminate({ reason: 'enough' });
    await expect(handle.result()).rejects.toMatchObject({
      name: 'WorkflowTerminatedError',
      reason: 'enough',
    });
    expect(log).toEqual(['reserve']);
    await expect(handle.terminate()).rejects.toBeInstanceOf(WorkflowNotRunningError);
  });

  it('prints what a workflow logs once, after the commit', async () => {
    const stage = await open({
      activities: [activity('work', () => 1)],
      workflows: [
        {
          make: ({ act, ctx }) => ({
            run: async () => {
              ctx.log.log('before', { n: 1 });
              await act('work');
              ctx.log.warn('after');
            },
          }),
        },
      ],
    });
    await stage.client.execute('scripted');
    const lines = stage.recorder.events.flatMap((event) =>
      event.type === 'workflow log' ? [[event.level, event.message]] : [],
    );
    expect(lines).toEqual([
      ['log', 'before'],
      ['warn', 'after'],
    ]);
  });
});

const failing = (
  times: number,
  error: () => Error,
): { readonly tries: () => number; readonly body: () => number } => {
  let tries = 0;
  return {
    tries: () => tries,
    body: () => {
      if (++tries <= times) throw error();
      return tries;
    },
  };
};

const saga = (
  log: string[],
  options: { readonly failUndo?: string } = {},
): Pick<StageOptions, 'activities'> => {
  const step = (name: string): ReturnType<typeof activity>[] => {
    const undo = activity(
      `undo ${name}`,
      (_, result: string, input: number) => {
        if (options.failUndo === name) throw new NonRetryableError(`cannot undo ${name}`);
        log.push(`undo ${name} ${result} ${input}`);
      },
      { retry: { initialInterval: 1 } },
    );
    return [
      activity(name, (_, input: number) => (log.push(name), `${name}:${input}`), { compensation: undo }),
      undo,
    ];
  };
  return { activities: [...step('reserve'), ...step('charge'), ...step('ship')] };
};

const workflowOf = (activityName: string): ScriptedWorkflow => ({
  queries: ['answer'],
  make: ({ act, ctx }) => ({
    answer: () => 42,
    run: async () => {
      const done = await act(activityName);
      await ctx.waitForSignal('go');
      return done;
    },
  }),
});

const byNumber = (a: number, b: number): number => a - b;

async function caught(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('Nothing was thrown.');
}

/** Until what is asked for holds; asks again as soon as other work was done. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
}
