import type { CallbackAnswer, CallbackSettlement, Journal, Turn } from '../../../journal/index.js';
import { countOf, only, race, range, watch } from '../concurrency.js';
import { runCompleted, runFailed, step } from '../entries.js';
import { continuing } from './continuation.js';
import { COMPLETED, NAMESPACE, type Held, type Scenario, type Topic } from '../scenario.js';

const ROUNDS = 30;
const COMMAND = 3;
const ROLLS_BACK = { type: 'roll back' } as const;
let drawn = 0;

const settlement = (
  callback: string | Held,
  changes: Partial<CallbackSettlement> = {},
): CallbackSettlement => ({
  namespace: NAMESPACE,
  callback:
    typeof callback === 'string'
      ? { by: 'key', key: callback }
      : { by: 'command', runId: callback.lease.runId, command: COMMAND },
  news: 'completed',
  payload: '{"paid":12}',
  dedupeId: `settlement ${++drawn}`,
  ...changes,
});

const settle = async (
  s: Scenario,
  callback: string | Held,
  changes: Partial<CallbackSettlement> = {},
  journal: Journal = s.journal,
): Promise<CallbackAnswer> => only(await journal.settleCallbacks([settlement(callback, changes)]));

const opening = (key: string | null, command = COMMAND): Partial<Turn> => ({
  entries: [step('open')],
  opens: [{ command, key }],
});

/** A held run that has opened a callback. */
const opened = async (s: Scenario, key: string | null): Promise<Held> => {
  const held = await s.held(await s.worker());
  await s.applies(held, opening(key));
  return held;
};

const newsOf = async (s: Scenario, { lease }: Held): Promise<readonly string[]> =>
  (await s.inboxOf(lease)).map(({ kind, name }) => `${kind} ${name?.replace(lease.runId, 'run')}`);

