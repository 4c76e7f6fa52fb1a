import { describe, expect, it } from '@jest/globals';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { JournalUnavailableError } from '../../lib/journal/index.js';
import type { Message } from '../../lib/journal/index.js';
import { gate } from '../support/gate.js';
import { openStages } from '../support/open-stages.js';
import { scriptedJournal } from '../support/scripted-journal.js';
import { activity } from '../support/stage.js';
import type { ScriptedWorkflow, Stage } from '../support/stage.js';

/** A box that holds one thing at a time, until it is closed or its work is done. */
const box: ScriptedWorkflow = {
  signals: ['close'],
  updates: { put: { validator: 'fits' }, putSlowly: {} },
  queries: ['held'],
  make: ({ act, ctx }) => {
    let held: unknown = null;
    let closed = false;
    return {
      fits: (thing: unknown) => {
        if (held === thing) throw new Error('It is in there.');
      },
      put: (thing: unknown) => {
        const before = held;
        held = thing;
        return before;
      },
      putSlowly: async (thing: unknown) => {
        await act('carry');
        held = thing;
        return 'carried';
      },
      close: () => void (closed = true),
      held: () => held,
      run: async (input: unknown) => {
        if (input === 'works') await act('work');
        else await ctx.condition(() => closed);
        return held;
      },
    };
  },
};

const update = (updateId: string, payload: string, name = 'put'): Message => ({
  namespace: 'default',
  workflowId: 'w',
  runId: null,
  kind: 'update',
  name,
  payload,
  dedupeId: updateId,
});

const typesOf = async (stage: Stage, id = 'w'): Promise<readonly string[]> =>
  (await stage.client.handle(id).history()).map(({ entry }) => entry.type);

const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => ({ value }),
    (error: unknown) => error,
  );

