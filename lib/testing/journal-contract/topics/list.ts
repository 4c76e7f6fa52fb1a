import { JournalError, type ListQuery, type RunDescription, type RunFilter } from '../../../journal/index.js';
import { range } from '../concurrency.js';
import { HOUR, MINUTE, NAMESPACE, type Scenario, type Topic } from '../scenario.js';

const query = (changes: Partial<ListQuery> = {}): ListQuery => ({
  filter: { namespace: NAMESPACE },
  order: 'newest',
  cursor: null,
  limit: 100,
  ...changes,
});

const idsOf = (runs: readonly RunDescription[]): readonly string[] =>
  runs.map(({ workflowId }) => workflowId);

/** Every page, one after the other. */
const allPages = async (
  s: Scenario,
  changes: Partial<ListQuery>,
): Promise<readonly (readonly RunDescription[])[]> => {
  const pages: (readonly RunDescription[])[] = [];
  for (let cursor: string | null = null; ;) {
    const page = await s.journal.list(query({ ...changes, cursor }));
    pages.push(page.runs);
    if (page.next === null) return pages;
    cursor = page.next;
  }
};

export function listTopic({ test, expect }: Topic): void {
  /** What is found by a filter; `count` must agree. */
  const found = async (s: Scenario, filter: Omit<RunFilter, 'namespace'>): Promise<readonly string[]> => {
    const { runs } = await s.journal.list(query({ filter: { namespace: NAMESPACE, ...filter } }));
    expect(await s.journal.count({ namespace: NAMESPACE, ...filter })).toBe(runs.length);
    return idsOf(runs).toSorted();
  };

  test('newest first, or oldest first', async (s) => {
    const runs = [];
    for (const _ of range(4)) {
      runs.push(await s.started());
      await s.harness.elapse(MINUTE);
    }
    const ids = runs.map(({ workflowId }) => workflowId);
    expect(idsOf((await s.journal.list(query({ order: 'oldest' }))).runs)).toEqual(ids);
    expect(idsOf((await s.journal.list(query())).runs)).toEqual(ids.toReversed());
  });

  test('pages have the asked size, follow each other without overlap, and the last one says so', async (s) => {
    // Started together, at one and the same time: the place of a page is more than a time.
    for (const _ of range(2)) {
      await s.startedMany(10);
      await s.harness.elapse(MINUTE);
    }
    for (const order of ['newest', 'oldest'] as const) {
      const pages = await allPages(s, { order, limit: 3 });
      expect(pages.map((page) => page.length)).toEqual([3, 3, 3, 3, 3, 3, 2]);
      const whole = (await s.journal.list(query({ order }))).runs;
      expect(idsOf(pages.flat())).toEqual(idsOf(whole));
      expect(new Set(idsOf(whole)).size).toBe(20);
    }
    expect((await allPages(s, { limit: 10 })).map((page) => page.length)).toEqual([10, 10]);
    expect((await allPages(s, { limit: 20 })).map((page) => page.length)).toEqual([20]);
  });

  test('pages stay what they are while runs are added and closed', async (s) => {
    const owner = await s.worker();
    const held = await s.heldMany(9, owner);
    await s.harness.elapse(MINUTE);
    const first = await s.journal.list(query({ limit: 4 }));
    await s.startedMany(5);
    for (const one of held.slice(0, 5)) await s.completes(one);
    const second = await s.journal.list(query({ limit: 4, cursor: first.next }));
    await s.startedMany(5);
    const third = await s.journal.list(query({ limit: 4, cursor: second.next }));
    const seen = [first, second, third].flatMap(({ runs }) => idsOf(runs));
    expect(seen.toSorted()).toEqual(held.map(({ run }) => run.workflowId).toSorted());
    expect(third.next).toBeNull();
  });

  test('nothing found is an empty page', async (s) => {
    expect(await s.journal.list(query())).toEqual({ runs: [], next: null });
    expect(await s.journal.count({ namespace: NAMESPACE })).toBe(0);
  });

  test('by namespace, workflow and workflow id', async (s) => {
    const order = await s.started();
    await s.started({ workflowId: 'refund-1', workflow: 'refund' });
    await s.closed('completed', { workflowId: 'refund-2', workflow: 'refund' });
    await s.started({ workflowId: 'refund-2', workflow: 'refund' });
    await s.started({ namespace: 'other', workflowId: 'refund-3', workflow: 'refund' });
    expect(await found(s, { workflow: 'refund' })).toEqual(['refund-1', 'refund-2', 'refund-2']);
    // All names that a workflow has or had.
    const names = ['returns', 'refund'];
    await s.started({ workflowId: 'return-1', workflow: 'returns' });
    expect(await found(s, { workflow: names })).toEqual(['refund-1', 'refund-2', 'refund-2', 'return-1']);
    expect(await found(s, { workflow: names, workflowId: 'return-1' })).toEqual(['return-1']);
    expect(await found(s, { workflow: [] })).toEqual([]);
    expect(await found(s, { workflowId: 'refund-2' })).toEqual(['refund-2', 'refund-2']);
    expect(await found(s, { workflowId: order.workflowId, workflow: 'refund' })).toEqual([]);
    expect(await s.journal.count({ namespace: 'other' })).toBe(1);
    expect(await s.journal.count({ namespace: 'nobody' })).toBe(0);
  });

  test('by one state, or by several', async (s) => {
    const ids = { running: (await s.started()).workflowId };
    const closed = await Promise.all(
      (['completed', 'failed', 'cancelled', 'terminated'] as const).map(async (state) => ({
        state,
        workflowId: (await s.closed(state)).workflowId,
      })),
    );
    for (const { state, workflowId } of closed) expect(await found(s, { state })).toEqual([workflowId]);
    expect(await found(s, { state: 'running' })).toEqual([ids.running]);
    const two = closed.filter(({ state }) => state === 'failed' || state === 'terminated');
    expect(await found(s, { state: ['failed', 'terminated'] })).toEqual(
      two.map((run) => run.workflowId).toSorted(),
    );
    expect(await found(s, { state: [] })).toEqual([]);
  });

  test('by whether a live worker takes them', async (s) => {
    const own = await s.started();
    const newer = await s.started({ version: 2 });
    const refund = await s.started({ workflow: 'refund' });
    await s.closed('completed', { workflow: 'refund' });
    await s.started({ namespace: 'other', workflow: 'refund' });
    const ids = (...runs: readonly (typeof own)[]): readonly string[] =>
      runs.map(({ workflowId }) => workflowId).toSorted();
    const served = false as const;
    expect(await s.journal.unserved(NAMESPACE)).toEqual([
      { workflow: 'order', version: 2 },
      { workflow: 'refund', version: 1 },
    ]);
    expect(await s.journal.unserved('nobody')).toEqual([]);
    // One of the default workflow is there: who closed a run just now.
    expect(await found(s, { served })).toEqual(ids(newer, refund));
    const elsewhere = await s.worker({ namespace: 'other', workflows: [{ name: 'refund', version: 1 }] });
    expect(await found(s, { served })).toEqual(ids(newer, refund));
    const late = await s.worker({ workflows: [{ name: 'order', version: 2 }] });
    expect(await found(s, { served })).toEqual(ids(refund));
    expect(await found(s, { served, workflow: 'order' })).toEqual([]);
    await s.journal.unregister(late);
    await s.journal.unregister(elsewhere);
    expect(await found(s, { served })).toEqual(ids(newer, refund));
    await s.harness.elapse(HOUR);
    expect(await found(s, { served })).toEqual(ids(own, newer, refund));
  });

  test('by when they started', async (s) => {
    const early = await s.started();
    await s.harness.elapse(HOUR);
    const middle = await s.started();
    await s.harness.elapse(HOUR);
    const late = await s.started();
    const now = await s.harness.now();
    expect(await found(s, { startedAfter: now - 30 * MINUTE })).toEqual([late.workflowId]);
    expect(await found(s, { startedBefore: now - 90 * MINUTE })).toEqual([early.workflowId]);
    expect(await found(s, { startedAfter: now - 90 * MINUTE, startedBefore: now - 30 * MINUTE })).toEqual([
      middle.workflowId,
    ]);
  });

  test('by attributes: each of them has the value, and no other one', async (s) => {
    const ann = {
      customer: 'ann',
      total: 10,
      express: true,
      tags: ['a', 'b'],
      address: { city: 'Ulm', zip: '1' },
    };
    await s.started({ workflowId: 'ann-1', attributes: ann });
    await s.started({ workflowId: 'ann-2', attributes: { customer: 'ann', total: 20, none: null } });
    await s.started({ workflowId: 'bob-1', attributes: { customer: 'bob', total: 10, tags: ['b', 'a'] } });
    await s.started({ workflowId: 'none', attributes: null });
    await s.started({ workflowId: 'empty', attributes: {} });
    const by = (attributes: Record<string, unknown>): Promise<readonly string[]> => found(s, { attributes });
    expect(await by({ customer: 'ann' })).toEqual(['ann-1', 'ann-2']);
    expect(await by({ customer: 'ann', total: 10 })).toEqual(['ann-1']);
    expect(await by({ total: 10 })).toEqual(['ann-1', 'bob-1']);
    expect(await by({ total: '10' })).toEqual([]);
    expect(await by({ express: true })).toEqual(['ann-1']);
    expect(await by({ none: null })).toEqual(['ann-2']);
    expect(await by({ customer: "a'nn\\" })).toEqual([]);
    expect(await by({ tags: ['a', 'b'] })).toEqual(['ann-1']);
    expect(await by({ tags: ['a'] })).toEqual([]);
    expect(await by({ address: { zip: '1', city: 'Ulm' } })).toEqual(['ann-1']);
    expect(await by({ address: { city: 'Ulm' } })).toEqual([]);
    expect(await by({ address: { city: 'Ulm', zip: '1', country: 'de' } })).toEqual([]);
    expect(await by({ tags: ['a', 'b', 'c'] })).toEqual([]);
    expect(await by({})).toEqual(['ann-1', 'ann-2', 'bob-1', 'empty', 'none']);
  });

  test('pages of a filtered list', async (s) => {
    for (const i of range(12)) await s.started({ workflowId: `run-${i}`, attributes: { even: i % 2 === 0 } });
    const pages = await allPages(s, {
      filter: { namespace: NAMESPACE, attributes: { even: true } },
      limit: 2,
    });
    expect(pages.map((page) => page.length)).toEqual([2, 2, 2]);
    expect(idsOf(pages.flat()).toSorted()).toEqual(
      range(6)
        .map((i) => `run-${2 * i}`)
        .toSorted(),
    );
  });

  test('a cursor of another making is refused with a clear error', async (s) => {
    await s.startedMany(2);
    for (const cursor of [
      'nonsense',
      '',
      'W10',
      Buffer.from('{"a":1}').toString('base64url'),
      "'; drop table runs; --",
    ]) {
      const refused = s.journal.list(query({ cursor }));
      await expect(refused).rejects.toBeInstanceOf(JournalError);
      await expect(refused).rejects.toThrow(/cursor/i);
    }
  });

  test('a limit out of range is refused with a clear error', async (s) => {
    for (const limit of [0, -1, 1_001, 1.5, NaN]) {
      const refused = s.journal.list(query({ limit }));
      await expect(refused).rejects.toBeInstanceOf(JournalError);
      await expect(refused).rejects.toThrow(/1,000/);
    }
    expect(await s.journal.list(query({ limit: 1_000 }))).toMatchObject({ runs: [] });
    expect(await s.journal.list(query({ limit: 1 }))).toMatchObject({ runs: [] });
  });
}
