import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { WorkflowContext } from '../../lib/core/index.js';
import { Workflow } from '../../lib/nest/index.js';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { gate } from '../support/gate.js';
import { openStages } from '../support/open-stages.js';
import { activity } from '../support/stage.js';
import type { ScriptedWorkflow, Stage } from '../support/stage.js';

/** Pays, and then waits for a word. */
const pays: ScriptedWorkflow = {
  signals: ['go'],
  make: ({ ctx, act }) => {
    let gone = false;
    return {
      go: () => void (gone = true),
      run: async () => {
        await act('pay');
        await ctx.condition(() => gone);
        return 'paid';
      },
    };
  },
};
/** The same name, with other code. */
const drifted: ScriptedWorkflow = {
  signals: ['go'],
  make: ({ act }) => ({ go: () => undefined, run: () => act('other') }),
};

@Workflow({ name: 'bill' })
class Bill {
  run(_: WorkflowContext, input: string): Promise<string> {
    return Promise.resolve(input);
  }
}
@Workflow({ name: 'limited', executionTimeout: 100 })
class Limited {
  run(_: WorkflowContext, input: string): Promise<string> {
    return Promise.resolve(input);
  }
}
@Workflow({ name: 'scripted' })
class Scripted extends Bill {}

describe('The end of a time limit', () => {
  const open = openStages();
  const undone: unknown[] = [];
  const unpay = activity('unpay', (_, result: unknown) => void undone.push(result));
  const activities = [
    activity('pay', () => 'receipt', { compensation: unpay }),
    unpay,
    activity('other', () => null),
  ];
  const startedAt = (stage: Stage, limits: object) =>
    stage.client.start('scripted', null, { id: 'w', ...limits });
  const crashed = async (store: InMemoryStore, stage: Stage): Promise<void> => {
    await stage.crash();
    const { id } = stage.runtime.engine!.session;
    store.killProcess(id);
    await stage.journal.unregister(id);
  };
  /** Only now, so that the first worker has done what it should, however long that takes. */
  const limit = (store: InMemoryStore, workflow: string, ms: number): void => {
    const actor = [...store.actors.values()].find((one) => one.workflow === workflow)!;
    actor.deadlines = { run: null, chain: Date.now() + ms, runLimit: null };
  };

  it('wakes a run that has left the memory', async () => {
    const stage = await open({ activities, workflows: [pays] });
    const handle = await startedAt(stage, { runTimeout: 1_600 });
    await stage.recorder.until('run released');
    await expect(handle.result()).rejects.toMatchObject({ name: 'WorkflowTimedOutError' });
  });

  it('reaches the next holder when the first one has died', async () => {
    const store = new InMemoryStore();
    const first = await open({ journal: new InMemoryJournal(store), activities, workflows: [pays] });
    const handle = await startedAt(first, { executionTimeout: '1 hour' });
    await first.recorder.until('turn committed', ({ entries }) => entries === 1);
    await crashed(store, first);
    limit(store, 'scripted', 300);
    const second = await open({ journal: new InMemoryJournal(store), activities, workflows: [pays] });
    const error = second.client.handle(handle.workflowId).result();
    await expect(error).rejects.toMatchObject({ name: 'WorkflowTimedOutError', rollback: 'complete' });
  });

  it('stops an activity that is under way, and waits for it before anything is undone', async () => {
    const begun = gate();
    const slow = activity('slow', async ({ signal }) => {
      begun.open();
      await new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error)),
      );
    });
    const workflow: ScriptedWorkflow = {
      make: ({ act }) => ({ run: () => act('pay').then(() => act('slow')) }),
    };
    const stage = await open({ activities: [...activities, slow], workflows: [workflow] });
    const handle = await startedAt(stage, { runTimeout: 1_000 });
    await begun.opened;
    await expect(handle.result()).rejects.toMatchObject({
      name: 'WorkflowTimedOutError',
      rollback: 'complete',
    });
  });

  it('F22: rolls back a run that drift has blocked, without its code, and then is forgotten', async () => {
    const store = new InMemoryStore();
    const first = await open({ journal: new InMemoryJournal(store), activities, workflows: [pays] });
    const handle = await startedAt(first, { executionTimeout: '1 hour' });
    await first.recorder.until('turn committed', ({ entries }) => entries === 1);
    await crashed(store, first);
    limit(store, 'scripted', 1_000);
    undone.length = 0;
    const second = await open({ journal: new InMemoryJournal(store), activities, workflows: [drifted] });
    const blocked = await second.recorder.until('turn failed');
    expect(blocked.error.message).toContain('does not do what the history of this run says');
    const after = second.client.handle(handle.workflowId);
    await expect(after.result()).rejects.toMatchObject({
      name: 'WorkflowTimedOutError',
      rollback: 'complete',
      cause: {
        name: 'TimeoutFailure',
        message: expect.stringContaining('could not go on: NonDeterminismError'),
      },
    });
    expect(undone).toEqual(['receipt']);
    const types = (await after.history()).map(({ entry }) => entry.type);
    expect(types.slice(-5)).toEqual([
      'deadline_passed',
      'rollback_started',
      'activity_scheduled',
      'activity_completed',
      'run_timed_out',
    ]);
    expect(await after.describe()).toMatchObject({ state: 'timed_out', blocked: null });
  });

  it('F22: reaches the children of a run that drift has blocked, which stop before anything is undone', async () => {
    const store = new InMemoryStore();
    const parent: ScriptedWorkflow = {
      make: ({ ctx, act }) => ({
        run: async () => {
          await act('pay');
          return ctx.child(Bill, 'a bill');
        },
      }),
    };
    const bill: ScriptedWorkflow = { name: 'bill', make: ({ ctx }) => ({ run: () => ctx.sleep('1 hour') }) };
    const first = await open({
      journal: new InMemoryJournal(store),
      activities,
      workflows: [parent, bill],
    });
    const handle = await startedAt(first, { executionTimeout: '1 hour' });
    const begun = await first.recorder.until('turn committed', ({ run }) => run.workflow === 'bill');
    await crashed(store, first);
    limit(store, 'scripted', 600);
    undone.length = 0;
    const second = await open({
      journal: new InMemoryJournal(store),
      activities,
      workflows: [drifted, bill],
    });
    await expect(second.client.handle(handle.workflowId).result()).rejects.toMatchObject({
      name: 'WorkflowTimedOutError',
      rollback: 'complete',
    });
    expect(undone).toEqual(['receipt']);
    expect(await second.client.describe(begun.run.workflowId)).toMatchObject({ state: 'cancelled' });
  });

  it.each(['with something to undo', 'with nothing to undo'])(
    'F22: of a child that drift has blocked is told to its parent, %s',
    async (how) => {
      const store = new InMemoryStore();
      const parent: ScriptedWorkflow = {
        name: 'parent',
        make: ({ ctx }) => ({ run: () => ctx.child(Scripted, how).catch((error: Error) => error.name) }),
      };
      const child: ScriptedWorkflow = {
        make: ({ ctx, act }) => ({
          run: async (input) => {
            if (input === 'with something to undo') await act('pay');
            await ctx.sleep('1 hour');
          },
        }),
      };
      const first = await open({
        journal: new InMemoryJournal(store),
        activities,
        workflows: [parent, child],
      });
      const handle = await first.client.start('parent', null, { id: 'p' });
      const { run } = await first.recorder.until(
        'turn committed',
        (turn) => turn.run.workflow === 'scripted',
      );
      await crashed(store, first);
      limit(store, run.workflow, 300);
      const second = await open({
        journal: new InMemoryJournal(store),
        activities,
        workflows: [parent, drifted],
      });
      await expect(second.client.handle(handle.workflowId).result()).resolves.toBe('ChildWorkflowFailure');
    },
  );

  it('is that of its class for a child, too', async () => {
    const parent: ScriptedWorkflow = {
      make: ({ ctx }) => ({ run: () => ctx.child(Limited, 'slow').catch((error: unknown) => error) }),
    };
    const limited: ScriptedWorkflow = {
      name: 'limited',
      make: ({ ctx }) => ({ run: () => ctx.sleep('1 hour') }),
    };
    const stage = await open({ workflows: [parent, limited] });
    const told = (await stage.client.execute('scripted', null)) as Error;
    expect(told.name).toBe('ChildWorkflowFailure');
    const { runs } = await stage.client.list({ where: { workflow: 'limited' } });
    expect(runs).toMatchObject([{ state: 'timed_out', deadlineAt: expect.any(Number) }]);
  });

  it('of a run begins anew when it continues, and that of its chain goes on', async () => {
    const workflow: ScriptedWorkflow = {
      make: ({ ctx }) => ({
        run: async (input: unknown) => {
          await ctx.sleep(200);
          if (input === 5) return 'done';
          return ctx.continueAsNew(Number(input) + 1);
        },
      }),
    };
    const stage = await open({ workflows: [workflow] });
    const patient = await stage.client.start('scripted', 0, { runTimeout: 900 });
    const short = await stage.client.start('scripted', 0, { executionTimeout: 900 });
    expect(await patient.result()).toBe('done');
    await expect(short.result()).rejects.toMatchObject({ name: 'WorkflowTimedOutError' });
    const run = await stage.client.describe(short.workflowId);
    expect(run.runId).not.toBe(short.runId);
    expect(run.deadlineAt).toBe((await stage.client.describe(short.workflowId, short.runId)).deadlineAt);
  });

  it('leaves a blocked run alone whose rollback the activities are missing for', async () => {
    const store = new InMemoryStore();
    const first = await open({ journal: new InMemoryJournal(store), activities, workflows: [pays] });
    const handle = await startedAt(first, { executionTimeout: '1 hour' });
    await first.recorder.until('turn committed', ({ entries }) => entries === 1);
    await crashed(store, first);
    limit(store, 'scripted', 300);
    const second = await open({ journal: new InMemoryJournal(store), workflows: [drifted] });
    const missing = await second.recorder.until('turn failed', ({ error }) =>
      error.message.includes('needs the activity "unpay"'),
    );
    expect(missing.run.workflowId).toBe(handle.workflowId);
    const after = second.client.handle(handle.workflowId);
    while ((await after.describe()).blocked === null) await setImmediate();
    expect((await after.describe()).state).toBe('running');
  });

  describe('of a run that its code has blocked', () => {
    const paid: ScriptedWorkflow['make'] = ({ act }) => ({
      run: async () => {
        await act('pay');
        await setImmediate();
      },
    });
    /** Its time ends when it is blocked, after everything that its inbox has. */
    const timedOut = async (stage: Stage, store: InMemoryStore): Promise<void> => {
      const { run } = await stage.recorder.until('turn failed');
      while ((await stage.client.describe(run.workflowId)).blocked === null) await setImmediate();
      limit(store, 'scripted', 0);
    };
    const rolledBack = { name: 'WorkflowTimedOutError', rollback: 'complete' };

    it('F22: undoes the activity whose end the code cannot take', async () => {
      const store = new InMemoryStore();
      undone.length = 0;
      const stage = await open({
        journal: new InMemoryJournal(store),
        activities,
        workflows: [{ make: paid }],
      });
      const handle = await startedAt(stage, { executionTimeout: '1 hour' });
      await timedOut(stage, store);
      await expect(handle.result()).rejects.toMatchObject(rolledBack);
      expect(undone).toEqual(['receipt']);
    });

    it('F22: tells the parent of a child that has never begun', async () => {
      const store = new InMemoryStore();
      const parent: ScriptedWorkflow = {
        name: 'parent',
        make: ({ ctx }) => ({ run: () => ctx.child(Scripted, '').catch((error: Error) => error.name) }),
      };
      const child: ScriptedWorkflow = { make: () => ({ run: () => setImmediate() }) };
      const stage = await open({ journal: new InMemoryJournal(store), workflows: [parent, child] });
      const handle = await stage.client.start('parent', null, { id: 'p' });
      await timedOut(stage, store);
      await expect(handle.result()).resolves.toBe('ChildWorkflowFailure');
    });

    it('F22: rolls back where a schema throws', async () => {
      const store = new InMemoryStore();
      undone.length = 0;
      const validate = (): never => {
        throw new Error('The schema is broken.');
      };
      const broken = { '~standard': { version: 1, vendor: 'test', validate } } as const;
      const stage = await open({
        journal: new InMemoryJournal(store),
        activities,
        workflows: [{ ...pays, signalInputs: { go: broken } }],
      });
      const handle = await startedAt(stage, { executionTimeout: '1 hour' });
      await stage.recorder.until('turn committed', ({ entries }) => entries === 1);
      await handle.signal('go', null);
      await timedOut(stage, store);
      await expect(handle.result()).rejects.toMatchObject(rolledBack);
      expect(undone).toEqual(['receipt']);
    });

    it('F22: rolls back where an activity under way is gone from the code', async () => {
      const store = new InMemoryStore();
      undone.length = 0;
      const begun = gate();
      const slow = activity('slow', async ({ signal }) => {
        begun.open();
        await new Promise((_, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        );
      });
      const first = await open({
        journal: new InMemoryJournal(store),
        activities: [...activities, slow],
        workflows: [{ make: ({ act }) => ({ run: () => act('pay').then(() => act('slow')) }) }],
      });
      const handle = await startedAt(first, { executionTimeout: '1 hour' });
      await begun.opened;
      await crashed(store, first);
      limit(store, 'scripted', 0);
      const second = await open({
        journal: new InMemoryJournal(store),
        activities,
        workflows: [drifted],
      });
      await expect(second.client.handle(handle.workflowId).result()).rejects.toMatchObject(rolledBack);
      expect(undone).toEqual(['receipt']);
    });
  });
});
