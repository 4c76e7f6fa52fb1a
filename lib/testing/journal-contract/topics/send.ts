import { uuidv7 } from 'uuidv7';
import { JournalRefusedError } from '../../../journal/index.js';
import { range } from '../concurrency.js';
import { runCompleted, step } from '../entries.js';
import { COMPLETED, HOUR, NAMESPACE, type Topic } from '../scenario.js';
import { actorOf, asRunId } from '../../../journal/index.js';

export function sendTopic({ test, expect }: Topic): void {
  test('an accepted message tells its number, its actor and who holds it', async (s) => {
    const waiting = await s.started();
    const owner = await s.worker();
    const { run } = await s.held(owner);
    expect(await s.journal.send([s.signal(waiting), s.signal(run)])).toEqual([
      { type: 'accepted', actorId: waiting.runId, n: 2, owner: null },
      { type: 'accepted', actorId: run.runId, n: 1, owner },
    ]);
  });

  test('messages arrive as they were sent, numbered without gaps, with the time of their arrival', async (s) => {
    const { run } = await s.held(await s.worker());
    const before = await s.harness.now();
    await s.journal.send([
      s.signal(run, { name: 'a', payload: '1' }),
      s.cancel(run),
      s.signal(run, { payload: null }),
    ]);
    await s.accepted(s.signal(run, { name: 'd', payload: '4' }));
    const inbox = await s.inboxOf(run);
    expect(inbox.map(({ n, kind, name, payload }) => ({ n, kind, name, payload }))).toEqual([
      { n: 1, kind: 'signal', name: 'a', payload: '1' },
      { n: 2, kind: 'cancel', name: null, payload: '"no longer needed"' },
      { n: 3, kind: 'signal', name: 'approve', payload: null },
      { n: 4, kind: 'signal', name: 'd', payload: '4' },
    ]);
    const times = inbox.map(({ at }) => at);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times[0]).toBeGreaterThanOrEqual(Math.floor(before));
    expect(times.at(-1)).toBeLessThanOrEqual(Math.ceil(await s.harness.now()));
  });

  test('a message keeps which schema has accepted it', async (s) => {
    const { run } = await s.held(await s.worker());
    await s.journal.send([
      s.signal(run, { checkedBy: 'handler' }),
      s.signal(run),
      s.signal(run, { checkedBy: 'signal' }),
    ]);
    expect((await s.inboxOf(run)).map(({ checkedBy }) => checkedBy)).toEqual([
      'handler',
      undefined,
      'signal',
    ]);
  });

  test('a batch to many targets keeps the order of each', async (s) => {
    const runs = (await s.heldMany(5, await s.worker())).map(({ run }) => run);
    const messages = range(40).map((i) => s.signal(runs[i % 5] ?? { workflowId: '' }, { payload: `${i}` }));
    const answers = await s.journal.send(messages);
    expect(answers.map((answer) => answer.type === 'accepted' && answer.n)).toEqual(
      range(40).map((i) => Math.floor(i / 5) + 1),
    );
    for (const [k, run] of runs.entries()) {
      const payloads = (await s.inboxOf(run)).map(({ payload }) => payload);
      expect(payloads).toEqual(range(8).map((i) => `${5 * i + k}`));
    }
  });

  test('a message wakes a run that waits', async (s) => {
    for (const kind of ['signal', 'cancel'] as const) {
      const held = await s.held(await s.worker());
      await s.releases(held, (await s.harness.now()) + HOUR);
      expect(await s.claimedIds(await s.worker())).toEqual([]);
      await s.accepted(kind === 'signal' ? s.signal(held.run) : s.cancel(held.run));
      expect(await s.claimedIds(await s.worker())).toEqual([held.run.workflowId]);
    }
  });

  test('a message to a leased run takes the lease from nobody', async (s) => {
    const held = await s.held(await s.worker());
    await s.accepted(s.signal(held.run));
    expect(await s.claimedIds(await s.worker())).toEqual([]);
    await s.applies(held, { entries: [step('a')] });
  });

  test('sent twice with one id it counts once: in one batch, later, and from elsewhere', async (s) => {
    const { run } = await s.held(await s.worker());
    const second = await s.harness.second();
    const message = s.signal(run, { dedupeId: 'payment-1' });
    const answers = await s.journal.send([
      message,
      s.signal(run),
      message,
      s.signal(run, { dedupeId: 'payment-2' }),
    ]);
    expect(answers.map((answer) => (answer.type === 'accepted' ? answer.n : answer.type))).toEqual([
      1,
      2,
      'duplicate',
      3,
    ]);
    expect(await s.send(message)).toEqual({ type: 'duplicate' });
    expect(await s.send({ ...message, payload: '"other"' }, second)).toEqual({ type: 'duplicate' });
    expect(await s.inboxOf(run)).toHaveLength(3);
  });

  test('a duplicate is known after its message was consumed', async (s) => {
    const held = await s.held(await s.worker());
    const message = s.signal(held.run, { dedupeId: 'payment-1' });
    await s.accepted(message);
    await s.applies(held, { entries: [step('a')], consumedThrough: 1 });
    expect(await s.send(message)).toEqual({ type: 'duplicate' });
    expect(await s.inboxOf(held.run)).toEqual([]);
  });

  test('a duplicate is known after the run has closed, and in the next run of the workflow id', async (s) => {
    const held = await s.held(await s.worker());
    const message = s.signal(held.run, { dedupeId: 'payment-1' });
    await s.accepted(message);
    await s.applies(held, {
      entries: [runCompleted()],
      consumedThrough: 1,
      decides: true,
      outcome: COMPLETED,
    });
    expect(await s.send(message)).toEqual({ type: 'duplicate' });
    const next = await s.started({ workflowId: held.run.workflowId });
    expect(await s.send(message)).toEqual({ type: 'duplicate' });
    expect(await s.inboxOf(next)).toHaveLength(1);
  });

  test('dedupe ids are those of one workflow id in one namespace', async (s) => {
    const [one, other] = [await s.started(), await s.started()];
    const elsewhere = await s.started({ namespace: 'other', workflowId: one.workflowId });
    await s.accepted(s.signal(one, { dedupeId: 'm' }));
    await s.accepted(s.signal(other, { dedupeId: 'm' }));
    await s.accepted(s.signal(elsewhere, { namespace: 'other', dedupeId: 'm' }));
  });

  test('messages without an id are never duplicates', async (s) => {
    const { run } = await s.held(await s.worker());
    const answers = await s.journal.send(range(3).map(() => s.signal(run)));
    expect(answers.map((answer) => answer.type)).toEqual(['accepted', 'accepted', 'accepted']);
  });

  test('a message that is refused does not use up its id', async (s) => {
    const workflowId = 'later';
    const message = s.signal({ workflowId }, { dedupeId: 'm' });
    expect(await s.send(message)).toEqual({ type: 'not running', known: false });
    await s.started({ workflowId });
    await s.accepted(message);
  });

  test('not running: unknown where there never was a run, known where it has closed', async (s) => {
    expect(await s.send(s.signal({ workflowId: 'nobody' }))).toEqual({ type: 'not running', known: false });
    for (const state of ['completed', 'failed', 'cancelled', 'terminated'] as const) {
      const closed = await s.closed(state);
      expect(await s.send(s.signal(closed))).toEqual({ type: 'not running', known: true });
      expect(await s.send(s.cancel(closed))).toEqual({ type: 'not running', known: true });
      expect(await s.send(s.signal(closed, { namespace: 'other' }))).toEqual({
        type: 'not running',
        known: false,
      });
    }
  });

  test('a message for one run reaches that run only', async (s) => {
    const closed = await s.closed('completed');
    const open = await s.started({ workflowId: closed.workflowId });
    expect(await s.send(s.signal(open, { runId: closed.runId }))).toEqual({
      type: 'not running',
      known: true,
    });
    expect(await s.send(s.signal({ workflowId: 'nobody' }, { runId: asRunId(uuidv7()) }))).toEqual({
      type: 'not running',
      known: false,
    });
    await s.accepted(s.signal(open, { runId: open.runId }));
    expect(await s.inboxOf(open)).toHaveLength(2);
  });

  test('a batch in which some targets are missing delivers to the others', async (s) => {
    const { run } = await s.held(await s.worker());
    const closed = await s.closed('completed');
    const answers = await s.journal.send([
      s.signal({ workflowId: 'nobody' }),
      s.signal(run),
      s.signal(closed),
      s.signal(run, { dedupeId: 'm' }),
    ]);
    expect(answers.map((answer) => (answer.type === 'accepted' ? answer.n : answer))).toEqual([
      { type: 'not running', known: false },
      1,
      { type: 'not running', known: true },
      2,
    ]);
  });

  test('a run that rolls back takes no signals and no cancels, wherever it is', async (s) => {
    const held = await s.held(await s.worker());
    const earlier = s.signal(held.run, { dedupeId: 'earlier' });
    await s.accepted(earlier);
    await s.applies(held, { entries: [step('undo')], consumedThrough: 1, outcome: { type: 'roll back' } });
    const refused = { type: 'not running', known: true, closing: true };
    const refusesAll = async (): Promise<void> => {
      expect(await s.send(s.signal(held.run))).toEqual(refused);
      expect(await s.send(s.cancel(held.run))).toEqual(refused);
      expect(await s.send(s.signal(held.run, { runId: held.run.runId }))).toEqual(refused);
      expect(await s.send(earlier)).toEqual({ type: 'duplicate' });
      // Of the actor that this is for nothing is told: it is not there.
      const gone = actorOf(asRunId(uuidv7()));
      expect(await s.send(s.signal(held.run, { actorId: gone }))).toEqual({
        type: 'not running',
        known: true,
      });
    };
    await refusesAll();
    await s.applies(held, { entries: [step('undone')] });
    await s.releases(held, await s.harness.now());
    await refusesAll();
    const taken = await s.reclaimed(await s.worker(), held.run);
    await refusesAll();
    expect(await s.inboxOf(held.run)).toEqual([]);
    await s.completes(taken);
  });

  test('a result given back is taken by a run that rolls back too, once, and wakes it', async (s) => {
    const held = await s.held(await s.worker());
    await s.applies(held, { entries: [step('undo')], outcome: { type: 'roll back' } });
    await s.releases(held);
    const result = s.result(held.run, { dedupeId: 'result-0' });
    expect(await s.send(result)).toEqual({
      type: 'accepted',
      actorId: held.lease.actorId,
      n: 1,
      owner: null,
    });
    expect(await s.send(result)).toEqual({ type: 'duplicate' });
    const again = await s.reclaimed(await s.worker(), held.run);
    expect(await s.inboxOf(held.run)).toMatchObject([
      { n: 1, kind: 'activity_result', name: '0', payload: '{"type":"completed"}' },
    ]);
    await s.completes(again);
    expect(await s.send(s.result(held.run))).toEqual({ type: 'not running', known: true });
  });

  const culprits = {
    'a workflow id over 255 bytes': { workflowId: 'ü'.repeat(128) },
    'a signal name over 255 bytes': { name: 'n'.repeat(256) },
    'a dedupe id over 255 bytes': { dedupeId: 'm'.repeat(256) },
    'a signal name with \\u0000': { name: 'a\u0000' },
    'a dedupe id with half of a surrogate pair': { dedupeId: '\ud800' },
  };
  for (const [what, changes] of Object.entries(culprits)) {
    test(`refuses ${what}, and sends nothing of the batch`, async (s) => {
      const { run } = await s.held(await s.worker());
      const batch = [s.signal(run, { dedupeId: 'fine' }), s.signal(run, changes)];
      await expect(s.journal.send(batch)).rejects.toBeInstanceOf(JournalRefusedError);
      expect(await s.inboxOf(run)).toEqual([]);
      await s.accepted(s.signal(run, { dedupeId: 'fine' }));
    });
  }

  test('what is left in the inbox of a run that closes is gone', async (s) => {
    const held = await s.held(await s.worker());
    await s.accepted(s.cancel(held.run));
    await s.completes(held);
    expect(await s.inboxOf(held.run)).toEqual([]);
    const next = await s.started({ workflowId: held.run.workflowId });
    expect((await s.inboxOf(next)).map(({ kind }) => kind)).toEqual(['start']);
    expect(await s.journal.count({ namespace: NAMESPACE })).toBe(2);
  });
}
