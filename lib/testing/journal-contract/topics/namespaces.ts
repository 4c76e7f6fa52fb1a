import type { StartRequest } from '../../../journal/index.js';
import { only } from '../concurrency.js';
import { step } from '../entries.js';
import { HOUR, MINUTE, SECOND, type Held, type Scenario, type Topic } from '../scenario.js';

/** A run of a namespace, taken by a worker of it. */
const heldIn = async (s: Scenario, namespace: string, leaseTimeout = HOUR): Promise<Held> => {
  const run: StartRequest = await s.started({ namespace });
  const owner = await s.worker({ namespace, leaseTimeout });
  const claim = only(await s.claim(owner, 1, s.journal, namespace));
  return { run, lease: claim.lease, seq: 0, consumed: 0 };
};

/** Two applications on one journal, with workflows of the same names that are different code. */
export function namespacesTopic({ test, expect }: Topic): void {
  test('runs are claimed for their own namespace only, also where names and ids are equal', async (s) => {
    const ids = { workflowId: 'order-17', workflow: 'order', version: 1 };
    const [shops, banks] = [
      await s.started({ ...ids, namespace: 'shop' }),
      await s.started({ ...ids, namespace: 'bank' }),
    ];
    const [shop, bank] = [await s.worker({ namespace: 'shop' }), await s.worker({ namespace: 'bank' })];
    expect(await s.claimedIds(await s.worker({ namespace: 'third' }), 'third')).toEqual([]);
    expect(only(await s.claim(bank, 10, s.journal, 'bank'))).toMatchObject({
      namespace: 'bank',
      lease: { owner: bank, runId: banks.runId },
    });
    expect(await s.claimedIds(bank, 'bank')).toEqual([]);
    expect(only(await s.claim(shop, 10, s.journal, 'shop'))).toMatchObject({
      namespace: 'shop',
      lease: { owner: shop, runId: shops.runId },
    });
  });

  test('another build wakes the blocked runs of its own namespace only', async (s) => {
    const [shops, banks] = [await heldIn(s, 'shop'), await heldIn(s, 'bank')];
    await s.blocks(shops, HOUR);
    await s.blocks(banks, HOUR);
    const bank = await s.worker({ namespace: 'bank', buildId: 'build-2' });
    const shop = await s.worker({ namespace: 'shop' });
    expect(await s.claimedIds(shop, 'shop')).toEqual([]);
    expect(await s.claimedIds(bank, 'bank')).toEqual([banks.run.workflowId]);
    expect(await s.claimedIds(await s.worker({ namespace: 'shop', buildId: 'build-2' }), 'shop')).toEqual([
      shops.run.workflowId,
    ]);
  });

  test('a rescue ends workers and frees runs of its own namespace only', async (s) => {
    const [shops, banks] = [await heldIn(s, 'shop', SECOND), await heldIn(s, 'bank', SECOND)];
    await s.harness.elapse(MINUTE);
    expect(await s.journal.rescue('bank')).toEqual({
      deadWorkers: [banks.lease.owner],
      freedActors: 1,
      blocked: [],
    });
    expect(await s.journal.rescue('bank')).toEqual({ deadWorkers: [], freedActors: 0, blocked: [] });
    expect(await s.claimedIds(await s.worker({ namespace: 'bank' }), 'bank')).toEqual([banks.run.workflowId]);
    // Nobody has taken anything from the worker of the other one.
    await s.applies(shops, { entries: [step('a')] });
  });

  test('runs whose namespace lost its last worker are freed when one comes back', async (s) => {
    const { run, lease } = await heldIn(s, 'shop', SECOND);
    await s.harness.elapse(MINUTE);
    await s.journal.rescue('bank');
    const back = await s.worker({ namespace: 'shop' });
    expect(await s.claimedIds(back, 'shop')).toEqual([]);
    expect(await s.journal.rescue('shop')).toEqual({
      deadWorkers: [lease.owner],
      freedActors: 1,
      blocked: [],
    });
    expect(await s.claimedIds(back, 'shop')).toEqual([run.workflowId]);
  });

  test('lists, counts and descriptions know nothing of runs of equal ids and attributes elsewhere', async (s) => {
    const attributes = { customer: 'ann', total: 5 };
    const shop = await s.started({ namespace: 'shop', workflowId: 'order', attributes });
    const bank = await s.started({ namespace: 'bank', workflowId: 'order', attributes });
    const conditions = [{ name: 'total', is: '>', value: 1 }] as const;
    for (const run of [shop, bank]) {
      const { namespace, runId } = run;
      const filters = [{ namespace }, { namespace, attributes }, { namespace, conditions }];
      for (const filter of filters) {
        const page = await s.journal.list({ filter, order: 'newest', cursor: null, limit: 10 });
        expect(page.runs.map((found) => found.runId)).toEqual([runId]);
        expect(await s.journal.count(filter)).toBe(1);
      }
      const [latest, others] = await s.journal.describe([
        { namespace, workflowId: 'order', runId: null },
        { namespace, workflowId: 'order', runId: run === shop ? bank.runId : shop.runId },
      ]);
      expect(latest).toMatchObject({ namespace, runId });
      expect(others).toBeNull();
    }
  });
}
