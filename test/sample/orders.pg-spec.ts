import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { OrderSummary } from '../../sample/01-orders/src/orders/order-view.js';
import { GatewayUnavailableError } from '../../sample/01-orders/src/payments/payment-gateway.js';
import type { Response as HttpResponse } from 'supertest';
import { Shop } from './support/shop.js';
import type { OrderBody } from './support/shop.js';

let shop: Shop;
beforeAll(async () => (shop = await Shop.open()));
afterAll(() => shop?.close());
afterEach(() => {
  shop.settings.approvalTimeout = '10 minutes';
  jest.restoreAllMocks();
});

let lastId = 0;
const order = (change: Partial<OrderBody> = {}): OrderBody => ({
  id: `${++lastId}`,
  customer: 'ann',
  items: [
    { sku: 'pen', quantity: 2, price: 1.5 },
    { sku: 'lamp', quantity: 1, price: 19.99 },
  ],
  ...change,
});
const largeOrder = (change: Partial<OrderBody> = {}): OrderBody =>
  order({ items: [{ sku: 'desk', quantity: 3, price: 400.1 }], ...change });

describe('an order', () => {
  it('is reserved, charged, shipped and completed', async () => {
    const before = await shop.stock();
    const placed = order();
    await shop.place(placed);
    expect(await shop.ended(placed.id)).toEqual({
      id: placed.id,
      workflowId: `order-${placed.id}`,
      status: 'completed',
      customer: 'ann',
      total: 22.99,
      placedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      result: {
        orderId: placed.id,
        total: 22.99,
        paymentId: expect.any(String),
        tracking: expect.any(String),
        approvedBy: null,
      },
    });
    expect(await shop.moved(placed.id)).toEqual([2299]);
    expect(await shop.stock()).toEqual({ ...before, pen: before['pen']! - 2, lamp: before['lamp']! - 1 });
  });

  it('counts a sku that stands in it twice together', async () => {
    const before = await shop.stock();
    const pens = { sku: 'pen', quantity: 1, price: 0.1 };
    const placed = order({ items: [pens, { ...pens, price: 0.2 }] });
    await shop.place(placed);
    expect(await shop.ended(placed.id)).toMatchObject({ status: 'completed', total: 0.3 });
    expect(await shop.stock()).toEqual({ ...before, pen: before['pen']! - 2 });
  });

  it('needs no approval at a total of 1,000', async () => {
    const placed = order({ items: [{ sku: 'desk', quantity: 10, price: 100 }] });
    await shop.place(placed);
    expect(await shop.ended(placed.id)).toMatchObject({ status: 'completed', total: 1000 });
  });
});

describe('an order that cannot be', () => {
  it.each([
    {
      why: 'a declined card',
      change: { customer: 'broke' },
      reason: 'The card of "broke" was declined.',
      rollback: 'complete',
    },
    {
      why: 'an unknown sku',
      change: {
        items: [
          { sku: 'pen', quantity: 1, price: 1 },
          { sku: 'spoon', quantity: 1, price: 1 },
        ],
      },
      reason: 'There is no "spoon" in this shop.',
      rollback: 'none',
    },
    {
      why: 'too little stock',
      change: {
        items: [
          { sku: 'pen', quantity: 1, price: 1 },
          { sku: 'lamp', quantity: 1_000_000, price: 0.01 },
        ],
      },
      reason: expect.stringMatching(/^Too little "lamp" in stock: 1000000 ordered, \d+ left\.$/),
      rollback: 'none',
    },
  ])('fails by $why and leaves no trace', async ({ change, reason, rollback }) => {
    const before = await shop.stock();
    const placed = order(change);
    await shop.place(placed);
    expect(await shop.ended(placed.id)).toMatchObject({ status: 'failed', failure: { reason, rollback } });
    expect(await shop.stock()).toEqual(before);
    expect(await shop.moved(placed.id)).toEqual([]);
  });
});

describe('the card gateway', () => {
  it('charges once although its first answer got lost', async () => {
    const charge = shop.gateway.charge.bind(shop.gateway);
    const spy = jest.spyOn(shop.gateway, 'charge').mockImplementationOnce(async (booking) => {
      await charge(booking);
      throw new GatewayUnavailableError('lost on the way back');
    });
    const placed = order();
    await shop.place(placed);
    expect(await shop.ended(placed.id)).toMatchObject({ status: 'completed' });
    expect(spy).toHaveBeenCalledTimes(2);
    expect(await shop.moved(placed.id)).toEqual([2299]);
  });

  it('refunds once although its first answer got lost', async () => {
    const refund = shop.gateway.refund.bind(shop.gateway);
    const spy = jest.spyOn(shop.gateway, 'refund').mockImplementationOnce(async (booking) => {
      await refund(booking);
      throw new GatewayUnavailableError('lost on the way back');
    });
    shop.settings.approvalTimeout = '20ms';
    const placed = largeOrder();
    await shop.place(placed);
    expect(await shop.ended(placed.id)).toMatchObject({
      status: 'failed',
      failure: { rollback: 'complete' },
    });
    expect(spy).toHaveBeenCalledTimes(2);
    expect(await shop.moved(placed.id)).toEqual([120_030, -120_030]);
  });

  it('refunds what it had charged when the order is cancelled before it could tell', async () => {
    const before = await shop.stock();
    const placed = order();
    const charge = shop.gateway.charge.bind(shop.gateway);
    jest.spyOn(shop.gateway, 'charge').mockImplementationOnce(async (booking) => {
      await charge(booking);
      await shop.post(`/orders/${placed.id}/cancel`, { reason: 'too late' }).expect(202);
      throw new GatewayUnavailableError('lost on the way back');
    });
    await shop.place(placed);
    expect(await shop.ended(placed.id)).toMatchObject({
      status: 'cancelled',
      failure: { rollback: 'complete' },
    });
    expect(await shop.moved(placed.id)).toEqual([2299, -2299]);
    expect(await shop.stock()).toEqual(before);
  });
});

