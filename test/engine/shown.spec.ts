import { describe, expect, it } from '@jest/globals';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { openStages } from '../support/open-stages.js';
import { scriptedJournal } from '../support/scripted-journal.js';
import { activity } from '../support/stage.js';
import type { ScriptedWorkflow } from '../support/stage.js';

const shows: ScriptedWorkflow = {
  signals: ['note'],
  make: ({ ctx, act }) => {
    let notes = 0;
    return {
      note: () => ctx.setAttributes({ notes: ++notes }),
      run: async () => {
        ctx.setAttributes({ stage: 'begun' });
        await act('work');
        ctx.setAttributes({ stage: 'done' });
        ctx.setDetails('done');
        return notes;
      },
    };
  },
};

describe('What a run shows', () => {
  const open = openStages();
  const signal = {
    namespace: 'default',
    workflowId: 'w',
    runId: null,
    kind: 'signal',
    name: 'note',
    payload: 'null',
    dedupeId: null,
  } as const;

  it('F17: of a turn that was refused and taken again is shown once, as the last try says', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const shown: unknown[] = [];
    let late = true;
    detour('commit', async (real, turns, options) => {
      if (late && turns.some((turn) => turn.decides)) {
        late = false;
        await journal.send([signal]);
      }
      const answers = await real(turns, options);
      turns.forEach((turn, i) => {
        if (turn.shows) shown.push([answers[i]!.type, turn.shows.attributes]);
      });
      return answers;
    });
    const stage = await open({ journal, activities: [activity('work', () => null)], workflows: [shows] });
    const handle = await stage.client.start('scripted', null, { id: 'w' });
    expect(await handle.result()).toBe(1);
    expect(shown).toEqual([
      ['signals unread', { stage: 'done' }],
      ['applied', { notes: 1, stage: 'done' }],
    ]);
    expect(await handle.describe()).toMatchObject({
      attributes: { notes: 1, stage: 'done' },
      details: 'done',
    });
  });

  it('a plain turn shows nothing, so that it is committed as any other', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const shown: unknown[] = [];
    detour('commit', (real, turns, options) => {
      shown.push(...turns.map((turn) => turn.shows ?? null));
      return real(turns, options);
    });
    const works: ScriptedWorkflow = { make: ({ act }) => ({ run: () => act('work') }) };
    const stage = await open({ journal, activities: [activity('work', () => null)], workflows: [works] });
    await stage.client.execute('scripted', null);
    expect(shown.length).toBeGreaterThan(0);
    expect(new Set(shown)).toEqual(new Set([null]));
  });

  it('survives the death of its worker: the next one neither shows it again nor forgets it', async () => {
    const store = new InMemoryStore();
    const workflow: ScriptedWorkflow = {
      signals: ['go'],
      make: ({ ctx }) => {
        let gone = false;
        return {
          go: () => void (gone = true),
          run: async () => {
            ctx.setAttributes({ stage: 'begun', plan: null });
            await ctx.condition(() => gone);
            ctx.setAttributes({ stage: 'begun', end: JSON.stringify(ctx.info.attributes) });
            return ctx.info.attributes;
          },
        };
      },
    };
    const first = await open({ journal: new InMemoryJournal(store), workflows: [workflow] });
    await first.client.start('scripted', null, { id: 'w', attributes: { plan: 'gold', n: 1 } });
    expect((await first.client.describe('w')).attributes).toEqual({ n: 1, stage: 'begun' });
    await first.crash();
    store.killProcess(first.runtime.engine!.session.id);
    const second = await open({ journal: new InMemoryJournal(store), workflows: [workflow] });
    await second.journal.unregister(first.runtime.engine!.session.id);
    const handle = second.client.handle('w');
    await handle.signal('go');
    const end = { n: 1, stage: 'begun', end: '{"n":1,"stage":"begun"}' };
    expect(await handle.result()).toEqual(end);
    expect((await handle.describe()).attributes).toEqual(end);
    const patches = (await handle.history()).flatMap(({ entry }) =>
      entry.type === 'attributes_set' ? [entry.patch] : [],
    );
    expect(patches).toEqual([{ stage: 'begun', plan: null }, { end: end.end }]);
  });
});
