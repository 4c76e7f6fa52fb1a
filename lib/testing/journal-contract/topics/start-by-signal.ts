import { uuidv7 } from 'uuidv7';
import { actorOf, asRunId } from '../../../journal/index.js';
import type { Outgoing, OutgoingStart } from '../../../journal/index.js';
import { range } from '../concurrency.js';
import { runCompleted, step } from '../entries.js';
import { COMPLETED, HOUR, MINUTE, NAMESPACE, type Held, type Scenario, type Topic } from '../scenario.js';
import { deliverAll, deliverUntil } from './children.js';

const starting = (changes: Partial<OutgoingStart> = {}): OutgoingStart => ({
  runId: asRunId(uuidv7()),
  workflow: 'order',
  version: 1,
  input: '{"total":7}',
  ...changes,
});

const signalTo = (workflowId: string, reply: number, start: OutgoingStart): Outgoing => ({
  kind: 'signal_with_start',
  workflowId,
  actorId: null,
  name: `n${reply}`,
  payload: `${reply}`,
  start,
  reply,
});

const sends = (s: Scenario, sender: Held, ...all: readonly Outgoing[]): Promise<unknown> =>
  s.applies(sender, { entries: [step('send')], sends: all });

const newsOf = async (s: Scenario, { lease }: Held): Promise<readonly string[]> =>
  (await s.inboxOf(lease)).map(({ name }) => name?.replace(`${lease.runId}:`, '') ?? '');