describe('a large order', () => {
  it('waits for its approval, then completes', async () => {
    const placed = largeOrder();
    await shop.place(placed);
    await shop.untilStatus(placed.id, 'waiting for approval');
    await shop.post(`/orders/${placed.id}/approve`, { by: 'bob' }).expect(202);
    expect((await shop.order(placed.id)).status).not.toBe('waiting for approval');
    expect(await shop.ended(placed.id)).toMatchObject({
      status: 'completed',
      total: 1200.3,
      result: { approvedBy: 'bob' },
    });
    expect(await shop.moved(placed.id)).toEqual([120_030]);
  });

  it('can be approved before it asks', async () => {
    const placed = largeOrder();
    const charge = shop.gateway.charge.bind(shop.gateway);
    jest.spyOn(shop.gateway, 'charge').mockImplementationOnce(async (booking) => {
      await shop.post(`/orders/${placed.id}/approve`, { by: 'bob' }).expect(202);
      return charge(booking);
    });
    await shop.place(placed);
    expect(await shop.ended(placed.id)).toMatchObject({ status: 'completed', result: { approvedBy: 'bob' } });
  });

  it('is rolled back when nobody approves it in time', async () => {
    const before = await shop.stock();
    shop.settings.approvalTimeout = '50ms';
    const placed = largeOrder();
    await shop.place(placed);
    expect(await shop.ended(placed.id)).toMatchObject({
      status: 'failed',
      failure: { reason: 'Nobody approved the order within 50ms.', rollback: 'complete' },
    });
    expect(await shop.moved(placed.id)).toEqual([120_030, -120_030]);
    expect(await shop.stock()).toEqual(before);
    await shop.post(`/orders/${placed.id}/approve`, { by: 'bob' }).expect(409);
  });

  it('is rolled back when it is cancelled while it waits', async () => {
    const before = await shop.stock();
    const placed = largeOrder();
    await shop.place(placed);
    await shop.untilStatus(placed.id, 'waiting for approval');
    await shop.post(`/orders/${placed.id}/cancel`, { reason: 'changed my mind' }).expect(202);
    expect(await shop.ended(placed.id)).toMatchObject({
      status: 'cancelled',
      failure: { reason: 'changed my mind', rollback: 'complete' },
    });
    expect(await shop.moved(placed.id)).toEqual([120_030, -120_030]);
    expect(await shop.stock()).toEqual(before);
  });
});

describe('a duplicate id', () => {
  it('gives the running order, however many ask at once', async () => {
    const placed = largeOrder();
    await Promise.all(Array.from({ length: 20 }, () => shop.place(placed)));
    await shop.untilStatus(placed.id, 'waiting for approval');
    await shop.place({ ...placed, customer: 'eve' });
    await shop.post(`/orders/${placed.id}/approve`, { by: 'bob' }).expect(202);
    expect(await shop.ended(placed.id)).toMatchObject({ status: 'completed', customer: 'ann' });
    expect(await shop.moved(placed.id)).toEqual([120_030]);
  });

  it('gives the order that has ended, and does not run it again', async () => {
    const placed = order();
    await shop.place(placed);
    const ended = await shop.ended(placed.id);
    await shop.place(placed);
    expect(await shop.order(placed.id)).toEqual(ended);
    expect(await shop.moved(placed.id)).toEqual([2299]);
  });
});

