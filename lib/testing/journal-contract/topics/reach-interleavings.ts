import { type HistoryEntry, isTerminal } from '../../../core/index.js';
import type { CommitAnswer, Turn } from '../../../journal/index.js';
import { only, race, range, watch } from '../concurrency.js';
import { runCompleted, step } from '../entries.js';
import {
  COMPLETED,
  HOUR,
  MINUTE,
  NAMESPACE,
  SECOND,
  type Held,
  type Scenario,
  type Topic,
} from '../scenario.js';
import { childOf, deliverAll, family } from './children.js';
import { continuing, goingOn } from './continuation.js';
import { during } from './interleavings.js';

const ROUNDS = 24;
const CLOSES = { entries: [runCompleted()], decides: true, outcome: COMPLETED } as const;
const answered = (updateId: string): HistoryEntry => ({
  type: 'update_answered',
  at: 1,
  updateId,
  outcome: { type: 'value', value: '1' },
  unanswered: null,
});

const terminated = ({ run }: Held) => ({
  namespace: NAMESPACE,
  workflowId: run.workflowId,
  runId: null,
  reason: null,
});

/** Everybody of `waiting` comes to a row that somebody holds, and gets it when that lets go: in whichever order. */
async function behindRow<T extends readonly unknown[]>(
  s: Scenario,
  { lease }: Held,
  waiting: () => { readonly [K in keyof T]: Promise<T[K]> },
): Promise<T> {
  const release = await s.harness.holdActor(lease.actorId);
  const all = watch(Promise.all(waiting()));
  // Enough time to arrive at the row. Whether they do makes no difference to what must hold.
  for (let i = 0; i < 5 && !all.settled(); i++) await s.harness.now();
  await release();
  return await all.promise;
}

/** As a holder does: as often as it is told that the row is busy. */
const settled = async (s: Scenario, held: Held, changes: Partial<Turn>) => {
  const first = await s.commit(held, changes, { wait: true });
  return first.type === 'busy' ? await s.settles(held, changes) : first;
};

/** With what was put off for a moment. */
async function deliverLate(s: Scenario): Promise<void> {
  await s.harness.elapse(SECOND);
  await deliverAll(s);
}

