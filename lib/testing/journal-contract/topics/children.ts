import { setImmediate } from 'node:timers/promises';
import { uuidv7 } from 'uuidv7';
import type { HistoryEntry } from '../../../core/index.js';
import type { ChildStart, Delivery, Journal, Turn } from '../../../journal/index.js';
import { actorOf, asRunId } from '../../../journal/index.js';
import { gate, only, race, range } from '../concurrency.js';
import { runCancelled, runCompleted, runFailed, runStarted, step } from '../entries.js';
import { COMPLETED, HOUR, MINUTE, NAMESPACE, type Held, type Scenario, type Topic } from '../scenario.js';

/** A child as its parent's turn starts it. */
export function childOf(parent: Held, command: number, changes: Partial<ChildStart> = {}): ChildStart {
  const link = { workflowId: parent.run.workflowId, runId: parent.lease.runId };
  return {
    runId: asRunId(uuidv7()),
    workflowId: `${parent.run.workflowId}/${command}`,
    workflow: 'order',
    version: 1,
    input: `{"child":${command}}`,
    command,
    parentClose: 'cancel',
    lineage: { parent: link, root: link, depth: 1 },
    confirms: false,
    ...changes,
  };
}

/** Delivers until nothing is left to deliver, and nothing is put off. */
export async function deliverAll(s: Scenario, journal: Journal = s.journal): Promise<readonly Delivery[]> {
  const deliveries: Delivery[] = [];
  for (;;) {
    const delivery = await journal.deliver(NAMESPACE, 20);
    deliveries.push(delivery);
    if (!delivery.more && !delivery.held && delivery.done === 0) return deliveries;
    await setImmediate();
  }
}

/** A parent with children, each held by its worker, with one entry in its history. */
export async function family(
  s: Scenario,
  count: number,
  changes: Partial<ChildStart> = {},
): Promise<{ readonly parent: Held; readonly children: readonly Held[] }> {
  const owner = await s.worker();
  const parent = await s.held(owner);
  const starts = range(count).map((command) => childOf(parent, command, changes));
  await s.applies(parent, { entries: [step('start')], children: starts });
  const claims = await s.claim(owner);
  const children = starts.map((start): Held => {
    const { lease } = only(claims.filter(({ workflowId }) => workflowId === start.workflowId));
    const run = s.request({ runId: start.runId, workflowId: start.workflowId });
    return { run, lease, seq: 0, consumed: 0 };
  });
  for (const child of children) await s.applies(child, { entries: [runStarted()], consumedThrough: 1 });
  return { parent, children };
}

const ending = (entry: HistoryEntry, state: 'completed' | 'failed' | 'cancelled'): Partial<Turn> => ({
  entries: [entry],
  decides: true,
  tellsParent: true,
  outcome: { type: 'close', state },
});
const COMPLETES = ending(runCompleted(), 'completed');

const stop = (s: Scenario, { run }: Held, reason: string | null = null) =>
  s.journal.terminate([{ namespace: NAMESPACE, workflowId: run.workflowId, runId: null, reason }]);

const newsOf = async (s: Scenario, { lease }: Held): Promise<readonly string[]> =>
  (await s.inboxOf(lease)).map(({ kind, name }) => `${kind} ${name?.replace(lease.runId, 'parent')}`);