export function callbacksTopic({ test, expect }: Topic): void {
  test('are settled by their key or by their command, from the commit on that opens them', async (s) => {
    const held = await s.held(await s.worker());
    expect(await settle(s, 'paid')).toEqual({ type: 'unknown' });
    expect(await settle(s, held)).toEqual({ type: 'unknown' });
    await s.applies(held, opening('paid'));
    expect(await settle(s, 'paid', { checkedBy: 'callback' })).toEqual({
      type: 'accepted',
      actorId: held.lease.actorId,
      n: 1,
      owner: held.lease.owner,
    });
    const name = `${held.lease.runId}:${COMMAND}:completed`;
    expect(await s.inboxOf(held.run)).toMatchObject([
      { n: 1, kind: 'callback_result', name, payload: '{"paid":12}', checkedBy: 'callback' },
    ]);
    const other = await opened(s, null);
    expect(await settle(s, other, { news: 'failed', payload: '{"name":"Error"}' })).toMatchObject({ n: 1 });
    expect(await newsOf(s, other)).toEqual([`callback_result run:${COMMAND}:failed`]);
  });

  test('make a run that nobody holds claimable, and are in the inbox of whoever claims it', async (s) => {
    const held = await opened(s, 'paid');
    await s.releases(held);
    expect(await s.claim(held.lease.owner)).toEqual([]);
    expect(await settle(s, 'paid')).toMatchObject({ type: 'accepted', owner: null });
    const again = await s.reclaimed(held.lease.owner, held.run);
    expect(await newsOf(s, again)).toEqual([`callback_result run:${COMMAND}:completed`]);
  });

  test('are settled once: who comes later is told so, also when the run is over', async (s) => {
    const held = await opened(s, 'paid');
    const first = settlement('paid');
    expect(only(await s.journal.settleCallbacks([first]))).toMatchObject({ type: 'accepted' });
    expect(await settle(s, 'paid')).toMatchObject({ type: 'unchanged', same: false });
    expect(await settle(s, held, { news: 'failed' })).toMatchObject({ type: 'unchanged', same: false });
    expect(only(await s.journal.settleCallbacks([first]))).toMatchObject({ type: 'unchanged', same: true });
    expect(await s.inboxOf(held.run)).toHaveLength(1);
    await s.applies(held, {
      entries: [runCompleted()],
      consumedThrough: 1,
      decides: true,
      endsCallbacks: true,
      outcome: COMPLETED,
    });
    expect(await settle(s, 'paid')).toMatchObject({ type: 'unchanged', same: false });
    expect(await settle(s, held)).toMatchObject({ type: 'unchanged', same: false });
  });

  test('leave their key to others once they are over, and a repeated settlement settles no later one', async (s) => {
    const held = await opened(s, 'paid');
    const first = settlement('paid');
    await s.journal.settleCallbacks([first]);
    await s.applies(held, { ...opening('paid', 4), consumedThrough: 1 });
    expect(only(await s.journal.settleCallbacks([first]))).toMatchObject({ type: 'unchanged', same: true });
    expect(await s.inboxOf(held.run)).toEqual([]);
    expect(await settle(s, 'paid')).toMatchObject({ type: 'accepted', n: 2 });
    expect(await newsOf(s, held)).toEqual(['callback_result run:4:completed']);
  });

  test('whose key is taken are told of, in the same write, and the other one stays', async (s) => {
    const first = await opened(s, 'paid');
    const second = await s.held(await s.worker());
    const opens = [
      { command: 5, key: 'paid' },
      { command: 6, key: 'other' },
      { command: 7, key: 'other' },
    ];
    expect(await s.commit(second, { entries: [step('open')], opens })).toEqual({
      type: 'applied',
      inboxSeq: 2,
    });
    expect(await newsOf(s, second)).toEqual(['callback_result run:5:taken', 'callback_result run:7:taken']);
    expect(await settle(s, 'paid')).toMatchObject({ type: 'accepted', actorId: first.lease.actorId });
    expect(await settle(s, 'other')).toMatchObject({ type: 'accepted', actorId: second.lease.actorId });
  });

  test('that are withdrawn are there no more, and may be opened again in the same write', async (s) => {
    const held = await opened(s, 'paid');
    await s.applies(held, {
      entries: [step('again')],
      withdraws: [COMMAND],
      opens: [{ command: 4, key: 'paid' }],
    });
    expect(await s.inboxOf(held.run)).toEqual([]);
    expect(await settle(s, held)).toMatchObject({ type: 'not pending' });
    expect(await settle(s, 'paid')).toMatchObject({ type: 'accepted' });
    expect(await newsOf(s, held)).toEqual(['callback_result run:4:completed']);
    // One that was settled before stays so.
    await s.applies(held, { entries: [step('late')], withdraws: [4] });
    expect(await settle(s, 'paid')).toMatchObject({ type: 'unchanged', same: false });
  });

  test('of a turn that does not apply are not opened', async (s) => {
    const held = await s.held(await s.worker());
    const stale = { ...held, lease: { ...held.lease, token: 7 } };
    expect(await s.commit(stale, opening('paid'))).toEqual({ type: 'lost' });
    expect(await settle(s, 'paid')).toEqual({ type: 'unknown' });
  });

  const endings: Readonly<Record<string, () => Partial<Turn>>> = {
    closes: () => ({ entries: [runCompleted()], decides: true, outcome: COMPLETED }),
    'begins to roll back': () => ({ entries: [step('roll back')], outcome: ROLLS_BACK }),
    continues: () => continuing().changes,
  };
  for (const [how, ending] of Object.entries(endings)) {
    test(`end with a run that ${how}, and leave their keys`, async (s) => {
      const held = await opened(s, 'paid');
      const last = { command: 9, key: 'last' };
      await s.applies(held, { ...ending(), endsCallbacks: true });
      expect(await settle(s, 'paid')).toMatchObject({ type: 'not pending' });
      expect(await settle(s, held)).toMatchObject({ type: 'not pending' });
      const other = await s.held(await s.worker());
      await s.applies(other, { entries: [step('open')], opens: [{ command: 1, key: 'paid' }, last] });
      expect(await s.inboxOf(other.run)).toEqual([]);
    });
  }

  test('end with a run that is terminated', async (s) => {
    const held = await opened(s, 'paid');
    const { workflowId } = held.run;
    await s.journal.terminate([{ namespace: NAMESPACE, workflowId, runId: null, reason: null }]);
    expect(await settle(s, 'paid')).toMatchObject({ type: 'not pending' });
    await s.applies(await s.held(await s.worker()), opening('paid'));
    expect(await settle(s, 'paid')).toMatchObject({ type: 'accepted' });
  });

  test('are not settled any more where their run rolls back', async (s) => {
    const held = await opened(s, 'paid');
    await s.applies(held, { entries: [step('roll back')], outcome: ROLLS_BACK });
    expect(await settle(s, 'paid')).toMatchObject({ type: 'not pending' });
    await s.applies(held, {
      entries: [runFailed()],
      decides: true,
      endsCallbacks: true,
      outcome: { type: 'close', state: 'failed' },
    });
    expect(await settle(s, 'paid')).toMatchObject({ type: 'not pending' });
  });

  test('tell who settled them, and of which run they are', async (s) => {
    const held = await opened(s, 'paid');
    const { workflowId } = held.run;
    const of = { workflowId, runId: held.lease.runId };
    await settle(s, 'paid', { by: 'ann' });
    expect((await s.inboxOf(held.run)).map(({ by }) => by)).toEqual(['ann']);
    expect(await settle(s, held, { by: 'bob' })).toEqual({ type: 'unchanged', same: false, of });
    const other = await opened(s, null);
    await settle(s, other);
    expect((await s.inboxOf(other.run)).map(({ by }) => by)).toEqual([undefined]);
    const query = { namespace: NAMESPACE, runId: null, cursor: null, limit: 10 };
    const { operations } = await s.journal.operations({ ...query, workflowId });
    // What has changed nothing is told by whoever was answered so.
    const { namespace: _, at, ...row } = only(operations);
    expect(at).toBeGreaterThan(0);
    expect(row).toEqual({ ...of, verb: 'complete', by: 'ann', outcome: 'applied', facts: { name: 'paid' } });
    const ofOther = { ...query, workflowId: other.run.workflowId };
    expect((await s.journal.operations(ofOther)).operations).toEqual([]);
    await s.applies(held, { entries: [step('late')], opens: [{ command: 6, key: 'late' }] });
    await s.applies(held, { entries: [step('over')], withdraws: [6] });
    expect(await settle(s, 'late')).toEqual({ type: 'not pending', of });
  });

  test('whose key is taken wake a run that is given back in the same write', async (s) => {
    await opened(s, 'paid');
    const held = await s.held(await s.worker());
    await s.applies(held, { ...opening('paid'), outcome: { type: 'release', wakeAt: null } });
    const again = await s.reclaimed(held.lease.owner, held.run);
    expect(await newsOf(s, again)).toEqual([`callback_result run:${COMMAND}:taken`]);
  });

  test('of namespaces have nothing to do with each other', async (s) => {
    const here = await opened(s, 'paid');
    const owner = await s.worker({ namespace: 'other' });
    const there = await s.held(owner, { namespace: 'other' });
    await s.applies(there, opening('paid'));
    expect(await s.inboxOf(there.run)).toEqual([]);
    expect(await settle(s, there)).toEqual({ type: 'unknown' });
    expect(await settle(s, 'paid', { namespace: 'other' })).toMatchObject({ actorId: there.lease.actorId });
    expect(await settle(s, 'paid')).toMatchObject({ actorId: here.lease.actorId });
  });

  test('wait for a row that somebody holds, and hold up no other', async (s) => {
    const [held, free] = [await opened(s, 'held'), await opened(s, 'free')];
    const release = await s.harness.holdActor(held.lease.actorId);
    const waiting = watch(settle(s, 'held'));
    expect(await settle(s, 'free')).toMatchObject({ actorId: free.lease.actorId });
    expect(waiting.settled()).toBe(false);
    await release();
    expect(await waiting.promise).toMatchObject({ type: 'accepted', actorId: held.lease.actorId });
  });

  test('settled by two at once are settled by one of them', async (s) => {
    const second = await s.harness.second();
    for (const i of range(ROUNDS)) {
      const held = await opened(s, `paid ${i}`);
      const answers = await race(
        i,
        () => settle(s, `paid ${i}`),
        () => settle(s, held, { news: 'failed' }, second),
      );
      expect([countOf(answers, 'accepted'), countOf(answers, 'unchanged')]).toEqual([1, 1]);
      expect(await s.inboxOf(held.run)).toHaveLength(1);
    }
  });

  test('opened by two at once with one key are opened by one of them', async (s) => {
    const second = await s.harness.second();
    for (const i of range(ROUNDS)) {
      const [one, two] = await s.heldMany(2, await s.worker());
      const turn = opening(`key ${i}`);
      const answers = await race(
        i,
        () => s.settles(one!, turn),
        () => s.settles(two!, turn, second),
      );
      expect(countOf(answers, 'applied')).toBe(2);
      const told = [...(await newsOf(s, one!)), ...(await newsOf(s, two!))];
      expect(told).toEqual([`callback_result run:${COMMAND}:taken`]);
    }
  });

  test('settled while their run ends or withdraws them are told of, or nobody was', async (s) => {
    const second = await s.harness.second();
    const ways: readonly (() => Partial<Turn>)[] = [
      () => ({ entries: [runCompleted()], decides: true, endsCallbacks: true, outcome: COMPLETED }),
      () => ({ entries: [step('late')], withdraws: [COMMAND] }),
      () => ({ ...continuing().changes, endsCallbacks: true }),
    ];
    for (const i of range(ROUNDS * 3)) {
      const held = await opened(s, `paid ${i}`);
      const [answer, committed] = await race(
        Math.floor(i / 3),
        () => settle(s, `paid ${i}`, {}, second),
        () => s.settles(held, ways[i % 3]!()),
      );
      expect(committed).toMatchObject({ type: 'applied' });
      expect(['accepted', 'not pending']).toContain(answer.type);
      const again = await settle(s, `paid ${i}`);
      expect(again.type).toBe(answer.type === 'accepted' ? 'unchanged' : 'not pending');
      // Its key is free in any case.
      const next = await s.held(held.lease.owner);
      await s.applies(next, opening(`paid ${i}`));
      expect(await s.inboxOf(next.run)).toEqual([]);
    }
  });
}
