import type { OnConflict, OnReuse, StartAnswer, StartRequest } from '../../../journal/index.js';
import { countOf, only, race, range } from '../concurrency.js';
import { runCompleted, runStarted } from '../entries.js';
import { COMPLETED, NAMESPACE, type Scenario, type Topic } from '../scenario.js';
import { actorOf } from '../../../journal/index.js';
import type { RunId, WorkerId } from '../../../journal/index.js';

const ON_CONFLICT: readonly OnConflict[] = ['fail', 'useExisting', 'terminateExisting'];
const ON_REUSE: readonly OnReuse[] = ['allow', 'allowIfFailed', 'reject', 'useExisting'];

export function startConflictTopic({ test, expect }: Topic): void {
  for (const onConflict of ON_CONFLICT) {
    for (const onReuse of ON_REUSE) {
      const policies = { onConflict, onReuse };
      const named = `onConflict ${onConflict}, onReuse ${onReuse}`;

      test(`${named}: starts where the workflow id was never used`, async (s) => {
        expect(await s.tryStart(policies)).toMatchObject({ type: 'started' });
      });

      test(`${named}: against an open run only onConflict decides`, async (s) => {
        const open = await s.started();
        const answer = await s.tryStart({ workflowId: open.workflowId, ...policies });
        const type = { fail: 'conflict', useExisting: 'existing', terminateExisting: 'started' }[onConflict];
        expect(answer.type).toBe(type);
        expect(runOf(answer) === open.runId).toBe(onConflict !== 'terminateExisting');
        const state = onConflict === 'terminateExisting' ? 'terminated' : 'running';
        expect(await s.describe(open)).toMatchObject({ state });
      });

      test(`${named}: against a closed run only onReuse decides`, async (s) => {
        for (const state of ['completed', 'failed', 'cancelled', 'terminated'] as const) {
          const closed = await s.closed(state);
          const answer = await s.tryStart({ workflowId: closed.workflowId, ...policies });
          const allowed = onReuse === 'allow' || (onReuse === 'allowIfFailed' && state !== 'completed');
          if (allowed) expect(answer.type).toBe('started');
          else if (onReuse === 'useExisting') {
            expect(answer).toEqual({ type: 'existing', runId: closed.runId });
            expect(await s.journal.count({ namespace: NAMESPACE, workflowId: closed.workflowId })).toBe(1);
          } else expect(answer).toEqual({ type: 'reuse refused', runId: closed.runId, state });
          expect(await s.describe(closed)).toMatchObject({ state });
        }
      });
    }
  }

  test('reuse looks at the latest of several closed runs', async (s) => {
    const { workflowId } = await s.closed('completed');
    const failed = await s.closed('failed', { workflowId });
    const again = await s.tryStart({ workflowId, onReuse: 'allowIfFailed' });
    expect(again).toMatchObject({ type: 'started' });
    await s.journal.terminate([{ namespace: NAMESPACE, workflowId, runId: null, reason: null }]);
    expect(failed.runId === runOf(again)).toBe(false);
    const refused = await s.tryStart({ workflowId, onReuse: 'reject' });
    expect(refused).toEqual({ type: 'reuse refused', runId: runOf(again), state: 'terminated' });
  });

  test('a start that is refused terminates nothing, and one that terminates leaves a history that says so', async (s) => {
    const held = await s.held(await s.worker());
    const { workflowId } = held.run;
    expect(await s.tryStart({ workflowId, onReuse: 'reject' })).toMatchObject({ type: 'conflict' });
    expect(await s.describe(held.run)).toMatchObject({ state: 'running' });
    await s.tryStart({ workflowId, onConflict: 'terminateExisting' });
    expect((await s.historyOf(held.run)).map(({ type }) => type)).toEqual(['run_started', 'run_terminated']);
    expect(await s.commit(held, { outcome: { type: 'release', wakeAt: null } })).toEqual({ type: 'lost' });
  });

  test('of 50 concurrent callers with one id exactly one starts it, and the others are told who has it', async (s) => {
    const second = await s.harness.second();
    const answers = await Promise.all(
      range(50).map((i) => s.tryStart({ workflowId: 'the-one' }, i % 2 === 0 ? s.journal : second)),
    );
    expect(countOf(answers, 'started')).toBe(1);
    expect(countOf(answers, 'conflict')).toBe(49);
    expect(new Set(answers.map(runOf)).size).toBe(1);
    expect(await s.journal.count({ namespace: NAMESPACE })).toBe(1);
  });

  test('50 concurrent callers that use the existing run are all told the same one', async (s) => {
    const second = await s.harness.second();
    const owner = await s.worker();
    const answers = await Promise.all(
      range(50).map((i) => {
        const first = i % 3 === 0 ? { owner, entries: [runStarted()] } : null;
        const request = { workflowId: 'the-one', onConflict: 'useExisting', first } as const;
        return s.tryStart(request, i % 2 === 0 ? s.journal : second);
      }),
    );
    expect(countOf(answers, 'started')).toBe(1);
    expect(countOf(answers, 'existing')).toBe(49);
    expect(new Set(answers.map(runOf)).size).toBe(1);
  });

  test('20 concurrent callers that terminate the existing run all start one, and one stays open', async (s) => {
    const second = await s.harness.second();
    const answers = await Promise.all(
      range(20).map((i) =>
        s.tryStart(
          { workflowId: 'the-one', onConflict: 'terminateExisting' },
          i % 2 === 0 ? s.journal : second,
        ),
      ),
    );
    expect(countOf(answers, 'started')).toBe(20);
    expect(new Set(answers.map(runOf)).size).toBe(20);
    expect(await s.journal.count({ namespace: NAMESPACE, state: 'running' })).toBe(1);
    expect(await s.journal.count({ namespace: NAMESPACE, state: 'terminated' })).toBe(19);
  });

  test('of 20 concurrent callers that refuse reuse exactly one ever starts, also when it ends at once', async (s) => {
    const second = await s.harness.second();
    const owner = await s.worker();
    const callers = range(20).map((i) =>
      startAndComplete(
        s,
        owner,
        { workflowId: 'the-one', onReuse: 'reject' },
        i % 2 === 0 ? s.journal : second,
      ),
    );
    expect(countOf(await Promise.all(callers), 'started')).toBe(1);
    expect(await s.journal.count({ namespace: NAMESPACE })).toBe(1);
  });

  test('of 20 concurrent callers that use whatever there is exactly one ever starts, also when it ends at once', async (s) => {
    const second = await s.harness.second();
    const owner = await s.worker();
    const policies = { workflowId: 'the-one', onConflict: 'useExisting', onReuse: 'useExisting' } as const;
    const callers = range(20).map((i) =>
      startAndComplete(s, owner, policies, i % 2 === 0 ? s.journal : second),
    );
    const answers = await Promise.all(callers);
    expect(countOf(answers, 'started')).toBe(1);
    expect(countOf(answers, 'existing')).toBe(19);
    const { runId } = answers.find(({ type }) => type === 'started') as { runId: RunId };
    for (const answer of answers) expect(answer).toMatchObject({ runId });
  });

  test('a start that uses whatever there is and races a close is told the run that closes', async (s) => {
    const second = await s.harness.second();
    const owner = await s.worker();
    for (const i of range(100)) {
      const held = await s.held(owner);
      const { workflowId, runId } = held.run;
      const [closed, answer] = await race(
        i,
        () => s.settles(held, { entries: [runCompleted()], decides: true, outcome: COMPLETED }),
        () => s.tryStart({ workflowId, onConflict: 'useExisting', onReuse: 'useExisting' }, second),
      );
      expect(closed.type).toBe('applied');
      expect(answer).toEqual({ type: 'existing', runId });
    }
  });

  test('starts that use whatever there is: new, open and closed ones in one batch, next to others', async (s) => {
    const open = await s.started();
    const closed = await s.closed('failed');
    const use = { onConflict: 'useExisting', onReuse: 'useExisting' } as const;
    const answers = await s.journal.start([
      s.request({ workflowId: 'new-1', ...use }),
      s.request({ workflowId: closed.workflowId, ...use }),
      s.request(),
      s.request({ workflowId: open.workflowId, ...use }),
      s.request({ workflowId: 'new-1', ...use }),
      s.request({ workflowId: closed.workflowId, onReuse: 'reject' }),
      s.request({ workflowId: 'new-2', ...use }),
    ]);
    expect(answers.map(({ type }) => type)).toEqual([
      'started',
      'existing',
      'started',
      'existing',
      'existing',
      'reuse refused',
      'started',
    ]);
    expect(answers[1]).toMatchObject({ runId: closed.runId });
    expect(answers[3]).toMatchObject({ runId: open.runId });
    expect(answers[4]).toEqual({ ...answers[0], type: 'existing', token: undefined });
  });

  test('a close that races a start never lets a start through that refuses reuse', async (s) => {
    const second = await s.harness.second();
    const owner = await s.worker();
    for (const i of range(100)) {
      const held = await s.held(owner);
      const { workflowId } = held.run;
      const [closed, answer] = await race(
        i,
        () => s.settles(held, { entries: [runCompleted()], decides: true, outcome: COMPLETED }),
        () => s.tryStart({ workflowId, onReuse: 'reject' }, second),
      );
      expect(closed.type).toBe('applied');
      expect(answer.type === 'conflict' || answer.type === 'reuse refused').toBe(true);
      expect(runOf(answer)).toBe(held.run.runId);
    }
  });

  test('a close that races a start leaves a conflict or a new run, never neither', async (s) => {
    const second = await s.harness.second();
    const owner = await s.worker();
    for (const i of range(100)) {
      const held = await s.held(owner);
      const { workflowId } = held.run;
      const [closed, answer] = await race(
        i,
        () => s.settles(held, { entries: [runCompleted()], decides: true, outcome: COMPLETED }),
        () => s.tryStart({ workflowId }, second),
      );
      expect(closed.type).toBe('applied');
      expect(answer.type === 'conflict' || answer.type === 'started').toBe(true);
      expect(runOf(answer) === held.run.runId).toBe(answer.type === 'conflict');
      const open = await s.journal.count({ namespace: NAMESPACE, workflowId, state: 'running' });
      expect(open).toBe(answer.type === 'started' ? 1 : 0);
    }
  });

  test('two workflow ids twice in one batch: one run of each', async (s) => {
    const requests = ['a', 'b', 'a', 'b'].map((workflowId) => s.request({ workflowId }));
    const answers = await s.journal.start(requests);
    for (const [one, other] of [
      [answers[0], answers[2]],
      [answers[1], answers[3]],
    ]) {
      const pair = [one, other].filter((answer) => answer !== undefined);
      expect(countOf(pair, 'started')).toBe(1);
      expect(countOf(pair, 'conflict')).toBe(1);
      expect(one && runOf(one)).toBe(other && runOf(other));
    }
  });

  test('terminateExisting and useExisting within one batch leave one open run', async (s) => {
    const open = await s.started();
    const { workflowId } = open;
    const answers = await s.journal.start([
      s.request({ workflowId, onConflict: 'terminateExisting' }),
      s.request({ workflowId, onConflict: 'useExisting' }),
    ]);
    expect(answers[0]).toMatchObject({ type: 'started' });
    expect(answers[1]).toMatchObject({ type: 'existing' });
    expect(await s.journal.count({ namespace: NAMESPACE, workflowId, state: 'running' })).toBe(1);
    expect(await s.describe(open)).toMatchObject({ state: 'terminated' });
  });

  test('overlapping batches in opposite order neither fail nor start an id twice', async (s) => {
    const second = await s.harness.second();
    for (const round of range(20)) {
      const ids = range(12).map((i) => `round-${round}-${i}`);
      const [there, back] = await race(
        round,
        () => s.journal.start(ids.map((workflowId) => s.request({ workflowId }))),
        () => second.start(ids.toReversed().map((workflowId) => s.request({ workflowId }))),
      );
      expect(countOf([...there, ...back], 'started')).toBe(12);
      expect(countOf([...there, ...back], 'conflict')).toBe(12);
    }
  });
}

/** Starts a run with a first turn and completes it, where it can be started. */
async function startAndComplete(
  s: Scenario,
  owner: WorkerId,
  changes: Partial<StartRequest>,
  journal: Scenario['journal'],
): Promise<StartAnswer> {
  const run = s.request({ first: { owner, entries: [runStarted()] }, ...changes });
  const answer = only(await journal.start([run]));
  if (answer.type !== 'started') return answer;
  const lease = { owner, actorId: actorOf(run.runId), runId: run.runId, token: answer.token };
  await s.settles(
    { run, lease, seq: 1, consumed: 0 },
    { entries: [runCompleted()], decides: true, outcome: COMPLETED },
    journal,
  );
  return answer;
}

/** The run that an answer names. */
const runOf = (answer: StartAnswer): RunId | null => ('runId' in answer ? answer.runId : null);
