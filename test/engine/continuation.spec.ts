import type { StandardSchemaV1 } from '@standard-schema/spec';
import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { WorkflowContinuedError } from '../../lib/client/index.js';
import type { WorkflowContext } from '../../lib/core/index.js';
import { Workflow } from '../../lib/nest/index.js';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { newRunId } from '../../lib/engine/index.js';
import { JournalUnavailableError } from '../../lib/journal/index.js';
import type { StartRequest } from '../../lib/journal/index.js';
import { gate } from '../support/gate.js';
import { openStages } from '../support/open-stages.js';
import { scriptedJournal } from '../support/scripted-journal.js';
import { activity } from '../support/stage.js';
import type { ScriptedWorkflow, Stage } from '../support/stage.js';

@Workflow({ name: 'scripted', version: 2 })
class Second {
  run(_: WorkflowContext, input: string): Promise<string> {
    return Promise.resolve(input);
  }
}

interface Counting {
  readonly left: number;
  readonly seen: readonly unknown[];
}

/** Takes two signals in every run, and goes on as the next one until none is left. */
const counter: ScriptedWorkflow = {
  queries: ['left'],
  make: ({ ctx }) => {
    let left = -1;
    return {
      left: () => left,
      run: async (input: unknown) => {
        const { left: runs, seen } = input as Counting;
        left = runs;
        const two = [await ctx.waitForSignal('n'), await ctx.waitForSignal('n')];
        const all = [...seen, ...two];
        return runs === 0 ? all : ctx.continueAsNew({ left: runs - 1, seen: all } satisfies Counting);
      },
    };
  },
};

/** Continues with the first poke, or ends. */
const pokedOnce: ScriptedWorkflow = {
  signals: ['poke'],
  make: ({ ctx }) => {
    let poked = false;
    return {
      poke: () => {
        poked = true;
      },
      run: async (input) => {
        await ctx.condition(() => poked && input === 1);
        return ctx.continueAsNew(2);
      },
    };
  },
};

