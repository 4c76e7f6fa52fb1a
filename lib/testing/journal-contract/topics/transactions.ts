import { JournalError } from '../../../journal/index.js';
import type { JournalHarness } from '../harness.js';
import { only, range } from '../concurrency.js';
import { NAMESPACE, type Scenario, type Topic } from '../scenario.js';

export function transactionTopic({ test, expect }: Topic): void {
  /** An adapter that takes part in no transaction must say so, rather than write outside of it. */
  const transactionOf = async (s: Scenario): Promise<NonNullable<JournalHarness['transaction']> | null> => {
    const { transaction } = s.harness;
    if (transaction !== undefined) return transaction;
    const request = s.request();
    await expect(s.journal.start([request], { within: { manager: {} } })).rejects.toBeInstanceOf(
      JournalError,
    );
    expect(await s.journal.describe([request])).toEqual([null]);
    return null;
  };

  test('a manager of a foreign kind is refused, and nothing is written', async (s) => {
    const { run } = await s.held(await s.worker());
    for (const manager of [{}, null, 'manager', { query: 'select 1' }]) {
      const refusedStart = s.journal.start([s.request({ workflowId: 'never' })], { within: { manager } });
      await expect(refusedStart).rejects.toBeInstanceOf(JournalError);
      await expect(s.journal.send([s.signal(run)], { within: { manager } })).rejects.toBeInstanceOf(
        JournalError,
      );
    }
    expect(await s.journal.describe([{ namespace: NAMESPACE, workflowId: 'never', runId: null }])).toEqual([
      null,
    ]);
    expect(await s.inboxOf(run)).toEqual([]);
  });

  test('starts and messages are seen after the commit, not before, and onCommit is called once', async (s) => {
    const transaction = await transactionOf(s);
    if (transaction === null) return;
    const { run } = await s.held(await s.worker());
    const released = await s.held(await s.worker());
    await s.releases(released);
    const started = s.request({ attributes: { customer: 'ann' } });
    const worker = await s.worker();
    let commits = 0;
    await transaction(async (given) => {
      const within = { ...given, onCommit: () => void commits++ };
      expect(await s.journal.start([started], { within })).toEqual([
        { type: 'started', runId: started.runId, token: 0 },
      ]);
      const messages = [s.signal(run), s.signal(run), s.signal(released.run), s.signal(started)];
      const answers = await s.journal.send(messages, { within: given });
      expect(answers.map((answer) => (answer.type === 'accepted' ? answer.n : answer.type))).toEqual([
        1, 2, 1, 2,
      ]);
      expect(await s.journal.describe([{ ...started }])).toEqual([null]);
      expect(await s.inboxOf(run)).toEqual([]);
      expect(await s.claimedIds(worker)).toEqual([]);
      expect(commits).toBe(0);
    }, 'commit');
    expect(commits).toBe(1);
    expect(await s.inboxOf(run)).toHaveLength(2);
    expect(await s.inboxOf(started)).toHaveLength(2);
    expect(await s.claimedIds(worker)).toEqual([started.workflowId, released.run.workflowId].toSorted());
  });

  test('onCommit of a message is called once as well', async (s) => {
    const transaction = await transactionOf(s);
    if (transaction === null) return;
    const { run } = await s.held(await s.worker());
    let commits = 0;
    await transaction(async (given) => {
      await s.journal.send([s.signal(run)], { within: { ...given, onCommit: () => void commits++ } });
      expect(commits).toBe(0);
    }, 'commit');
    expect(commits).toBe(1);
  });

  test('rolled back, nothing was: the workflow id is free, the dedupe id unused, onCommit not called', async (s) => {
    const transaction = await transactionOf(s);
    if (transaction === null) return;
    const { run } = await s.held(await s.worker());
    const request = s.request();
    const message = s.signal(run, { dedupeId: 'm' });
    let commits = 0;
    await transaction(async (given) => {
      const within = { ...given, onCommit: () => void commits++ };
      expect(only(await s.journal.start([request], { within }))).toMatchObject({ type: 'started' });
      expect(only(await s.journal.send([message], { within }))).toMatchObject({ type: 'accepted', n: 1 });
    }, 'roll back');
    expect(commits).toBe(0);
    expect(await s.historyOf(request)).toEqual([]);
    expect(await s.journal.describe([{ ...request }])).toEqual([null]);
    expect(await s.inboxOf(run)).toEqual([]);
    expect(await s.accepted(message)).toBe(1);
    await s.started({ workflowId: request.workflowId });
  });

  test('a conflict does not spoil the transaction', async (s) => {
    const transaction = await transactionOf(s);
    if (transaction === null) return;
    const open = await s.started();
    const closed = await s.closed('completed');
    const request = s.request();
    await transaction(async (within) => {
      const answers = await s.journal.start(
        [
          s.request({ workflowId: open.workflowId }),
          s.request({ workflowId: open.workflowId, onConflict: 'useExisting' }),
          s.request({ workflowId: closed.workflowId, onReuse: 'reject' }),
          s.request({ workflowId: closed.workflowId, onReuse: 'useExisting' }),
        ],
        { within },
      );
      expect(answers.map(({ type }) => type)).toEqual(['conflict', 'existing', 'reuse refused', 'existing']);
      expect(answers[3]).toMatchObject({ runId: closed.runId });
      expect(await s.journal.send([s.signal({ workflowId: 'nobody' })], { within })).toEqual([
        { type: 'not running', known: false },
      ]);
      expect(only(await s.journal.start([request], { within })).type).toBe('started');
    }, 'commit');
    expect(await s.describe(request)).toMatchObject({ state: 'running' });
  });

  test('terminateExisting within a transaction ends the old run only when it commits', async (s) => {
    const transaction = await transactionOf(s);
    if (transaction === null) return;
    for (const end of ['roll back', 'commit'] as const) {
      const held = await s.held(await s.worker());
      const { workflowId } = held.run;
      await transaction(async (within) => {
        const request = s.request({ workflowId, onConflict: 'terminateExisting' });
        expect(only(await s.journal.start([request], { within })).type).toBe('started');
        expect(await s.describe(held.run)).toMatchObject({ state: 'running' });
      }, end);
      expect(await s.describe(held.run)).toMatchObject({
        state: end === 'commit' ? 'terminated' : 'running',
      });
    }
  });

  test('messages of a transaction and of others are numbered in the order of their commits, without a gap', async (s) => {
    const transaction = await transactionOf(s);
    if (transaction === null) return;
    const { run } = await s.held(await s.worker());
    await s.accepted(s.signal(run, { name: 'before' }));
    await transaction(async (within) => {
      await s.journal.send([s.signal(run, { name: 'rolled back' })], { within });
    }, 'roll back');
    const second = await s.harness.second();
    const others: Promise<number>[] = [];
    await transaction(async (within) => {
      await s.journal.send([s.signal(run, { name: 'within' })], { within });
      for (const _ of range(3)) others.push(s.accepted(s.signal(run, { name: 'after' }), second));
      await s.journal.send([s.signal(run, { name: 'within' })], { within });
    }, 'commit');
    expect((await Promise.all(others)).toSorted((a, b) => a - b)).toEqual([4, 5, 6]);
    const names = (await s.inboxOf(run)).map(({ n, name }) => `${n} ${name}`);
    expect(names).toEqual(['1 before', '2 within', '3 within', '4 after', '5 after', '6 after']);
  });

  test('of two transactions that start one workflow id the second is told after the first has ended', async (s) => {
    const transaction = await transactionOf(s);
    if (transaction === null) return;
    for (const end of ['commit', 'roll back'] as const) {
      const workflowId = `start and ${end}`;
      const request = s.request({ workflowId });
      const others: Promise<{ type: string }>[] = [];
      await transaction(async (within) => {
        expect(only(await s.journal.start([request], { within })).type).toBe('started');
        others.push(
          transaction(async (other) => {
            const answer = only(await s.journal.start([s.request({ workflowId })], { within: other }));
            expect(answer.type).toBe(end === 'commit' ? 'conflict' : 'started');
          }, 'commit').then(() => ({ type: 'done' })),
        );
        await s.describe(await s.started());
      }, end);
      expect(await Promise.all(others)).toEqual([{ type: 'done' }]);
      expect(await s.journal.count({ namespace: NAMESPACE, workflowId, state: 'running' })).toBe(1);
    }
  });
}
