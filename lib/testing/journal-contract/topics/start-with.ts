import type { Message, StartRequest, StartWithAnswer } from '../../../journal/index.js';
import { range } from '../concurrency.js';
import { step } from '../entries.js';
import type { Scenario, Topic } from '../scenario.js';

const start = (s: Scenario, changes: Partial<StartRequest> = {}): StartRequest =>
  s.request({ onConflict: 'useExisting', ...changes });
const signalTo = (s: Scenario, run: StartRequest, dedupeId = 'm'): Message => s.signal(run, { dedupeId });
const startWith = (s: Scenario, run: StartRequest, message: Message): Promise<StartWithAnswer> =>
  s.journal.startWith({ start: run, message });

export function startWithTopic({ test, expect }: Topic): void {
  test('a run is started with a signal, which comes first', async (s) => {
    const run = start(s);
    expect(await startWith(s, run, signalTo(s, run))).toEqual({ type: 'started', runId: run.runId });
    expect((await s.inboxOf(run)).map(({ n, kind, payload }) => [n, kind, payload])).toEqual([
      [1, 'signal', '"ok"'],
      [2, 'start', run.input],
    ]);
    // A turn that decides must have consumed the signal, and need not have consumed more.
    const held = await s.reclaimed(await s.worker(), run);
    await s.accepted(s.cancel(run));
    expect(await s.commit(held, { entries: [step('a')], decides: true })).toMatchObject({
      type: 'signals unread',
    });
    await s.applies(held, { entries: [step('a')], decides: true, consumedThrough: 1 });
  });

  test('a run is started with an update, which comes behind', async (s) => {
    const run = start(s);
    expect(await startWith(s, run, s.update(run, 'u'))).toEqual({ type: 'started', runId: run.runId });
    expect((await s.inboxOf(run)).map(({ n, kind, updateId }) => [n, kind, updateId])).toEqual([
      [1, 'start', undefined],
      [2, 'update', 'u'],
    ]);
    expect(await s.answer(run, 'u')).toEqual({ type: 'open' });
    const held = await s.reclaimed(await s.worker(), run);
    expect(await s.commit(held, { entries: [step('a')], decides: true, consumedThrough: 1 })).toMatchObject({
      type: 'signals unread',
    });
  });

  test('the run that has the workflow id gets the message', async (s) => {
    const owner = await s.worker();
    const { run } = await s.held(owner);
    const other = start(s, { workflowId: run.workflowId });
    expect(await startWith(s, other, signalTo(s, run))).toEqual({
      type: 'sent',
      runId: run.runId,
      sent: { type: 'accepted', actorId: run.runId, n: 1, owner },
    });
    expect((await s.inboxOf(run)).map(({ kind }) => kind)).toEqual(['signal']);
  });

  test('a message that was sent before starts nothing, also after its run has ended', async (s) => {
    for (const message of [
      (run: StartRequest) => signalTo(s, run),
      (run: StartRequest) => s.update(run, 'u'),
    ]) {
      const run = await s.closed('completed');
      const next = start(s, { workflowId: run.workflowId });
      expect(await startWith(s, next, message(run))).toMatchObject({ type: 'started' });
      const { workflowId } = run;
      await s.journal.terminate([{ namespace: next.namespace, workflowId, runId: null, reason: null }]);
      const third = start(s, { workflowId });
      expect(await startWith(s, third, message(run))).toEqual({ type: 'duplicate' });
      const conflicting = start(s, { workflowId, onConflict: 'terminateExisting' });
      expect(await startWith(s, conflicting, message(run))).toEqual({ type: 'duplicate' });
      expect(await s.journal.count({ namespace: run.namespace, workflowId })).toBe(2);
    }
  });

  test('one that is repeated is the same', async (s) => {
    const run = start(s);
    for (let i = 0; i < 3; i++) {
      expect(await startWith(s, run, s.update(run, 'u'))).toEqual({ type: 'started', runId: run.runId });
    }
    expect(await s.inboxOf(run)).toHaveLength(2);
  });

  test('of many with one workflow id one starts, and all are delivered once', async (s) => {
    const workflowId = 'shared';
    const runs = range(12).map(() => start(s, { workflowId }));
    const answers = await Promise.all(
      runs.map((run, i) => startWith(s, run, signalTo(s, run, `m${i % 10}`))),
    );
    expect(answers.filter(({ type }) => type === 'started')).toHaveLength(1);
    expect(answers.filter(({ type }) => type === 'sent')).toHaveLength(9);
    expect(answers.filter(({ type }) => type === 'duplicate')).toHaveLength(2);
    const begun = answers.find(({ type }) => type === 'started') as { readonly runId: StartRequest['runId'] };
    const inbox = await s.inboxOf(begun);
    expect(inbox.map(({ n }) => n)).toEqual(range(11).map((i) => i + 1));
    expect(inbox.map(({ kind }) => kind)).toEqual(['signal', 'start', ...range(9).map(() => 'signal')]);
  });

  test('policies say what they say of a start, and then nothing is sent', async (s) => {
    const { run } = await s.held(await s.worker());
    const failing = start(s, { workflowId: run.workflowId, onConflict: 'fail' });
    expect(await startWith(s, failing, signalTo(s, run))).toEqual({ type: 'conflict', runId: run.runId });
    expect(await s.inboxOf(run)).toEqual([]);

    const closed = await s.closed('completed');
    const refused = start(s, { workflowId: closed.workflowId, onReuse: 'reject' });
    expect(await startWith(s, refused, signalTo(s, closed))).toEqual({
      type: 'reuse refused',
      runId: closed.runId,
      state: 'completed',
    });
    const reusing = start(s, { workflowId: closed.workflowId, onReuse: 'useExisting' });
    expect(await startWith(s, reusing, signalTo(s, closed))).toEqual({
      type: 'existing',
      runId: closed.runId,
    });
    // The message was not sent by any of them.
    const free = start(s, { workflowId: closed.workflowId });
    expect(await startWith(s, free, signalTo(s, closed))).toEqual({ type: 'started', runId: free.runId });
  });

  test('the run that is there is terminated where that was asked for', async (s) => {
    const { run } = await s.held(await s.worker());
    const other = start(s, { workflowId: run.workflowId, onConflict: 'terminateExisting' });
    expect(await startWith(s, other, s.update(run, 'u'))).toEqual({ type: 'started', runId: other.runId });
    expect(await s.describe(run)).toMatchObject({ state: 'terminated' });
    expect(await s.inboxOf(other)).toHaveLength(2);
  });

  test('a run that rolls back takes nothing, and no other one is started', async (s) => {
    const held = await s.held(await s.worker());
    await s.applies(held, { entries: [step('a')], outcome: { type: 'roll back' } });
    const other = start(s, { workflowId: held.run.workflowId });
    expect(await startWith(s, other, signalTo(s, held.run))).toEqual({
      type: 'closing',
      runId: held.run.runId,
    });
    expect(await s.inboxOf(held.run)).toEqual([]);
  });

  test('what does not belong together is refused', async (s) => {
    const run = start(s);
    for (const message of [s.cancel(run), s.signal(run), signalTo(s, { ...run, workflowId: 'another' })]) {
      const error = await startWith(s, run, message).catch((e: unknown) => e);
      expect(error).toMatchObject({ name: 'JournalRefusedError' });
    }
  });
}