describe('Continuing as new', () => {
  const open = openStages();

  it('goes on without a claim, in order, and the result is that of the last run', async () => {
    const stage = await open({ workflows: [counter] });
    const handle = await stage.client.start('scripted', { left: 2, seen: [] });
    for (let n = 0; n < 6; n++) await handle.signal('n', n);
    await expect(handle.result()).resolves.toEqual([0, 1, 2, 3, 4, 5]);
    expect(stage.recorder.count('run continued')).toBe(2);
    expect(stage.recorder.count('run claimed')).toBe(0);
    const { runs } = await stage.client.list({ where: { id: handle.workflowId }, orderBy: 'oldest' });
    expect(runs.map(({ state }) => state)).toEqual(['continued', 'continued', 'completed']);
    const first = stage.client.handle(handle.workflowId, runs[0]!.runId);
    const failure: unknown = await first.result().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(WorkflowContinuedError);
    expect(failure).toMatchObject({ runId: runs[0]!.runId, continuedTo: runs[1]!.runId });
    await expect(first.result({ follow: true })).resolves.toHaveLength(6);
  });

  it('carries signals that nobody has taken, before those that are unread', async () => {
    const stage = await open({
      workflows: [
        {
          make: ({ ctx, act }) => ({
            run: async (input) => {
              if (input !== 'next') {
                await act('work');
                return ctx.continueAsNew('next');
              }
              const seen: unknown[] = [];
              while (seen.at(-1) !== 'last') seen.push(await ctx.waitForSignal('n'));
              return seen;
            },
          }),
        },
      ],
      activities: [activity('work', () => working.opened)],
    });
    const working = gate();
    const handle = await stage.client.start('scripted');
    for (const n of [1, 2, 3]) await handle.signal('n', n);
    // Consumed, and taken by nobody.
    const received = async (): Promise<number> =>
      (await handle.history()).filter(({ entry }) => entry.type === 'signal_received').length;
    while ((await received()) < 3) await setImmediate();
    working.open();
    await handle.signal('n', 'last');
    await expect(handle.result()).resolves.toEqual([1, 2, 3, 'last']);
  });

  describe.each(['after', 'before'] as const)('a crash right %s the commit that continues', (when) => {
    /** A worker that dies there. */
    async function dying(store: InMemoryStore): Promise<{ stage: Stage; dead: Promise<void> }> {
      const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
      const dead = gate();
      detour('commit', async (real, turns, options) => {
        if (!turns.some(({ outcome }) => outcome.type === 'continue')) return real(turns, options);
        if (when === 'after') await real(turns, options);
        dead.open();
        return new Promise(() => {});
      });
      const settings = { leaseTimeout: 300, heartbeatInterval: 50 };
      return { stage: await open({ journal, workflows: [counter], settings }), dead: dead.opened };
    }

    it('loses nothing, and repeats nothing', async () => {
      const store = new InMemoryStore();
      const { stage, dead } = await dying(store);
      const { workflowId } = await stage.client.start('scripted', { left: 1, seen: [] });
      const handle = stage.client.handle(workflowId);
      await handle.signal('n', 0);
      await handle.signal('n', 1);
      await dead;
      await handle.signal('n', 2);
      await stage.crash();
      const next = await open({ journal: new InMemoryJournal(store), workflows: [counter] });
      await next.client.handle(workflowId).signal('n', 3);
      await expect(next.client.handle(workflowId).result()).resolves.toEqual([0, 1, 2, 3]);
      const { runs } = await next.client.list({ where: { id: workflowId } });
      expect(runs.map(({ state }) => state)).toEqual(['completed', 'continued']);
    });
  });

  it('a cancel that comes while it continues reaches the next run, and stops it', async () => {
    const store = new InMemoryStore();
    const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
    const outside = new InMemoryJournal(store);
    await outside.open();
    const reached: unknown[] = [];
    const stage = await open({
      journal,
      activities: [activity('reach', (_, n: number) => void reached.push(n))],
      workflows: [
        {
          make: ({ ctx, act }) => ({
            run: async (n) => {
              await act('reach', n);
              return ctx.continueAsNew((n as number) + 1);
            },
          }),
        },
      ],
    });
    detour('commit', async (real, turns, options) => {
      // Right before the third run goes on: it is in the inbox when the fourth begins.
      if (reached.length === 3 && turns.some(({ outcome }) => outcome.type === 'continue'))
        await outside.send([
          {
            namespace: 'default',
            workflowId: 'w',
            runId: null,
            kind: 'cancel',
            name: null,
            payload: '"enough"',
            dedupeId: 'once',
          },
        ]);
      return real(turns, options);
    });
    const handle = await stage.client.start('scripted', 1, { id: 'w' });
    await expect(handle.result()).rejects.toMatchObject({ cause: { reason: 'enough' } });
    const { runs } = await stage.client.list({ where: { id: 'w' } });
    expect(runs.map(({ state }) => state)).toEqual(['cancelled', 'continued', 'continued', 'continued']);
    expect(reached.length).toBeLessThanOrEqual(4);
  });

  it.each([true, false])('goes on after a commit whose answer got lost; applied: %s', async (applies) => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const stage = await open({ journal, workflows: [counter] });
    let lost = 0;
    detour('commit', async (real, turns, options) => {
      if (lost >= 2 || !turns.some(({ outcome }) => outcome.type === 'continue')) return real(turns, options);
      lost++;
      if (applies) await real(turns, options);
      throw new JournalUnavailableError('connection reset', true);
    });
    const handle = await stage.client.start('scripted', { left: 2, seen: [] });
    for (let n = 0; n < 6; n++) await handle.signal('n', n);
    await expect(handle.result()).resolves.toEqual([0, 1, 2, 3, 4, 5]);
    expect(lost).toBe(2);
    expect(stage.recorder.count('lease lost')).toBe(0);
    expect(await stage.client.count({ state: 'continued' })).toBe(2);
  });

  describe('a request to cancel', () => {
    const begun: unknown[] = [];
    /** Goes on with every poke. */
    const restless: ScriptedWorkflow = {
      signals: ['poke'],
      make: ({ ctx, act }) => {
        let pokes = 0;
        return {
          poke: () => void pokes++,
          run: async (input) => {
            begun.push(input);
            try {
              await ctx.condition(() => pokes > 0);
            } finally {
              if (ctx.cancelRequested) await ctx.nonCancellable(() => act('clean'));
            }
            return ctx.continueAsNew(Number(input) + 1);
          },
        };
      },
    };
    const cleaned: unknown[] = [];
    const clean = activity('clean', () => void cleaned.push('cleaned'));
    beforeEach(() => {
      begun.length = 0;
      cleaned.length = 0;
    });

    it('that a signal overtakes is the next run’s (F17)', async () => {
      const store = new InMemoryStore();
      const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
      const outside = new InMemoryJournal(store);
      await outside.open();
      const stage = await open({ journal, activities: [], workflows: [pokedOnce] });
      const poke = { namespace: 'default', workflowId: 'w', runId: null, dedupeId: null } as const;
      let poked = 0;
      // The run is about to end cancelled when a signal comes in that it has to see before.
      detour('commit', async (real, turns, options) => {
        if (turns.some(({ decides }) => decides) && poked++ === 0)
          await outside.send([{ ...poke, kind: 'signal', name: 'poke', payload: 'null' }]);
        return real(turns, options);
      });
      const handle = await stage.client.start('scripted', 1, { id: 'w' });
      await handle.cancel({ reason: 'enough' });
      const failure = await handle.result().catch((error: unknown) => error);
      expect(failure).toMatchObject({ name: 'WorkflowCancelledError', cause: { reason: 'enough' } });
      expect(stage.recorder.count('run continued')).toBe(1);
      expect(stage.recorder.count('turn refused')).toBe(1);
    });

    it('that finds the next run not begun yet lets it begin, and clean up', async () => {
      const store = new InMemoryStore();
      const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
      const stage = await open({ journal, activities: [clean], workflows: [restless] });
      const outside = new InMemoryJournal(store);
      await outside.open();
      const message = { namespace: 'default', workflowId: 'w', runId: null, dedupeId: null } as const;
      detour('commit', async (real, turns, options) => {
        if (turns.some(({ outcome }) => outcome.type === 'continue'))
          await outside.send([{ ...message, kind: 'cancel', name: null, payload: '"enough"' }]);
        return real(turns, options);
      });
      const handle = await stage.client.start('scripted', 1, { id: 'w' });
      await handle.signal('poke');
      await expect(handle.result()).rejects.toMatchObject({ name: 'WorkflowCancelledError' });
      expect([...new Set(begun)]).toEqual([1, 2]);
      expect(cleaned).toEqual(['cleaned']);
    });
  });

  it('runs the newest version that the worker has, and the one of a class it is given', async () => {
    const versioned = (version: number): ScriptedWorkflow => ({
      version,
      make: ({ ctx }) => ({
        run: async (input) => {
          if (input === 'again') return `version ${version}`;
          return input === 'by class' ? ctx.continueAsNew(Second, 'again') : ctx.continueAsNew('again');
        },
      }),
    });
    const store = new InMemoryStore();
    const old = await open({ journal: new InMemoryJournal(store), workflows: [versioned(1)] });
    await expect(old.client.execute('scripted')).resolves.toBe('version 1');
    // It has no second version: a worker that has one goes on.
    const waiting = await old.client.start('scripted', 'by class');
    await old.recorder.until('run continued', ({ run }) => run.runId === waiting.runId);
    expect(await waiting.describe()).toMatchObject({ state: 'running', version: 2, inbox: { owner: null } });
    const all = [1, 3, 2].map(versioned);
    const newer = await open({ journal: new InMemoryJournal(store), workflows: all });
    await expect(waiting.result()).resolves.toBe('version 2');
    await old.close();
    await expect(newer.client.execute('scripted')).resolves.toBe('version 3');
    await expect(newer.client.execute('scripted', 'by class')).resolves.toBe('version 2');
  });

  it('drops the results of the run before: the next one counts its activities from the beginning', async () => {
    const store = new InMemoryStore();
    const { journal } = scriptedJournal(new InMemoryJournal(store));
    const stage = await open({
      journal,
      activities: [activity('work', (_, n: string) => n)],
      workflows: [
        {
          make: ({ ctx, act }) => ({
            run: async (input) => {
              if (input === 'next') return act('work', 'of the next run');
              await ctx.waitForSignal('go');
              return ctx.continueAsNew('next');
            },
          }),
        },
      ],
    });
    const handle = await stage.client.start('scripted', 'first');
    const { runId, workflowId } = handle;
    const outside = new InMemoryJournal(store);
    await outside.open();
    const message = { namespace: 'default', workflowId, runId: runId as never, dedupeId: null } as const;
    await outside.send([
      { ...message, kind: 'signal', name: 'go', payload: 'null' },
      {
        ...message,
        kind: 'activity_result',
        name: '0:1',
        payload: '{"outcome":"completed","result":"\\"of the last run\\""}',
      },
    ]);
    await expect(handle.result()).resolves.toBe('of the next run');
  });

  it('is blocked where more signals would travel than may, and goes on when the code takes them; none is lost', async () => {
    const store = new InMemoryStore();
    const workflow = (takes: boolean): ScriptedWorkflow => ({
      make: ({ ctx }) => ({
        run: async () => {
          await ctx.waitForSignal('go');
          if (!takes) return ctx.continueAsNew();
          const taken: unknown[] = [];
          while (taken.length < 16) taken.push(await ctx.waitForSignal('n'));
          return taken;
        },
      }),
    });
    const settings = { largestHistory: { entries: 12, bytes: 1e9 } };
    const stage = await open({ journal: new InMemoryJournal(store), workflows: [workflow(false)], settings });
    const handle = await stage.client.start('scripted');
    const all = Array.from({ length: 16 }, (_, n) => n);
    for (const n of all.slice(0, 8)) await handle.signal('n', n);
    await handle.signal('go');
    await stage.recorder.until('run continued');
    for (const n of all.slice(8)) await handle.signal('n', n);
    await handle.signal('go');
    const { error } = await stage.recorder.until('turn failed');
    expect(error).toMatchObject({ name: 'CarriedSignalsError', size: { entries: 16 }, signal: 'n' });
    await stage.close();
    const mended = { workflows: [workflow(true)], settings: { buildId: 'mended' } };
    await open({ journal: new InMemoryJournal(store), ...mended });
    const other = await open({ journal: new InMemoryJournal(store), workflows: [], worker: false });
    await expect(other.client.handle(handle.workflowId).result()).resolves.toEqual(all);
  });

  it('tells a run when to, and blocks one that does not until the limit is raised; nothing is lost', async () => {
    const store = new InMemoryStore();
    const limits = { continueAfter: { entries: 4, bytes: 1e9 }, largestHistory: { entries: 8, bytes: 1e9 } };
    const workflow = (heeds: boolean): ScriptedWorkflow => ({
      name: heeds ? 'heeds' : 'ignores',
      make: ({ ctx }) => ({
        run: async (input) => {
          const seen = [...((input ?? []) as unknown[])];
          while (seen.length < 12) {
            seen.push(await ctx.waitForSignal('n'));
            if (heeds && ctx.info.continueAsNewSuggested) return ctx.continueAsNew(seen);
          }
          return seen;
        },
      }),
    });
    const workflows = [workflow(true), workflow(false)];
    const stage = await open({ journal: new InMemoryJournal(store), workflows, settings: limits });
    const heeds = await stage.client.start('heeds');
    const ignores = await stage.client.start('ignores');
    for (let n = 0; n < 12; n++) await Promise.all([heeds.signal('n', n), ignores.signal('n', n)]);
    const all = Array.from({ length: 12 }, (_, n) => n);
    await expect(heeds.result()).resolves.toEqual(all);
    const { error } = await stage.recorder.until('turn failed');
    expect(error).toMatchObject({ name: 'HistoryLimitError', limit: { entries: 8, bytes: 1e9 } });
    expect(await ignores.describe()).toMatchObject({
      blocked: { reason: expect.stringMatching(/A history has at most 8 entries .* Raise the limit/) },
    });
    await stage.close();
    await open({
      journal: new InMemoryJournal(store),
      workflows,
      settings: { largestHistory: { entries: 100, bytes: 1e9 }, buildId: 'raised' },
    });
    const other = await open({ journal: new InMemoryJournal(store), workflows: [], worker: false });
    await expect(other.client.handle(ignores.workflowId).result()).resolves.toEqual(all);
  });

  it('applies the schema of the workflow that it continues as; what that refuses is mended by a deploy', async () => {
    const store = new InMemoryStore();
    const schema = (least: number): StandardSchemaV1 => ({
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: async (value) =>
          Number(value) >= least
            ? { value: `${String(value)}!` }
            : { issues: [{ message: `Less than ${least}` }] },
      },
    });
    const chain = (least: number): ScriptedWorkflow => ({
      input: schema(least),
      make: ({ ctx }) => ({
        run: async (input) => (input === 'first' ? ctx.continueAsNew(5) : [input, ctx.info.input]),
      }),
    });
    const strict = await open({ journal: new InMemoryJournal(store), workflows: [chain(7)] });
    const handle = await strict.client.start('scripted', 'first').catch(() => null);
    expect(handle).toBeNull();
    const outside = new InMemoryJournal(store);
    await outside.open();
    await outside.start([startOf('w', '"first"')]);
    const { error } = await strict.recorder.until('turn failed');
    expect(error.message).toMatch(/the schema of scripted, version 1, refuses: Less than 7/);
    await strict.close();
    const mended = await open({
      journal: new InMemoryJournal(store),
      workflows: [chain(5)],
      settings: { buildId: 'mended' },
    });
    await expect(mended.client.handle('w').result()).resolves.toEqual(['5!', '5!']);
  });

  it('hands signals to the handlers of the next run by their schemas', async () => {
    const numbers: StandardSchemaV1 = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) =>
          typeof value === 'number' ? { value: value * 10 } : { issues: [{ message: 'no number' }] },
      },
    };
    const stage = await open({
      activities: [activity('work', () => working.opened)],
      workflows: [
        {
          make: ({ ctx, act }) => ({ run: () => act('work').then(() => ctx.continueAsNew(Second, 'input')) }),
        },
        {
          version: 2,
          signals: ['n'],
          signalInputs: { n: numbers },
          make: ({ ctx }) => {
            const seen: unknown[] = [];
            return {
              n: (payload: unknown) => void seen.push(payload),
              run: async () => {
                await ctx.condition(() => seen.length === 3);
                return seen;
              },
            };
          },
        },
      ],
    });
    const working = gate();
    const first = { ...startOf('w', 'null'), version: 1 };
    await stage.journal.start([first]);
    await stage.recorder.until('activity attempt started');
    const handle = stage.client.handle('w');
    for (const payload of [1, 'x', 2]) await handle.signal('n', payload);
    working.open();
    await stage.recorder.until('run continued');
    await handle.signal('n', 3);
    await expect(handle.result()).resolves.toEqual([10, 20, 30]);
    expect(stage.recorder.count('signal refused')).toBe(1);
  });

  it('warns in development that what was done will not be undone any more', async () => {
    const undo = activity('undo', () => null);
    const stage = await open({
      activities: [activity('pay', () => 1, { compensation: undo }), undo],
      workflows: [
        {
          make: ({ ctx, act }) => ({
            run: async (input) => {
              if (input === 'next') return 'done';
              await act('pay');
              if (input === 'commits') ctx.commit();
              return ctx.continueAsNew('next');
            },
          }),
        },
      ],
    });
    const warnings = (): readonly string[] =>
      stage.recorder.events.flatMap((event) => (event.type === 'workflow log' ? [event.message] : []));
    await expect(stage.client.execute('scripted', 'commits')).resolves.toBe('done');
    expect(warnings()).toEqual([]);
    await expect(stage.client.execute('scripted')).resolves.toBe('done');
    expect(warnings()).toEqual([expect.stringMatching(/would still undo something \(undo\)/)]);
  });
});

const startOf = (workflowId: string, input: string): StartRequest => ({
  runId: newRunId(),
  namespace: 'default',
  workflowId,
  workflow: 'scripted',
  version: 1,
  priority: 2,
  input,
  startAt: null,
  onConflict: 'fail',
  onReuse: 'allow',
  attributes: null,
  first: null,
});
