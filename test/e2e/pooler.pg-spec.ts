import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Activity, JournalError, OnQuery, OnSignal, Workflow, WorkflowContext } from 'nestjs-continuum';
import { type TestDatabase, createDatabase } from '../support/database.js';
import { type PgBouncer, describeBehindPgBouncer } from '../support/pgbouncer.js';
import { type AppOptions, closeApps, openApp } from './support/app.js';
import { caught } from './support/helpers.js';

@Injectable()
class Stock {
  @Activity() reserve(item: string): Promise<string> {
    return Promise.resolve(`${item} reserved`);
  }
}

@Workflow()
class OrderWorkflow {
  private paid = false;
  constructor(private readonly stock: Stock) {}
  @OnSignal() pay(): void {
    this.paid = true;
  }
  @OnQuery() isPaid(): boolean {
    return this.paid;
  }
  async run(ctx: WorkflowContext, item: string): Promise<string> {
    const reserved = await this.stock.reserve(item);
    await ctx.condition(() => this.paid);
    await ctx.sleep(10);
    return reserved;
  }
}

const behind = ({ url }: PgBouncer): AppOptions => ({
  continuum: { connection: { url } },
  providers: [Stock, OrderWorkflow],
});

describeBehindPgBouncer((start) => {
  let database: TestDatabase;
  let pooler: PgBouncer | undefined;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterEach(async () => {
    await closeApps();
    await pooler?.stop();
  });
  afterAll(() => database.drop());

  it('an application works in session mode', async () => {
    pooler = await start(database.url, 'session');
    const { client } = await openApp(behind(pooler));
    const orders = await Promise.all(
      Array.from({ length: 10 }, (_, n) => client.start(OrderWorkflow, `item ${n}`)),
    );
    for (const order of orders) await order.signal('pay');
    expect(await orders[0]!.query('isPaid')).toBe(true);
    const results = await Promise.all(orders.map((order) => order.result()));
    expect(results).toEqual(orders.map((_, n) => `item ${n} reserved`));
    expect(await client.count({ state: 'completed' })).toBe(10);
  });

  it.each(['transaction', 'statement'] as const)(
    'an application does not start in %s mode, and says why at once',
    async (mode) => {
      pooler = await start(database.url, mode);
      const before = performance.now();
      const refused = await caught(openApp(behind(pooler)));
      // What cannot be reached is tried again for half a minute; this is no outage.
      expect(performance.now() - before).toBeLessThan(3_000);
      expect(refused).toBeInstanceOf(JournalError);
      expect(String(refused)).toMatch(/set the pooler to session mode, or connect without it\.$/);
    },
  );
});
