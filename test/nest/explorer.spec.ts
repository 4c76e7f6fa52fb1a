import { Inject, Injectable, Module, Optional, Scope, forwardRef } from '@nestjs/common';
import { afterEach, describe, expect, it } from '@jest/globals';
import { WorkflowContext, describeWorkflow } from '../../lib/core/index.js';
import {
  Activity,
  Compensate,
  OnQuery,
  OnSignal,
  Workflow,
  WorkflowSafe,
} from '../../lib/nest/decorators/index.js';
import { closeApps, explore, recordingRun } from './support/explore.js';

interface Order {
  readonly id: string;
}

@Injectable()
class Gateway {
  readonly calls: string[] = [];
}

@Injectable()
class Payments {
  constructor(private readonly gateway: Gateway) {}

  @Activity({ retry: { maxAttempts: 5 }, timeout: '30s' })
  async charge(order: Order): Promise<string> {
    this.gateway.calls.push(`charge ${order.id}`);
    return `payment of ${order.id}`;
  }
  @Compensate('charge', { retry: { maxAttempts: Infinity } })
  async refund(payment: string, order: Order): Promise<void> {
    this.gateway.calls.push(`refund ${payment} of ${order.id}`);
  }
  helper(): number {
    return 1;
  }
}

@Activity({ concurrency: 4 })
class ShipOrder {
  async execute(order: Order): Promise<string> {
    return `receipt of ${order.id}`;
  }
  @Compensate() async recall(receipt: string): Promise<void> {
    void receipt;
  }
}

@Activity()
class BookFlight {
  async execute(): Promise<string> {
    return 'booking';
  }
}
@Compensate(BookFlight)
class CancelFlight {
  async execute(booking: string): Promise<void> {
    void booking;
  }
}

@WorkflowSafe()
@Injectable()
class Prices {
  readonly rate = 2;
}

abstract class Approvable {
  protected approvedBy: string | undefined;
  @OnSignal() approve(by: string): void {
    this.approvedBy = by;
  }
  @OnQuery() status(): string {
    return this.approvedBy ?? 'waiting';
  }
}

@Workflow({ name: 'order', version: 2 })
class OrderWorkflow extends Approvable {
  @Inject(ShipOrder) readonly ship!: ShipOrder;
  @Optional() @Inject('NOTE') readonly note: string = 'none';

  constructor(
    readonly payments: Payments,
    readonly ctx: WorkflowContext,
    readonly prices: Prices,
    @Inject('TAX') @WorkflowSafe() readonly tax: number,
    @Optional() @Inject('DISCOUNT') readonly discount?: number,
  ) {
    super();
  }
  @OnQuery() override status(): string {
    return `${super.status()}!`;
  }
  async run(ctx: WorkflowContext, order: Order): Promise<string> {
    void ctx;
    return this.payments.charge(order);
  }
}

const providers = [
  Gateway,
  Payments,
  ShipOrder,
  BookFlight,
  CancelFlight,
  Prices,
  { provide: 'TAX', useValue: 0.2 },
  OrderWorkflow,
];

afterEach(closeApps);

