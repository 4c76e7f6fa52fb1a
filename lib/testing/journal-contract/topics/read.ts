import { uuidv7 } from 'uuidv7';
import { only, range } from '../concurrency.js';
import { runCompleted, runFailed, step, stepsOf } from '../entries.js';
import { NAMESPACE, type Topic } from '../scenario.js';
import { asActorId, asRunId } from '../../../journal/index.js';
import type { RunDescription } from '../../../journal/index.js';

export function readTopic({ test, expect }: Topic): void {
  test('load reads history after a number, and up to one, and inbox after a number, each in order, or neither', async (s) => {
    const held = await s.held(await s.worker());
    await s.applies(held, { entries: ['a', 'b', 'c', 'd'].map(step) });
    for (const i of range(4)) await s.accepted(s.signal(held.run, { payload: `${i + 1}` }));
    const { actorId, runId } = held.lease;
    const loaded = await s.journal.load([
      { actorId, runId, historyAfter: 3, inboxAfter: 2 },
      { actorId, runId, historyAfter: null, inboxAfter: null },
      { actorId, runId, historyAfter: 5, inboxAfter: 4 },
      { actorId, runId, historyAfter: 0, inboxAfter: null },
      { actorId, runId, historyAfter: null, inboxAfter: 0 },
      { actorId, runId, historyAfter: 1, historyThrough: 3, inboxAfter: null },
    ]);
    const told = loaded.map(({ history, messages }) => ({
      steps: stepsOf(history),
      numbers: messages.map(({ n }) => n),
    }));
    expect(told).toEqual([
      { steps: ['c', 'd'], numbers: [3, 4] },
      { steps: [], numbers: [] },
      { steps: [], numbers: [] },
      { steps: ['a', 'b', 'c', 'd'], numbers: [] },
      { steps: [], numbers: [1, 2, 3, 4] },
      { steps: ['a', 'b'], numbers: [] },
    ]);
    expect(loaded[3]?.history).toHaveLength(5);
  });

  test('load answers many runs in the order of the requests, the unknown ones with nothing', async (s) => {
    const all = await s.heldMany(20, await s.worker());
    for (const [i, held] of all.entries())
      await s.applies(held, { entries: range(i).map((k) => step(`${i}.${k}`)) });
    const requests = all.toReversed().map(({ lease }) => ({ ...lease, historyAfter: 1, inboxAfter: 0 }));
    const unknown = {
      actorId: asActorId(uuidv7()),
      runId: asRunId(uuidv7()),
      historyAfter: 0,
      inboxAfter: 0,
    };
    const loaded = await s.journal.load([...requests.slice(0, 10), unknown, ...requests.slice(10)]);
    expect(loaded[10]).toEqual({ history: [], messages: [] });
    const known = loaded.filter((_, i) => i !== 10);
    expect(known.map(({ history }) => stepsOf(history))).toEqual(
      range(20).map((i) => range(19 - i).map((k) => `${19 - i}.${k}`)),
    );
  });

  test('a long history and a full inbox come whole and in order', async (s) => {
    const held = await s.held(await s.worker());
    for (const part of range(6))
      await s.applies(held, { entries: range(500).map((i) => step(`${part * 500 + i}`)) });
    await s.journal.send(range(1_200).map((i) => s.signal(held.run, { payload: `${i}` })));
    expect(stepsOf(await s.historyOf(held.run))).toEqual(range(3_000).map(String));
    expect(stepsOf(await s.historyOf(held.run, 2_998))).toEqual(['2997', '2998', '2999']);
    expect((await s.inboxOf(held.run)).map(({ n, payload }) => [n, payload])).toEqual(
      range(1_200).map((i) => [i + 1, `${i}`]),
    );
  });

  test('the history of a closed run stays readable', async (s) => {
    const run = await s.closed('completed');
    expect((await s.historyOf(run)).map(({ type }) => type)).toEqual(['run_started', 'run_completed']);
  });

  test('describe: of a workflow id its latest run, or the one named, or null', async (s) => {
    const first = await s.closed('failed');
    const { workflowId } = first;
    const second = await s.closed('completed', { workflowId });
    const latest = async (): Promise<string | undefined> =>
      (await s.journal.describe([{ namespace: NAMESPACE, workflowId, runId: null }]))[0]?.runId;
    expect(await latest()).toBe(second.runId);
    const third = await s.started({ workflowId });
    expect(await latest()).toBe(third.runId);
    const other = await s.started();
    const described = await s.journal.describe([
      { namespace: NAMESPACE, workflowId, runId: first.runId },
      { namespace: NAMESPACE, workflowId: 'nobody', runId: null },
      { namespace: NAMESPACE, workflowId, runId: other.runId },
      { namespace: 'other', workflowId, runId: null },
      { namespace: NAMESPACE, workflowId, runId: asRunId(uuidv7()) },
      { namespace: NAMESPACE, workflowId: other.workflowId, runId: null },
    ]);
    expect(described.map((run) => run?.runId ?? null)).toEqual([
      first.runId,
      null,
      null,
      null,
      null,
      other.runId,
    ]);
    expect(described[0]).toMatchObject({ state: 'failed', workflowId });
  });

  test('a description has everything that was said at the start, and when', async (s) => {
    const before = await s.harness.now();
    const run = await s.started({ attributes: { customer: 'ann' } });
    const { startedAt, ...rest } = await s.describe(run);
    expect(rest).toEqual({
      namespace: NAMESPACE,
      workflowId: run.workflowId,
      runId: run.runId,
      actorId: run.runId,
      workflow: 'order',
      version: 1,
      state: 'running',
      closedAt: null,
      continuedTo: null,
      deadlineAt: null,
      notBefore: null,
      attributes: { customer: 'ann' },
      lineage: null,
      blocked: null,
      failure: null,
      deaths: null,
      details: null,
      inbox: { arrived: 1, consumed: 0, owner: null },
    });
    expect(startedAt).toBeGreaterThanOrEqual(Math.floor(before));
    expect(startedAt).toBeLessThanOrEqual(Math.ceil(await s.harness.now()));
  });

  test('a description tells how many messages arrived, how many are consumed, and who holds the run', async (s) => {
    const owner = await s.worker();
    const held = await s.held(owner);
    const before = (await s.describe(held.run)).inbox?.arrived ?? 0;
    for (const i of range(3)) await s.accepted(s.signal(held.run, { payload: `${i}` }));
    const inbox = { arrived: before + 3, consumed: before, owner };
    expect(await s.describe(held.run)).toMatchObject({ inbox });
    const page = await s.journal.list({
      filter: { namespace: NAMESPACE, workflowId: held.run.workflowId },
      order: 'newest',
      cursor: null,
      limit: 1,
    });
    expect(page.runs[0]).toMatchObject({ inbox });
    await s.applies(held, { consumedThrough: before + 2 });
    expect(await s.describe(held.run)).toMatchObject({ inbox: { ...inbox, consumed: before + 2 } });
    await s.journal.terminate([
      { namespace: NAMESPACE, workflowId: held.run.workflowId, runId: null, reason: null },
    ]);
    expect(await s.describe(held.run)).toMatchObject({ inbox: null });
  });

  test('a description, and a page of them, tells why a run failed, and of no other run anything', async (s) => {
    const failed = await s.closed('failed');
    const others = [
      await s.closed('completed'),
      await s.closed('cancelled'),
      await s.closed('terminated'),
      await s.started(),
      (await s.held(await s.worker())).run,
    ];
    const stack = `\n    at ${'x'.repeat(100_000)}`;
    const odd = {
      long: JSON.stringify({ name: 'TypeError', message: 'm'.repeat(50_000), stack }),
      'what SQL cannot read': '{"name":"Odd\\u0000","message":"half \\ud83d of a pair"}',
      'no error': '{"thrown":"just a text"}',
    };
    const told: Record<string, RunDescription['failure']> = {};
    for (const [what, text] of Object.entries(odd)) {
      const held = await s.held(await s.worker());
      await s.applies(held, {
        entries: [runFailed(text)],
        decides: true,
        outcome: { type: 'close', state: 'failed' },
      });
      told[what] = (await s.describe(held.run)).failure;
    }
    expect(told).toMatchObject({
      long: { name: 'TypeError' },
      'what SQL cannot read': { name: 'Odd\u0000', message: 'half \ud83d of a pair' },
      'no error': { name: 'Error', message: 'just a text' },
    });
    // A long one is cut.
    expect(told['long']?.message.length).toBeLessThan(2_000);
    expect(await s.describe(failed)).toMatchObject({ failure: { name: 'Error', message: 'no' } });
    for (const run of others) expect(await s.describe(run)).toMatchObject({ failure: null });
    const { runs } = await s.journal.list({
      filter: { namespace: NAMESPACE },
      order: 'oldest',
      cursor: null,
      limit: 100,
    });
    expect(runs).toHaveLength(others.length + 4);
    const described = await s.journal.describe(
      runs.map(({ namespace, workflowId, runId }) => ({ namespace, workflowId, runId })),
    );
    expect(runs).toEqual(described);
  });

  test('outcomes: null while they run and for unknown ones, and the last entry once they are closed', async (s) => {
    const held = await s.held(await s.worker());
    const failed = await s.closed('failed');
    const ids = [held.run.runId, asRunId(uuidv7()), failed.runId];
    const [running, unknown, closed] = await s.journal.outcomes(ids);
    expect([running, unknown]).toEqual([null, null]);
    expect(closed).toEqual({ run: await s.describe(failed), last: runFailed() });
    await s.completes(held);
    expect(only(await s.journal.outcomes([held.run.runId]))).toEqual({
      run: await s.describe(held.run),
      last: runCompleted(),
    });
  });
}
