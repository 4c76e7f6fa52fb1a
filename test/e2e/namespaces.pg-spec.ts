import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { Workflow, WorkflowContext } from 'nestjs-continuum';
import type { ContinuumModuleOptions } from 'nestjs-continuum';
import type { App } from './support/app.js';
import { closeApps, openApp } from './support/app.js';
import { PostgresBackend } from './support/backend.js';

// Two applications on one schema, each with a workflow called `notify` that is its own.
const backend = new PostgresBackend();
afterEach(closeApps);
afterAll(() => backend.clear());

@Workflow({ name: 'notify' })
class ShopNotification {
  async run(ctx: WorkflowContext, whom: string): Promise<string> {
    await ctx.sleep(1);
    return `the shop tells ${whom}`;
  }
}

@Workflow({ name: 'notify' })
class BankNotification {
  async run(ctx: WorkflowContext, whom: string): Promise<string> {
    await ctx.sleep(1);
    return `the bank tells ${whom}`;
  }
}

const open = (
  continuum: ContinuumModuleOptions,
  namespace: string,
  notification: Type,
  worker?: false,
): Promise<App> =>
  openApp({
    continuum: { ...continuum, namespace, ...(worker === false && { worker }) },
    providers: [notification],
  });

describe('two applications with one schema and a namespace each', () => {
  it('run their own workflows with their own code, also where names and ids are equal', async () => {
    const continuum = await backend.fresh();
    const shop = await open(continuum, 'shop', ShopNotification);
    const bank = await open(continuum, 'bank', BankNotification);
    const ids = Array.from({ length: 20 }, (_, i) => `notification-${i}`);
    const told = (app: App, notification: typeof ShopNotification) =>
      Promise.all(ids.map((id) => app.client.execute(notification, id, { id })));
    const [shops, banks] = await Promise.all([told(shop, ShopNotification), told(bank, BankNotification)]);
    expect(shops).toEqual(ids.map((id) => `the shop tells ${id}`));
    expect(banks).toEqual(ids.map((id) => `the bank tells ${id}`));
  });

  it('leave what is waiting for the other one alone', async () => {
    const continuum = await backend.fresh();
    const client = await open(continuum, 'bank', BankNotification, false);
    const waiting = await client.client.start(BankNotification, 'Ada');
    const shop = await open(continuum, 'shop', ShopNotification);
    // By the time that this one is done, the other would have been claimed: it is due for longer.
    expect(await shop.client.execute(ShopNotification, 'Bob')).toBe('the shop tells Bob');
    expect(await waiting.history()).toEqual([]);
    await open(continuum, 'bank', BankNotification);
    expect(await waiting.result()).toBe('the bank tells Ada');
  });
});
