import { uuidv7 } from 'uuidv7';
import { JournalRefusedError } from '../../../journal/index.js';
import { only, range } from '../concurrency.js';
import { runStarted, step, stepsOf } from '../entries.js';
import { HOUR, MINUTE, NAMESPACE, type Topic } from '../scenario.js';
import { asRunId } from '../../../journal/index.js';

export function startTopic({ test, expect }: Topic): void {
  test('not before a delay has passed, by the clock of the journal', async (s) => {
    const before = await s.harness.now();
    const run = await s.started({ startDelay: MINUTE });
    const { notBefore } = await s.describe(run);
    expect(notBefore).toBeGreaterThanOrEqual(Math.floor(before) + MINUTE);
    expect(notBefore).toBeLessThanOrEqual(Math.ceil(await s.harness.now()) + MINUTE);
    const worker = await s.worker();
    await s.accepted(s.signal(run));
    expect(await s.claimedIds(worker)).toEqual([]);
    await s.harness.elapse(MINUTE);
    expect(await s.claimedIds(worker)).toEqual([run.workflowId]);
  });

  test('a started run is due at once and finds its start message in the inbox', async (s) => {
    const run = await s.started({ input: '{"total":99}' });
    const claim = only(await s.claim(await s.worker()));
    expect(claim).toMatchObject({
      workflowId: run.workflowId,
      inboxSeq: 1,
      inboxConsumed: 0,
      failedTurns: 0,
      deaths: 0,
    });
    const [loaded] = await s.journal.load([{ ...claim.lease, historyAfter: 0, inboxAfter: 0 }]);
    expect(loaded?.history).toEqual([]);
    expect(loaded?.messages).toMatchObject([{ n: 1, kind: 'start', name: null, payload: '{"total":99}' }]);
  });

  test('answers come in the order of the requests', async (s) => {
    const taken = await s.started();
    const requests = [s.request(), s.request({ workflowId: taken.workflowId }), s.request()];
    expect(await s.journal.start(requests)).toEqual([
      { type: 'started', runId: requests[0]?.runId, token: 0 },
      { type: 'conflict', runId: taken.runId },
      { type: 'started', runId: requests[2]?.runId, token: 0 },
    ]);
  });

  test('a repeated start of one runId is answered as the first one and writes nothing', async (s) => {
    const run = await s.started();
    const again = { ...run, input: '{"total":0}' };
    expect(await s.journal.start([again])).toEqual([{ type: 'started', runId: run.runId, token: 0 }]);
    expect(await s.inboxOf(run)).toMatchObject([{ n: 1, payload: run.input }]);
    expect(await s.journal.count({ namespace: NAMESPACE })).toBe(1);
  });

  test('a repeated start is recognised after the run has closed, whatever its policies', async (s) => {
    const run = await s.closed('completed');
    for (const onConflict of ['fail', 'useExisting', 'terminateExisting'] as const) {
      const answer = only(await s.journal.start([{ ...run, onConflict, onReuse: 'reject' }]));
      expect(answer).toMatchObject({ type: 'started', runId: run.runId });
    }
    expect(await s.describe(run)).toMatchObject({ state: 'completed' });
    expect(await s.journal.count({ namespace: NAMESPACE })).toBe(1);
  });

  test('one runId twice in one batch is one run', async (s) => {
    const run = s.request({ onConflict: 'terminateExisting' });
    const answers = await s.journal.start([run, run]);
    expect(answers).toEqual(range(2).map(() => ({ type: 'started', runId: run.runId, token: 0 })));
    expect(await s.describe(run)).toMatchObject({ state: 'running' });
    expect(await s.inboxOf(run)).toHaveLength(1);
  });

  test('a repeated start with a first turn tells the token again, and appends nothing', async (s) => {
    const owner = await s.worker();
    const held = await s.held(owner);
    expect(await s.journal.start([held.run])).toEqual([{ type: 'started', runId: held.run.runId, token: 1 }]);
    expect(await s.historyOf(held.run)).toHaveLength(1);
    await s.applies(held, { entries: [step('a')] });
  });

  test('a run with a first turn is born leased: its history is written, its inbox empty, and nobody else gets it', async (s) => {
    const owner = await s.worker();
    const entries = [runStarted(), step('reserve')];
    const held = await s.held(owner, { first: { owner, entries } });
    expect(await s.claimedIds(await s.worker())).toEqual([]);
    expect(await s.historyOf(held.run)).toEqual(entries);
    expect(await s.inboxOf(held.run)).toEqual([]);
    await s.applies(held, { entries: [step('charge')] });
    expect(stepsOf(await s.historyOf(held.run))).toEqual(['reserve', 'charge']);
  });

  test('the fence of a run that was born leased holds: another token and another owner write nothing', async (s) => {
    const held = await s.held(await s.worker());
    const stranger = await s.worker();
    for (const lease of [
      { ...held.lease, token: 0 },
      { ...held.lease, token: 2 },
      { ...held.lease, owner: stranger },
    ]) {
      expect(await s.commit({ ...held, lease }, { entries: [step('stolen')] })).toEqual({ type: 'lost' });
    }
    expect(await s.historyOf(held.run)).toHaveLength(1);
  });

  test('a first turn of a start that is refused writes nothing', async (s) => {
    const owner = await s.worker();
    const open = await s.started();
    const request = s.request({ workflowId: open.workflowId, first: { owner, entries: [runStarted()] } });
    expect(only(await s.journal.start([request])).type).toBe('conflict');
    expect(await s.historyOf(request)).toEqual([]);
    expect(await s.journal.describe([{ ...request }])).toEqual([null]);
  });

  test('a run whose first turn comes from a session that is over is started unleased, as without it', async (s) => {
    const owner = await s.worker();
    const unknown = s.session().id;
    await s.journal.unregister(owner);
    for (const gone of [owner, unknown]) {
      const request = s.request({ first: { owner: gone, entries: [runStarted()] } });
      const started = { type: 'started', runId: request.runId, token: 0 };
      expect(await s.journal.start([request])).toEqual([started]);
      expect(await s.journal.start([request])).toEqual([started]);
      expect(await s.historyOf(request)).toEqual([]);
      expect(await s.inboxOf(request)).toMatchObject([{ n: 1, kind: 'start' }]);
      await s.reclaimed(await s.worker(), request);
    }
  });

  test('a batch mixes runs with and without a first turn', async (s) => {
    const owner = await s.worker();
    const requests = range(20).map((i) =>
      s.request({ first: i % 2 === 0 ? { owner, entries: range(i).map((k) => step(`${i}.${k}`)) } : null }),
    );
    const answers = await s.journal.start(requests);
    expect(answers).toEqual(
      requests.map(({ runId }, i) => ({ type: 'started', runId, token: i % 2 === 0 ? 1 : 0 })),
    );
    for (const [i, request] of requests.entries()) {
      expect(stepsOf(await s.historyOf(request))).toEqual(
        i % 2 === 0 ? range(i).map((k) => `${i}.${k}`) : [],
      );
      expect(await s.inboxOf(request)).toHaveLength(i % 2);
    }
  });

  test('startAt: not claimable early, and a signal does not start it earlier', async (s) => {
    const owner = await s.worker();
    const run = await s.started({ startAt: (await s.harness.now()) + HOUR });
    expect(await s.claimedIds(owner)).toEqual([]);
    await s.accepted(s.signal(run));
    expect(await s.claimedIds(owner)).toEqual([]);
    await s.harness.elapse(HOUR - MINUTE);
    expect(await s.claimedIds(owner)).toEqual([]);
    await s.harness.elapse(2 * MINUTE);
    expect(await s.claimedIds(owner)).toEqual([run.workflowId]);
    expect((await s.inboxOf(run)).map(({ kind }) => kind)).toEqual(['start', 'signal']);
  });

  test('startAt: a run that is cancelled before it is claimable at once', async (s) => {
    const owner = await s.worker();
    const startAt = (await s.harness.now()) + HOUR;
    const [cancelled, other] = [await s.started({ startAt }), await s.started({ startAt })];
    await s.accepted(s.signal(cancelled));
    await s.accepted(s.cancel(cancelled));
    await s.accepted(s.signal(cancelled));
    await s.accepted(s.signal(other));
    expect(await s.claimedIds(owner)).toEqual([cancelled.workflowId]);
    expect((await s.inboxOf(cancelled)).map(({ kind }) => kind)).toEqual([
      'start',
      'signal',
      'cancel',
      'signal',
    ]);
    // Given back without having begun, it does not wait for its time again.
    await s.journal.unregister(owner);
    expect(await s.claimedIds(await s.worker())).toEqual([cancelled.workflowId]);
  });

  test('startAt in the past is now', async (s) => {
    const run = await s.started({ startAt: (await s.harness.now()) - HOUR });
    expect(await s.claimedIds(await s.worker())).toEqual([run.workflowId]);
  });

  test('a run that waits for its startAt has the workflow id, and is terminated as any other', async (s) => {
    const run = await s.started({ startAt: (await s.harness.now()) + HOUR });
    expect(await s.tryStart({ workflowId: run.workflowId })).toEqual({ type: 'conflict', runId: run.runId });
    const { namespace, workflowId } = run;
    await s.journal.terminate([{ namespace, workflowId, runId: null, reason: null }]);
    expect(await s.tryStart({ workflowId })).toMatchObject({ type: 'started' });
  });

  test('workflow ids are apart from each other in every namespace', async (s) => {
    const one = await s.started();
    const other = await s.started({ namespace: 'other', workflowId: one.workflowId });
    await s.accepted(s.signal(other, { namespace: 'other' }));
    expect(await s.inboxOf(one)).toHaveLength(1);
    expect(await s.inboxOf(other)).toHaveLength(2);
  });

  const culprits = {
    'a workflow id over 255 bytes': { workflowId: 'ü'.repeat(128) },
    'a namespace over 255 bytes': { namespace: 'n'.repeat(256) },
    'a workflow name over 255 bytes': { workflow: 'w'.repeat(256) },
    'a workflow id with \\u0000': { workflowId: 'a\u0000b' },
    'a workflow id with half of a surrogate pair': { workflowId: 'a\ud800' },
    'an attribute with \\u0000': { attributes: { note: { deep: ['a\u0000b'] } } },
    'an attribute with half of a surrogate pair': { attributes: { note: '\udc00' } },
    'an attribute whose name has \\u0000': { attributes: { 'a\u0000': 1 } },
    'an attribute that is not a number': { attributes: { total: NaN } },
    'an attribute that is a bigint': { attributes: { total: 1n } },
    'an attribute that is a function': { attributes: { total: () => 1 } },
    'an attribute of a class': { attributes: { at: new Date(0) } },
  };
  for (const [what, changes] of Object.entries(culprits)) {
    test(`refuses ${what}, names the culprit, and writes nothing of the batch`, async (s) => {
      const fine = s.request();
      const culprit = s.request({ workflowId: 'the-culprit', ...changes });
      const refused = s.journal.start([fine, culprit]);
      await expect(refused).rejects.toBeInstanceOf(JournalRefusedError);
      await expect(refused).rejects.toThrow('workflowId' in changes ? /"(a|ü)/ : /the-culprit/);
      expect(await s.journal.count({ namespace: NAMESPACE })).toBe(0);
      expect(only(await s.journal.start([fine]))).toMatchObject({ type: 'started' });
    });
  }

  test('refuses a run id that is no UUID', async (s) => {
    const culprit = s.request({ runId: asRunId('the-culprit') });
    await expect(s.journal.start([culprit])).rejects.toBeInstanceOf(JournalRefusedError);
    await expect(s.journal.start([culprit])).rejects.toThrow(/the-culprit/);
  });

  test('names and ids of exactly 255 bytes are fine', async (s) => {
    const name = `${'ü'.repeat(127)}x`;
    const run = await s.started({ namespace: name, workflowId: name, workflow: name });
    const [description] = await s.journal.describe([{ namespace: name, workflowId: name, runId: null }]);
    expect(description).toMatchObject({ runId: run.runId, workflowId: name, workflow: name });
    const message = s.signal(run, { namespace: name, name, dedupeId: name });
    await s.accepted(message);
    expect(await s.send(message)).toEqual({ type: 'duplicate' });
  });

  test('an empty batch does nothing', async (s) => {
    expect(await s.journal.start([])).toEqual([]);
    expect(await s.journal.send([])).toEqual([]);
    expect(await s.journal.commit([])).toEqual([]);
    expect(await s.journal.terminate([])).toEqual([]);
    expect(await s.journal.load([])).toEqual([]);
    expect(await s.journal.refence([])).toEqual([]);
    expect(await s.journal.describe([])).toEqual([]);
    expect(await s.journal.outcomes([])).toEqual([]);
    expect(
      await s.journal.claim({ owner: await s.worker(), namespace: NAMESPACE, workflows: [], limit: 10 }),
    ).toEqual([]);
    await s.journal.notify([]);
  });

  test('a run keeps its workflow, version, priority and attributes', async (s) => {
    const attributes = {
      customer: 'ann',
      total: 12.5,
      express: true,
      none: null,
      tags: ['a', 'b'],
      nested: { k: [1] },
    };
    const owner = await s.worker();
    const run = await s.started({ version: 7, priority: 4, attributes });
    expect(await s.claim(owner)).toEqual([]);
    const claims = await s.journal.claim({
      owner,
      namespace: NAMESPACE,
      workflows: [{ name: 'order', version: 7 }],
      limit: 5,
    });
    expect(claims).toMatchObject([
      { workflow: 'order', version: 7, workflowId: run.workflowId, namespace: NAMESPACE },
    ]);
    const description = await s.describe(run);
    expect(description.attributes).toEqual(attributes);
    expect(description).toMatchObject({
      workflow: 'order',
      version: 7,
      actorId: run.runId,
      state: 'running',
    });
  });

  test('the journal keeps no object of its caller', async (s) => {
    const owner = await s.worker();
    const attributes = { tags: ['a'] };
    const entries = [step('first')];
    const held = await s.held(owner, { attributes, first: { owner, entries } });
    attributes.tags.push('b');
    entries.push(step('second'));
    const read = await s.historyOf(held.run);
    Object.assign(read[0] ?? {}, { name: 'changed' });
    expect(stepsOf(await s.historyOf(held.run))).toEqual(['first']);
    expect((await s.describe(held.run)).attributes).toEqual({ tags: ['a'] });
  });

  test('a run id that nobody knows is unknown to every question', async (s) => {
    const runId = asRunId(uuidv7());
    expect(await s.journal.describe([{ namespace: NAMESPACE, workflowId: 'nobody', runId: null }])).toEqual([
      null,
    ]);
    expect(await s.journal.outcomes([runId])).toEqual([null]);
    expect(await s.historyOf({ runId })).toEqual([]);
    expect(await s.inboxOf({ runId })).toEqual([]);
  });
}
