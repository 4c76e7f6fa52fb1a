import { only, range } from '../concurrency.js';
import { step } from '../entries.js';
import { HOUR, MINUTE, NAMESPACE, SECOND, type Topic } from '../scenario.js';

export function blockedTopic({ test, expect }: Topic): void {
  test('a blocked run is claimable only after its delay; no message wakes it before', async (s) => {
    const held = await s.held(await s.worker());
    await s.blocks(held, 10 * MINUTE);
    await s.accepted(s.signal(held.run));
    await s.accepted(s.cancel(held.run));
    expect(await s.claimedIds(await s.worker())).toEqual([]);
    await s.harness.elapse(9 * MINUTE);
    await s.accepted(s.signal(held.run));
    expect(await s.claimedIds(await s.worker())).toEqual([]);
    await s.harness.elapse(MINUTE + SECOND);
    expect(only(await s.claim(await s.worker()))).toMatchObject({
      failedTurns: 1,
      inboxSeq: 3,
      inboxConsumed: 0,
    });
  });

  test('it is described as blocked: why, since when, and after how many failed turns', async (s) => {
    const held = await s.held(await s.worker());
    expect((await s.describe(held.run)).blocked).toBeNull();
    const before = await s.harness.now();
    await s.blocks(held, MINUTE, 'The code asks for ship, the history recorded charge.');
    const { blocked, state } = await s.describe(held.run);
    expect(state).toBe('running');
    expect(blocked).toMatchObject({
      reason: 'The code asks for ship, the history recorded charge.',
      failedTurns: 1,
    });
    expect(blocked?.since).toBeGreaterThanOrEqual(Math.floor(before));
    expect(blocked?.since).toBeLessThanOrEqual(Math.ceil(await s.harness.now()));
    const page = await s.journal.list({
      filter: { namespace: NAMESPACE },
      order: 'newest',
      cursor: null,
      limit: 10,
    });
    expect(only(page.runs).blocked).toEqual(blocked);
  });

  test('the failed turn records nothing and consumes nothing', async (s) => {
    const run = await s.started();
    const held = await s.reclaimed(await s.worker(), run);
    await s.applies(held, { consumedThrough: 1, outcome: { type: 'block', reason: 'no', delay: 0 } });
    expect(await s.historyOf(run)).toEqual([]);
    expect(await s.inboxOf(run)).toHaveLength(1);
    expect(only(await s.claim(await s.worker()))).toMatchObject({
      inboxSeq: 1,
      inboxConsumed: 0,
      failedTurns: 1,
    });
  });

  test('the lease is given back', async (s) => {
    const held = await s.held(await s.worker());
    await s.blocks(held, 0);
    expect(await s.commit(held, { entries: [step('late')] })).toEqual({ type: 'lost' });
    expect(await s.claimedIds(await s.worker())).toEqual([held.run.workflowId]);
  });

  test('a stale holder blocks nothing', async (s) => {
    const owner = await s.worker();
    const held = await s.held(owner);
    const stale = { ...held, lease: { ...held.lease, token: 0 } };
    expect(await s.commit(stale, { outcome: { type: 'block', reason: 'no', delay: HOUR } })).toEqual({
      type: 'lost',
    });
    expect((await s.describe(held.run)).blocked).toBeNull();
    await s.applies(held, { entries: [step('a')] });
  });

  test('failed turns add up, and the first one says since when', async (s) => {
    const { run, ...rest } = await s.held(await s.worker());
    await s.blocks({ run, ...rest }, 0, 'first');
    const since = (await s.describe(run)).blocked?.since ?? 0;
    for (const failedTurns of [1, 2, 3]) {
      await s.harness.elapse(MINUTE);
      const held = await s.reclaimed(await s.worker(), run);
      expect(await s.describe(run)).toMatchObject({ blocked: { failedTurns } });
      await s.blocks(held, 0, `again ${failedTurns}`);
    }
    const { blocked } = await s.describe(run);
    expect(blocked).toMatchObject({ reason: 'again 3', failedTurns: 4 });
    // Three minutes went by; where time is told by what is stored growing older, `since` grew older with it.
    const age = (await s.harness.now()) - (blocked?.since ?? 0);
    expect(age).toBeGreaterThanOrEqual(3 * MINUTE);
    expect(blocked?.since).toBeLessThanOrEqual(since);
  });

  test('a turn that applies with entries clears it', async (s) => {
    const held = await s.held(await s.worker());
    await s.blocks(held, 0);
    const again = await s.reclaimed(await s.worker(), held.run);
    await s.applies(again, { entries: [step('fixed')] });
    expect((await s.describe(held.run)).blocked).toBeNull();
    await s.releases(again, 0);
    expect(only(await s.claim(await s.worker())).failedTurns).toBe(0);
  });

  test('a release with unread messages does not undercut the delay of an earlier failure', async (s) => {
    const held = await s.held(await s.worker());
    await s.blocks(held, HOUR);
    await s.journal.register(s.session({ buildId: 'build-2' }));
    const again = await s.reclaimed(await s.worker({ buildId: 'build-2' }), held.run);
    await s.blocks(again, HOUR, 'still');
    await s.accepted(s.signal(held.run));
    expect(await s.claimedIds(await s.worker({ buildId: 'build-2' }))).toEqual([]);
  });

  test('another build is tried at once, the same build is not', async (s) => {
    const owner = await s.worker({ buildId: 'build-1' });
    const all = await s.heldMany(3, owner);
    for (const held of all) await s.blocks(held, HOUR);
    expect(await s.claimedIds(await s.worker({ buildId: 'build-1' }))).toEqual([]);
    const newer = await s.worker({ buildId: 'build-2' });
    expect(await s.claimedIds(newer)).toEqual(all.map(({ run }) => run.workflowId).toSorted());
  });

  test('the build of the latest failure counts: whoever failed last waits', async (s) => {
    const held = await s.held(await s.worker({ buildId: 'build-1' }));
    await s.blocks(held, HOUR);
    const again = await s.reclaimed(await s.worker({ buildId: 'build-2' }), held.run);
    await s.blocks(again, HOUR);
    expect(await s.claimedIds(await s.worker({ buildId: 'build-2' }))).toEqual([]);
    expect(await s.claimedIds(await s.worker({ buildId: 'build-1' }))).toEqual([held.run.workflowId]);
  });

  test('a new build starts no run before its startAt', async (s) => {
    await s.started({ startAt: (await s.harness.now()) + HOUR });
    expect(await s.claimedIds(await s.worker({ buildId: 'build-9' }))).toEqual([]);
  });

  test('a new build wakes nothing that was released and is sound', async (s) => {
    const all = await s.heldMany(3, await s.worker());
    for (const held of all) await s.releases(held, (await s.harness.now()) + HOUR);
    expect(await s.claimedIds(await s.worker({ buildId: 'build-9' }))).toEqual([]);
  });

  test('a batch in which some turns failed', async (s) => {
    const all = await s.heldMany(6, await s.worker());
    const turns = all.map((held, i) =>
      i % 2 === 0
        ? s.turn(held, { entries: [step('a')] })
        : s.turn(held, { outcome: { type: 'block', reason: `no ${i}`, delay: i * MINUTE } }),
    );
    expect(await s.journal.commit(turns)).toEqual(turns.map(() => ({ type: 'applied', inboxSeq: 0 })));
    for (const i of range(6)) {
      const run = all[i]?.run ?? only([]);
      const { blocked } = await s.describe(run);
      if (i % 2 === 0) expect(blocked).toBeNull();
      else expect(blocked).toMatchObject({ reason: `no ${i}`, failedTurns: 1 });
      expect(await s.historyOf(run)).toHaveLength(i % 2 === 0 ? 2 : 1);
    }
  });

  test('a reason may be any error text', async (s) => {
    const held = await s.held(await s.worker());
    await s.blocks(held, 0, 'before \u0000 \ud800 after');
    const { blocked } = await s.describe(held.run);
    expect(blocked?.reason).toMatch(/^before .* after$/su);
    const long = await s.held(await s.worker());
    await s.blocks(long, 0, `start ${'x'.repeat(100_000)}`);
    expect((await s.describe(long.run)).blocked?.reason).toMatch(/^start x/);
  });

  test('a blocked run can be terminated', async (s) => {
    const held = await s.held(await s.worker());
    await s.blocks(held, HOUR);
    expect(await s.journal.terminate([{ ...held.run, runId: null, reason: null }])).toMatchObject([
      { type: 'terminated' },
    ]);
    expect(await s.describe(held.run)).toMatchObject({ state: 'terminated', blocked: null });
  });
}