describe('updates in the engine', () => {
  const open = openStages();

  it('F17: come before the event that decides, the third time under the lock', async () => {
    const store = new InMemoryStore();
    const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
    const outside = new InMemoryJournal(store);
    await outside.open();
    const stage = await open({ journal, activities: [activity('work', () => 'done')], workflows: [box] });
    let sent = 0;
    detour('commit', async (real, turns, options) => {
      if (turns.some((turn) => turn.decides)) {
        // One that fits, and one that does not.
        await outside.send([update(`u${sent}`, String(sent)), update(`again${sent}`, String(sent))]);
        sent++;
      }
      return real(turns, options);
    });
    const result = await stage.client.execute('scripted', 'works', { id: 'w' });
    expect(result).toBe(1);
    expect(stage.recorder.count('turn refused')).toBe(2);
    expect(await typesOf(stage)).toEqual([
      'run_started',
      'activity_scheduled',
      ...[0, 1].flatMap(() => ['update_accepted', 'update_answered']),
      'activity_completed',
      'run_completed',
    ]);
    const refs = ['u0', 'again0', 'u1', 'again1'].map((updateId) => ({
      namespace: 'default',
      workflowId: 'w',
      updateId,
    }));
    expect((await outside.answers(refs)).map(({ type }) => type)).toEqual([
      'answered',
      'refused',
      'answered',
      'refused',
    ]);
  });

  it.each([
    ['is refused', '1', ['signal_received', 'run_completed']],
    ['is accepted', '2', ['signal_received', 'update_accepted', 'update_answered', 'run_completed']],
  ])('F17: behind the signal that decides, one that %s loses neither', async (_, payload, end) => {
    const store = new InMemoryStore();
    const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
    const outside = new InMemoryJournal(store);
    await outside.open();
    const stage = await open({ journal, workflows: [box] });
    const handle = await stage.client.start('scripted', 'waits', { id: 'w' });
    await handle.update('put', 1);
    detour(
      'commit',
      async (real, turns, options) => {
        await outside.send([update('late', payload)]);
        return real(turns, options);
      },
      1,
    );
    await handle.signal('close');
    expect(await handle.result()).toBe(Number(payload));
    const history = await handle.history();
    expect(history.map(({ entry }) => entry.type).slice(-end.length)).toEqual(end);
    // What was held for the refused one is held no more.
    const signal = history.find(({ entry }) => entry.type === 'signal_received');
    expect(signal?.entry).toMatchObject({ hold: end.length > 2 });
  });

  it('that were accepted are answered by whoever takes the run over, and asked for by anybody', async () => {
    const store = new InMemoryStore();
    const carrying = gate();
    const settings = { leaseTimeout: 300, heartbeatInterval: 50 };
    const first = await open({
      journal: new InMemoryJournal(store),
      activities: [
        activity('carry', () => {
          carrying.open();
          return new Promise(() => undefined);
        }),
      ],
      workflows: [box],
      settings,
    });
    await first.client.start('scripted', 'waits', { id: 'w' });
    const elsewhere = await open({
      journal: new InMemoryJournal(store),
      workflows: [box],
      worker: false,
    });
    const handle = elsewhere.client.handle('w');
    const before = handle.update('putSlowly', 7, { dedupeId: 'u' });
    await carrying.opened;
    await first.crash();
    const after = elsewhere.client.handle('w').update('putSlowly', 8, { dedupeId: 'u' });
    await open({
      journal: new InMemoryJournal(store),
      activities: [activity('carry', () => 'there')],
      workflows: [box],
      settings,
    });
    expect(await Promise.all([before, after])).toEqual(['carried', 'carried']);
    expect((await typesOf(elsewhere)).filter((type) => type.startsWith('update'))).toEqual([
      'update_accepted',
      'update_answered',
    ]);
  });

  it('are answered once though the answer of every second commit got lost', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const stage = await open({ journal, workflows: [box] });
    const handle = await stage.client.start('scripted', 'waits', { id: 'w' });
    let calls = 0;
    detour('commit', async (real, turns, options) => {
      calls++;
      if (calls % 2 === 0) return real(turns, options);
      if (calls % 4 === 1) await real(turns, options);
      throw new JournalUnavailableError('connection reset', true);
    });
    expect(await handle.update('put', 1)).toBeNull();
    // A turn of refusals alone has no entries: how far the inbox is consumed tells whether it was applied.
    for (let i = 0; i < 4; i++) {
      expect(await caught(handle.update('put', 1))).toMatchObject({ name: 'UpdateRefusedError' });
    }
    expect(await handle.update('put', 2)).toBe(1);
    expect(await typesOf(stage)).toEqual([
      'run_started',
      ...[1, 2].flatMap(() => ['update_accepted', 'update_answered']),
    ]);
  });

  it('are sent again when nobody knows whether they arrived, and happen once', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const stage = await open({ journal, workflows: [box] });
    const handle = await stage.client.start('scripted', 'waits', { id: 'w' });
    detour(
      'send',
      async (real, messages, options) => {
        await real(messages, options);
        throw new JournalUnavailableError('connection reset', true);
      },
      2,
    );
    expect(await handle.update('put', 1)).toBeNull();
    expect((await typesOf(stage)).filter((type) => type === 'update_accepted')).toHaveLength(1);
  });

  it('raced with the end of their run are answered, or told that it does not run: none is left', async () => {
    const store = new InMemoryStore();
    await open({ journal: new InMemoryJournal(store), workflows: [box] });
    const { client } = await open({ journal: new InMemoryJournal(store), workflows: [box], worker: false });
    const ends = await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        const handle = await client.start('scripted', 'waits', { id: `w${i}` });
        const asked = Array.from({ length: 5 }, (__, n) => caught(handle.update('put', n)));
        const closed = handle.signal('close');
        return [await Promise.all(asked), await closed, await handle.history()] as const;
      }),
    );
    for (const [answers, , history] of ends) {
      const answered = answers.filter((answer) => 'value' in (answer as object)).length;
      const refused = answers.filter((answer) => (answer as Error).name === 'WorkflowNotRunningError').length;
      expect(answered + refused).toBe(5);
      const entries = history.map(({ entry }) => entry.type);
      expect(entries.filter((type) => type === 'update_accepted')).toHaveLength(answered);
      expect(entries.filter((type) => type === 'update_answered')).toHaveLength(answered);
    }
  });

  it('of many callers elsewhere cost few queries', async () => {
    const store = new InMemoryStore();
    await open({ journal: new InMemoryJournal(store), workflows: [box] });
    const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
    const { client } = await open({ journal, workflows: [box], worker: false });
    let queries = 0;
    detour('answers', (real, refs) => {
      queries++;
      return real(refs);
    });
    const handle = await client.start('scripted', 'waits', { id: 'w' });
    const answers = await Promise.all(Array.from({ length: 500 }, (_, n) => handle.update('put', n)));
    expect(new Set(answers).size).toBe(500);
    expect(queries).toBeLessThan(50);
  });

  it('settle in the process that has the run without a query', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const { client } = await open({ journal, workflows: [box] });
    detour('answers', () => Promise.reject(new Error('Nobody need ask.')));
    const handle = await client.start('scripted', 'waits');
    expect(await handle.update('put', 1)).toBeNull();
    expect(await caught(handle.update('put', 1))).toMatchObject({ name: 'UpdateRefusedError' });
  });

  it('of a run that is blocked, or that nobody serves, tell what they wait for', async () => {
    const store = new InMemoryStore();
    const { client } = await open({ journal: new InMemoryJournal(store), workflows: [box], worker: false });
    const handle = await client.start('scripted', 'waits', { id: 'w' });
    const timedOut = caught(handle.update('put', 1, { dedupeId: 'u', timeout: 5 }));
    expect(await timedOut).toMatchObject({
      name: 'UpdateTimeoutError',
      accepted: false,
      dedupeId: 'u',
      waitingFor: 'No worker is there that has scripted, version 1.',
    });
    await open({ journal: new InMemoryJournal(store), workflows: [box] });
    expect(await handle.update('put', 2, { dedupeId: 'u' })).toBeNull();
    expect(await handle.query('held')).toBe(1);
  });
});