describe('what the explorer finds', () => {
  it('workflows with their names, versions and handlers, inherited ones too', async () => {
    const { registry } = await explore({ providers });

    expect(registry.workflows).toHaveLength(1);
    const [workflow] = registry.workflows;
    expect(workflow).toMatchObject({ name: 'order', version: 2, compensation: 'automatic' });
    expect([...(workflow?.signals ?? [])]).toEqual(['approve']);
    expect([...(workflow?.queries ?? [])]).toEqual(['status']);
  });

  it('activities and compensations by name', async () => {
    const { registry } = await explore({ providers });

    expect([...registry.activities.keys()].toSorted()).toEqual([
      'BookFlight',
      'CancelFlight',
      'Payments.charge',
      'Payments.refund',
      'ShipOrder',
      'ShipOrder.recall',
    ]);
    const compensations = [...registry.activities.values()].map(({ definition }) => [
      definition.name,
      definition.compensation?.name ?? null,
    ]);
    expect(Object.fromEntries(compensations)).toEqual({
      BookFlight: 'CancelFlight',
      CancelFlight: null,
      'Payments.charge': 'Payments.refund',
      'Payments.refund': null,
      ShipOrder: 'ShipOrder.recall',
      'ShipOrder.recall': null,
    });
  });

  it('options, with defaults filled in; a compensation has its own', async () => {
    const { registry } = await explore({ providers });
    const optionsOf = (name: string) => registry.activities.get(name)?.definition.options;

    expect(optionsOf('Payments.charge')).toMatchObject({
      timeout: 30_000,
      retry: { maxAttempts: 5, backoff: 2 },
    });
    expect(optionsOf('Payments.refund')).toMatchObject({
      timeout: 300_000,
      retry: { maxAttempts: Infinity },
    });
    expect(optionsOf('ShipOrder')).toMatchObject({ concurrency: 4, retry: { maxAttempts: 3 } });
  });

  it('the activities behind a class, for ctx.run and ctx.activities', async () => {
    const { workflow } = await explore({ providers });

    expect(workflow().activitiesOf(ShipOrder)?.activities.get('execute')?.name).toBe('ShipOrder');
    expect([...(workflow().activitiesOf(Payments)?.activities.keys() ?? [])]).toEqual(['charge']);
    expect(workflow().activitiesOf(Gateway)).toBeUndefined();
  });

  it('takes the workflows of the included modules only, and activities from everywhere', async () => {
    @Workflow()
    class Billing {
      constructor(readonly payments: Payments) {}
      async run(): Promise<void> {}
    }
    @Module({ providers: [Gateway, Payments], exports: [Payments] })
    class PaymentModule {}
    @Module({ imports: [PaymentModule], providers: [Billing] })
    class BillingModule {}
    @Workflow()
    class Other {
      constructor(readonly ctx: WorkflowContext) {}
      async run(): Promise<void> {}
    }

    const { registry } = await explore({
      imports: [PaymentModule, BillingModule],
      providers: [Other],
      include: [BillingModule],
    });

    expect(registry.workflows.map(({ name }) => name)).toEqual(['Billing']);
    expect([...registry.activities.keys()]).toContain('Payments.charge');
  });
});

