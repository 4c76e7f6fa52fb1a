import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import type { ActivityDefinition, ActivityGroup } from '../../lib/core/index.js';
import { activityProxy, resolveActivityOptions } from '../../lib/core/index.js';

class Payments {
  rate = 0.2;
  async charge(amount: number): Promise<string> {
    return `charged ${amount}`;
  }
  helper(): number {
    return 1;
  }
  get balance(): number {
    throw new Error('A getter of the provider was run.');
  }
}

const definition = (method: string): ActivityDefinition => ({
  name: `Payments.${method}`,
  method,
  options: resolveActivityOptions({}),
  compensation: null,
});
const charge = definition('charge');
const group: ActivityGroup = { name: 'Payments', activities: new Map([['charge', charge]]) };

function proxy(calls: unknown[] = []): Payments {
  const schedule = (activity: ActivityDefinition, args: readonly unknown[]): Promise<unknown> => {
    calls.push([activity, args]);
    return Promise.resolve('scheduled');
  };
  // A proxy stands for the class it was made of.
  return activityProxy(group, Payments, schedule) as Payments;
}

describe('a durable proxy', () => {
  it('schedules an activity instead of running it', async () => {
    const calls: unknown[] = [];
    const payments = proxy(calls);

    await expect(payments.charge(5)).resolves.toBe('scheduled');
    expect(calls).toEqual([[charge, [5]]]);
    // Taken off the object, it is still asked of its run.
    await Reflect.apply(payments.charge.bind(undefined), undefined, [6]);
    expect(calls).toHaveLength(2);
  });

  it('has nothing else of the provider', () => {
    const payments = proxy();

    expect(() => payments.helper()).toThrow(
      'Payments.helper() is not an activity, so a workflow cannot call it.\nMark it @Activity()',
    );
    expect(() => payments.rate).toThrow(
      'Payments.rate is not an activity. A workflow sees the activities of Payments only: charge.',
    );
    expect(() => payments.balance).toThrow('Payments.balance is not an activity.');
  });

  it('cannot be changed', () => {
    const payments = proxy();

    expect(() => {
      payments.rate = 1;
    }).toThrow('Payments.rate cannot be set from a workflow');
    expect(() => {
      payments.charge = async () => 'mine';
    }).toThrow('Payments.charge cannot be set from a workflow');
    expect(() => Object.defineProperty(payments, 'rate', { value: 1 })).toThrow(TypeError);
  });

  it('can be awaited, printed, compared and turned into text', async () => {
    const payments = proxy();

    expect(payments).toBeInstanceOf(Payments);
    expect(payments.constructor).toBe(Payments);
    await expect(Promise.resolve(payments)).resolves.toBe(payments);
    expect(inspect(payments)).toBe('Payments {}');
    expect(inspect(payments, { showProxy: true })).toContain('Proxy');
    expect(JSON.stringify({ payments })).toBe('{"payments":{}}');
    expect(Object.prototype.toString.call(payments)).toBe('[object Object]');
    expect(structuredCloneable(payments)).toBe(false);
  });

  it('can be given to expect()', () => {
    const payments = proxy();

    expect(payments).toBe(payments);
    expect(payments).toEqual(payments);
    expect({ payments }).toEqual({ payments: proxy() });
    expect({ payments }).toMatchObject({ payments: expect.any(Payments) });
    expect({ payments }).not.toEqual({ payments: 5 });
    // A failing expectation prints it.
    expect(() => expect({ payments }).toEqual({ payments: 5 })).toThrow(/Payments/);
    expect(() => expect(payments).toStrictEqual({ charge: 1 })).toThrow(/charge/);
  });
});

function structuredCloneable(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}
