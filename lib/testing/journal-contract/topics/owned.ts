import type { OwnedActor, WorkerId } from '../../../journal/index.js';
import { only } from '../concurrency.js';
import { step } from '../entries.js';
import type { Held, Scenario, Topic } from '../scenario.js';

const idsOf = (actors: readonly OwnedActor[]): readonly string[] =>
  actors.map(({ actorId }) => actorId).toSorted();

const leaseOf = ({ lease }: Held): OwnedActor => ({
  actorId: lease.actorId,
  token: lease.token,
  inboxSeq: 0,
});

const countedBy = async (s: Scenario, owner: WorkerId): Promise<number | null> => {
  const answer = await s.journal.heartbeat(owner);
  return answer.type === 'alive' ? answer.owned : null;
};

export function ownedTopic({ test, expect }: Topic): void {
  test('a heartbeat counts what a worker owns, and it can be read: all, or what has unread messages', async (s) => {
    const owner = await s.worker();
    const [quiet, mailed] = await s.heldMany(2, owner);
    if (!quiet || !mailed) throw new Error('Two runs were started.');
    await s.held(await s.worker());
    await s.started();
    await s.accepted(s.signal(mailed.run));
    expect(await countedBy(s, owner)).toBe(2);
    expect(idsOf(await s.journal.owned(owner, 'all'))).toEqual(idsOf([leaseOf(quiet), leaseOf(mailed)]));
    expect(await s.journal.owned(owner, 'unread')).toEqual([
      { actorId: mailed.lease.actorId, token: 1, inboxSeq: 1 },
    ]);
    await s.releases(quiet);
    await s.completes({ ...mailed, consumed: 1 });
    expect(await countedBy(s, owner)).toBe(0);
    expect(await s.journal.owned(owner, 'all')).toEqual([]);
  });

  test('a lease without messages, and without any doubt, is seen and given back; no other run is touched', async (s) => {
    const owner = await s.worker();
    const [stray, mate] = await s.heldMany(2, owner);
    if (!stray || !mate) throw new Error('Two runs were started.');
    expect(await s.journal.giveBack(owner, [leaseOf(stray)])).toBe(1);
    expect(idsOf(await s.journal.owned(owner, 'all'))).toEqual([mate.lease.actorId]);
    await s.applies(mate, { entries: [step('undisturbed')] });
    // The fence holds against whoever believes to have it.
    expect(await s.commit(stray, { entries: [step('late')] })).toMatchObject({ type: 'lost' });
    const [claim] = await s.claim(owner);
    expect(claim).toMatchObject({ workflowId: stray.run.workflowId, failedTurns: 0, lease: { token: 2 } });
    expect(await s.commit(stray, { entries: [step('late')] })).toMatchObject({ type: 'lost' });
    expect(await s.historyOf(stray.run)).toHaveLength(1);
  });

  test('nothing is given back under another token, by another owner, or of a run that has closed', async (s) => {
    const owner = await s.worker();
    const other = await s.worker();
    const [held, closed] = await s.heldMany(2, owner);
    if (!held || !closed) throw new Error('Two runs were started.');
    await s.completes(closed);
    expect(await s.journal.giveBack(owner, [{ ...leaseOf(held), token: 2 }, leaseOf(closed)])).toBe(0);
    expect(await s.journal.giveBack(other, [leaseOf(held)])).toBe(0);
    expect(await s.journal.giveBack(owner, [])).toBe(0);
    await s.applies(held, { entries: [step('still mine')] });
  });

  test('giving back goes round a held row, and takes it later', async (s) => {
    const owner = await s.worker();
    const [locked, free] = await s.heldMany(2, owner);
    if (!locked || !free) throw new Error('Two runs were started.');
    const release = await s.harness.holdActor(locked.lease.actorId);
    expect(await s.journal.giveBack(owner, [leaseOf(locked), leaseOf(free)])).toBe(1);
    expect(only(await s.journal.owned(owner, 'all'))).toMatchObject({ actorId: locked.lease.actorId });
    await release();
    expect(await s.journal.giveBack(owner, [leaseOf(locked)])).toBe(1);
    expect(await s.claimedIds(await s.worker())).toEqual(
      [locked.run.workflowId, free.run.workflowId].toSorted(),
    );
  });
}