describe('the object of a run', () => {
  it('gets proxies of its own run, its context, and what is safe', async () => {
    const { workflow, app } = await explore({ providers });
    const a = recordingRun('a');
    const b = recordingRun('b');

    const ofA = workflow().construct(a) as OrderWorkflow;
    const ofB = workflow().construct(b) as OrderWorkflow;

    await expect(ofB.run(b.context, { id: '2' })).resolves.toBe('Payments.charge of b');
    await expect(ofA.run(a.context, { id: '1' })).resolves.toBe('Payments.charge of a');
    expect(a.scheduled.map(({ args }) => args)).toEqual([[{ id: '1' }]]);
    expect(b.scheduled.map(({ args }) => args)).toEqual([[{ id: '2' }]]);
    expect(ofA.ctx).toBe(a.context);
    expect(ofA.prices).toBe(app.get(Prices));
    expect(ofA.tax).toBe(0.2);
    expect(ofA.discount).toBeUndefined();
    expect(ofA).toBeInstanceOf(OrderWorkflow);
  });

  it('gets its properties, and keeps initial values where nothing is injected', async () => {
    const { workflow } = await explore({ providers });
    const run = recordingRun();

    const object = workflow().construct(run) as OrderWorkflow;
    await object.ship.execute({ id: '1' });

    expect(run.scheduled[0]?.activity.name).toBe('ShipOrder');
    expect(object.note).toBe('none');
  });

  it('is made by Continuum alone: Nest makes none', async () => {
    let made = 0;
    @Workflow()
    class Counted {
      constructor() {
        made += 1;
      }
      onModuleInit(): void {
        made += 100;
      }
      async run(): Promise<void> {}
    }
    const { workflow } = await explore({ providers: [Counted] });

    expect(made).toBe(0);
    workflow().construct(recordingRun());
    workflow().construct(recordingRun());
    expect(made).toBe(2);
  });

  it('means the same provider as a service of its module would', async () => {
    class Stock {
      constructor(readonly place: string) {}
      @Activity() async reserve(): Promise<string> {
        return this.place;
      }
    }
    class NorthStock extends Stock {}
    class EastStock extends Stock {}
    class SouthStock extends Stock {}
    const stockIn = (type: typeof Stock, place: string) => ({
      provide: type,
      useFactory: () => new type(place),
    });
    const stockOf = (type: typeof Stock, place: string) => ({
      providers: [stockIn(type, place), { provide: 'STOCK', useExisting: type }],
    });
    @Module(stockOf(NorthStock, 'north'))
    class KeptForItself {}
    @Module({ ...stockOf(EastStock, 'east'), exports: ['STOCK'] })
    class East {}
    @Module({ imports: [East] })
    class NotPassedOn {}
    @Module({ ...stockOf(SouthStock, 'south'), exports: ['STOCK'] })
    class South {}
    @Module({ imports: [South], exports: [South] })
    class PassedOn {}
    @Workflow()
    class Ordering {
      constructor(@Inject('STOCK') readonly stock: Stock) {}
      async run(): Promise<string> {
        return this.stock.reserve();
      }
    }
    @Injectable()
    class Service {
      constructor(@Inject('STOCK') readonly stock: Stock) {}
    }
    @Module({ imports: [KeptForItself, NotPassedOn, PassedOn], providers: [Ordering, Service] })
    class Orders {}

    const { workflow, app } = await explore({ imports: [Orders] });
    const run = recordingRun();
    await workflow().construct(run).run(run.context, undefined);

    expect(run.scheduled[0]?.activity.name).toBe('SouthStock.reserve');
    expect(app.get(Service, { strict: false }).stock).toBeInstanceOf(SouthStock);
  });

  it('may name a provider late, by forwardRef', async () => {
    @Workflow()
    class Late {
      constructor(@Inject(forwardRef(() => Payments)) readonly payments: Payments) {}
      async run(): Promise<string> {
        return this.payments.charge({ id: '1' });
      }
    }
    const { workflow } = await explore({ providers: [Gateway, Payments, Late] });
    const run = recordingRun();

    await expect(workflow().construct(run).run(run.context, undefined)).resolves.toBe(
      'Payments.charge of run',
    );
  });

  it('inherits a constructor and its parameters', async () => {
    @Injectable()
    class Base {
      constructor(
        readonly payments: Payments,
        @Inject('TAX') @WorkflowSafe() readonly tax: number,
      ) {}
    }
    @Workflow()
    class Derived extends Base {
      async run(): Promise<number> {
        return this.tax;
      }
    }
    const { workflow } = await explore({
      providers: [Gateway, Payments, { provide: 'TAX', useValue: 0.2 }, Derived],
    });
    const run = recordingRun();

    await expect(workflow().construct(run).run(run.context, undefined)).resolves.toBe(0.2);
  });

  it('takes a safe property of a token without a class', async () => {
    @Workflow()
    class Taxed {
      @Inject('TAX') @WorkflowSafe() readonly tax!: number;
      async run(): Promise<number> {
        return this.tax;
      }
    }
    const { workflow } = await explore({ providers: [{ provide: 'TAX', useValue: 0.2 }, Taxed] });

    expect((workflow().construct(recordingRun()) as Taxed).tax).toBe(0.2);
  });
});