/** Signals from one run to another that start it where none is open. */
export function startBySignalTopic({ test, expect }: Topic): void {
  test('nobody is there: the run is started, and the signal comes first', async (s) => {
    const sender = await s.held(await s.worker());
    const ended = await s.closed('completed');
    const ids = ['nobody', ended.workflowId];
    const starts = [starting({ limits: { run: MINUTE, chain: HOUR } }), starting()];
    await sends(s, sender, ...starts.map((start, i) => signalTo(ids[i]!, i, start)));
    const deliveries = await deliverAll(s);
    const woken = deliveries.flatMap(({ reached }) => reached);
    expect(woken.flatMap(({ actorId, owner }) => (owner === null ? [actorId] : [])).toSorted()).toEqual(
      starts.map(({ runId }) => actorOf(runId)).toSorted(),
    );
    for (const [i, { runId }] of starts.entries()) {
      expect(await s.inboxOf({ runId })).toMatchObject([
        { n: 1, kind: 'signal', name: `n${i}`, payload: `${i}` },
        { n: 2, kind: 'start', payload: '{"total":7}' },
      ]);
      const run = await s.describe({ runId, workflowId: ids[i]! });
      expect(run).toMatchObject({ runId, state: 'running', workflow: 'order', version: 1, lineage: null });
      expect(run.deadlineAt === null).toBe(i === 1);
    }
    expect(await newsOf(s, sender)).toEqual(['0:delivered', '1:delivered']);
    expect(await s.claimedIds(await s.worker())).toEqual(ids.toSorted());
  });

  test('a run is open: it gets the signal, and nothing is started', async (s) => {
    const owner = await s.worker();
    const [sender, target] = [await s.held(owner), await s.held(owner)];
    const start = starting();
    await sends(s, sender, signalTo(target.run.workflowId, 0, start));
    const deliveries = await deliverAll(s);
    const woken = deliveries.flatMap(({ reached }) => reached.map(({ actorId }) => actorId));
    expect(woken.includes(target.lease.actorId)).toBe(true);
    expect(await s.inboxOf(target.run)).toMatchObject([{ kind: 'signal', name: 'n0', payload: '0' }]);
    const { workflowId } = target.run;
    expect(await s.journal.count({ namespace: NAMESPACE, workflowId })).toBe(1);
    expect(await newsOf(s, sender)).toEqual(['0:delivered']);
  });

  test('a run that rolls back gets nothing, and no other one is started', async (s) => {
    const owner = await s.worker();
    const [sender, target] = [await s.held(owner), await s.held(owner)];
    await s.applies(target, { entries: [step('roll back')], decides: true, outcome: { type: 'roll back' } });
    await sends(s, sender, signalTo(target.run.workflowId, 0, starting()));
    await deliverAll(s);
    expect(await s.inboxOf(target.run)).toEqual([]);
    const { workflowId } = target.run;
    expect(await s.journal.count({ namespace: NAMESPACE, workflowId })).toBe(1);
    expect(await newsOf(s, sender)).toEqual(['0:not running']);
  });

  test('of many one starts the run, and all arrive in their order with what else is sent there', async (s) => {
    const sender = await s.held(await s.worker());
    const starts = range(3).map(() => starting());
    const plain = { kind: 'signal', workflowId: 'one', actorId: null, payload: '9' } as const;
    await sends(
      s,
      sender,
      signalTo('one', 0, starts[0]!),
      signalTo('one', 1, starts[1]!),
      { ...plain, name: 'n2', reply: 2 },
      signalTo('one', 3, starts[2]!),
      { ...plain, name: 'n4', reply: 4 },
    );
    await deliverUntil(s, async () => (await newsOf(s, sender)).length === 5);
    expect((await s.inboxOf(starts[0]!)).map(({ kind, name }) => name ?? kind)).toEqual([
      'n0',
      'start',
      'n1',
      'n2',
      'n3',
      'n4',
    ]);
    expect(await s.journal.count({ namespace: NAMESPACE, workflowId: 'one' })).toBe(1);
    expect((await newsOf(s, sender)).toSorted()).toEqual(range(5).map((i) => `${i}:delivered`));
  });

  test('of several runs that start one at once, one does', async (s) => {
    const owner = await s.worker();
    const senders = await s.heldMany(8, owner);
    const starts = senders.map(() => starting());
    await Promise.all(senders.map((sender, i) => sends(s, sender, signalTo('one', i, starts[i]!))));
    await Promise.all(range(4).map(() => deliverAll(s)));
    await deliverUntil(s, async () =>
      (await Promise.all(senders.map((sender) => newsOf(s, sender)))).every(({ length }) => length === 1),
    );
    expect(await s.journal.count({ namespace: NAMESPACE, workflowId: 'one' })).toBe(1);
    const one = (await s.claim(await s.worker())).flatMap(({ lease }) =>
      starts.filter(({ runId }) => runId === lease.runId),
    );
    expect(one).toHaveLength(1);
    const inbox = await s.inboxOf(one[0]!);
    const names = inbox.flatMap(({ kind, name }) => (kind === 'signal' ? [name ?? ''] : []));
    expect(names.toSorted()).toEqual(senders.map((_, i) => `n${i}`));
    for (const [i, sender] of senders.entries()) expect(await newsOf(s, sender)).toEqual([`${i}:delivered`]);
  });

  test('a target that somebody has locked keeps nothing else waiting', async (s) => {
    const owner = await s.worker();
    const [sender, target] = [await s.held(owner), await s.held(owner)];
    const release = await s.harness.holdActor(target.lease.actorId);
    const free = starting();
    await sends(s, sender, signalTo(target.run.workflowId, 0, starting()), signalTo('free', 1, free), {
      kind: 'signal',
      workflowId: target.run.workflowId,
      actorId: null,
      name: 'n2',
      payload: '2',
      reply: 2,
    });
    expect(await s.journal.deliver(NAMESPACE, 20)).toMatchObject({ done: 1, held: true });
    expect(await s.inboxOf(free)).toHaveLength(2);
    await release();
    await deliverUntil(s, async () => (await s.inboxOf(target.run)).length === 2);
    expect((await s.inboxOf(target.run)).map(({ name }) => name)).toEqual(['n0', 'n2']);
  });

  test('its sender may have ended meanwhile', async (s) => {
    const sender = await s.held(await s.worker());
    const start = starting();
    const end = { entries: [runCompleted()], decides: true, outcome: COMPLETED } as const;
    await s.applies(sender, { ...end, sends: [signalTo('later', 0, start)] });
    await deliverAll(s);
    expect(await s.inboxOf(start)).toHaveLength(2);
  });
}
