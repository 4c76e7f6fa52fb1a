import type { StartAnswer, StartRequest } from '../../../journal/index.js';
import { actorOf } from '../../../journal/index.js';
import { countOf, only, race, range, watch } from '../concurrency.js';
import { step } from '../entries.js';
import { HOUR, MINUTE, NAMESPACE, SECOND, type Scenario, type Topic } from '../scenario.js';

/** A start that is held back for a minute. */
const held = (changes: Partial<StartRequest> = {}): Partial<StartRequest> => ({
  workflowId: 'index-1',
  startDelay: MINUTE,
  debounce: { longest: null },
  ...changes,
});

const start = (s: Scenario, changes: Partial<StartRequest> = {}): Promise<StartAnswer> =>
  s.tryStart(held(changes));

/** Claims what is due, and reads what it is to begin with. */
async function begun(s: Scenario): Promise<readonly (string | null)[]> {
  const claims = await s.claim(await s.worker());
  const inboxes = await Promise.all(claims.map(({ lease }) => s.inboxOf(lease)));
  return inboxes.map((messages) => only(messages).payload);
}

/** Starts that are held back, so that later ones take their place. */
export function debounceTopic({ test, expect }: Topic): void {
  test('of starts that follow each other the last one counts, and the run begins once it is quiet', async (s) => {
    const first = await start(s, { input: '"a"', attributes: { round: 1 } });
    if (first.type !== 'started') throw new Error('It was not started.');
    await s.harness.elapse(50 * SECOND);
    const run = { workflowId: 'index-1', runId: first.runId };
    const before = await s.harness.now();
    for (const input of ['"b"', '"c"'])
      expect(await start(s, { input, attributes: { last: input } })).toEqual({
        type: 'debounced',
        runId: first.runId,
      });
    const { notBefore, attributes, inbox } = await s.describe(run);
    expect(notBefore).toBeGreaterThanOrEqual(Math.floor(before) + MINUTE);
    expect(notBefore).toBeLessThanOrEqual(Math.ceil(await s.harness.now()) + MINUTE);
    expect(attributes).toEqual({ last: '"c"' });
    expect(inbox).toMatchObject({ arrived: 1, consumed: 0 });
    expect(await s.journal.count({ namespace: NAMESPACE })).toBe(1);
    await s.harness.elapse(59 * SECOND);
    expect(await begun(s)).toEqual([]);
    await s.harness.elapse(2 * SECOND);
    expect(await begun(s)).toEqual(['"c"']);
  });

  test('who asked is who asked last, and each of them is an operation', async (s) => {
    const first = s.request(held({ by: 'ann' }));
    await s.journal.start([first, s.request(held({ by: 'bob' })), s.request(held())]);
    expect(only(await s.inboxOf(first)).by).toBe(undefined);
    await s.journal.start([s.request(held({ by: 'cid' }))]);
    expect(only(await s.inboxOf(first)).by).toBe('cid');
    const query = { namespace: NAMESPACE, workflowId: 'index-1', runId: null, cursor: null, limit: 9 };
    const { operations } = await s.journal.operations(query);
    expect(operations.map(({ verb, by, runId, outcome }) => ({ verb, by, runId, outcome }))).toEqual(
      ['cid', 'bob', 'ann'].map((by) => ({ verb: 'start', by, runId: first.runId, outcome: 'applied' })),
    );
  });

  test('what the last one does not give is gone, and its version and period hold', async (s) => {
    await start(s, { input: '"a"', attributes: { round: 1 }, limits: { run: HOUR, chain: null } });
    const answer = await start(s, { input: '"b"', version: 2, startDelay: SECOND });
    if (answer.type !== 'debounced') throw new Error('It has taken no place.');
    const { attributes, version, deadlineAt } = await s.describe({
      workflowId: 'index-1',
      runId: answer.runId,
    });
    expect({ attributes, version, deadlineAt }).toEqual({ attributes: null, version: 2, deadlineAt: null });
    await s.harness.elapse(2 * SECOND);
    const workflows = [{ name: 'order', version: 2 }];
    const claim = { owner: await s.worker({ workflows }), namespace: NAMESPACE, workflows, limit: 9 };
    expect(await s.journal.claim(claim)).toMatchObject([{ version: 2 }]);
  });

  test('limits count from when the run may begin now', async (s) => {
    const limits = { run: MINUTE, chain: HOUR };
    await start(s, { limits });
    await s.harness.elapse(30 * SECOND);
    const answer = await start(s, { limits });
    if (answer.type !== 'debounced') throw new Error('It has taken no place.');
    const { notBefore, deadlineAt } = await s.describe({ workflowId: 'index-1', runId: answer.runId });
    expect(deadlineAt).toBe((notBefore ?? 0) + MINUTE);
    await s.harness.elapse(MINUTE);
    const { deadlines } = only(await s.claim(await s.worker()));
    expect(deadlines.chain).toBe((deadlines.run ?? 0) - MINUTE + HOUR);
    expect(deadlines.runLimit).toBe(MINUTE);
  });

  test('it begins no later than the first one says, however often it is pushed', async (s) => {
    await start(s, { input: '0', debounce: { longest: 100 * SECOND } });
    await s.harness.elapse(50 * SECOND);
    await start(s, { input: '1', debounce: { longest: HOUR } });
    await s.harness.elapse(49 * SECOND);
    expect(await begun(s)).toEqual([]);
    await start(s, { input: '2' });
    await s.harness.elapse(2 * SECOND);
    expect(await start(s, { input: '3' })).toMatchObject({ type: 'debounced' });
    expect(await begun(s)).toEqual(['3']);
  });

  test('of a run that a worker has taken up onConflict decides, and nothing of it changes', async (s) => {
    await start(s, { input: '"a"' });
    await s.harness.elapse(2 * MINUTE);
    const { lease, workflowId } = only(await s.claim(await s.worker()));
    const run = s.request({ workflowId, runId: lease.runId });
    expect(await start(s, { input: '"b"' })).toEqual({ type: 'conflict', runId: lease.runId });
    expect(await start(s, { onConflict: 'useExisting' })).toEqual({ type: 'existing', runId: lease.runId });
    expect(only(await s.inboxOf(lease)).payload).toBe('"a"');
    await s.applies({ run, lease, seq: 0, consumed: 0 }, { outcome: { type: 'release', wakeAt: null } });
    expect(await start(s, { input: '"b"' })).toMatchObject({ type: 'conflict' });
    const next = await start(s, { input: '"c"', onConflict: 'terminateExisting' });
    expect(next).toMatchObject({ type: 'started', token: 0 });
    expect((await s.describe(run)).state).toBe('terminated');
    expect(await start(s, { input: '"d"' })).toMatchObject({ type: 'debounced' });
  });

  test('takes no place of a start that was not held back, of another workflow, or of one that is to be cancelled', async (s) => {
    const plain = await s.started({ workflowId: 'plain', startDelay: MINUTE });
    expect(await start(s, { workflowId: 'plain' })).toEqual({ type: 'conflict', runId: plain.runId });
    const first = await start(s);
    expect(await start(s, { workflow: 'refund' })).toMatchObject({ type: 'conflict' });
    expect(await s.tryStart({ workflowId: 'index-1' })).toMatchObject({ type: 'conflict' });
    await s.accepted(s.cancel({ workflowId: 'index-1' }));
    expect(await start(s)).toEqual({ ...first, type: 'conflict', token: undefined });
  });

  test('a closed run is a matter of onReuse, and a signal neither begins it nor is lost', async (s) => {
    await s.closed('completed', { workflowId: 'index-1' });
    expect(await start(s, { onReuse: 'reject' })).toMatchObject({ type: 'reuse refused' });
    const first = await start(s);
    expect(first).toMatchObject({ type: 'started' });
    await s.accepted(s.signal({ workflowId: 'index-1' }));
    expect(await start(s, { input: '"b"', onReuse: 'reject' })).toMatchObject({ type: 'debounced' });
    expect(await begun(s)).toEqual([]);
    await s.harness.elapse(2 * MINUTE);
    const { lease } = only(await s.claim(await s.worker()));
    expect(await s.inboxOf(lease)).toMatchObject([
      { n: 1, kind: 'start', payload: '"b"' },
      { n: 2, kind: 'signal' },
    ]);
  });

  test('one that is repeated because its answer was lost counts once', async (s) => {
    const first = s.request(held({ input: '"a"' }));
    const answer = only(await s.journal.start([first]));
    expect(only(await s.journal.start([first]))).toEqual(answer);
    const second = s.request(held({ input: '"b"' }));
    const replaced = { type: 'debounced', runId: first.runId };
    expect(only(await s.journal.start([second]))).toEqual(replaced);
    // The first one came before: what it says again changes nothing.
    expect(only(await s.journal.start([first]))).toEqual(answer);
    await s.harness.elapse(2 * MINUTE);
    expect(await begun(s)).toEqual(['"b"']);
    expect(only(await s.journal.start([second]))).toEqual(replaced);
    expect(only(await s.journal.start([s.request(held())]))).toMatchObject({ type: 'conflict' });
  });

  test('waits for a row that somebody holds, and then either takes its place or is told', async (s) => {
    const first = s.request(held({ input: '"a"' }));
    await s.journal.start([first]);
    const release = await s.harness.holdActor(actorOf(first.runId));
    const second = s.request(held({ input: '"b"' }));
    expect(await s.journal.start([second])).toEqual([{ type: 'again' }]);
    const waiting = watch(s.journal.start([second], { wait: true }));
    await release();
    expect(await waiting.promise).toEqual([{ type: 'debounced', runId: first.runId }]);
    await s.harness.elapse(2 * MINUTE);
    expect(await begun(s)).toEqual(['"b"']);
  });

  test('of many at the same time one begins the run, and the input is one of theirs', async (s) => {
    const second = await s.harness.second();
    const inputs = range(20).map(String);
    const answers = await Promise.all(
      inputs.map((input, i) => s.tryStart(held({ input }), i % 2 === 0 ? s.journal : second)),
    );
    expect(countOf(answers, 'started')).toBe(1);
    expect(countOf(answers, 'debounced')).toBe(19);
    await s.harness.elapse(2 * MINUTE);
    expect(inputs).toContain(only(await begun(s)));
  });

  test('raced with a claim it has either taken the place, or is told of the run', async (s) => {
    const second = await s.harness.second();
    const owner = await s.worker({ leaseTimeout: 1_000 * HOUR });
    for (const i of range(30)) {
      const workflowId = `raced-${i}`;
      const first = s.request(held({ workflowId, input: '"a"', startDelay: 0 }));
      await s.journal.start([first]);
      const [claims, answer] = await race(
        i,
        () => s.claim(owner),
        () => s.tryStart(held({ workflowId, input: '"b"', startDelay: HOUR }), second),
      );
      expect(answer.type).toBe(claims.length === 1 ? 'conflict' : 'debounced');
      expect(only(await s.inboxOf(first)).payload).toBe(claims.length === 1 ? '"a"' : '"b"');
      for (const { lease } of claims)
        await s.applies({ run: first, lease, seq: 0, consumed: 0 }, { entries: [step('a')] });
    }
  });
}
