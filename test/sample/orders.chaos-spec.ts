import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { OrderDetails, OrderStatus } from '../../sample/01-orders/src/orders/order-view.js';
import { createDatabase } from '../support/database.js';
import type { TestDatabase } from '../support/database.js';
import { Chance, testSeed } from '../support/random.js';
import { CompiledSample } from './support/compiled-sample.js';
import type { SampleProcess } from './support/compiled-sample.js';

const KILLS = 5;
const ORDERS = 60;
/** Orders come in for this long, in ms. */
const OPEN = 10_000;
/** After which an order that has not ended is stuck, in ms. */
const PATIENCE = 40_000;

/** What a customer does, and how the order may end. */
interface Story {
  readonly customer: string;
  readonly sku: string;
  readonly quantity: number;
  readonly price: number;
  readonly next?: 'approve' | 'cancel';
  readonly ends: readonly OrderStatus[];
}
const pens = { customer: 'ann', sku: 'pen', quantity: 3, price: 1.25 };
const desks = { customer: 'bob', sku: 'desk', quantity: 2, price: 999.99 };
const STORIES: readonly Story[] = [
  { ...pens, ends: ['completed'] },
  { ...pens, next: 'cancel', ends: ['completed', 'cancelled'] },
  { ...pens, customer: 'broke', ends: ['failed'] },
  { ...pens, sku: 'spoon', ends: ['failed'] },
  { ...pens, sku: 'lamp', quantity: 1_000_000, ends: ['failed'] },
  { ...desks, next: 'approve', ends: ['completed'] },
  { ...desks, next: 'cancel', ends: ['cancelled'] },
];

let database: TestDatabase;
let sample: CompiledSample;
let shop: SampleProcess | undefined;
beforeAll(async () => {
  sample = new CompiledSample('01-orders');
  database = await createDatabase();
});
afterAll(async () => {
  await shop?.kill();
  sample?.remove();
  await database?.drop();
});

const open = async (env: Readonly<Record<string, string>> = {}): Promise<void> => {
  shop = await sample.start({ DATABASE_URL: database.url, ...env });
};
const kill = async (): Promise<void> => {
  await shop?.kill();
  shop = undefined;
};

it('a shop whose port is taken says so, and what to do', async () => {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await expect(open({ PORT: String(port) })).rejects.toThrow(
    `Port ${port} is taken by another process. Choose one that is free: PORT=`,
  );
  server.close();
});

const JSON_BODY = { 'content-type': 'application/json' };

/** Asks, or posts a body, until there is an answer: a customer does not give up because a server died. */
async function ask(path: string, body?: object): Promise<{ status: number; body: unknown }> {
  for (;;) {
    const { url } = shop ?? {};
    try {
      if (url !== undefined) {
        const response = await fetch(url + path, {
          signal: AbortSignal.timeout(10_000),
          ...(body && { method: 'POST', headers: JSON_BODY, body: JSON.stringify(body) }),
        });
        const text = await response.text();
        return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
      }
    } catch {
      // It died in the middle: nobody knows whether it was done.
    }
    await pause(20);
  }
}

async function live(id: string, { customer, sku, quantity, price, next }: Story): Promise<void> {
  const placed = await ask('/orders', { id, customer, items: [{ sku, quantity, price }] });
  expect(placed).toEqual({ status: 202, body: { workflowId: `order-${id}` } });
  if (next === 'approve') expect((await ask(`/orders/${id}/approve`, { by: 'eve' })).status).toBe(202);
  if (next === 'cancel') expect([202, 409]).toContain((await ask(`/orders/${id}/cancel`, {})).status);
}

async function ended(id: string): Promise<OrderDetails> {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const { body } = await ask(`/orders/${id}`);
    const order = body as OrderDetails;
    if (order.status !== 'running' && order.status !== 'waiting for approval') return order;
    if (Date.now() > deadline)
      throw new Error(`It does not end:\n${JSON.stringify(order)}\n${await historyOf(order)}`);
    await pause(50);
  }
}

const historyOf = async ({ workflowId }: OrderDetails): Promise<string> =>
  JSON.stringify(
    await rows(
      `select seq, type, command_id, name, facts, at from continuum.history join continuum.runs on id = run_id
       where workflow_id = '${workflowId}' order by seq`,
    ),
    null,
    1,
  );

async function rows<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('sample 01 under kill -9', () => {
  it('brings every order to its right end, and moves money and goods once', async () => {
    const seed = testSeed();
    const chance = new Chance(seed);
    console.log(`CONTINUUM_SEED=${seed}`);

    // These wait for an approval that never comes; how long is said when they are placed.
    await open({ APPROVAL_TIMEOUT: '3s' });
    const stories = new Map<string, Story>();
    for (const id of ['left-1', 'left-2']) {
      stories.set(id, { ...desks, ends: ['failed'] });
      await live(id, stories.get(id)!);
    }
    await kill();

    const customers = Array.from({ length: ORDERS }, async (_, i) => {
      const [id, story] = [`order.${i}`, chance.pick(STORIES)];
      stories.set(id, story);
      await pause(chance.below(OPEN));
      await live(id, story);
    });
    for (let i = 0; i < KILLS; i++) {
      await open();
      await pause(200 + chance.below(2_500));
      await kill();
    }
    await open();
    await Promise.all(customers);

    const orders = await Promise.all([...stories.keys()].map(ended));
    for (const order of orders) {
      const { ends } = stories.get(order.id)!;
      if (!ends.includes(order.status)) {
        throw new Error(
          `${ends.join(' or ')} was right:\n${JSON.stringify(order, null, 2)}\n${shop?.output}`,
        );
      }
    }

    const money = await rows<{ order_id: string; charges: number; refunds: number; balance: string }>(
      `select order_id, count(*) filter (where kind = 'charge')::int as charges,
         count(*) filter (where kind = 'refund')::int as refunds,
         sum(case kind when 'charge' then cents else -cents end) as balance
       from ledger group by order_id`,
    );
    const booked = new Map(money.map((row) => [row.order_id, row]));
    for (const { id, status, total } of orders) {
      const { charges = 0, refunds = 0, balance = '0' } = booked.get(id) ?? {};
      const completed = status === 'completed';
      expect({ id, charges, refunds: refunds <= 1, balance: Number(balance) }).toEqual({
        id,
        charges: completed ? 1 : Math.min(charges, 1),
        refunds: true,
        balance: completed ? Math.round(total * 100) : 0,
      });
    }

    const shipped = await rows<{ order_id: string }>('select order_id from shipments order by order_id');
    const completed = orders.filter(({ status }) => status === 'completed').map(({ id }) => id);
    expect(shipped.map((row) => row.order_id).toSorted()).toEqual(completed.toSorted());

    const sold: Record<string, number> = {};
    for (const id of completed) {
      const { sku, quantity } = stories.get(id)!;
      sold[sku] = (sold[sku] ?? 0) + quantity;
    }
    for (const { sku, available } of await rows<{ sku: string; available: number }>('select * from stock')) {
      expect({ sku, sold: 50_000 - available }).toEqual({ sku, sold: sold[sku] ?? 0 });
    }

    // An orderly end, too: what it holds is given back before TypeORM is closed.
    expect(await shop!.end()).toBe('SIGTERM');
    expect(shop!.output).not.toMatch(/ERROR|FATAL/);
  }, 120_000);
});
