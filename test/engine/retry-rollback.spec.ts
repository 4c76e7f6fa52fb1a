import { afterEach, describe, expect, it } from '@jest/globals';
import { WorkflowFailedError } from '../../lib/client/index.js';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { gate } from '../support/gate.js';
import { activity, Stage } from '../support/stage.js';
import type { ScriptedWorkflow, StageOptions } from '../support/stage.js';

const trip: ScriptedWorkflow = {
  queries: ['places'],
  make: ({ act }) => {
    const places: unknown[] = [];
    return {
      places: () => places,
      run: async () => {
        for (const name of ['a', 'b', 'c']) places.push(await act('take', name));
        throw new Error('no more');
      },
    };
  },
};
/** The same by hand, and the run fails of something else: its history has no `rollback_started`. */
const byHand: ScriptedWorkflow = {
  ...trip,
  make: ({ ctx, act }) => ({
    places: () => [],
    run: async () => {
      for (const name of ['a', 'b', 'c']) await act('take', name);
      await ctx.compensate();
      throw new Error('no more');
    },
  }),
};

const typesOf = (entries: readonly { readonly entry: { readonly type: string } }[]): readonly string[] =>
  entries.map(({ entry }) => entry.type);

describe.each(['sticky', 'always replay'] as const)('a rollback that is tried again, %s', (residency) => {
  const stages: Stage[] = [];
  const open = async (options: StageOptions): Promise<Stage> => {
    const stage = await Stage.open({
      ...options,
      settings: { residency, leaseTimeout: 200, heartbeatInterval: 50 },
    });
    stages.push(stage);
    return stage;
  };
  afterEach(async () => {
    for (const stage of stages.splice(0)) await stage.close();
  });

  /** Gives back what was taken, unless it is shut. Each try is told with its idempotency key. */
  const shop = () => {
    const told: (readonly [name: string, key: string])[] = [];
    const shut = new Set<string>();
    const back = activity(
      'give back',
      async (context, name: string) => {
        told.push([name, context.idempotencyKey]);
        if (shut.has(name)) throw new Error(`${name} is shut`);
        return null;
      },
      { retry: { maxAttempts: 1 } },
    );
    return {
      told,
      shut,
      activities: [activity('take', (_, name: string) => name, { compensation: back }), back],
    };
  };

  it.each([trip, byHand])('undoes what could not be undone, and nothing else, once', async (workflow) => {
    const { told, shut, activities } = shop();
    const { client } = await open({ activities, workflows: [workflow] });
    shut.add('c').add('a');
    const handle = await client.start('scripted', undefined, { id: 'w' });
    await expect(handle.result()).rejects.toMatchObject({ rollback: 'incomplete' });
    expect(told.map(([name]) => name)).toEqual(['c', 'b', 'a']);
    const before = await handle.history();
    shut.clear();
    await handle.retryRollback({ reason: 'open again', actor: { name: 'ann' } });
    const error = await handle.result().catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect(error).toMatchObject({ rollback: 'complete', cause: { message: 'no more' } });
    expect(told.slice(3).map(([name]) => name)).toEqual(['c', 'a']);
    // A try that failed for its caller may have had its effect: the gateway is to know it again.
    expect(told.slice(3)).toEqual([told[0], told[2]]);
    const after = await handle.history();
    expect(after.slice(0, before.length)).toEqual(before);
    expect(after[before.length]?.entry).toMatchObject({
      type: 'rollback_retried',
      reason: 'open again',
      by: 'ann',
    });
    expect(typesOf(after.slice(before.length + 1))).toEqual([
      'activity_scheduled',
      'activity_completed',
      'activity_scheduled',
      'activity_completed',
      'run_failed',
    ]);
    const { state, rollback } = await handle.describe();
    expect(state).toBe('failed');
    expect(rollback?.map(({ id, outcome }) => [id, outcome])).toEqual([
      [1, 'undone'],
      [2, 'undone'],
      [0, 'undone'],
    ]);
    // The code is folded over all of it.
    expect(await handle.query('places')).toEqual(workflow === trip ? ['a', 'b', 'c'] : []);
  });

  it('fails again, and is tried again; a second caller is refused', async () => {
    const { told, shut, activities } = shop();
    const { client } = await open({ activities, workflows: [trip] });
    shut.add('b');
    const handle = await client.start('scripted', undefined, { id: 'w' });
    await handle.result().catch(() => undefined);
    await handle.retryRollback();
    await expect(handle.result()).rejects.toMatchObject({ rollback: 'incomplete' });
    shut.clear();
    const both = await Promise.allSettled([handle.retryRollback(), handle.retryRollback()]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { name: 'OperationRefusedError', code: 'running', status: 409 },
    });
    await expect(handle.result()).rejects.toMatchObject({ rollback: 'complete' });
    expect(told.map(([name]) => name)).toEqual(['c', 'b', 'a', 'b', 'b']);
    expect(new Set(told.filter(([name]) => name === 'b').map(([, key]) => key)).size).toBe(1);
    await expect(handle.retryRollback()).rejects.toMatchObject({ code: 'nothing left', state: 'failed' });
  });

  it('goes on with another worker where one dies before it was taken up, and in the middle of it', async () => {
    const store = new InMemoryStore();
    const { told, shut, activities } = shop();
    const reached = gate();
    let hangs = false;
    const [take, back] = activities;
    const hanging = activity(
      'give back',
      (context, name: string) => {
        if (!hangs) return back!.execute([name], context);
        reached.open();
        return new Promise(() => {});
      },
      { retry: { maxAttempts: 2, initialInterval: 1 } },
    );
    const options = { activities: [take!, hanging], workflows: [trip] };
    const first = await open({ ...options, journal: new InMemoryJournal(store) });
    shut.add('c').add('a');
    const handle = await first.client.start('scripted', undefined, { id: 'w' });
    await handle.result().catch(() => undefined);
    const tries = told.length;
    await first.crash();
    const asker = await Stage.prepare({ ...options, journal: new InMemoryJournal(store), worker: false });
    stages.push(asker);
    await asker.client.handle('w').retryRollback();
    const opened = await asker.client.handle('w').describe();
    expect(opened).toMatchObject({
      state: 'running',
      closedAt: null,
      waitingFor: [{ kind: 'start', text: 'A worker is to go on with its rollback.' }],
    });
    shut.clear();
    hangs = true;
    const second = await open({ ...options, journal: new InMemoryJournal(store) });
    await reached.opened;
    await second.crash();
    hangs = false;
    const third = await open({ ...options, journal: new InMemoryJournal(store) });
    await expect(third.client.handle('w').result()).rejects.toMatchObject({ rollback: 'complete' });
    expect(told.slice(tries).map(([name]) => name)).toEqual(['c', 'a']);
  });

  it('waits while another run has its workflow id, takes no message, and can be terminated', async () => {
    const { shut, activities } = shop();
    const hold = gate();
    const free = gate();
    const held = activity('hold', async () => {
      hold.open();
      await free.opened;
      return null;
    });
    const waiting: ScriptedWorkflow = { name: 'waiting', make: ({ act }) => ({ run: () => act('hold') }) };
    const { client } = await open({ activities: [...activities, held], workflows: [trip, waiting] });
    shut.add('b');
    const handle = await client.start('scripted', undefined, { id: 'w' });
    await handle.result().catch(() => undefined);
    const { runId } = await handle.describe();
    const next = await client.start('waiting', undefined, { id: 'w' });
    await hold.opened;
    const old = client.handle('w', runId);
    await expect(old.retryRollback()).rejects.toMatchObject({
      name: 'WorkflowAlreadyStartedError',
      status: 409,
      runId: (await next.describe()).runId,
    });
    free.open();
    await next.result();
    await old.retryRollback();
    await expect(old.signal('any')).rejects.toMatchObject({ name: 'WorkflowNotRunningError' });
    await old.terminate().catch(() => undefined);
    await old.result().catch(() => undefined);
    expect(['terminated', 'failed']).toContain((await old.describe()).state);
    expect(await old.query('places')).toEqual(['a', 'b', 'c']);
  });
});
