import { JournalRefusedError } from '../../../journal/index.js';
import type { ListQuery, RunFilter } from '../../../journal/index.js';
import { COMPLETED, NAMESPACE, type Scenario, type Topic } from '../scenario.js';
import { only, range } from '../concurrency.js';
import { runCompleted, runStarted } from '../entries.js';

type Conditions = NonNullable<RunFilter['conditions']>;

const query = (filter: Omit<RunFilter, 'namespace'>): ListQuery => ({
  filter: { namespace: NAMESPACE, ...filter },
  order: 'newest',
  cursor: null,
  limit: 100,
});

/** What runs show of themselves, and what lists find of it. */
export function shownTopic({ test, expect }: Topic): void {
  const found = async (s: Scenario, filter: Omit<RunFilter, 'namespace'>): Promise<readonly string[]> => {
    const { runs } = await s.journal.list(query(filter));
    expect(await s.journal.count({ namespace: NAMESPACE, ...filter })).toBe(runs.length);
    return runs.map(({ workflowId }) => workflowId).toSorted();
  };

  test('attributes are set over those that are there, and removed', async (s) => {
    const held = await s.held(await s.worker(), { attributes: { plan: 'gold', seats: 2 } });
    await s.applies(held, { shows: { attributes: { plan: null, stage: 'paid', list: [1, { a: null }] } } });
    const expected = { seats: 2, stage: 'paid', list: [1, { a: null }] };
    expect((await s.describe(held.run)).attributes).toEqual(expected);
    expect(only((await s.journal.list(query({}))).runs).attributes).toEqual(expected);
    await s.applies(held, { shows: { attributes: { seats: null, stage: null, list: null, gone: null } } });
    expect((await s.describe(held.run)).attributes).toEqual({});
  });

  test('a run that was started without attributes gets some', async (s) => {
    const held = await s.held(await s.worker());
    expect(await s.describe(held.run)).toMatchObject({ attributes: null, details: null });
    await s.applies(held, { shows: { attributes: { stage: 'paid' } } });
    expect((await s.describe(held.run)).attributes).toEqual({ stage: 'paid' });
    expect(await found(s, { attributes: { stage: 'paid' } })).toEqual([held.run.workflowId]);
  });

  test('details are set, kept, and removed, each apart from the attributes', async (s) => {
    const held = await s.held(await s.worker(), { attributes: { plan: 'gold' } });
    const text = 'Grüße 🛒 "quoted" \\ {a} %s';
    await s.applies(held, { shows: { attributes: {}, details: text } });
    expect(await s.describe(held.run)).toMatchObject({ attributes: { plan: 'gold' }, details: text });
    await s.applies(held, { shows: { attributes: { plan: 'silver' } } });
    expect(await s.describe(held.run)).toMatchObject({ attributes: { plan: 'silver' }, details: text });
    expect(only((await s.journal.list(query({}))).runs)).toMatchObject({ details: text });
    await s.applies(held, { shows: { attributes: {}, details: null } });
    expect(await s.describe(held.run)).toMatchObject({ attributes: { plan: 'silver' }, details: null });
  });

  test('what the last turn shows is there with the end, and stays', async (s) => {
    const held = await s.held(await s.worker());
    await s.applies(held, {
      entries: [runCompleted()],
      decides: true,
      outcome: COMPLETED,
      shows: { attributes: { stage: 'done' }, details: 'all done' },
    });
    const shown = { state: 'completed', attributes: { stage: 'done' }, details: 'all done' };
    expect(await s.describe(held.run)).toMatchObject(shown);
    expect(only(await s.journal.outcomes([held.run.runId]))?.run).toMatchObject(shown);
  });

  test('a turn that does not apply shows nothing, and others of its batch do', async (s) => {
    const owner = await s.worker();
    const [one, two, three] = await s.heldMany(3, owner, { attributes: { stage: 'begun' } });
    const shows = { attributes: { stage: 'shown' }, details: 'shown' };
    const turns = [
      s.turn(one!, { shows }),
      { ...s.turn(two!, { shows }), previousSeq: 7 },
      s.turn(three!, { entries: [runStarted()] }),
    ];
    const answers = await s.journal.commit(turns);
    expect(answers.map(({ type }) => type)).toEqual(['applied', 'history lost', 'applied']);
    const stages = await Promise.all([one!, two!, three!].map(({ run }) => s.describe(run)));
    expect(stages.map(({ attributes, details }) => [attributes?.['stage'], details])).toEqual([
      ['shown', 'shown'],
      ['begun', null],
      ['begun', null],
    ]);
  });

  test('a release, a rollback and a locked commit show as well', async (s) => {
    const owner = await s.worker();
    const [one, two, three] = await s.heldMany(3, owner);
    const shows = { attributes: { stage: 'shown' } };
    await s.applies(one!, { shows, outcome: { type: 'release', wakeAt: null } });
    await s.applies(two!, { shows, outcome: { type: 'roll back' } });
    const answer = await s.journal.commitLocked(three!.lease, 0, async () =>
      s.turn(three!, { entries: [runStarted()], shows }),
    );
    expect(answer).toMatchObject({ type: 'applied' });
    expect(await found(s, { attributes: { stage: 'shown' } })).toHaveLength(3);
  });

  test('a start shows what its first turn shows, and its message brings what it was started with', async (s) => {
    const owner = await s.worker();
    const shown = { attributes: { stage: 'begun' }, details: 'begun at once' };
    const first = { owner, entries: [runStarted()], shown };
    const held = await s.held(owner, { first, attributes: { plan: 'gold' } });
    expect(await s.describe(held.run)).toMatchObject(shown);
    const none = { attributes: null, details: null };
    const cleared = await s.held(owner, { first: { ...first, shown: none }, attributes: { plan: 'gold' } });
    expect(await s.describe(cleared.run)).toMatchObject(none);
    const waiting = await s.started({ attributes: { plan: 'gold' } });
    await s.accepted(s.signal(waiting));
    const [start, signal] = await s.inboxOf(waiting);
    expect(start).toMatchObject({ kind: 'start', attributes: { plan: 'gold' } });
    expect(signal?.attributes).toBe(undefined);
    const bare = await s.started();
    expect(only(await s.inboxOf(bare)).attributes).toBe(undefined);
  });

  test('a first turn that is not recorded, because its session is over, shows nothing', async (s) => {
    const gone = await s.worker();
    await s.journal.unregister(gone);
    const shown = { attributes: { stage: 'begun', plan: 'silver' }, details: 'begun at once' };
    const first = { owner: gone, entries: [runStarted()], shown };
    const run = await s.started({ first, attributes: { plan: 'gold' } });
    expect(await s.describe(run)).toMatchObject({ attributes: { plan: 'gold' }, details: null });
    // Whoever takes it up begins with what it was started with.
    expect(only(await s.inboxOf(run)).attributes).toEqual({ plan: 'gold' });
  });

  test('by one of several values', async (s) => {
    for (const stage of ['paid', 'packed', 'sent']) {
      await s.started({ workflowId: stage, attributes: { stage, tags: [stage] } });
    }
    await s.started({ workflowId: 'none', attributes: null });
    const by = (name: string, values: readonly unknown[]): Promise<readonly string[]> =>
      found(s, { conditions: [{ name, is: 'in', values }] });
    expect(await by('stage', ['paid', 'sent', 7, null])).toEqual(['paid', 'sent']);
    expect(await by('stage', ['other'])).toEqual([]);
    expect(await by('stage', [])).toEqual([]);
    expect(await by('tags', [['packed'], 'packed'])).toEqual(['packed']);
    expect(await by("st'age\\", ["a'b\\"])).toEqual([]);
  });

  test('by bounds: numbers among numbers, texts among texts by their code points', async (s) => {
    const values = [
      -1.5,
      0,
      2,
      10,
      1e21,
      '10',
      '9',
      'Z',
      'a',
      'ä',
      '\uffee',
      '😀',
      true,
      null,
      [5],
      { a: 5 },
    ];
    for (const [i, value] of values.entries()) {
      await s.started({ workflowId: String(i).padStart(2, '0'), attributes: { value } });
    }
    const by = async (...conditions: Conditions): Promise<readonly unknown[]> =>
      (await found(s, { conditions })).map((id) => values[Number(id)]);
    const name = 'value';
    expect(await by({ name, is: '>', value: 0 })).toEqual([2, 10, 1e21]);
    expect(await by({ name, is: '>=', value: 0 })).toEqual([0, 2, 10, 1e21]);
    expect(await by({ name, is: '<', value: 2 })).toEqual([-1.5, 0]);
    expect(await by({ name, is: '>=', value: -1.5 }, { name, is: '<=', value: 2 })).toEqual([-1.5, 0, 2]);
    expect(await by({ name, is: '<', value: '9' })).toEqual(['10']);
    expect(await by({ name, is: '>', value: 'a' })).toEqual(['ä', '\uffee', '😀']);
    expect(await by({ name, is: '<=', value: 'Z' })).toEqual(['10', '9', 'Z']);
    expect(await by({ name, is: '>', value: '\uffee' })).toEqual(['😀']);
    expect(await by({ name: 'other', is: '>', value: 0 })).toEqual([]);
  });

  const nobodyHas: Readonly<Record<string, unknown>> = {
    '\\u0000': 'a\u0000b',
    'half of a surrogate pair': '\ud800',
    'a date': new Date(0),
    'a function': () => 1,
    'a bigint': 1n,
    'no number': Number.NaN,
  };
  for (const [what, value] of Object.entries(nobodyHas)) {
    test(`a filter by ${what} is refused, in a value, a list and a name`, async (s) => {
      await s.started({ attributes: { value: '\ufffd' } });
      const filters: Omit<RunFilter, 'namespace'>[] = [
        { attributes: { value } },
        { attributes: { value: [{ deep: value }] } },
        { conditions: [{ name: 'value', is: 'in', values: ['fine', value] }] },
      ];
      if (typeof value === 'string') {
        filters.push(
          { attributes: { [value]: 1 } },
          { conditions: [{ name: value, is: '>', value: 0 }] },
          { conditions: [{ name: 'value', is: '<=', value }] },
          { workflow: value },
          { workflowId: value },
        );
      }
      for (const filter of filters) {
        await expect(s.journal.list(query(filter))).rejects.toBeInstanceOf(JournalRefusedError);
        await expect(s.journal.count({ namespace: NAMESPACE, ...filter })).rejects.toBeInstanceOf(
          JournalRefusedError,
        );
      }
    });
  }

  test('every condition holds, together with the others', async (s) => {
    for (const i of range(6)) {
      await s.started({ workflowId: `run-${i}`, attributes: { n: i, even: i % 2 === 0 } });
    }
    await s.started({ namespace: 'other', workflowId: 'run-4', attributes: { n: 4, even: true } });
    const conditions = [
      { name: 'n', is: '>', value: 0 },
      { name: 'n', is: 'in', values: [2, 3, 4] },
    ] as const;
    expect(await found(s, { attributes: { even: true }, conditions })).toEqual(['run-2', 'run-4']);
    expect(await found(s, { workflowId: 'run-2', conditions })).toEqual(['run-2']);
    expect(await s.journal.count({ namespace: 'other', conditions })).toBe(1);
  });
}
