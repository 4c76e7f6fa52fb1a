import { Injectable } from '@nestjs/common';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Activity, Compensate, Workflow } from '../../lib/nest/decorators/index.js';
import { closeApps, explore, problemsOf } from './support/explore.js';

afterEach(closeApps);

/** What a compiler would refuse. */
const anything = (value: unknown): never => value as never;

describe('names that workflows and activities had before', () => {
  it('are found: every version of a workflow may have them, and a compensation of its own', async () => {
    @Workflow({ name: 'purchase', aliases: ['order', 'sale'], version: 1 })
    class Purchase {
      async run(): Promise<void> {}
    }
    @Workflow({ name: 'purchase', aliases: ['order'], version: 2 })
    class PurchaseV2 {
      async run(): Promise<void> {}
    }
    @Injectable()
    class Payments {
      @Activity({ aliases: ['Cards.pay'] }) async charge(): Promise<void> {}
      @Compensate('charge', { aliases: ['Cards.unpay'] }) async refund(): Promise<void> {}
    }
    const { registry } = await explore({ providers: [Purchase, PurchaseV2, Payments] });
    const { workflows, activities } = registry;
    expect(workflows).toMatchObject([
      { name: 'purchase', aliases: ['order', 'sale'], version: 1 },
      { name: 'purchase', aliases: ['order'], version: 2 },
    ]);
    expect([...activities.keys()]).toEqual([
      'Payments.charge',
      'Cards.pay',
      'Payments.refund',
      'Cards.unpay',
    ]);
    expect(activities.get('Cards.pay')).toBe(activities.get('Payments.charge'));
    expect(activities.get('Payments.charge')?.definition.compensation?.aliases).toEqual(['Cards.unpay']);
  });

  it('are refused where they are none', async () => {
    @Workflow({ name: 'a', aliases: ['a'] })
    class Own {
      async run(): Promise<void> {}
    }
    @Workflow({ name: 'b', aliases: anything('c') })
    class Text {
      async run(): Promise<void> {}
    }
    @Workflow({ name: 'd', aliases: ['', 'e', 'e'] })
    class Empty {
      async run(): Promise<void> {}
    }
    @Workflow({ name: 'f', aliases: ['g', 'g'] })
    class Twice {
      async run(): Promise<void> {}
    }
    @Injectable()
    class Cards {
      @Activity({ aliases: ['Cards.charge'] }) async charge(): Promise<void> {}
      @Compensate('charge', { aliases: anything([7]) }) async refund(): Promise<void> {}
    }
    expect(await problemsOf({ providers: [Own, Text, Empty, Twice, Cards] })).toEqual([
      '@Activity() of Cards.charge: "Cards.charge" is its name already, and "aliases" are the names that it had before.',
      '@Compensate() of Cards.refund: a name of "aliases" must be a text, but is 7.',
      '@Workflow() of Own: "a" is its name already, and "aliases" are the names that it had before.',
      '@Workflow() of Text: "aliases" is a list of the names that it had before.',
      '@Workflow() of Empty: a name of "aliases" must have 1 to 255 bytes, but has 0.',
      '@Workflow() of Twice: "aliases" has "g" twice.',
    ]);
  });

  it('belong to one workflow and to one activity', async () => {
    @Workflow({ name: 'order' })
    class Order {
      async run(): Promise<void> {}
    }
    @Workflow({ name: 'purchase', aliases: ['order', 'sale'], version: 2 })
    class Purchase {
      async run(): Promise<void> {}
    }
    @Workflow({ name: 'deal', aliases: ['sale'] })
    class Deal {
      async run(): Promise<void> {}
    }
    @Injectable()
    class Cards {
      @Activity() async charge(): Promise<void> {}
    }
    @Injectable()
    class Payments {
      @Activity({ aliases: ['Cards.charge', 'pay'] }) async debit(): Promise<void> {}
      @Activity({ aliases: ['pay'] }) async book(): Promise<void> {}
    }
    expect(await problemsOf({ providers: [Order, Purchase, Deal, Cards, Payments] })).toEqual([
      'Two activities claim the name "Cards.charge": Cards.charge in RootTestModule, as its name; and Payments.debit in RootTestModule, as an alias.\n' +
        'What a history knows by it can mean one of them only. Remove it from the "aliases" of the other.',
      'Two activities claim the name "pay": Payments.debit in RootTestModule, as an alias; and Payments.book in RootTestModule, as an alias.\n' +
        'What a history knows by it can mean one of them only. Remove it from the "aliases" of the other.',
      'Two workflows claim the name "order": Order, as its name; and Purchase, as an alias.\n' +
        'A run that is stored under it can mean one of them only. Give versions of one workflow the same "name", and another workflow a name of its own.',
      'Two workflows claim the name "sale": Purchase, as an alias; and Deal, as an alias.\n' +
        'A run that is stored under it can mean one of them only. Give versions of one workflow the same "name", and another workflow a name of its own.',
    ]);
  });

  it('do not hide that two have one name, which is told once', async () => {
    @Injectable()
    class Cards {
      @Activity({ name: 'pay', aliases: ['charge'] }) async pay(): Promise<void> {}
    }
    @Injectable()
    class Cash {
      @Activity({ name: 'pay', aliases: ['charge'] }) async pay(): Promise<void> {}
    }
    expect(await problemsOf({ providers: [Cards, Cash] })).toEqual([
      expect.stringMatching(/^Two activities are named "pay"/),
    ]);
  });
});