describe('providers of activities', () => {
  abstract class CardGateway {
    abstract pay(amount: number): Promise<string>;
  }
  @Injectable()
  class Stripe extends CardGateway {
    @Activity() async pay(amount: number): Promise<string> {
      return `stripe ${amount}`;
    }
  }

  it.each([
    ['useClass', { provide: CardGateway, useClass: Stripe }],
    ['useFactory', { provide: CardGateway, useFactory: () => new Stripe() }],
    ['an asynchronous factory', { provide: CardGateway, useFactory: async () => new Stripe() }],
    ['useValue', { provide: CardGateway, useValue: new Stripe() }],
  ])('are named after the class they are asked for by: %s', async (_, provider) => {
    const { registry, attempt, workflow } = await explore({ providers: [provider, OrderlessWorkflow] });

    expect([...registry.activities.keys()]).toEqual(['CardGateway.pay']);
    await expect(attempt('CardGateway.pay', [3])).resolves.toBe('stripe 3');
    expect(workflow().activitiesOf(CardGateway)?.activities.get('pay')?.name).toBe('CardGateway.pay');
    expect(workflow().activitiesOf(Stripe)?.activities.get('pay')?.name).toBe('CardGateway.pay');
  });

  it('are found under an alias, once', async () => {
    const { registry, workflow } = await explore({
      providers: [Stripe, { provide: CardGateway, useExisting: Stripe }, OrderlessWorkflow],
    });

    expect([...registry.activities.keys()]).toEqual(['Stripe.pay']);
    expect(workflow().activitiesOf(CardGateway)?.name).toBe('Stripe');
  });

  it('are found under a text or a symbol', async () => {
    const { registry } = await explore({
      providers: [
        { provide: 'CARDS', useClass: Stripe },
        { provide: Symbol('ships'), useClass: ShipOrder },
      ],
    });

    expect([...registry.activities.keys()].toSorted()).toEqual([
      'ShipOrder',
      'ShipOrder.recall',
      'Stripe.pay',
    ]);
  });

  it('keep activities and names when a test overrides them', async () => {
    const fake = { charge: async () => 'fake', refund: async () => undefined };
    const byValue = await explore({
      providers,
      override: (b) => b.overrideProvider(Payments).useValue(fake),
    });
    await expect(byValue.attempt('Payments.charge', [{ id: '1' }])).resolves.toBe('fake');

    class FakePayments extends Payments {
      override async charge(): Promise<string> {
        return 'fake class';
      }
    }
    const byClass = await explore({
      providers,
      override: (b) => b.overrideProvider(Payments).useClass(FakePayments),
    });
    await expect(byClass.attempt('Payments.charge', [{ id: '1' }])).resolves.toBe('fake class');

    const byFactory = await explore({
      providers,
      override: (b) => b.overrideProvider(Payments).useFactory({ factory: () => fake }),
    });
    expect([...byFactory.registry.activities.keys()].toSorted()).toEqual(
      [...byValue.registry.activities.keys()].toSorted(),
    );
    await expect(byFactory.attempt('Payments.charge', [{ id: '1' }])).resolves.toBe('fake');
  });

  it('inherit activities; an override without a decorator stays one', async () => {
    class Base {
      @Activity({ timeout: '1s' }) async work(): Promise<string> {
        return 'base';
      }
    }
    @Injectable()
    class Derived extends Base {
      override async work(): Promise<string> {
        return 'derived';
      }
    }
    const { attempt, registry } = await explore({ providers: [Derived] });

    await expect(attempt('Derived.work')).resolves.toBe('derived');
    expect(registry.activities.get('Derived.work')?.definition.options.timeout).toBe(1000);
  });

  it('may decorate an inherited activity anew: the last word is that of the derived class', async () => {
    class Base {
      @Activity({ timeout: '1s' }) async work(): Promise<void> {}
    }
    @Injectable()
    class Derived extends Base {
      @Activity({ timeout: '2s' }) override async work(): Promise<void> {}
    }
    const { registry } = await explore({ providers: [Derived] });

    expect(registry.activities.get('Derived.work')?.definition.options.timeout).toBe(2000);
  });

  it('may have names of their own', async () => {
    @Injectable()
    class Mails {
      @Activity({ name: 'send-mail' }) async send(): Promise<void> {}
      @Compensate('send', { name: 'recall-mail' }) async recall(): Promise<void> {}
    }
    const { registry } = await explore({ providers: [Mails] });
    expect([...registry.activities.keys()]).toEqual(['send-mail', 'recall-mail']);
  });

  it('may have an activity that undoes another and is called by itself', async () => {
    @Injectable()
    class Locks {
      @Activity() @Compensate('unlock') async lock(): Promise<void> {}
      @Activity() @Compensate('lock') async unlock(): Promise<void> {}
    }
    const { registry } = await explore({ providers: [Locks] });

    const lock = registry.activities.get('Locks.lock')?.definition;
    expect(lock?.compensation?.name).toBe('Locks.unlock');
    expect(lock?.compensation?.compensation).toBe(lock);
  });

  it('do not disturb providers that mind being looked at', async () => {
    const prickly = new Proxy(
      {},
      {
        get: (_, key) => {
          if (typeof key === 'symbol' || /^(then|constructor|on)/.test(key) || key.startsWith('before'))
            return undefined;
          throw new Error(`Nobody may ask for ${key}.`);
        },
      },
    );
    const { registry } = await explore({
      providers: [
        { provide: 'PRICKLY', useValue: prickly },
        { provide: 'BARE', useValue: Object.create(null) },
        { provide: 'NULL', useValue: null },
        { provide: 'NUMBER', useFactory: () => 5 },
      ],
    });

    expect(registry.activities.size).toBe(0);
  });
});

