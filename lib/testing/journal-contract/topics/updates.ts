import type { UpdateAccepted, UpdateAnswered } from '../../../core/index.js';
import type { UpdateRefusal } from '../../../journal/index.js';
import { range } from '../concurrency.js';
import { runCompleted, step } from '../entries.js';
import { COMPLETED, NAMESPACE, type Topic } from '../scenario.js';

const AT = 1_700_000_000_000;
const accepted = (updateId: string): UpdateAccepted => ({
  type: 'update_accepted',
  at: AT,
  name: 'book',
  updateId,
  payload: '"ann"',
  arrivedAt: AT,
  hold: false,
});
const answered = (updateId: string, value = '2'): UpdateAnswered => ({
  type: 'update_answered',
  at: AT,
  updateId,
  outcome: { type: 'value', value },
  unanswered: null,
});
const refusal = (updateId: string): UpdateRefusal => ({
  updateId,
  why: 'validator',
  failure: '{"name":"NoSeatLeft","message":"no"}',
});

export function updatesTopic({ test, expect }: Topic): void {
  test('an update is a message with its id, and is open until a turn answers it', async (s) => {
    const held = await s.held(await s.worker());
    expect(await s.answer(held.run, 'u')).toEqual({ type: 'unknown' });
    await s.accepted(s.update(held.run, 'u', { checkedBy: 'handler' }));
    expect(await s.inboxOf(held.run)).toMatchObject([
      { n: 1, kind: 'update', name: 'book', payload: '"ann"', updateId: 'u', checkedBy: 'handler' },
    ]);
    expect(await s.answer(held.run, 'u')).toEqual({ type: 'open' });
    await s.applies(held, { entries: [accepted('u')], consumedThrough: 1 });
    expect(await s.answer(held.run, 'u')).toEqual({ type: 'open' });
    await s.applies(held, { entries: [step('a'), answered('u')] });
    expect(await s.answer(held.run, 'u')).toEqual({ type: 'answered', entry: answered('u') });
    expect((await s.historyOf(held.run)).slice(1)).toEqual([accepted('u'), step('a'), answered('u')]);
  });

  test('one that is sent again is a duplicate, while it is open, answered, and after the run', async (s) => {
    const held = await s.held(await s.worker());
    await s.accepted(s.update(held.run, 'u'));
    const again = s.update(held.run, 'u', { payload: '"other"' });
    expect(await s.send(again)).toEqual({ type: 'duplicate' });
    await s.applies(held, { entries: [accepted('u'), answered('u')], consumedThrough: 1 });
    expect(await s.send(again)).toEqual({ type: 'duplicate' });
    await s.completes(held);
    expect(await s.send(again)).toEqual({ type: 'duplicate' });
    expect(await s.answer(held.run, 'u')).toMatchObject({ type: 'answered' });
    // Also over the next run of the workflow id.
    await s.tryStart({ workflowId: held.run.workflowId });
    expect(await s.send(again)).toEqual({ type: 'duplicate' });
    expect(await s.send(s.update(held.run, 'other'))).toMatchObject({ type: 'accepted' });
  });

  test('in one batch an id counts once, and ids of signals are others', async (s) => {
    const { run } = await s.held(await s.worker());
    const answers = await s.journal.send([
      s.update(run, 'u'),
      s.update(run, 'u'),
      s.signal(run, { dedupeId: 'u' }),
      s.signal(run, { dedupeId: 'u' }),
      s.update(run, 'v'),
    ]);
    expect(answers.map(({ type }) => type)).toEqual([
      'accepted',
      'duplicate',
      'accepted',
      'duplicate',
      'accepted',
    ]);
    expect((await s.inboxOf(run)).map(({ kind, updateId }) => [kind, updateId])).toEqual([
      ['update', 'u'],
      ['signal', undefined],
      ['update', 'v'],
    ]);
  });

  test('one that is refused has its answer and no entry', async (s) => {
    const held = await s.held(await s.worker());
    await s.accepted(s.update(held.run, 'u'));
    await s.applies(held, { consumedThrough: 1, refusals: [refusal('u')] });
    expect(await s.answer(held.run, 'u')).toEqual({ type: 'refused', refusal: refusal('u') });
    expect(await s.historyOf(held.run)).toHaveLength(1);
    expect(await s.inboxOf(held.run)).toEqual([]);
  });

  test('the first answer stands', async (s) => {
    const held = await s.held(await s.worker());
    await s.accepted(s.update(held.run, 'u'));
    await s.applies(held, { entries: [accepted('u'), answered('u', '1')], consumedThrough: 1 });
    await s.applies(held, { entries: [answered('u', '2')] });
    await s.applies(held, { refusals: [refusal('u')] });
    expect(await s.answer(held.run, 'u')).toEqual({ type: 'answered', entry: answered('u', '1') });
  });

  test('a turn that is not applied answers nothing', async (s) => {
    const held = await s.held(await s.worker());
    await s.accepted(s.update(held.run, 'u'));
    await s.accepted(s.update(held.run, 'v'));
    const stale = { ...held, lease: { ...held.lease, token: 0 } };
    const entries = [accepted('u'), answered('u')];
    expect(await s.commit(stale, { entries, consumedThrough: 2, refusals: [refusal('v')] })).toEqual({
      type: 'lost',
    });
    expect(await s.commit({ ...held, seq: 7 }, { entries, consumedThrough: 2 })).toEqual({
      type: 'history lost',
    });
    expect(await s.answer(held.run, 'u')).toEqual({ type: 'open' });
    expect(await s.answer(held.run, 'v')).toEqual({ type: 'open' });
  });

  test('an unread update refuses a turn that decides, as a signal does', async (s) => {
    const held = await s.held(await s.worker());
    await s.accepted(s.update(held.run, 'u'));
    const end = { entries: [runCompleted()], decides: true, outcome: COMPLETED };
    expect(await s.commit(held, end)).toEqual({ type: 'signals unread', inboxSeq: 1 });
    await s.applies(held, { ...end, consumedThrough: 1, refusals: [refusal('u')] });
    expect(await s.answer(held.run, 'u')).toMatchObject({ type: 'refused' });
  });

  test('the turn that closes a run answers what is open', async (s) => {
    const held = await s.held(await s.worker());
    await s.accepted(s.update(held.run, 'u'));
    await s.applies(held, {
      entries: [accepted('u'), { ...answered('u'), unanswered: 'closed' }, runCompleted()],
      consumedThrough: 1,
      decides: true,
      outcome: COMPLETED,
    });
    expect(await s.answer(held.run, 'u')).toMatchObject({
      type: 'answered',
      entry: { unanswered: 'closed' },
    });
  });

  test('of a run that was terminated there is no answer any more, accepted or not', async (s) => {
    const held = await s.held(await s.worker());
    await s.accepted(s.update(held.run, 'u'));
    await s.applies(held, { entries: [accepted('u')], consumedThrough: 1 });
    await s.accepted(s.update(held.run, 'v'));
    const { workflowId } = held.run;
    await s.journal.terminate([{ namespace: NAMESPACE, workflowId, runId: null, reason: null }]);
    expect(await s.answer(held.run, 'u')).toEqual({ type: 'gone' });
    expect(await s.answer(held.run, 'v')).toEqual({ type: 'gone' });
    // The next run of the workflow id is another one.
    await s.tryStart({ workflowId });
    expect(await s.answer(held.run, 'u')).toEqual({ type: 'gone' });
    expect(await s.send(s.update(held.run, 'w', { runId: held.run.runId }))).toEqual({
      type: 'not running',
      known: true,
    });
  });

  test('a run that rolls back takes none, and says that it does', async (s) => {
    const held = await s.held(await s.worker());
    await s.applies(held, { entries: [step('a')], outcome: { type: 'roll back' } });
    expect(await s.send(s.update(held.run, 'u'))).toEqual({
      type: 'not running',
      known: true,
      closing: true,
    });
    expect(await s.answer(held.run, 'u')).toEqual({ type: 'unknown' });
  });

  test('many are answered by one batch of turns, each by its own', async (s) => {
    const runs = await s.heldMany(20, await s.worker());
    await s.journal.send(runs.flatMap(({ run }) => range(5).map((i) => s.update(run, `u${i}`))));
    const turns = runs.map((held, k) =>
      s.turn(held, {
        entries: [0, 1].flatMap((i) => [accepted(`u${i}`), answered(`u${i}`, `${k}`)]),
        refusals: [2, 3].map((i) => refusal(`u${i}`)),
        consumedThrough: 5,
      }),
    );
    expect((await s.journal.commit(turns)).map(({ type }) => type)).toEqual(runs.map(() => 'applied'));
    const refs = runs.flatMap(({ run: { workflowId } }) =>
      range(5).map((i) => ({ namespace: NAMESPACE, workflowId, updateId: `u${i}` })),
    );
    const answers = await s.journal.answers(refs);
    expect(answers.map(({ type }) => type)).toEqual(
      runs.flatMap(() => ['answered', 'answered', 'refused', 'refused', 'open']),
    );
    expect(answers.flatMap((answer) => (answer.type === 'answered' ? [answer.entry.outcome] : []))).toEqual(
      runs.flatMap((_, k) => [0, 1].map(() => ({ type: 'value', value: `${k}` }))),
    );
  });

  test('another namespace has other updates', async (s) => {
    const { run } = await s.held(await s.worker());
    await s.accepted(s.update(run, 'u'));
    const elsewhere = { namespace: 'elsewhere', workflowId: run.workflowId, updateId: 'u' };
    expect(await s.journal.answers([elsewhere])).toEqual([{ type: 'unknown' }]);
  });

  test('an update without a name or an id is refused', async (s) => {
    const { run } = await s.held(await s.worker());
    for (const broken of [{ dedupeId: null }, { name: null }]) {
      const error = await s.journal.send([s.update(run, 'u', broken)]).catch((e: unknown) => e);
      expect(error).toMatchObject({ name: 'JournalRefusedError' });
    }
  });
}
