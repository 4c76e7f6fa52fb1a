import type { HistoryEntry } from '../../../core/index.js';
import type {
  RetryRollbackAnswer,
  RetryRollbackRequest,
  StartRequest,
  Turn,
} from '../../../journal/index.js';
import { actorOf, JournalRefusedError } from '../../../journal/index.js';
import { inParallel, only, race } from '../concurrency.js';
import { runFailed, runStarted, step } from '../entries.js';
import { NAMESPACE, type Held, type Scenario, type Topic } from '../scenario.js';
import { deliverAll, family } from './children.js';

const incomplete = (): HistoryEntry => ({ ...runFailed(), rollback: 'incomplete' }) as HistoryEntry;
const retried = (): HistoryEntry => ({ type: 'rollback_retried', at: 1_700_000_000_000, reason: null });
const FAILS: Partial<Turn> = {
  entries: [incomplete()],
  decides: true,
  outcome: { type: 'close', state: 'failed' },
};

type Named = Pick<StartRequest, 'workflowId' | 'runId'>;

const requestFor = (
  { workflowId, runId }: Named,
  changes: Partial<RetryRollbackRequest> = {},
): RetryRollbackRequest => ({
  namespace: NAMESPACE,
  workflowId,
  runId,
  payload: '"again"',
  reason: 'again',
  ...changes,
});
const retry = (s: Scenario, run: Named): Promise<RetryRollbackAnswer> =>
  s.journal.retryRollback(requestFor(run));

/** A run that has ended with something left to undo, and its last holder. */
async function leftUndone(s: Scenario, changes: Partial<StartRequest> = {}): Promise<Held> {
  const held = await s.held(await s.worker(), changes);
  await s.applies(held, { entries: [step('a')] });
  await s.applies(held, FAILS);
  return held;
}

