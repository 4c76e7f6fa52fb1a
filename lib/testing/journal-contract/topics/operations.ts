import type { NewOperation, OperationsPage } from '../../../journal/index.js';
import { JournalRefusedError } from '../../../journal/index.js';
import { inParallel, only, range } from '../concurrency.js';
import { NAMESPACE, type Scenario, type Topic } from '../scenario.js';

const ANN = 'Ann Örtel <ann@example.org>';

const pageOf = (
  s: Scenario,
  workflowId: string,
  query: { readonly cursor?: string | null; readonly limit?: number; readonly namespace?: string } = {},
): Promise<OperationsPage> => {
  const { cursor = null, limit = 100, namespace = NAMESPACE } = query;
  return s.journal.operations({ namespace, workflowId, runId: null, cursor, limit });
};

/** The oldest first, as they were written. */
async function told(s: Scenario, workflowId: string): Promise<readonly Partial<NewOperation>[]> {
  const { operations } = await pageOf(s, workflowId);
  return operations
    .toReversed()
    .map(({ runId, verb, by, outcome, facts }) => ({ runId, verb, by, outcome, facts }));
}

const applied = { by: ANN, outcome: 'applied', facts: {} } as const;

export function operationsTopic({ test, expect }: Topic): void {
  test('who sent a message, with it and in its row; of the others there is none', async (s) => {
    const run = await s.started();
    const { runId, workflowId } = run;
    const before = await s.harness.now();
    await s.journal.send([
      s.signal(run, { by: ANN, dedupeId: 'one' }),
      s.signal(run),
      s.cancel(run, { by: ANN, reason: 'sold out \u0000' }),
      s.update(run, 'two', { by: 'bob' }),
    ]);
    expect((await s.inboxOf(run, 1)).map(({ by }) => by)).toEqual([ANN, undefined, ANN, 'bob']);
    expect(await told(s, workflowId)).toEqual([
      { ...applied, runId, verb: 'signal', facts: { name: 'approve', dedupeId: 'one' } },
      { ...applied, runId, verb: 'cancel', facts: { reason: 'sold out \u0000' } },
      { ...applied, runId, verb: 'update', by: 'bob', facts: { name: 'book', dedupeId: 'two' } },
    ]);
    const [latest] = (await pageOf(s, workflowId)).operations;
    expect(latest?.at).toBeGreaterThanOrEqual(Math.floor(before));
    expect(latest?.at).toBeLessThanOrEqual(Math.ceil(await s.harness.now()));
  });

  test('a message that is not taken writes nothing: its sender tells what became of it', async (s) => {
    const run = await s.started();
    await s.journal.send([s.signal(run, { by: ANN, dedupeId: 'one' })]);
    await s.journal.send([
      s.signal(run, { by: ANN, dedupeId: 'one' }),
      s.signal(run, { by: ANN, runId: s.request().runId }),
    ]);
    await s.journal.send([s.signal({ workflowId: 'nobody' }, { by: ANN })]);
    expect(await told(s, run.workflowId)).toHaveLength(1);
    expect(await told(s, 'nobody')).toEqual([]);
    const facts = { name: 'approve', code: 'not found' } as const;
    const refused = { runId: null, verb: 'signal', by: ANN, outcome: 'refused', facts } as const;
    await s.journal.record([{ namespace: NAMESPACE, workflowId: 'nobody', ...refused }]);
    expect(await told(s, 'nobody')).toEqual([refused]);
    expect((await pageOf(s, 'nobody', { namespace: 'another' })).operations).toEqual([]);
  });

  test('who started a run, leased or not, with what it begins with', async (s) => {
    const owner = await s.worker();
    const unleased = await s.started({ by: ANN });
    const { run } = await s.held(owner, { by: ANN });
    const nobodys = await s.started();
    for (const { workflowId, runId } of [unleased, run])
      expect(await told(s, workflowId)).toEqual([{ ...applied, runId, verb: 'start' }]);
    expect(await told(s, nobodys.workflowId)).toEqual([]);
    expect(await s.inboxOf(unleased)).toMatchObject([{ kind: 'start', by: ANN }]);
    expect(only(await s.inboxOf(nobodys)).by).toBe(undefined);
    // A repeated one, whose answer got lost, and one that is refused.
    await s.journal.start([unleased]);
    await s.tryStart({ workflowId: unleased.workflowId, by: 'bob' });
    expect(await told(s, unleased.workflowId)).toHaveLength(1);
  });

  test('who terminated a run, also by a start in its place', async (s) => {
    const { workflowId, runId } = await s.started();
    await s.journal.terminate([{ namespace: NAMESPACE, workflowId, runId: null, reason: 'enough', by: ANN }]);
    expect(await s.historyOf({ runId })).toMatchObject([
      { type: 'run_terminated', reason: 'enough', by: ANN },
    ]);
    const old = await s.started({ workflowId });
    const next = await s.tryStart({ workflowId, onConflict: 'terminateExisting', by: 'bob' });
    expect(await s.historyOf(old)).toMatchObject([{ type: 'run_terminated', by: 'bob' }]);
    const ended = await told(s, workflowId);
    expect(ended).toMatchObject([
      { verb: 'terminate', by: ANN, runId, facts: { reason: 'enough' } },
      { verb: 'terminate', by: 'bob', runId: old.runId },
      { verb: 'start', by: 'bob', runId: next.type === 'started' ? next.runId : '' },
    ]);
    await s.journal.terminate([{ namespace: NAMESPACE, workflowId, runId, reason: null, by: ANN }]);
    expect(await told(s, workflowId)).toEqual(ended);
  });

  test('a start with its message tells both, and one that was sent before tells nothing', async (s) => {
    const start = s.request({ onConflict: 'useExisting', by: ANN });
    const { runId, workflowId } = start;
    const message = s.signal(start, { by: ANN, dedupeId: 'first' });
    for (const id of [runId, s.request().runId])
      await s.journal.startWith({ start: { ...start, runId: id }, message });
    expect((await s.inboxOf(start)).map(({ kind, by }) => [kind, by])).toEqual([
      ['signal', ANN],
      ['start', ANN],
    ]);
    expect(await told(s, workflowId)).toEqual([
      { ...applied, runId, verb: 'start' },
      { ...applied, runId, verb: 'signal', facts: { name: 'approve', dedupeId: 'first' } },
    ]);
  });

  test('pages follow each other, the newest first, while more is written', async (s) => {
    const run = await s.started();
    const { workflowId } = run;
    await s.journal.send(range(5).map((i) => s.signal(run, { name: `s${i}`, by: ANN })));
    const seen: unknown[] = [];
    for (let cursor: string | null = null, pages = 1; ; pages++) {
      const page: OperationsPage = await pageOf(s, workflowId, { cursor, limit: 2 });
      seen.push(...page.operations.map(({ facts }) => facts.name));
      cursor = page.next;
      if (cursor === null) {
        expect(pages).toBe(3);
        break;
      }
      await s.journal.send([s.signal(run, { name: 'later', by: ANN })]);
    }
    expect(seen).toEqual(['s4', 's3', 's2', 's1', 's0']);
    const { operations } = await s.journal.operations({
      namespace: NAMESPACE,
      workflowId,
      runId: s.request().runId,
      cursor: null,
      limit: 10,
    });
    expect(operations).toEqual([]);
  });

  test('what cannot be asked for is refused', async (s) => {
    const run = await s.started();
    for (const query of [{ limit: 0 }, { limit: 1_001 }, { cursor: 'x' }, { cursor: 'WyJhIl0' }])
      await expect(pageOf(s, run.workflowId, query)).rejects.toBeInstanceOf(JournalRefusedError);
    for (const by of ['x'.repeat(256), 'a\u0000b'])
      await expect(s.journal.send([s.signal(run, { by })])).rejects.toBeInstanceOf(JournalRefusedError);
    expect(await s.inboxOf(run, 1)).toEqual([]);
  });

  test('of many who send at once each has a row of its own, in the order of arrival', async (s) => {
    const run = await s.started();
    await inParallel(20, 8, async (i) => {
      await s.accepted(s.signal(run, { name: `s${i}`, by: i % 2 ? ANN : null }));
    });
    const inbox = await s.inboxOf(run, 1);
    const rows = await told(s, run.workflowId);
    expect(rows.map(({ facts }) => facts?.name)).toEqual(
      inbox.filter(({ by }) => by !== undefined).map(({ name }) => name),
    );
    expect(rows).toHaveLength(10);
  });
}
