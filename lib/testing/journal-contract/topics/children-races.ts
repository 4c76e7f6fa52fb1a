import { uuidv7 } from 'uuidv7';
import type { HistoryEntry } from '../../../core/index.js';
import { actorOf, asRunId, letterName } from '../../../journal/index.js';
import type { ChildStart, CommitAnswer, Delivery, Journal, Outgoing } from '../../../journal/index.js';
import { countOf, only, race, range } from '../concurrency.js';
import { continuing, goingOn } from './continuation.js';
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

const ROUNDS = 30;
const COMMAND = 3;

const childOf = ({ run, lease }: Held, changes: Partial<ChildStart> = {}): ChildStart => {
  const runId = asRunId(uuidv7());
  const link = { workflowId: run.workflowId, runId: lease.runId };
  return {
    runId,
    workflowId: `child ${runId}`,
    workflow: 'order',
    version: 1,
    input: '{"total":1}',
    command: COMMAND,
    parentClose: 'terminate',
    lineage: { parent: link, root: link, depth: 1 },
    confirms: false,
    ...changes,
  };
};

const started = (child: ChildStart): HistoryEntry => ({
  type: 'child_started',
  at: 1_700_000_000_000,
  id: child.command,
  name: child.workflow,
  args: child.input,
  version: child.version,
  workflowId: child.workflowId,
  runId: child.runId,
  parentClose: child.parentClose,
  confirms: child.confirms,
  compensation: null,
  undoes: null,
});

/** Delivers until nothing is left, nor held by anybody. */
const deliverAll = async (s: Scenario, journal: Journal = s.journal): Promise<readonly Delivery[]> => {
  const all: Delivery[] = [];
  for (;;) {
    // What was held is put off for a moment.
    await s.harness.elapse(SECOND);
    const delivery = await journal.deliver(NAMESPACE, 100);
    all.push(delivery);
    if (delivery.done === 0 && !delivery.held && !delivery.more) return all;
  }
};

/** As a worker does that need not wait: while there is more that is due. */
const deliverDue = async (s: Scenario, limit: number): Promise<void> => {
  while ((await s.journal.deliver(NAMESPACE, limit)).more);
};

/** A parent and its child, both held, so that what they do is the test's. */
const family = async (s: Scenario, changes: Partial<ChildStart> = {}): Promise<readonly [Held, Held]> => {
  const owner = await s.worker({ leaseTimeout: 3_600_000 });
  const parent = await s.held(owner);
  const child = childOf(parent, changes);
  await s.applies(parent, { entries: [started(child)], children: [child] });
  const run = { ...s.request(), workflowId: child.workflowId, runId: child.runId };
  return [parent, await s.reclaimed(owner, run)];
};
const completes = (s: Scenario, held: Held, tellsParent: boolean): Promise<CommitAnswer> =>
  s.settles(held, {
    entries: [runCompleted()],
    consumedThrough: held.consumed + (tellsParent ? 1 : 0),
    decides: true,
    outcome: COMPLETED,
    tellsParent,
    closesChildren: !tellsParent,
  });
const ended = (parent: Held): string =>
  letterName({ runId: parent.lease.runId, command: COMMAND, news: 'completed' });

const to = ({ run, lease }: Held): Outgoing => ({
  kind: 'cancel',
  workflowId: run.workflowId,
  actorId: lease.actorId,
});