@Workflow()
class OrderlessWorkflow {
  async run(): Promise<void> {}
}

describe('workflows', () => {
  it('are described by their class alone, for a client', () => {
    expect(describeWorkflow(OrderWorkflow)).toMatchObject({ name: 'order', version: 2, input: undefined });
    expect([...(describeWorkflow(OrderWorkflow)?.signals.keys() ?? [])]).toEqual(['approve']);
    expect(describeWorkflow(Payments)).toBeUndefined();
    class Undecorated extends OrderlessWorkflow {}
    expect(describeWorkflow(Undecorated)).toBeUndefined();
  });

  it('may be several versions of one name', async () => {
    @Workflow({ name: 'order', version: 3 })
    class OrderWorkflow3 {
      async run(): Promise<void> {}
    }
    const { registry } = await explore({ providers: [...providers, OrderWorkflow3] });

    expect(registry.workflows.map(({ name, version }) => `${name} ${version}`)).toEqual([
      'order 2',
      'order 3',
    ]);
  });

  it('work under @Injectable() as well', async () => {
    @Injectable()
    @Workflow()
    class Above {
      async run(): Promise<void> {}
    }
    @Workflow()
    @Injectable({ scope: Scope.TRANSIENT })
    class Below {
      async run(): Promise<void> {}
    }
    const { registry } = await explore({ providers: [Above, Below] });

    expect(registry.workflows.map(({ name }) => name)).toEqual(['Above', 'Below']);
  });

  it('may be overridden by a class in a test, which keeps the name and the handlers', async () => {
    class Fake {
      approve(): void {}
      status(): string {
        return 'fake';
      }
      async run(): Promise<string> {
        return 'fake';
      }
    }
    const { workflow } = await explore({
      providers,
      override: (builder) => builder.overrideProvider(OrderWorkflow).useClass(Fake),
    });

    expect(workflow()).toMatchObject({ name: 'order', version: 2 });
    expect([...workflow().signals, ...workflow().queries]).toEqual(['approve', 'status']);
    const run = recordingRun();
    await expect(workflow().construct(run).run(run.context, undefined)).resolves.toBe('fake');
  });
});
