import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { JournalUnavailableError } from '../../lib/journal/index.js';
import type { Turn } from '../../lib/journal/index.js';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { gate } from '../support/gate.js';
import { openStages } from '../support/open-stages.js';
import { scriptedJournal } from '../support/scripted-journal.js';
import { activity } from '../support/stage.js';
import type { ScriptedWorkflow, Stage } from '../support/stage.js';

const KEY = 'paid';

/** Tells its token, and waits. */
const order: ScriptedWorkflow = {
  make: ({ ctx, act }) => ({
    run: async () => {
      const paid = ctx.callback<number>({ key: KEY });
      await act('tell', paid.token);
      return paid.result;
    },
  }),
};

const opens = ({ opens: all = [] }: Turn): boolean => all.length > 0;
const takes = ({ entries }: Turn): boolean => entries.some(({ type }) => type === 'callback_completed');

describe('callbacks in the engine', () => {
  const open = openStages();

  describe.each(['after', 'before'] as const)('a crash right %s the commit', (when) => {
    const tokens: string[] = [];
    const tell = activity('tell', (_, token: string) => void tokens.push(token));

    /** A worker that dies at such a commit. */
    async function dying(
      store: InMemoryStore,
      at: (turn: Turn) => boolean,
    ): Promise<{ stage: Stage; dead: Promise<void> }> {
      const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
      const dead = gate();
      detour('commit', async (real, turns, options) => {
        if (!turns.some(at)) return real(turns, options);
        if (when === 'after') await real(turns, options);
        dead.open();
        return new Promise(() => {});
      });
      const settings = { leaseTimeout: 300, heartbeatInterval: 50 };
      const stage = await open({ journal, workflows: [order], activities: [tell], settings });
      return { stage, dead: dead.opened };
    }
    const next = (store: InMemoryStore): Promise<Stage> =>
      open({ journal: new InMemoryJournal(store), workflows: [order], activities: [tell] });

    it('that opens one: it is there exactly if the commit is, and its token is the same', async () => {
      tokens.length = 0;
      const store = new InMemoryStore();
      const { stage, dead } = await dying(store, opens);
      const { workflowId } = await stage.client.start('scripted');
      await dead;
      const callback = stage.client.callback(KEY);
      // What was not committed nobody can have heard of.
      if (when === 'before')
        await expect(callback.complete(1)).rejects.toMatchObject({ name: 'CallbackNotFoundError' });
      else expect(await callback.complete(1)).toBe('applied');
      expect(tokens).toEqual([]);
      await stage.crash();
      const { client } = await next(store);
      while (tokens.length === 0) await setImmediate();
      const answer = await client.callback(tokens[0]!).complete(2);
      expect(answer).toBe(when === 'before' ? 'applied' : 'unchanged');
      expect(await client.handle(workflowId).result()).toBe(when === 'before' ? 2 : 1);
    });

    it('that takes its completion up: it is taken once', async () => {
      const store = new InMemoryStore();
      const { stage, dead } = await dying(store, takes);
      const { workflowId } = await stage.client.start('scripted');
      while ((await stage.client.describe(workflowId)).waitingFor.length === 0) await setImmediate();
      while (
        (await stage.client
          .callback(KEY)
          .complete(1)
          .catch(() => 'early')) !== 'applied'
      )
        await setImmediate();
      await dead;
      expect(await stage.client.callback(KEY).complete(2)).toBe('unchanged');
      await stage.crash();
      const { client } = await next(store);
      expect(await client.handle(workflowId).result()).toBe(1);
      const history = await client.handle(workflowId).history();
      expect(history.filter(({ entry }) => entry.type === 'callback_completed')).toHaveLength(1);
    });
  });

  it.each([true, false])('one whose answer got lost is settled once; applied: %s', async (applies) => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const stage = await open({ journal, workflows: [order], activities: [activity('tell', () => null)] });
    const handle = await stage.client.start('scripted');
    while ((await handle.describe()).waitingFor.every(({ kind }) => kind !== 'callback'))
      await setImmediate();
    detour(
      'settleCallbacks',
      async (real, requests) => {
        if (applies) await real(requests);
        throw new JournalUnavailableError('connection reset', true);
      },
      1,
    );
    // It cannot tell which of its two tries it was, and it does not matter.
    expect(await stage.client.callback(KEY).complete(1)).toBe('applied');
    expect(await stage.client.callback(KEY).complete(2)).toBe('unchanged');
    expect(await handle.result()).toBe(1);
  });

  it.each([true, false])(
    'goes on after a commit that opens one whose answer got lost; applied: %s',
    async (applies) => {
      const { journal, detour } = scriptedJournal(new InMemoryJournal());
      const stage = await open({ journal, workflows: [order], activities: [activity('tell', () => null)] });
      let lost = 0;
      detour('commit', async (real, turns, options) => {
        if (lost > 0 || !turns.some(opens)) return real(turns, options);
        lost++;
        if (applies) await real(turns, options);
        throw new JournalUnavailableError('connection reset', true);
      });
      const handle = await stage.client.start('scripted');
      while (
        (await stage.client
          .callback(KEY)
          .complete(1)
          .catch(() => 'early')) !== 'applied'
      )
        await setImmediate();
      expect(await handle.result()).toBe(1);
      expect(lost).toBe(1);
    },
  );

  it('settled while the run is decided they refuse nothing, and are dropped with it', async () => {
    const store = new InMemoryStore();
    const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
    const outside = await open({ journal: new InMemoryJournal(store), workflows: [], worker: false });
    const stage = await open({
      journal,
      activities: [activity('work', () => 'done')],
      workflows: [
        {
          make: ({ ctx, act }) => ({
            run: async () => {
              void ctx.callback({ key: KEY }).result;
              return act('work');
            },
          }),
        },
      ],
    });
    const answers: string[] = [];
    detour('commit', async (real, turns, options) => {
      if (turns.some(({ decides }) => decides) && answers.length === 0)
        answers.push(await outside.client.callback(KEY).complete(1));
      return real(turns, options);
    });
    expect(await stage.client.execute('scripted')).toBe('done');
    expect(answers).toEqual(['applied']);
    expect(stage.recorder.count('turn refused')).toBe(0);
    expect(await outside.client.callback(KEY).complete(1)).toBe('unchanged');
  });

  it('a schema is asked once, however often the turn is taken; one that throws blocks the run, and loses nothing', async () => {
    let asked = 0;
    let broken = true;
    const schema = z.number().transform((n) => {
      asked++;
      if (broken) throw new Error('no connection');
      return n + 1;
    });
    const store = new InMemoryStore();
    const workflows: ScriptedWorkflow[] = [
      { make: ({ ctx }) => ({ run: () => ctx.callback({ key: KEY, schema }).result }) },
    ];
    const stage = await open({ journal: new InMemoryJournal(store), workflows });
    const handle = await stage.client.start('scripted');
    while ((await handle.describe()).waitingFor.length === 0) await setImmediate();
    expect(await stage.client.callback(KEY).complete(1)).toBe('applied');
    const { error } = await stage.recorder.until('turn failed');
    expect(error.message).toContain('The schema of the completion of a callback failed');
    broken = false;
    asked = 0;
    expect(await handle.result()).toBe(2);
    expect(asked).toBe(1);
    // A replay asks no schema.
    await stage.close();
    const again = await open({ journal: new InMemoryJournal(store), workflows });
    expect(await again.client.handle(handle.workflowId).result()).toBe(2);
    expect(asked).toBe(1);
  });

  it('one that is over in the turn that opens it is never there for anybody', async () => {
    const stage = await open({
      workflows: [
        {
          make: ({ ctx }) => ({
            run: async (how) => {
              const cancelled = ctx.cancellable(async (scope) => {
                const withdrawn = ctx.callback({ key: 'withdrawn' }).result;
                scope.cancel();
                return withdrawn;
              });
              await cancelled.catch(() => null);
              void ctx.callback({ key: 'last' }).result;
              if (how === 'fail') throw new Error('it failed');
              return how === 'continue' ? ctx.continueAsNew('end') : how;
            },
          }),
        },
      ],
    });
    const { client } = stage;
    expect(await client.execute('scripted', 'end')).toBe('end');
    expect(await client.execute('scripted', 'continue')).toBe('end');
    await expect(client.execute('scripted', 'fail')).rejects.toMatchObject({ name: 'WorkflowFailedError' });
    for (const key of ['withdrawn', 'last'])
      await expect(client.callback(key).complete(1)).rejects.toMatchObject({ name: 'CallbackNotFoundError' });
  });

  it('one of a run that rolls back leaves its key at once', async () => {
    const [undoing, letGo] = [gate(), gate()];
    const unpay = activity('unpay', () => {
      undoing.open();
      return letGo.opened;
    });
    const stage = await open({
      activities: [activity('pay', () => 'paid', { compensation: unpay }), unpay],
      workflows: [
        {
          make: ({ ctx, act }) => ({
            run: async (how) => {
              await act('pay');
              const { result } = ctx.callback<number>({ key: KEY });
              if (how === 'waits') return result;
              // It begins after the commit that opens the callback.
              await act('pay');
              throw new Error('it failed');
            },
          }),
        },
      ],
    });
    const failing = await stage.client.start('scripted', 'fails');
    await undoing.opened;
    const late = stage.client.callback(KEY).complete(1);
    await expect(late).rejects.toMatchObject({ name: 'CallbackNotPendingError', key: KEY });
    const waiting = await stage.client.start('scripted', 'waits');
    while (
      (await stage.client
        .callback(KEY)
        .complete(2)
        .catch(() => 'early')) !== 'applied'
    )
      await setImmediate();
    expect(await waiting.result()).toBe(2);
    letGo.open();
    await expect(failing.result()).rejects.toMatchObject({ rollback: 'complete' });
  });

  it('a key that is taken is told in the run, which goes on', async () => {
    const keys = ['a', 'a', 'b'];
    const stage = await open({
      workflows: [
        {
          make: ({ ctx }) => ({
            run: async () => {
              const all = keys.map((key) => ctx.callback<number>({ key }).result);
              return Promise.all(all.map((result) => result.catch((error: Error) => error.name)));
            },
          }),
        },
      ],
    });
    const handle = await stage.client.start('scripted');
    while ((await handle.describe()).waitingFor.length !== 2) await setImmediate();
    await stage.client.callback('b').complete(2);
    await stage.client.callback('a').complete(1);
    expect(await handle.result()).toEqual([1, 'CallbackAlreadyOpenError', 2]);
  });
});
