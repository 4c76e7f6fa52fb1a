import { describe, expect, it } from '@jest/globals';
import { newOrder, totalOf } from '../../sample/01-orders/src/orders/order.js';
import { readSettings } from '../../sample/01-orders/src/settings.js';

describe('the amounts of sample 01', () => {
  it.each([0.07, 1.1, 4.35, 8.2, 19.99, 0.1 + 0.2, 1_000_000])(
    'are whole cents at a price of %d',
    (price) => {
      const placed = newOrder.parse({
        id: '1',
        customer: 'ann',
        items: [{ sku: 'pen', quantity: 3, price }],
      });
      expect(totalOf(placed.items)).toBe(3 * Math.round(price * 100));
    },
  );

  it.each([0.001, 1.005, 19.999])('refuse fractions of a cent: %d', (price) => {
    expect(
      newOrder.safeParse({ id: '1', customer: 'ann', items: [{ sku: 'pen', quantity: 1, price }] }).success,
    ).toBe(false);
  });
});

describe('the settings of sample 01', () => {
  it('come from the environment', () => {
    expect(
      readSettings({
        DATABASE_URL: 'postgres://db',
        PORT: '0',
        APPROVAL_TIMEOUT: '2h',
        GATEWAY_FAILURES: '',
      }),
    ).toEqual({
      databaseUrl: 'postgres://db',
      port: 0,
      approvalTimeout: '2h',
      gatewayFailures: 0.3,
    });
  });

  it('are refused all at once', () => {
    const env = { PORT: 'http', APPROVAL_TIMEOUT: '3600', GATEWAY_FAILURES: '2' };
    for (const name of ['DATABASE_URL', 'PORT', 'APPROVAL_TIMEOUT', 'GATEWAY_FAILURES'])
      expect(() => readSettings(env)).toThrow(name);
  });
});