export function retryRollbackTopic({ test, expect }: Topic): void {
  test('opens the run again, with its history, a message, and a token that nobody has had', async (s) => {
    const held = await leftUndone(s, { attributes: { plan: 'gold' } });
    const { run } = held;
    const history = await s.historyOf(run);
    expect(await s.journal.retryRollback(requestFor(run, { by: 'ann' }))).toEqual({
      type: 'retried',
      actorId: actorOf(run.runId),
    });
    expect(await s.historyOf(run)).toEqual(history);
    expect(await s.describe(run)).toMatchObject({
      state: 'running',
      closedAt: null,
      failure: null,
      attributes: { plan: 'gold' },
      inbox: { owner: null },
    });
    expect(await s.journal.outcomes([run.runId])).toEqual([null]);
    expect(await s.inboxOf(run)).toMatchObject([{ kind: 'rollback_retry', payload: '"again"', by: 'ann' }]);
    // Whoever has ended it writes nothing more.
    expect(await s.commit(held, { entries: [step('late')] })).toEqual({ type: 'lost' });
    const claim = only(await s.claim(await s.worker()));
    expect(claim).toMatchObject({ workflowId: run.workflowId, lineage: null });
    expect(claim.lease.token).toBeGreaterThan(held.lease.token);
    const { operations } = await s.journal.operations({
      namespace: NAMESPACE,
      workflowId: run.workflowId,
      runId: null,
      cursor: null,
      limit: 10,
    });
    expect(operations).toMatchObject([
      { verb: 'retryRollback', by: 'ann', runId: run.runId, outcome: 'applied', facts: { reason: 'again' } },
    ]);
  });

  test('goes on behind its end, and ends once more', async (s) => {
    const { run } = await leftUndone(s);
    await retry(s, run);
    const again = await s.reclaimed(await s.worker(), run);
    const [message] = await s.inboxOf(run, again.consumed);
    await s.applies(again, { entries: [retried(), step('undo')], consumedThrough: message!.n });
    expect(await s.inboxOf(run)).toEqual([]);
    expect((await s.describe(run)).state).toBe('running');
    await s.applies(again, { ...FAILS, entries: [runFailed()] });
    expect((await s.historyOf(run)).map(({ type }) => type)).toEqual([
      'run_started',
      'side_effect_recorded',
      'run_failed',
      'rollback_retried',
      'side_effect_recorded',
      'run_failed',
    ]);
    expect(only(await s.journal.outcomes([run.runId]))).toMatchObject({
      run: { state: 'failed' },
      last: { type: 'run_failed', rollback: 'complete' },
    });
    expect(await retry(s, run)).toEqual({ type: 'nothing left', state: 'failed' });
    // Its workflow id is free.
    await s.started({ workflowId: run.workflowId });
  });

  test('takes no signal, update or cancel, is a conflict for a start, and can be terminated', async (s) => {
    const held = await s.held(await s.worker());
    const { run } = held;
    await s.accepted(s.signal(run, { dedupeId: 'known' }));
    await s.applies(held, { ...FAILS, consumedThrough: 1 });
    await retry(s, run);
    for (const message of [s.signal(run), s.update(run, 'u'), s.cancel(run)])
      expect(await s.send(message)).toEqual({ type: 'not running', known: true, closing: true });
    expect(await s.send(s.signal(run, { dedupeId: 'known' }))).toEqual({ type: 'duplicate' });
    expect(await s.send(s.result(run))).toMatchObject({ type: 'accepted' });
    expect(await s.tryStart({ workflowId: run.workflowId })).toEqual({ type: 'conflict', runId: run.runId });
    const { workflowId } = run;
    await s.journal.terminate([{ namespace: NAMESPACE, workflowId, runId: null, reason: null }]);
    expect((await s.historyOf(run)).at(-1)).toMatchObject({ type: 'run_terminated' });
    expect(await retry(s, run)).toEqual({ type: 'nothing left', state: 'terminated' });
  });

  test('is refused where nothing is left, or the run is open, or not known', async (s) => {
    for (const state of ['completed', 'failed', 'cancelled', 'terminated'] as const)
      expect(await retry(s, await s.closed(state))).toEqual({ type: 'nothing left', state });
    const open = await s.started();
    expect(await retry(s, open)).toEqual({ type: 'open' });
    const { run } = await leftUndone(s);
    expect(await retry(s, s.request())).toEqual({ type: 'unknown' });
    expect(await retry(s, { ...run, workflowId: open.workflowId })).toEqual({ type: 'unknown' });
    expect(await s.journal.retryRollback(requestFor(run, { namespace: 'another' }))).toEqual({
      type: 'unknown',
    });
    expect(await s.inboxOf(run)).toEqual([]);
    await expect(s.journal.retryRollback(requestFor(run, { by: 'x'.repeat(256) }))).rejects.toBeInstanceOf(
      JournalRefusedError,
    );
  });

  test('waits for its turn while another run has the workflow id', async (s) => {
    const { run } = await leftUndone(s);
    const { workflowId } = run;
    const next = await s.started({ workflowId });
    expect(await retry(s, run)).toEqual({ type: 'taken', runId: next.runId });
    expect((await s.describe(run)).state).toBe('failed');
    await s.journal.terminate([{ namespace: NAMESPACE, workflowId, runId: null, reason: null }]);
    expect(await retry(s, run)).toMatchObject({ type: 'retried' });
    // The open one is meant by the workflow id alone.
    const [description] = await s.journal.describe([{ namespace: NAMESPACE, workflowId, runId: null }]);
    expect(description?.runId).toBe(run.runId);
  });

  test('of many who ask at once one opens it', async (s) => {
    const { run } = await leftUndone(s);
    const answers: string[] = [];
    await inParallel(12, 6, async () => {
      answers.push((await retry(s, run)).type);
    });
    expect(answers.filter((type) => type === 'retried')).toHaveLength(1);
    expect(answers.filter((type) => type === 'open')).toHaveLength(11);
    expect(await s.inboxOf(run)).toHaveLength(1);
  });

  test('against a start of the same id: one of them has it', async (s) => {
    for (let i = 0; i < 10; i++) {
      const { run } = await leftUndone(s);
      const { workflowId } = run;
      const [answer, start] = await race(
        i,
        () => retry(s, run),
        () => s.tryStart({ workflowId }),
      );
      const open = await s.journal.count({ namespace: NAMESPACE, workflowId, state: 'running' });
      expect([answer.type, start.type, open]).toEqual(
        answer.type === 'retried' ? ['retried', 'conflict', 1] : ['taken', 'started', 1],
      );
    }
  });

  test('the parent of a child was told of its end, and is not told twice', async (s) => {
    const { parent, children } = await family(s, 1);
    const child = only(children);
    await s.applies(child, { ...FAILS, tellsParent: true });
    await deliverAll(s);
    expect(await s.inboxOf(parent.run)).toHaveLength(1);
    await retry(s, child.run);
    const again = await s.reclaimed(await s.worker(), child.run);
    const [message] = await s.inboxOf(child.run, again.consumed);
    await s.applies(again, { entries: [retried()], consumedThrough: message!.n });
    await s.applies(again, { ...FAILS, entries: [runFailed()], tellsParent: true });
    expect((await deliverAll(s)).reduce((sum, { done }) => sum + done, 0)).toBe(0);
    expect(await s.inboxOf(parent.run)).toHaveLength(1);
    expect((await s.describe(child.run)).lineage).toMatchObject({ depth: 1 });
  });

  test('of a run whose time limit has passed: it has none any more', async (s) => {
    const held = await s.held(await s.worker(), { limits: { run: 1, chain: 1 } });
    const { run } = held;
    const last = { ...incomplete(), type: 'run_timed_out' } as HistoryEntry;
    await s.applies(held, { ...FAILS, entries: [last], outcome: { type: 'close', state: 'timed_out' } });
    expect(await retry(s, run)).toMatchObject({ type: 'retried' });
    const claim = only(await s.claim(await s.worker()));
    expect(claim.deadlines).toMatchObject({ run: null, chain: null });
    expect([runStarted().type, (await s.historyOf(run)).length]).toEqual(['run_started', 2]);
  });
}
