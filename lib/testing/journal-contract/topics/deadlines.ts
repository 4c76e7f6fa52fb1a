import { uuidv7 } from 'uuidv7';
import { asRunId } from '../../../journal/index.js';
import type { StartAnswer } from '../../../journal/index.js';
import { only } from '../concurrency.js';
import { runStarted } from '../entries.js';
import { HOUR, MINUTE, SECOND, type Topic } from '../scenario.js';
import { continuing, goingOn, ofRun } from './continuation.js';

const deadlinesOf = (answer: StartAnswer): unknown =>
  answer.type === 'started' ? answer.deadlines : answer.type;

/** Time limits: of a run, and of all the runs of one start. */
export function deadlinesTopic({ test, expect }: Topic): void {
  test('count from the start, by the clock of the journal, and are told to whoever claims the run', async (s) => {
    const before = Math.floor(await s.harness.now());
    const run = s.request({ limits: { run: MINUTE, chain: HOUR } });
    const answer = only(await s.journal.start([run]));
    const after = Math.ceil(await s.harness.now());
    if (answer.type !== 'started' || !answer.deadlines) throw new Error('It has no deadlines.');
    const { run: own, chain } = answer.deadlines;
    expect(own).toBeGreaterThanOrEqual(before + MINUTE);
    expect(own).toBeLessThanOrEqual(after + MINUTE);
    expect(chain).toBe((own ?? 0) - MINUTE + HOUR);
    const claim = only(await s.claim(await s.worker()));
    expect(claim.deadlines).toEqual(answer.deadlines);
    expect((await s.describe(run)).deadlineAt).toBe(own);
  });

  test('count from startAt where that is later, and not where it has passed', async (s) => {
    const now = Math.floor(await s.harness.now());
    const startAt = now + HOUR;
    const later = only(await s.journal.start([s.request({ startAt, limits: { run: MINUTE, chain: null } })]));
    expect(deadlinesOf(later)).toEqual({ run: startAt + MINUTE, chain: null, runLimit: MINUTE });
    const past = s.request({ startAt: now - HOUR, limits: { run: null, chain: MINUTE } });
    await s.journal.start([past]);
    expect((await s.describe(past)).deadlineAt).toBeGreaterThanOrEqual(now + MINUTE);
  });

  test('of a run that has none are null, and of a start that is repeated those it was given', async (s) => {
    const none = only(await s.journal.start([s.request({ limits: { run: null, chain: null } })]));
    expect(deadlinesOf(none)).toBe(undefined);
    const claim = only(await s.claim(await s.worker()));
    expect(claim.deadlines).toEqual({ run: null, chain: null, runLimit: null });
    const owner = await s.worker();
    const run = s.request({
      first: { owner, entries: [runStarted()] },
      limits: { run: MINUTE, chain: null },
    });
    const first = only(await s.journal.start([run]));
    expect(only(await s.journal.start([run]))).toEqual(first);
  });

  test('the limit of a run that ends behind that of its chain counts for nothing', async (s) => {
    const run = s.request({ limits: { run: HOUR, chain: MINUTE } });
    const answer = only(await s.journal.start([run]));
    const { deadlineAt } = await s.describe(run);
    expect(deadlinesOf(answer)).toEqual({ run: null, chain: deadlineAt, runLimit: HOUR });
  });

  test('wake a run that is given back, also where its holder knows of none', async (s) => {
    const limits = { run: MINUTE, chain: null };
    const [never, later, sooner] = await s.heldMany(3, await s.worker(), { limits });
    await s.releases(never!, null);
    await s.releases(later!, (await s.harness.now()) + HOUR);
    await s.releases(sooner!, (await s.harness.now()) + SECOND);
    const worker = await s.worker();
    expect(await s.claimedIds(worker)).toEqual([]);
    await s.harness.elapse(2 * SECOND);
    expect(await s.claimedIds(worker)).toEqual([sooner!.run.workflowId]);
    await s.harness.elapse(MINUTE);
    expect(await s.claimedIds(worker)).toEqual([never!, later!].map(({ run }) => run.workflowId).toSorted());
  });

  test('one that has passed wakes nobody again', async (s) => {
    const held = await s.held(await s.worker(), { limits: { run: SECOND, chain: null } });
    await s.harness.elapse(MINUTE);
    await s.releases(held, null);
    await s.harness.elapse(HOUR);
    expect(await s.claimedIds(await s.worker())).toEqual([]);
  });

  test('a turn that takes one in too early is refused', async (s) => {
    const run = s.request({ limits: { run: MINUTE, chain: null } });
    await s.journal.start([run]);
    const held = await s.reclaimed(await s.worker(), run);
    const deadlineAt = (await s.describe(run)).deadlineAt ?? 0;
    const entries = [{ type: 'deadline_passed', at: deadlineAt, deadlineAt, whose: 'run' }] as const;
    expect(await s.commit(held, { entries, firedUpTo: deadlineAt })).toMatchObject({ type: 'not due' });
    expect(await s.historyOf(run)).toEqual([]);
  });

  test('of a chain goes on when it continues, and that of the run begins anew', async (s) => {
    const held = await s.held(await s.worker(), { limits: { run: MINUTE, chain: MINUTE + 10 * SECOND } });
    await s.harness.elapse(5 * SECOND);
    const next = asRunId(uuidv7());
    const start = '{"input":"1","signals":[]}';
    const successor = { runId: next, workflow: 'order', version: 1, start, kept: false };
    const end = { runId: next, workflow: 'order', version: 1, input: '1', abandoned: [], carriedSignals: 0 };
    await s.applies(held, {
      entries: [{ type: 'run_continued', at: 1, ...end }],
      outcome: { type: 'continue', successor },
    });
    const { startedAt, deadlineAt } = await s.describe({ ...held.run, runId: next });
    const claim = only(await s.claim(await s.worker()));
    expect(claim.deadlines.runLimit).toBe(MINUTE);
    expect(claim.deadlines.run).toBe(deadlineAt);
    expect(deadlineAt).toBeGreaterThan(startedAt + MINUTE - SECOND);
    expect(deadlineAt).toBeLessThan(startedAt + MINUTE + SECOND);
    // The chain's is where it was: nearer to that of this run than to that of the run before, from which it was 10 s away.
    const { chain } = claim.deadlines;
    expect(chain).toBeGreaterThan(deadlineAt ?? Infinity);
    expect(chain).toBeLessThan((deadlineAt ?? 0) + 10 * SECOND);
  });

  test('a run that continues may give the next ones another limit, or a first one', async (s) => {
    for (const run of [MINUTE, null]) {
      const held = await s.held(await s.worker(), { limits: { run, chain: HOUR } });
      const first = (await s.describe(held.run)).startedAt;
      const second = continuing({ runLimit: 5 * MINUTE });
      await s.applies(held, second.changes);
      const told = await s.describe(ofRun(held, second.next.runId));
      expect(told.deadlineAt).toBeGreaterThan(told.startedAt + 5 * MINUTE - SECOND);
      expect(told.deadlineAt).toBeLessThan(told.startedAt + 5 * MINUTE + SECOND);
      const third = continuing({ kept: false });
      await s.applies(goingOn(held, second.next.runId), third.changes);
      const { deadlines } = only(await s.claim(await s.worker()));
      const { startedAt, deadlineAt } = await s.describe(ofRun(held, third.next.runId));
      expect(deadlines).toMatchObject({ run: deadlineAt, runLimit: 5 * MINUTE });
      expect(deadlineAt).toBeGreaterThan(startedAt + 5 * MINUTE - SECOND);
      // The time of all of them goes on.
      expect(deadlines.chain).toBeLessThan(first + HOUR + SECOND);
    }
  });

  test('a run closes timed out, and lists find it', async (s) => {
    const held = await s.held(await s.worker());
    const end = {
      type: 'run_timed_out',
      at: 1,
      failure: '{"name":"CancelledError","message":"late"}',
      rollback: 'none',
      abandoned: [],
      unreadSignals: 0,
    } as const;
    await s.applies(held, { entries: [end], decides: true, outcome: { type: 'close', state: 'timed_out' } });
    expect((await s.describe(held.run)).state).toBe('timed_out');
    expect(await s.journal.count({ namespace: 'default', state: 'timed_out' })).toBe(1);
    expect(only(await s.journal.outcomes([held.run.runId]))?.last).toEqual(end);
  });
}
