import { describe, expect, it } from '@jest/globals';
import {
  codec,
  completed,
  drive,
  expectSameAgain,
  feed,
  line,
  refold,
  signal,
  started,
  workflow,
} from '../../support/fold-kit.js';
import type { Driven } from '../../support/fold-kit.js';
import { SEMANTICS_VERSION } from '../../../lib/core/index.js';
import type { AttributePatch, RunStarted } from '../../../lib/core/index.js';

const startedWith = (attributes: object): RunStarted => ({
  type: 'run_started',
  at: 1,
  input: codec.encode(null),
  seed: 'seed of the run',
  semanticsVersion: SEMANTICS_VERSION,
  attributes: codec.encode(attributes),
});

/** The notes of a history, decoded. */
const notesOf = ({ history }: Driven): unknown[] =>
  history.flatMap((entry): unknown[] => {
    if (entry.type === 'attributes_set') return [codec.decode(entry.patch)];
    return entry.type === 'details_set' ? [entry.details] : [];
  });

describe('What lists show', () => {
  it('F4: is one note of each kind for an event, behind its commands, with the last value', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      ctx.setAttributes({ stage: 'begun', customer: 'ann' });
      ctx.setDetails('first');
      const work = act('work');
      ctx.setAttributes({ stage: 'working' });
      ctx.setDetails('second');
      await work;
      await act('more');
    });
    const driven = await drive(definition, [started(), completed(0)]);
    expect(line(driven.history)).toBe(
      'run_started activity_scheduled0:work attributes_set details_set activity_completed0 activity_scheduled1:more',
    );
    expect(notesOf(driven)).toEqual([{ stage: 'working', customer: 'ann' }, 'second']);
    expect(driven.fold.takeShown()).toEqual({
      attributes: { stage: 'working', customer: 'ann' },
      details: 'second',
    });
    expect(driven.fold.takeShown()).toBeNull();
    await expectSameAgain(definition, driven);
    expect((await refold(definition, driven.history)).takeShown()).toBeNull();
  });

  it('F4: stands before the end of the run, and behind the beginning of a rollback', async () => {
    const finishes = workflow(async ({ ctx }) => ctx.setAttributes({ stage: 'done' }));
    const finished = await drive(finishes, [started()]);
    expect(line(finished.history)).toBe('run_started attributes_set run_completed');
    await expectSameAgain(finishes, finished);

    const fails = workflow(async ({ ctx, act }) => {
      await act('pay');
      ctx.setAttributes({ stage: 'failed' });
      throw new Error('no');
    });
    const failed = await drive(fails, [started(), completed(0), completed(1)]);
    expect(line(failed.history)).toBe(
      'run_started activity_scheduled0:pay activity_completed0 rollback_started activity_scheduled1:unpay ' +
        'attributes_set activity_completed1 run_failed',
    );
    await expectSameAgain(fails, failed);
    const withoutCode = await refold(fails, failed.history.slice(0, 6), { withoutCode: true });
    expect(withoutCode.fault).toBeNull();
  });

  it('writes nothing that changes nothing', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      ctx.setAttributes({ stage: 'begun', gone: undefined, list: [1, { a: 1, b: 2 }] });
      ctx.setDetails(null);
      await act('work');
      ctx.setAttributes({ stage: 'other' });
      ctx.setAttributes({ stage: 'begun', list: [1, { b: 2, a: 1 }], gone: null });
      await act('more');
    });
    const driven = await drive(definition, [startedWith({ stage: 'begun' }), completed(0)]);
    expect(notesOf(driven)).toEqual([{ list: [1, { a: 1, b: 2 }] }]);
    await expectSameAgain(definition, driven);
  });

  it('of a run that continues another one, details are told anew and taken away, for nobody knows here what they are', async () => {
    const next: RunStarted = { ...startedWith({}), continuedFrom: 'the last run' };
    const { attributes: _, ...bare } = next;
    const definition = workflow(async ({ ctx, act }) => {
      ctx.setDetails(null);
      await act('work');
      ctx.setDetails(null);
      ctx.setAttributes({});
    });
    for (const event of [next, bare]) {
      const driven = await drive(definition, [event, completed(0)]);
      expect(notesOf(driven)).toEqual([null]);
      await expectSameAgain(definition, driven);
    }
    expect(notesOf(await drive(definition, [started(), completed(0)]))).toEqual([]);
  });

  it('F9: is read as the history says up to the event, live and replayed', async () => {
    const seen: unknown[] = [];
    const definition = workflow(async ({ ctx, act }) => {
      seen.push(ctx.info.attributes);
      ctx.setAttributes({ stage: 'begun', plan: undefined });
      seen.push(ctx.info.attributes);
      // A copy: what is done to it changes nothing.
      Object.assign(ctx.info.attributes, { stage: 'mine' });
      await act('work');
      seen.push(ctx.info.attributes);
      await act('more');
    });
    const driven = await drive(definition, [startedWith({ plan: 'gold', seats: 2 }), completed(0)]);
    const live = seen.splice(0);
    expect(live).toEqual([
      { plan: 'gold', seats: 2 },
      { stage: 'begun', seats: 2 },
      { stage: 'begun', seats: 2 },
    ]);
    await refold(definition, driven.history);
    expect(seen).toEqual(live);
  });

  it('F5: what a signal sets before the start stays over what the run is started with', async () => {
    const seen: unknown[] = [];
    const definition = workflow(
      async ({ ctx, act }) => {
        seen.push(ctx.info.attributes);
        await act('work');
      },
      { signals: { poke: (_, { ctx }) => ctx.setAttributes({ plan: null, stage: 'poked' }) } },
    );
    const driven = await drive(definition, [signal('poke'), startedWith({ plan: 'gold', seats: 2 })]);
    expect(seen).toEqual([{ seats: 2, stage: 'poked' }]);
    expect(driven.fold.takeShown()).toEqual({ attributes: { plan: null, stage: 'poked' } });
    await expectSameAgain(definition, driven);
  });

  it('is recorded with a held signal, and set by code that was changed only where it is live', async () => {
    const definition = (sets: boolean) =>
      workflow(
        async ({ ctx, act }) => {
          if (sets) ctx.setAttributes({ stage: 'new code' });
          await act('work');
        },
        { signals: { poke: (n, { ctx }) => ctx.setAttributes({ poked: n }) } },
      );
    const driven = await drive(definition(false), [started(), signal('poke', 1, true), signal('poke', 2)]);
    expect(notesOf(driven)).toEqual([{ poked: 1 }, { poked: 2 }]);
    await expectSameAgain(definition(false), driven);
    const changed = await refold(definition(true), driven.history);
    expect(changed.fault).toBeNull();
    expect(changed.takeEmitted()).toEqual([]);
    expect(changed.takeShown()).toBeNull();
  });

  it('F16: code goes on after the decision in nonCancellable scopes only, and there it can set them', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      void ctx.nonCancellable(async () => {
        await act('tidy');
        ctx.setDetails('tidied');
      });
      void act('work').then(() => ctx.setDetails('inert'));
      return 'done';
    });
    const driven = await drive(definition, [started(), completed(1), completed(0)]);
    expect(notesOf(driven)).toEqual(['tidied']);
    expect(line(driven.history)).toMatch(/activity_completed0 details_set run_completed$/);
    await expectSameAgain(definition, driven);
  });

  it('F7: drift behind a note names the right entry', async () => {
    const driven = await drive(
      workflow(async ({ ctx }) => {
        ctx.setAttributes({ stage: 'done' });
        return 1;
      }),
      [started()],
    );
    const changed = await refold(
      workflow(async () => 2),
      driven.history,
    );
    expect(changed.fault?.message).toContain('Recorded as entry 3: run_completed');
  });

  it('a long text is cut, and one that no database keeps is mended', async () => {
    const definition = workflow(async ({ ctx }) => ctx.setDetails(`a\u0000b${'x'.repeat(5_000)}`));
    const [details] = notesOf(await drive(definition, [started()]));
    expect(details).toMatch(/^a\uFFFDbx+$/);
    expect(details).toHaveLength(4_096);
  });

  it.each<[string, unknown, string]>([
    ['no object', 'stage', 'attributes is no object'],
    ['a list', ['stage'], 'attributes is no object'],
    ['a date', { due: new Date(0) }, 'attributes.due is an object of a class'],
    ['a function', { go: () => 1 }, 'attributes.go is a function'],
    ['no number', { total: Number.NaN }, 'attributes.total is NaN'],
    ['a hole', { list: [undefined] }, 'attributes.list[0] is undefined'],
    ['a text that no database keeps', { name: '\ud800' }, 'attributes.name has \\u0000 or half'],
  ])('%s is refused, and blocks the run', async (_, patch, message) => {
    const definition = workflow(async ({ ctx }) => ctx.setAttributes(patch as AttributePatch));
    const { fold, history } = await drive(definition, [started()]);
    expect(fold.fault?.message).toContain(message);
    expect(history.filter(({ type }) => type === 'attributes_set')).toEqual([]);
  });

  it('more than a run can have is refused, and can be caught', async () => {
    const many = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`a${i}`, i]));
    const refusals: unknown[] = [];
    const definition = workflow(async ({ ctx, act }) => {
      ctx.setAttributes(many);
      for (const patch of [{ one: 1 }, { a0: 'x'.repeat(8_192) }]) {
        try {
          ctx.setAttributes(patch);
        } catch (error) {
          refusals.push((error as Error).message);
        }
      }
      ctx.setAttributes({ a0: null, one: 1 });
      await act('work');
    });
    const driven = await drive(definition, [started()]);
    expect(refusals).toEqual([
      expect.stringContaining('at most 32 attributes, these are 33'),
      expect.stringContaining('at most 8192 bytes as JSON'),
    ]);
    expect(driven.fold.takeShown()?.attributes).toMatchObject({ one: 1, a1: 1 });
    await expectSameAgain(definition, driven);
  });

  it('a query may read them, and only read', async () => {
    const definition = workflow(
      async ({ ctx, act }) => {
        ctx.setAttributes({ stage: 'begun' });
        await act('work');
      },
      {
        queries: {
          read: (_, { ctx }) => ctx.info.attributes,
          write: (_, { ctx }) => ctx.setDetails('no'),
        },
      },
    );
    const driven = await drive(definition, [started()]);
    expect(driven.fold.query('read', [])).toEqual({ stage: 'begun' });
    expect(() => driven.fold.query('write', [])).toThrow(/only reads/);
    await feed(driven, completed(0));
    expect(driven.fold.fault).toBeNull();
  });
});
