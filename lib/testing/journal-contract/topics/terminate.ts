import { uuidv7 } from 'uuidv7';
import type { TerminateRequest } from '../../../journal/index.js';
import { countOf, inParallel, only, race, range } from '../concurrency.js';
import { step } from '../entries.js';
import { NAMESPACE, type Topic } from '../scenario.js';
import { asRunId } from '../../../journal/index.js';
import type { RunId } from '../../../journal/index.js';

const request = (
  workflowId: string,
  runId: RunId | null = null,
  reason: string | null = 'enough',
): TerminateRequest => ({
  namespace: NAMESPACE,
  workflowId,
  runId,
  reason,
});

export function terminateTopic({ test, expect }: Topic): void {
  test('against a live holder: its next turn is lost, and history ends with run_terminated after its last one', async (s) => {
    const held = await s.held(await s.worker());
    const { run } = held;
    await s.applies(held, { entries: [step('a'), step('b')] });
    const before = await s.harness.now();
    expect(await s.journal.terminate([request(run.workflowId)])).toEqual([
      { type: 'terminated', runId: run.runId },
    ]);
    expect(await s.commit(held, { entries: [step('c')] })).toEqual({ type: 'lost' });
    const history = await s.historyOf(run);
    expect(history).toHaveLength(4);
    const last = history.at(-1);
    expect(last).toMatchObject({ type: 'run_terminated', reason: 'enough' });
    expect(last?.at).toBeGreaterThanOrEqual(Math.floor(before));
    expect(last?.at).toBeLessThanOrEqual(Math.ceil(await s.harness.now()));
    const [outcome] = await s.journal.outcomes([run.runId]);
    expect(outcome).toMatchObject({
      run: { state: 'terminated', blocked: null },
      last: { type: 'run_terminated' },
    });
    expect(outcome?.last).toEqual(last);
    expect(outcome?.run.closedAt === null).toBe(false);
  });

  test('a run that nobody has begun, and one that waits', async (s) => {
    const waiting = await s.started();
    const released = await s.held(await s.worker());
    await s.releases(released);
    const answers = await s.journal.terminate([
      request(released.run.workflowId),
      request(waiting.workflowId, null, null),
    ]);
    expect(answers).toEqual([
      { type: 'terminated', runId: released.run.runId },
      { type: 'terminated', runId: waiting.runId },
    ]);
    expect(await s.historyOf(waiting)).toMatchObject([{ type: 'run_terminated', reason: null }]);
    expect(await s.historyOf(released.run)).toHaveLength(2);
    expect(await s.inboxOf(waiting)).toEqual([]);
    expect(await s.claimedIds(await s.worker())).toEqual([]);
  });

  test('the workflow id is free at once', async (s) => {
    const run = await s.started();
    await s.journal.terminate([request(run.workflowId)]);
    const next = await s.started({ workflowId: run.workflowId });
    expect((await s.inboxOf(next)).map(({ n, kind }) => ({ n, kind }))).toEqual([{ n: 1, kind: 'start' }]);
    expect(await s.claimedIds(await s.worker())).toEqual([run.workflowId]);
  });

  test('not running: unknown, closed, or another run than the one named', async (s) => {
    const closed = await s.closed('completed');
    const open = await s.started({ workflowId: closed.workflowId });
    const answers = await s.journal.terminate([
      request('nobody'),
      request('nobody', asRunId(uuidv7())),
      request(open.workflowId, closed.runId),
      request(open.workflowId, open.runId),
    ]);
    expect(answers).toEqual([
      { type: 'not running', known: false },
      { type: 'not running', known: false },
      { type: 'not running', known: true },
      { type: 'terminated', runId: open.runId },
    ]);
    expect(await s.journal.terminate([request(open.workflowId)])).toEqual([
      { type: 'not running', known: true },
    ]);
    expect(await s.historyOf(closed)).toHaveLength(2);
  });

  test('a reason comes back as it was given', async (s) => {
    const run = await s.started();
    const reason = 'zero \u0000, half \ud800, "quoted" \\ and 🛑';
    await s.journal.terminate([request(run.workflowId, null, reason)]);
    expect(await s.historyOf(run)).toMatchObject([{ reason }]);
  });

  test('a run that rolls back', async (s) => {
    const held = await s.held(await s.worker());
    await s.applies(held, { entries: [step('undo')], outcome: { type: 'roll back' } });
    expect(await s.journal.terminate([request(held.run.workflowId)])).toMatchObject([{ type: 'terminated' }]);
  });

  test('of ten that terminate one run at the same time exactly one does it', async (s) => {
    const { run } = await s.held(await s.worker());
    const second = await s.harness.second();
    const answers = await Promise.all(
      range(10).map(async (i) =>
        only(await (i % 2 === 0 ? s.journal : second).terminate([request(run.workflowId)])),
      ),
    );
    expect(countOf(answers, 'terminated')).toBe(1);
    expect(countOf(answers, 'not running')).toBe(9);
    expect(await s.historyOf(run)).toHaveLength(2);
  });

  test('raced with a turn of the holder: what was applied stands before the end, and nothing after it', async (s) => {
    const second = await s.harness.second();
    const runs = await s.heldMany(100, await s.worker());
    await inParallel(100, 10, async (i) => {
      const held = runs[i];
      if (!held) return;
      const [answer, terminated] = await race(
        i,
        () => s.settles(held, { entries: [step('a')] }),
        async () => only(await second.terminate([request(held.run.workflowId)])),
      );
      expect(terminated.type).toBe('terminated');
      expect(answer.type === 'applied' || answer.type === 'lost').toBe(true);
      const types = (await s.historyOf(held.run)).map(({ type }) => type);
      const own = answer.type === 'applied' ? ['side_effect_recorded'] : [];
      expect(types).toEqual(['run_started', ...own, 'run_terminated']);
    });
  });

  test('raced with a claim: whoever was handed the run finds it lost', async (s) => {
    const second = await s.harness.second();
    const owner = await s.worker();
    for (const i of range(50)) {
      const run = await s.started();
      const [claims, terminated] = await race(
        i,
        () => s.claim(owner),
        async () => only(await second.terminate([request(run.workflowId)])),
      );
      expect(terminated.type).toBe('terminated');
      for (const { lease } of claims) {
        expect(await s.commit({ run, lease, seq: 0, consumed: 0 }, { entries: [step('a')] })).toEqual({
          type: 'lost',
        });
      }
      expect(await s.historyOf(run)).toHaveLength(1);
    }
  });
}