/** Parents, children and what goes between them, all at the same time. */
export function childrenRacesTopic({ test, expect }: Topic): void {
  test('the end of a child reaches its parent once, whoever delivers, and not one that has continued', async (s) => {
    const second = await s.harness.second();
    for (const round of range(ROUNDS)) {
      const [parent, child] = await family(s, { parentClose: 'abandon' });
      const continues = round % 2 === 0;
      const { next, changes } = continuing();
      await race(
        round,
        () => completes(s, child, true),
        () => (continues ? s.settles(parent, changes) : s.settles(parent, { entries: [step('a')] })),
      );
      await Promise.all([deliverAll(s), deliverAll(s, second)]);
      const now = continues ? goingOn(parent, next.runId) : parent;
      const news = (await s.inboxOf(parent.run, now.consumed)).filter(({ kind }) => kind === 'child_end');
      // Between the two it may have been delivered to the run that is over by now: then it means nothing to the next.
      if (continues) expect(news.length).toBeLessThanOrEqual(1);
      else expect(news.map(({ name }) => name)).toEqual([ended(parent)]);
      for (const { name } of news) expect(name).toBe(ended(parent));
    }
  }, 60_000);

  test('of workers that deliver at once each does its part, and a target gets everything once and in order', async (s) => {
    const second = await s.harness.second();
    const owner = await s.worker();
    const senders = await s.heldMany(10, owner);
    const target = await s.held(owner);
    const send = {
      kind: 'cancel',
      workflowId: target.run.workflowId,
      actorId: target.lease.actorId,
    } as const;
    for (const sender of senders)
      for (const _ of range(5)) await s.applies(sender, { entries: [step('send')], sends: [send, send] });
    const deliveries = await Promise.all(
      range(6).map((i) => deliverAll(s, i % 2 === 0 ? s.journal : second)),
    );
    expect(deliveries.flat().reduce((sum, { done }) => sum + done, 0)).toBe(100);
    const inbox = await s.inboxOf(target.run);
    expect(inbox.map(({ n }) => n)).toEqual(range(100).map((i) => i + 1));
  }, 60_000);

  test('what cannot be delivered, because somebody holds its target, keeps nothing else waiting, however much it is', async (s) => {
    const owner = await s.worker({ leaseTimeout: 3_600_000 });
    const [sender, other, held, free] = await s.heldMany(4, owner);
    if (!sender || !other || !held || !free) throw new Error('Four runs were started.');
    const release = await s.harness.holdActor(actorOf(held.run.runId));
    const limit = 4;
    // More than is looked at once; some of it comes when the first of it was tried already.
    for (const _ of range(3)) {
      await s.applies(sender, { entries: [step('send')], sends: range(limit).map(() => to(held)) });
      await s.journal.deliver(NAMESPACE, limit);
    }
    await s.applies(other, { entries: [step('send')], sends: [to(free)] });
    for (const _ of range(20)) await s.journal.deliver(NAMESPACE, limit);
    expect(await s.inboxOf(free.run)).toHaveLength(1);
    expect(await s.inboxOf(held.run)).toEqual([]);
    await release();
    await deliverAll(s);
    expect(await s.inboxOf(held.run)).toHaveLength(3 * limit);
  });

  test('a full portion for a run that is held does not end the looking, while there is more that is due', async (s) => {
    const owner = await s.worker({ leaseTimeout: 3_600_000 });
    const [sender, other, held, free] = (await s.heldMany(4, owner)) as [Held, Held, Held, Held];
    await s.harness.holdActor(actorOf(held.run.runId));
    await s.applies(sender, { entries: [step('send')], sends: range(8).map(() => to(held)) });
    await s.applies(other, { entries: [step('send')], sends: [to(free)] });
    await deliverDue(s, 4);
    expect(await s.inboxOf(free.run)).toHaveLength(1);
  });

  test('the end of a run with many children reaches all of them at once', async (s) => {
    const parent = await s.held(await s.worker());
    const children = range(120).map((command) => childOf(parent, { command, parentClose: 'cancel' }));
    await s.applies(parent, { entries: [step('start')], children });
    await completes(s, { ...parent, seq: 2 }, false);
    await deliverDue(s, 100);
    for (const child of children)
      expect((await s.inboxOf(child)).map(({ kind }) => kind)).toEqual(['start', 'cancel']);
  });

  test('terminations of a run that is held wait for nobody, and come later', async (s) => {
    const owner = await s.worker({ leaseTimeout: 3_600_000 });
    const [target, ...senders] = (await s.heldMany(101, owner)) as [Held, ...Held[]];
    for (const sender of senders)
      await s.applies(sender, { entries: [step('end')], sends: [{ ...to(target), kind: 'terminate' }] });
    const release = await s.harness.holdActor(actorOf(target.run.runId));
    const began = performance.now();
    expect(await s.journal.deliver(NAMESPACE, 100)).toMatchObject({ done: 0, ended: [], held: true });
    // A wait for each of them would be 5 seconds.
    expect(performance.now() - began).toBeLessThan(3_000);
    expect((await s.describe(target.run)).state).toBe('running');
    await release();
    await deliverAll(s);
    expect((await s.describe(target.run)).state).toBe('terminated');
  }, 30_000);

  test('a message does not overtake a termination that was sent before it', async (s) => {
    const [sender, target] = (await s.heldMany(2, await s.worker({ leaseTimeout: 3_600_000 }))) as [
      Held,
      Held,
    ];
    const signal = {
      ...to(target),
      kind: 'signal',
      actorId: null,
      name: 'late',
      payload: '1',
      reply: 7,
    } as const;
    await s.applies(sender, {
      entries: [step('end')],
      sends: [{ ...to(target), kind: 'terminate' }, signal],
    });
    await deliverAll(s);
    const { runId } = sender.lease;
    expect((await s.inboxOf(sender.run)).map(({ name }) => name)).toEqual([
      letterName({ runId, command: 7, news: 'not running' }),
    ]);
  });

  test('a child has the time limits that it is started with, from then on, and none of its parent', async (s) => {
    const owner = await s.worker();
    const parent = await s.held(owner, { limits: { run: HOUR, chain: null } });
    const limited = childOf(parent, { limits: { run: MINUTE, chain: HOUR } });
    const chained = childOf(parent, { command: 4, limits: { run: null, chain: MINUTE } });
    const free = childOf(parent, { command: 5 });
    const children = [limited, chained, free];
    const before = await s.harness.now();
    await s.applies(parent, { entries: children.map(started), children });
    const after = await s.harness.now();
    for (const child of [limited, chained]) {
      const { deadlineAt } = await s.describe(child);
      expect(deadlineAt).toBeGreaterThanOrEqual(Math.floor(before) + MINUTE);
      expect(deadlineAt).toBeLessThanOrEqual(Math.ceil(after) + MINUTE);
    }
    expect((await s.describe(free)).deadlineAt).toBeNull();
    const claims = await s.claim(owner);
    const limits = children.map(({ runId }) => {
      const { run, chain, runLimit } = only(claims.filter(({ lease }) => lease.runId === runId)).deadlines;
      return [run !== null, chain !== null, runLimit];
    });
    expect(limits).toEqual([
      [true, true, MINUTE],
      [false, true, null],
      [false, false, null],
    ]);
  });

  test('two runs that start one child id at once: one has it, and the other is told', async (s) => {
    const second = await s.harness.second();
    const owner = await s.worker();
    for (const round of range(ROUNDS)) {
      const parents = await s.heldMany(2, owner);
      const workflowId = `wanted ${round}`;
      const children = parents.map((parent) => childOf(parent, { workflowId, confirms: true }));
      const commit = (i: number, journal: Journal) =>
        s.settles(parents[i]!, { entries: [started(children[i]!)], children: [children[i]!] }, journal);
      const answers = await race(
        round,
        () => commit(0, s.journal),
        () => commit(1, second),
      );
      expect(countOf(answers, 'applied')).toBe(2);
      const news = await Promise.all(parents.map(({ run }) => s.inboxOf(run)));
      const told = news.flat().map(({ name }) => name?.split(':').at(-1) ?? '');
      expect(new Set(told)).toEqual(new Set(['accepted', 'refused']));
      expect(told).toHaveLength(2);
    }
  }, 60_000);
}