/** Runs and what goes between them, when two things come to one row. */
export function reachInterleavingTopic({ test, expect }: Topic): void {
  for (const parentClose of ['terminate', 'cancel', 'abandon'] as const)
    test(`a child ends while its parent’s end is on its way, which would ${parentClose} it`, async (s) => {
      for (const first of ['the end of the child', 'the end of the parent'] as const) {
        const { parent, children } = await family(s, 1, { parentClose });
        const child = only(children);
        const release = await s.harness.holdActor(child.lease.actorId);
        const end = (): Promise<CommitAnswer> => settled(s, child, { ...CLOSES, tellsParent: true });
        const ending = first === 'the end of the child' ? watch(end()) : null;
        await s.applies(parent, { ...CLOSES, closesChildren: true });
        // Its row is held, so this child is passed over.
        expect(await s.journal.deliver(NAMESPACE, 20)).toMatchObject({ ended: [] });
        await release();
        if (ending === null) await deliverLate(s);
        if (ending === null && parentClose !== 'terminate') {
          const told = (await s.inboxOf(child.run)).map(({ kind }) => kind);
          expect(told).toEqual(parentClose === 'cancel' ? ['cancel'] : []);
        }
        const answer = await (ending?.promise ?? end());
        await deliverLate(s);
        expect(answer.type).toBe(ending === null && parentClose === 'terminate' ? 'lost' : 'applied');
        const { state } = await s.describe(child.run);
        expect(state).toBe(answer.type === 'applied' ? 'completed' : 'terminated');
        expect((await s.historyOf(child.run)).filter(isTerminal)).toHaveLength(1);
        if (parentClose !== 'terminate') expect(state).toBe('completed');
        expect(await s.inboxOf(child.run)).toEqual([]);
        expect(await s.journal.deliver(NAMESPACE, 20)).toMatchObject({ done: 0, held: false });
      }
    });

  test('the end of a child that waited for its parent’s last turn is dropped, and one that came before keeps no parent', async (s) => {
    const { parent, children } = await family(s, 2, { parentClose: 'abandon' });
    const [early, late] = children as readonly [Held, Held];
    await s.applies(early, { ...CLOSES, tellsParent: true });
    const [answer] = await behindRow<[unknown, unknown]>(s, parent, () => [
      settled(s, parent, { ...CLOSES, closesChildren: true }),
      s.applies(late, { ...CLOSES, tellsParent: true }).then(() => s.journal.deliver(NAMESPACE, 20)),
    ]);
    expect(answer).toEqual({ type: 'applied', inboxSeq: 0 });
    await deliverLate(s);
    expect(await s.inboxOf(parent.run)).toEqual([]);
    expect((await s.historyOf(parent.run)).at(-1)).toEqual(runCompleted());
  });

  test('a child that is started while its parent is terminated follows it, or never was', async (s) => {
    const second = await s.harness.second();
    for (const i of range(ROUNDS)) {
      const parent = await s.held(await s.worker());
      const parentClose = (['terminate', 'cancel', 'abandon'] as const)[i % 3]!;
      const child = childOf(parent, 0, { parentClose });
      const start = (): Promise<unknown> =>
        settled(s, parent, { entries: [step('start')], children: [child] });
      const end = (): Promise<unknown> => second.terminate([terminated(parent)]);
      const [started, stopped] = await behindRow<[unknown, unknown]>(s, parent, () =>
        i % 2 === 0
          ? [start(), end()]
          : ([end(), start()].toReversed() as [Promise<unknown>, Promise<unknown>]),
      );
      expect(stopped).toMatchObject([{ type: 'terminated' }]);
      await deliverLate(s);
      const [found] = await s.journal.describe([{ namespace: NAMESPACE, ...child }]);
      if ((started as { readonly type: string }).type === 'lost') expect(found).toBeNull();
      else expect(found?.state).toBe(parentClose === 'terminate' ? 'terminated' : 'running');
      const kinds = (await s.inboxOf(child)).map(({ kind }) => kind);
      expect(kinds).toEqual(
        found?.state !== 'running' ? [] : parentClose === 'cancel' ? ['start', 'cancel'] : ['start'],
      );
    }
  }, 60_000);

  for (const end of ['commit', 'roll back'] as const)
    test(`a run that continues after it waited for a message: ${end} of that`, async (s) => {
      for (const kind of ['signal', 'cancel', 'update'] as const) {
        const held = await s.held(await s.worker());
        const message = {
          signal: s.signal(held.run),
          cancel: s.cancel(held.run),
          update: s.update(held.run, 'u'),
        };
        const { next, changes } = continuing();
        const answer = await during(
          s,
          (within) => s.journal.send([message[kind]], within && { within }),
          () => settled(s, held, changes),
          end,
        );
        const arrived = end === 'commit' ? [kind] : [];
        expect(answer).toEqual({ type: 'applied', inboxSeq: arrived.length });
        expect((await s.inboxOf(held.run, -1)).map(({ n, kind: its }) => [n, its])).toEqual([
          [0, 'start'],
          ...arrived.map((its) => [1, its]),
        ]);
        if (kind === 'update')
          expect((await s.answer(held.run, 'u')).type).toBe(end === 'commit' ? 'open' : 'unknown');
        await s.applies(goingOn(held, next.runId), { entries: [step('a')], consumedThrough: arrived.length });
      }
    });

  test('messages, a termination and a continuation that come to one row at once', async (s) => {
    const second = await s.harness.second();
    for (const _ of range(ROUNDS)) {
      const held = await s.held(await s.worker());
      const { next, changes } = continuing();
      const [answer, sent, stopped] = await behindRow<[{ type: string }, { type: string }, unknown]>(
        s,
        held,
        () => [
          settled(s, held, changes),
          s.send(s.signal(held.run), second),
          second.terminate([terminated(held)]),
        ],
      );
      expect(['applied', 'lost']).toContain(answer.type);
      expect(['accepted', 'not running']).toContain(sent.type);
      expect(stopped).toMatchObject([{ type: 'terminated' }]);
      const last = answer.type === 'applied' ? next.runId : held.run.runId;
      expect((await s.historyOf({ runId: last })).at(-1)).toMatchObject({ type: 'run_terminated' });
      expect(
        await s.journal.count({ namespace: NAMESPACE, workflowId: held.run.workflowId, state: 'running' }),
      ).toBe(0);
      expect(await s.inboxOf(held.run, -1)).toEqual([]);
    }
  }, 60_000);

  test('a close that waited for an update is refused, and applies where that was rolled back', async (s) => {
    for (const end of ['commit', 'roll back'] as const) {
      const held = await s.held(await s.worker());
      const answer = await during(
        s,
        (within) => s.journal.send([s.update(held.run, 'u')], within && { within }),
        () => settled(s, held, CLOSES),
        end,
      );
      expect(answer).toEqual(
        end === 'commit' ? { type: 'signals unread', inboxSeq: 1 } : { type: 'applied', inboxSeq: 0 },
      );
      expect((await s.answer(held.run, 'u')).type).toBe(end === 'commit' ? 'open' : 'unknown');
      if (end === 'roll back') continue;
      // The turn is taken again with it, and answers it.
      await s.applies(held, { ...CLOSES, entries: [answered('u'), runCompleted()], consumedThrough: 1 });
      expect((await s.answer(held.run, 'u')).type).toBe('answered');
    }
  });

  test('an update and a close that race: it is refused, or the close is, and none is accepted and forgotten', async (s) => {
    const second = await s.harness.second();
    const owner = await s.worker();
    for (const i of range(ROUNDS * 2)) {
      const held = await s.held(owner);
      const locked = i % 4 === 3;
      const close = async (): Promise<{ readonly type: string }> =>
        locked
          ? await s.journal.commitLocked(held.lease, 0, async (messages) =>
              s.turn(held, {
                ...CLOSES,
                entries: [...messages.map(({ updateId }) => answered(updateId ?? '')), runCompleted()],
                consumedThrough: messages.length,
              }),
            )
          : await s.settles(held, CLOSES);
      const [closed, sent] = await race(i, close, () => s.send(s.update(held.run, 'u'), second));
      const { type } = await s.answer(held.run, 'u');
      if (sent.type !== 'accepted') {
        expect([closed.type, sent.type, type]).toEqual(['applied', 'not running', 'unknown']);
      } else if (locked) expect([closed.type, type]).toEqual(['applied', 'answered']);
      else {
        expect([closed.type, type]).toEqual(['signals unread', 'open']);
        await s.journal.terminate([terminated(held)]);
        expect((await s.answer(held.run, 'u')).type).toBe('gone');
      }
    }
  }, 60_000);

  test('a run that completes while others find its worker dead and its time over ends once, and its parent hears of one end', async (s) => {
    const second = await s.harness.second();
    for (const i of range(ROUNDS)) {
      const parentOwner = await s.worker();
      const parent = await s.held(parentOwner);
      const start = childOf(parent, 0, { limits: { run: MINUTE, chain: null } });
      await s.applies(parent, { entries: [step('start')], children: [start] });
      const owner = await s.worker({ leaseTimeout: SECOND });
      const child = await s.reclaimed(owner, { ...s.request(), ...start });
      await s.journal.unregister(parentOwner);
      await s.harness.elapse(HOUR);
      const [answer, { ended }] = await race(
        i,
        () => s.settles(child, { ...CLOSES, consumedThrough: 1, tellsParent: true }),
        async () => {
          await second.rescue(NAMESPACE);
          return await second.endOverdue({ namespace: NAMESPACE, failure: '{}', limit: 50 });
        },
      );
      const isDone = answer.type === 'applied';
      const swept = ended.map(({ runId }) => runId);
      if (isDone) expect(swept).toEqual([]);
      // A sweep that came too early finds it the next time.
      else if (swept.length === 0)
        await s.journal.endOverdue({ namespace: NAMESPACE, failure: '{}', limit: 50 });
      const { state } = await s.describe(start);
      expect(state).toBe(isDone ? 'completed' : 'timed_out');
      expect((await s.historyOf(start)).filter(isTerminal)).toHaveLength(1);
      await deliverLate(s);
      const ends = (await s.inboxOf(parent.run)).filter(({ kind }) => kind === 'child_end');
      expect(ends.map(({ name }) => name)).toEqual([`${parent.run.runId}:0:${state}`]);
      await s.journal.terminate([terminated(parent)]);
    }
  }, 60_000);
}