describe('bad input', () => {
  const item = { sku: 'pen', quantity: 1, price: 1 };
  it.each([
    { what: 'an order without anything', body: {}, fields: ['id', 'customer', 'items'] },
    { what: 'an order that is a list', body: [], fields: ['expected object'] },
    { what: 'an id with a slash', body: { ...order(), id: 'a/b' }, fields: ['id'] },
    { what: 'an id that is too long', body: { ...order(), id: 'a'.repeat(101) }, fields: ['id'] },
    { what: 'an id that is a number', body: { ...order(), id: 17 }, fields: ['id'] },
    { what: 'a customer without a name', body: { ...order(), customer: ' ' }, fields: ['customer'] },
    {
      what: 'a customer with a control character',
      body: { ...order(), customer: 'a\u0000' },
      fields: ['customer'],
    },
    { what: 'no items', body: { ...order(), items: [] }, fields: ['items'] },
    {
      what: 'items that cannot be',
      body: {
        ...order(),
        items: [
          { ...item, quantity: 0 },
          { ...item, quantity: 1.5 },
          { ...item, price: -1 },
          { ...item, sku: '' },
        ],
      },
      fields: ['items.0.quantity', 'items.1.quantity', 'items.2.price', 'items.3.sku'],
    },
    {
      what: 'a price in fractions of a cent',
      body: { ...order(), items: [{ ...item, price: 0.001 }] },
      fields: ['items.0.price'],
    },
    {
      what: 'a total that cannot be counted',
      body: {
        ...order(),
        items: Array.from({ length: 100 }, () => ({ ...item, quantity: 1e9, price: 1e6 })),
      },
      fields: ['items'],
    },
  ])('refuses $what with 400 and the fields', async ({ body, fields }) => {
    const response = await shop.post('/orders', body).expect(400);
    const { message } = response.body as { message: readonly string[] };
    for (const field of fields) expect(message).toContainEqual(expect.stringContaining(field));
    expect(message).toHaveLength(fields.length);
  });

  it('refuses a body that is missing or no JSON', async () => {
    await shop.post('/orders').expect(400);
    await shop.post('/orders', '{').type('json').expect(400);
  });

  it.each(['%00', 'a%20b', 'x'.repeat(300)])(
    'refuses to look for the charges of the order %s',
    async (id) => {
      await shop.get(`/ledger?order=${id}`).expect(400);
      await shop.get('/ledger?order=nobody-knows').expect(200, []);
    },
  );

  it('refuses an approval by nobody', async () => {
    const placed = largeOrder();
    await shop.place(placed);
    await shop.post(`/orders/${placed.id}/approve`, {}).expect(400);
    await shop.post(`/orders/${placed.id}/cancel`).expect(202);
    expect(await shop.ended(placed.id)).toMatchObject({
      status: 'cancelled',
      failure: { reason: 'The order was cancelled.' },
    });
  });

  it.each(['nobody-knows', 'a%20b', '%00', 'x'.repeat(300)])('does not know the order %s', async (id) => {
    await shop.get(`/orders/${id}`).expect(404);
    await shop.post(`/orders/${id}/approve`, { by: 'bob' }).expect(404);
    await shop.post(`/orders/${id}/cancel`, { reason: 'why not' }).expect(404);
  });

  it('refuses what comes too late, or is not needed', async () => {
    const placed = order();
    await shop.place(placed);
    await shop.ended(placed.id);
    await shop.post(`/orders/${placed.id}/approve`, { by: 'bob' }).expect(409);
    await shop.post(`/orders/${placed.id}/cancel`, { reason: 'too late' }).expect(409);
  });

  it.each([
    'status=lost',
    'status=failed&status=running',
    'limit=0',
    'limit=1001',
    'limit=many',
    'cursor=nonsense',
  ])('refuses a list by %s', async (query) => {
    await shop.get(`/orders?${query}`).expect(400);
  });
});

async function list(query: string): Promise<{ ids: string[]; pages: number }> {
  const ids: string[] = [];
  let pages = 0;
  for (let path: string | undefined = `/orders?${query}`; path !== undefined; pages++) {
    const response: HttpResponse = await shop.get(path).expect(200);
    ids.push(...(response.body as OrderSummary[]).map(({ id }) => id));
    path = /^<(.*)>; rel="next"$/.exec(response.headers['link'] ?? '')?.[1];
  }
  return { ids, pages };
}

describe('the list', () => {
  it('has each order under its status, newest first, in pages', async () => {
    const completed = [order(), order(), order()];
    const failed = [order({ customer: 'broke' })];
    const waiting = [largeOrder(), largeOrder()];
    const cancelled = [largeOrder()];
    for (const placed of [...completed, ...failed, ...waiting, ...cancelled]) await shop.place(placed);
    for (const { id } of [...completed, ...failed]) await shop.ended(id);
    for (const { id } of [...waiting, ...cancelled]) await shop.untilStatus(id, 'waiting for approval');
    for (const { id } of cancelled) {
      await shop.post(`/orders/${id}/cancel`, {}).expect(202);
      await shop.ended(id);
    }

    const byStatus = { completed, failed, cancelled, 'waiting for approval': waiting };
    const ours = Object.values(byStatus)
      .flat()
      .map(({ id }) => id);
    for (const [status, orders] of Object.entries(byStatus)) {
      const { ids } = await list(`status=${encodeURIComponent(status)}`);
      expect(ids.filter((id) => ours.includes(id))).toEqual(orders.map(({ id }) => id).toReversed());
    }
    expect((await list('status=running')).ids.filter((id) => ours.includes(id))).toEqual([]);

    const all = await list('');
    expect(all.ids.slice(0, ours.length)).toEqual(expect.arrayContaining(ours));
    const paged = await list('limit=2');
    expect(paged.ids).toEqual(all.ids);
    expect(paged.pages).toBe(Math.ceil(all.ids.length / 2));

    for (const { id } of waiting) await shop.post(`/orders/${id}/approve`, { by: 'bob' }).expect(202);
    for (const { id } of waiting) await shop.ended(id);
  });
});