export function childrenTopic({ test, expect }: Topic): void {
  test('begin in the write of the turn that starts them, and know whose they are', async (s) => {
    const parent = await s.held(await s.worker(), { priority: 1 });
    const child = childOf(parent, 3);
    await s.applies(parent, { entries: [step('start')], children: [child] });
    expect(await s.describe(child)).toMatchObject({ state: 'running', lineage: child.lineage });
    expect((await s.describe(parent.run)).lineage).toEqual(null);
    const claim = only(await s.claim(await s.worker()));
    expect(claim).toMatchObject({ workflowId: child.workflowId, lineage: child.lineage, inboxSeq: 1 });
    expect(await s.inboxOf(child)).toMatchObject([{ n: 1, kind: 'start', payload: child.input }]);
    expect(await s.inboxOf(parent.run)).toEqual([]);
    const listed = await s.journal.list({
      filter: { namespace: NAMESPACE, workflowId: child.workflowId },
      order: 'newest',
      cursor: null,
      limit: 10,
    });
    expect(only(listed.runs).lineage).toEqual(child.lineage);
  });

  test('have the time limits that they are started with, counted from the commit', async (s) => {
    const parent = await s.held(await s.worker());
    const before = Math.floor(await s.harness.now());
    const limits = { run: MINUTE, chain: HOUR };
    const limited = childOf(parent, 3, { limits });
    await s.applies(parent, { entries: [step('start')], children: [limited, childOf(parent, 4)] });
    const after = Math.ceil(await s.harness.now());
    const { deadlineAt } = await s.describe(limited);
    expect(deadlineAt).toBeGreaterThanOrEqual(before + MINUTE);
    expect(deadlineAt).toBeLessThanOrEqual(after + MINUTE);
    const claims = await s.claim(await s.worker());
    const deadlines = new Map(claims.map((claim) => [claim.workflowId, claim.deadlines]));
    const chain = (deadlineAt ?? 0) - MINUTE + HOUR;
    expect(deadlines.get(limited.workflowId)).toEqual({ run: deadlineAt, chain, runLimit: MINUTE });
    expect(deadlines.get(`${parent.run.workflowId}/4`)).toEqual({ run: null, chain: null, runLimit: null });
  });

  test('of a turn that does not apply do not begin', async (s) => {
    const parent = await s.held(await s.worker());
    const child = childOf(parent, 0);
    await stop(s, parent);
    expect(await s.commit(parent, { entries: [step('start')], children: [child] })).toEqual({ type: 'lost' });
    expect(await s.journal.describe([{ namespace: NAMESPACE, ...child }])).toEqual([null]);
  });

  test('of a turn that gives the run back wake it with what they tell', async (s) => {
    const taken = await s.started();
    const owner = await s.worker();
    const [told, asking, silent] = (await s.heldMany(3, owner)) as [Held, Held, Held];
    const release = { type: 'release', wakeAt: null } as const;
    const starting = (parent: Held, changes: Partial<ChildStart>) =>
      s.applies(parent, {
        entries: [step('start')],
        children: [childOf(parent, 0, changes)],
        outcome: release,
      });
    await starting(told, { workflowId: taken.workflowId });
    await starting(asking, { confirms: true });
    await starting(silent, {});
    const due = new Set(await s.claimedIds(owner));
    expect([told, asking, silent].map(({ run }) => due.has(run.workflowId))).toEqual([true, true, false]);
  });

  test('whose workflow id is taken are told of, as are those that somebody waits for', async (s) => {
    const taken = await s.started();
    const parent = await s.held(await s.worker());
    const children = [
      childOf(parent, 0, { workflowId: taken.workflowId }),
      childOf(parent, 1),
      childOf(parent, 2, { confirms: true }),
      childOf(parent, 3, { workflowId: taken.workflowId, confirms: true }),
    ];
    const answer = await s.commit(parent, { entries: [step('start')], children });
    expect(answer).toEqual({ type: 'applied', inboxSeq: 3 });
    expect(await newsOf(s, parent)).toEqual([
      'child_start parent:0:refused',
      'child_start parent:2:accepted',
      'child_start parent:3:refused',
    ]);
    expect((await s.describe(taken)).lineage).toEqual(null);
    expect((await s.historyOf(parent.run)).length).toBe(2);
  });

  test('tell their parent how they ended, once, with what they ended with', async (s) => {
    const { parent, children } = await family(s, 4);
    const [completes, fails, cancelled, terminated] = children as readonly [Held, Held, Held, Held];
    await s.applies(completes, COMPLETES);
    await s.applies(fails, ending(runFailed(), 'failed'));
    await s.applies(cancelled, ending(runCancelled(), 'cancelled'));
    await stop(s, terminated, 'enough');
    expect(await s.inboxOf(parent.run)).toEqual([]);
    const deliveries = await deliverAll(s);
    expect(deliveries.flatMap(({ reached }) => reached)).toEqual(
      range(4).map(() => ({ actorId: actorOf(parent.run.runId), owner: parent.lease.owner })),
    );
    expect(await newsOf(s, parent)).toEqual([
      'child_end parent:0:completed',
      'child_end parent:1:failed',
      'child_end parent:2:cancelled',
      'child_end parent:3:terminated',
    ]);
    const failure = '{"name":"Error","message":"no"}';
    expect((await s.inboxOf(parent.run)).map(({ payload }) => payload)).toEqual([
      '"done"',
      failure,
      failure,
      '"enough"',
    ]);
  });

  test('reach a parent that rolls back, and cost one that has ended nothing', async (s) => {
    const { parent, children } = await family(s, 2);
    const [first, second] = children as readonly [Held, Held];
    await s.applies(parent, { entries: [step('rollback')], outcome: { type: 'roll back' } });
    await s.applies(first, COMPLETES);
    await deliverAll(s);
    expect(await newsOf(s, parent)).toEqual(['child_end parent:0:completed']);
    await s.applies(parent, { entries: [runFailed()], outcome: { type: 'close', state: 'failed' } });
    // The workflow id of the parent is another run's by now.
    const other = await s.started({ workflowId: parent.run.workflowId });
    await s.applies(second, COMPLETES);
    await deliverAll(s);
    expect(await s.inboxOf(other)).toHaveLength(1);
  });

  test('end while their parent is locked, and its messages come later and in order; others do not wait', async (s) => {
    const [locked, free] = [await family(s, 3), await family(s, 1)];
    const release = await s.harness.holdActor(locked.parent.lease.actorId);
    for (const child of [...locked.children, ...free.children])
      expect(await s.settles(child, COMPLETES)).toMatchObject({ type: 'applied' });
    const first = await s.journal.deliver(NAMESPACE, 20);
    expect(first).toMatchObject({ done: 1, held: true });
    expect(await newsOf(s, free.parent)).toHaveLength(1);
    await release();
    await deliverUntil(s, async () => (await newsOf(s, locked.parent)).length === 3);
    expect(await newsOf(s, locked.parent)).toEqual(range(3).map((i) => `child_end parent:${i}:completed`));
  });

  test('of one parent end by the hundred, each told once, though two deliver at a time', async (s) => {
    const { parent, children } = await family(s, 120);
    const second = await s.harness.second();
    for (const child of children) await s.applies(child, COMPLETES);
    await Promise.all([deliverAll(s), deliverAll(s, second)]);
    await deliverUntil(s, async () => (await newsOf(s, parent)).length >= children.length);
    const news = await newsOf(s, parent);
    expect(news.length).toBe(children.length);
    expect(new Set(news).size).toBe(children.length);
    expect((await s.inboxOf(parent.run)).map(({ n }) => n)).toEqual(range(120).map((i) => i + 1));
  });

  for (const how of ['completes', 'is terminated'] as const) {
    test(`follow their parentClose when their parent ${how}, each once`, async (s) => {
      const owner = await s.worker();
      const parent = await s.held(owner);
      const closes = ['cancel', 'terminate', 'abandon'] as const;
      const starts = range(150).map((i) => childOf(parent, i, { parentClose: closes[i % 3]! }));
      await s.applies(parent, { entries: [step('start')], children: starts });
      if (how === 'completes') {
        const end = { entries: [runCompleted()], decides: true, outcome: COMPLETED } as const;
        await s.applies(parent, { ...end, closesChildren: true });
      } else await stop(s, parent);
      await deliverAll(s);
      for (const { runId, workflowId, parentClose } of starts) {
        const kinds = (await s.inboxOf({ runId })).map(({ kind }) => kind);
        const { state } = await s.describe({ runId, workflowId });
        const expected = {
          cancel: ['running', 'start', 'cancel'],
          terminate: ['terminated'],
          abandon: ['running', 'start'],
        }[parentClose];
        expect([state, ...kinds]).toEqual(expected);
      }
    });
  }

  test('are asked to cancel by a turn, each actor alone, and after what was sent before', async (s) => {
    const { parent, children } = await family(s, 1);
    const child = only(children);
    const { workflowId } = child.run;
    const to = { workflowId, actorId: child.lease.actorId };
    const send = { ...to, kind: 'cancel' } as const;
    await s.applies(parent, { entries: [step('cancel')], sends: [send] });
    await deliverAll(s);
    expect((await s.inboxOf(child.run)).map(({ kind }) => kind)).toEqual(['cancel']);
    await s.applies(child, { ...COMPLETES, consumedThrough: 2 });
    const later = await s.started({ workflowId: child.run.workflowId });
    await s.applies(parent, { entries: [step('again')], sends: [send, { ...send, kind: 'terminate' }] });
    await deliverAll(s);
    expect(await s.inboxOf(later)).toHaveLength(1);
    expect((await s.describe(later)).state).toBe('running');
  });

  test('and others get signals in order, and their sender is told what became of them', async (s) => {
    const owner = await s.worker();
    const [sender, target] = [await s.held(owner), await s.held(owner)];
    const ended = await s.closed('completed');
    const toWhom = [target.run.workflowId, ended.workflowId, 'nobody', target.run.workflowId];
    const sends = toWhom.map((workflowId, reply) => ({
      kind: 'signal' as const,
      workflowId,
      actorId: null,
      name: `n${reply}`,
      payload: `${reply}`,
      reply,
    }));
    await s.applies(sender, { entries: [step('send')], sends });
    // Its answers are for this run alone.
    await deliverAll(s);
    expect(await s.inboxOf(target.run)).toMatchObject([
      { kind: 'signal', name: 'n0', payload: '0' },
      { kind: 'signal', name: 'n3', payload: '3' },
    ]);
    expect((await newsOf(s, sender)).toSorted()).toEqual([
      'message_result parent:0:delivered',
      'message_result parent:1:not running',
      'message_result parent:2:not found',
      'message_result parent:3:delivered',
    ]);
    expect(
      await s.commit(target, { entries: [runCompleted()], decides: true, outcome: COMPLETED }),
    ).toMatchObject({
      type: 'signals unread',
    });
    expect(await s.journal.deliver(NAMESPACE, 20)).toMatchObject({ done: 0, held: false, more: false });
  });

  test('send to a parent that is locked, and their end does not overtake that', async (s) => {
    const { parent, children } = await family(s, 2);
    const { workflowId } = parent.run;
    const signal = { kind: 'signal', workflowId, actorId: null, payload: '1' } as const;
    const release = await s.harness.holdActor(parent.lease.actorId);
    for (const child of children) {
      await s.settles(child, { entries: [step('send')], sends: [{ ...signal, name: 'first' }] });
      expect(await s.journal.deliver(NAMESPACE, 20)).toMatchObject({ held: true });
      await s.settles(child, { ...COMPLETES, sends: [{ ...signal, name: 'second' }] });
    }
    await release();
    await deliverUntil(s, async () => (await s.inboxOf(parent.run)).length === 6);
    const inbox = await s.inboxOf(parent.run);
    for (const i of range(2)) {
      const end = inbox.findIndex(({ kind, name }) => kind === 'child_end' && name?.includes(`:${i}:`));
      const before = inbox
        .slice(0, end)
        .filter(({ kind }) => kind === 'signal')
        .map(({ name }) => name);
      expect(before.length).toBeGreaterThanOrEqual(2);
      expect(before).toContain('second');
    }
  });

  test('started while their parent is terminated do not outlive it', async (s) => {
    for (const i of range(18)) {
      const parent = await s.held(await s.worker());
      const child = childOf(parent, 0, { parentClose: 'terminate' });
      await race(
        i,
        () => s.settles(parent, { entries: [step('start')], children: [child] }),
        () => stop(s, parent),
      );
      await deliverAll(s);
      const [found] = await s.journal.describe([{ namespace: NAMESPACE, ...child }]);
      expect([undefined, 'terminated']).toContain(found?.state);
    }
  });

  test('that end while their parent does leave nothing behind', async (s) => {
    for (const i of range(9)) {
      const { parent, children } = await family(s, 1, { parentClose: 'terminate' });
      const child = only(children);
      const end = { entries: [runCompleted()], decides: true, outcome: COMPLETED } as const;
      const [, ended] = await race(
        i,
        () => s.settles(parent, { ...end, closesChildren: true }),
        () => s.settles(child, COMPLETES),
      );
      await deliverAll(s);
      expect(['applied', 'lost']).toContain(ended.type);
      expect(['completed', 'terminated']).toContain((await s.describe(child.run)).state);
      expect(await s.journal.deliver(NAMESPACE, 20)).toMatchObject({ done: 0, held: false });
    }
  });

  test('whose workflow id an open transaction has started keep only their own parent waiting', async (s) => {
    const { transaction } = s.harness;
    if (transaction === undefined) return;
    for (const end of ['commit', 'roll back'] as const) {
      const owner = await s.worker();
      const [parent, other] = [await s.held(owner), await s.held(owner)];
      const workflowId = `${parent.run.workflowId}/taken`;
      const [begun, finish] = [gate(), gate()];
      const done = transaction(async (within) => {
        await s.journal.start([s.request({ workflowId })], { within });
        begun.open();
        await finish.opened;
      }, end);
      await begun.opened;
      const turn = s.turn(parent, {
        entries: [step('start')],
        children: [childOf(parent, 0, { workflowId })],
      });
      const answers = await s.journal.commit([turn, s.turn(other, { entries: [step('a')] })]);
      expect(answers.map(({ type }) => type)).toEqual(['busy', 'applied']);
      expect(await s.historyOf(parent.run)).toHaveLength(1);
      finish.open();
      await done;
      const answer = only(await s.journal.commit([turn], { wait: true }));
      expect(answer).toEqual({ type: 'applied', inboxSeq: end === 'commit' ? 1 : 0 });
    }
  });
}

export async function deliverUntil(s: Scenario, arrived: () => Promise<boolean>): Promise<void> {
  while (!(await arrived())) await s.journal.deliver(NAMESPACE, 200);
}
