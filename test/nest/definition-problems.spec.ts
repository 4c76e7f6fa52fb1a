import { Controller, Get, Inject, Injectable, Module, Optional, Scope } from '@nestjs/common';
import { afterEach, describe, expect, it } from '@jest/globals';
import { WorkflowClient } from '../../lib/client/workflow-client.js';
import { WorkflowContext } from '../../lib/core/index.js';
import {
  Activity,
  Compensate,
  InjectWorkflowClient,
  OnQuery,
  OnSignal,
  OnUpdate,
  ValidateUpdate,
  RunInput,
  Workflow,
  WorkflowSafe,
} from '../../lib/nest/decorators/index.js';
import { InvalidDefinitionError } from '../../lib/nest/errors/index.js';
import { getWorkflowClientToken } from '../../lib/nest/workflow-client.token.js';
import { closeApps, explore, problemsOf } from './support/explore.js';

afterEach(closeApps);

@Injectable()
class Stock {
  @Activity() async reserve(): Promise<void> {}
}
@Injectable()
class Mail {
  send(): void {}
}

/** Decorators are called as functions where the compiler would refuse them, as JavaScript would not. */
const unchecked = (decorator: unknown): ((...target: unknown[]) => void) =>
  decorator as (...target: unknown[]) => void;

describe('an application is refused', () => {
  it('with everything that is wrong, at once, and each with its remedy', async () => {
    @Workflow()
    class Bad {
      constructor(
        readonly mail: Mail,
        readonly client: WorkflowClient,
      ) {}
      async run(): Promise<void> {}
    }
    @Injectable()
    class Payments {
      @Compensate('charge' as 'refund') async refund(): Promise<void> {}
    }

    const refused = explore({ providers: [Mail, Bad, Payments] });

    await expect(refused).rejects.toThrow(InvalidDefinitionError);
    await expect(refused).rejects.toThrow(
      `3 problems in the workflows and activities of this application:

  - Payments.refund compensates "charge", which is not an activity of Payments.
    Mark charge() with @Activity(), or correct the name.

  - Parameter 1 of Bad's constructor (Mail) is neither a provider of activities nor safe inside a workflow.
    If it reaches the outside (a database, the network, the clock), mark its methods @Activity(), or call it from an activity.
    If it only computes, mark it @WorkflowSafe().

  - Parameter 2 of Bad's constructor (WorkflowClient) cannot be used inside a workflow: its calls would not be journaled.
    Call it from an activity.
`,
    );
  });

  describe('for what a workflow asks for:', () => {
    it('a named client', async () => {
      @Workflow()
      class Asking {
        constructor(@InjectWorkflowClient('billing') readonly client: WorkflowClient) {}
        async run(): Promise<void> {}
      }
      const provider = { provide: getWorkflowClientToken('billing'), useValue: {} };

      expect(await problemsOf({ providers: [provider, Asking] })).toEqual([
        expect.stringMatching(
          /^Parameter 1 of Asking's constructor \("ContinuumWorkflowClient_billing"\) cannot be used/,
        ),
      ]);
    });

    it('another workflow', async () => {
      @Workflow()
      class Child {
        async run(): Promise<void> {}
      }
      @Workflow()
      class Parent {
        constructor(readonly child: Child) {}
        async run(): Promise<void> {}
      }

      expect(await problemsOf({ providers: [Child, Parent] })).toEqual([
        expect.stringMatching(/^Parameter 1 of Parent's constructor \(Child\) is a workflow\./),
      ]);
    });

    it('something marked safe that is no singleton', async () => {
      @WorkflowSafe()
      @Injectable({ scope: Scope.REQUEST })
      class Clock {}
      @WorkflowSafe()
      @Injectable({ scope: Scope.TRANSIENT })
      class Dice {}
      @Workflow()
      class Asking {
        constructor(
          readonly clock: Clock,
          readonly dice: Dice,
        ) {}
        async run(): Promise<void> {}
      }

      expect(await problemsOf({ providers: [Clock, Dice, Asking] })).toEqual([
        expect.stringMatching(/\(Clock\) is marked @WorkflowSafe\(\), but is not a singleton/),
        expect.stringMatching(/\(Dice\) is marked @WorkflowSafe\(\), but is not a singleton/),
      ]);
    });

    it('something marked safe that has activities', async () => {
      @Workflow()
      class Asking {
        constructor(@WorkflowSafe() readonly stock: Stock) {}
        async run(): Promise<void> {}
      }

      expect(await problemsOf({ providers: [Stock, Asking] })).toEqual([
        expect.stringMatching(/\(Stock\) is marked @WorkflowSafe\(\) and has activities \(reserve\)/),
      ]);
    });

    it('something without a type at run time', async () => {
      @Workflow()
      class Asking {
        constructor(@Optional() readonly mail: Mail | undefined) {}
        async run(): Promise<void> {}
      }

      expect(await problemsOf({ providers: [Mail, Asking] })).toEqual([
        expect.stringMatching(
          /^Parameter 1 of Asking's constructor \(Object\) has no type at run time[^]*"x\?: Class"/,
        ),
      ]);
    });

    it('a property that is neither', async () => {
      @Workflow()
      class Asking {
        @Inject(Mail) readonly mail!: Mail;
        async run(): Promise<void> {}
      }

      expect(await problemsOf({ providers: [Mail, Asking] })).toEqual([
        expect.stringMatching(/^Property "mail" of Asking \(Mail\) is neither/),
      ]);
    });

    it('parameters of a base class that is not decorated', async () => {
      class Base {
        constructor(readonly stock: Stock) {}
      }
      @Workflow()
      class Derived extends Base {
        async run(): Promise<void> {}
      }

      expect(await problemsOf({ providers: [Stock, Derived] })).toEqual([
        expect.stringMatching(
          /^Derived has a constructor with 1 parameter whose types are not known[^]*@Injectable\(\)/,
        ),
      ]);
    });

    it('an activity whose class nobody decorated', async () => {
      class Charging {
        constructor(
          readonly mail: Mail,
          readonly stock: Stock,
        ) {}
        async charge(): Promise<void> {
          this.mail.send();
        }
      }
      // As TypeScript and SWC decorate a class that has a mark on a method alone: its constructor's types are not kept.
      Activity()(
        Charging.prototype,
        'charge',
        Object.getOwnPropertyDescriptor(Charging.prototype, 'charge')!,
      );

      expect(await problemsOf({ providers: [Mail, Stock, Charging] })).toEqual([
        expect.stringMatching(
          /^Charging has activities and a constructor with 2 parameters whose types are not known[^]*@Injectable\(\)/,
        ),
      ]);
      const made = { provide: Charging, useFactory: () => new Charging(new Mail(), new Stock()) };
      await explore({ providers: [made] });
      await explore({ providers: [{ provide: Charging, useValue: made.useFactory() }] });
    });

    it('nothing of a constructor that hides the one of its base class', async () => {
      class Base {
        constructor(readonly url: string) {}
      }
      class Gateway extends Base {
        constructor() {
          super('https://example.org');
        }
        @Activity() async charge(): Promise<string> {
          return this.url;
        }
      }
      const { attempt } = await explore({ providers: [Gateway] });
      expect(await attempt('Gateway.charge')).toBe('https://example.org');
    });

    it('what is not there (Nest 12 says so before Continuum can)', async () => {
      @Workflow()
      class Asking {
        constructor(readonly mail: Mail) {}
        async run(): Promise<void> {}
      }

      await expect(explore({ providers: [Asking] })).rejects.toThrow(
        /can't resolve dependencies of the Asking/,
      );
    });
  });

  describe('for a workflow', () => {
    it('that a factory or a value provides', async () => {
      @Workflow()
      class Made {
        async run(): Promise<void> {}
      }

      for (const provider of [
        { provide: Made, useFactory: () => new Made() },
        { provide: Made, useValue: new Made() },
        { provide: 'MADE', useFactory: () => new Made() },
      ]) {
        expect(await problemsOf({ providers: [provider] })).toEqual([
          expect.stringMatching(/^Made is provided by a factory or as a value/),
        ]);
      }
    });

    it('that somebody injects', async () => {
      @Workflow()
      class Order {
        async run(): Promise<void> {}
      }
      @Injectable()
      class Checkout {
        constructor(readonly order: Order) {}
      }
      @Controller()
      class Orders {
        @Inject(Order) readonly order!: Order;
        @Get() get(): void {}
      }
      const problems = await problemsOf({
        controllers: [Orders],
        providers: [
          Order,
          Checkout,
          { provide: 'FACTORY', useFactory: () => 1, inject: [{ token: Order, optional: true }] },
          { provide: 'ALIAS', useExisting: Order },
        ],
      });

      expect(problems.map((problem) => problem.split(',')[0])).toEqual([
        'Checkout injects the workflow Order',
        '"FACTORY" injects the workflow Order',
        '"ALIAS" injects the workflow Order',
        'Orders injects the workflow Order',
      ]);
    });

    it('in two modules', async () => {
      @Workflow()
      class Order {
        async run(): Promise<void> {}
      }
      @Module({ providers: [Order] })
      class A {}
      @Module({ providers: [Order] })
      class B {}

      expect(await problemsOf({ imports: [A, B] })).toEqual([
        expect.stringMatching(/^Order is provided twice: in A and in B\./),
      ]);
    });

    it('that has the name and the version of another', async () => {
      @Workflow({ name: 'order' })
      class Order {
        async run(): Promise<void> {}
      }
      @Workflow({ name: 'order' })
      class Purchase {
        async run(): Promise<void> {}
      }

      expect(await problemsOf({ providers: [Order, Purchase] })).toEqual([
        expect.stringMatching(/^Two workflows are named "order" with version 1: Order and Purchase\./),
      ]);
    });

    it('with activities of its own', async () => {
      @Workflow()
      class Order {
        async run(): Promise<void> {}
        @Activity() async charge(): Promise<void> {}
        @Compensate('charge') async refund(): Promise<void> {}
      }

      expect(await problemsOf({ providers: [Order] })).toEqual([
        expect.stringMatching(
          /^Order has methods marked @Activity\(\) or @Compensate\(\) \(charge, refund\), but is a workflow/,
        ),
      ]);
    });

    it('with a request scope, wherever it is asked for', async () => {
      @Injectable({ scope: Scope.REQUEST })
      @Workflow()
      class Above {
        async run(): Promise<void> {}
      }
      @Workflow()
      @Injectable({ scope: Scope.REQUEST })
      class Below {
        async run(): Promise<void> {}
      }
      @Workflow()
      class Provided {
        async run(): Promise<void> {}
      }
      const provided = { provide: Provided, useClass: Provided, scope: Scope.REQUEST };

      const problems = await problemsOf({ providers: [Above, Below, provided] });

      expect(problems.map((problem) => problem.split(',')[0])).toEqual([
        'Above is a request-scoped workflow',
        'Below is a request-scoped workflow',
        'Provided is a request-scoped workflow',
      ]);
    });

    it('without run()', async () => {
      class Idle {}
      unchecked(Workflow())(Idle);

      expect(await problemsOf({ providers: [Idle] })).toEqual([
        expect.stringMatching(/^Idle is a workflow without run\(\)/),
      ]);
    });

    it.each([
      ['a\u0000b', 'must have neither \\u0000 nor half of a surrogate pair'],
      ['sur\ud800', 'must have neither \\u0000 nor half of a surrogate pair'],
      ['é'.repeat(128), 'must have 1 to 255 bytes, but has 256'],
      [7, 'must be a text, but is 7'],
    ])('with a name that no journal can hold: %j', async (name, problem) => {
      @Workflow({ name: name as string })
      class Order {
        async run(): Promise<void> {}
      }
      expect(await problemsOf({ providers: [Order] })).toEqual([`@Workflow() of Order: "name" ${problem}.`]);
    });

    it.each([
      [{ mode: 'never' }, '"compensation.mode" is "automatic" or "manual", not "never".'],
      [{ order: 'forward' }, '"compensation.order" is "reverse" or "parallel", not "forward".'],
      [{ ordre: 'reverse' }, '"compensation.ordre" is an unknown option. There are mode and order.'],
    ])('with the rollback %j, which cannot be', async (compensation, problem) => {
      class Order {
        async run(): Promise<void> {}
      }
      unchecked(Workflow({ compensation: compensation as never }))(Order);
      expect(await problemsOf({ providers: [Order] })).toEqual([`@Workflow() of Order: ${problem}`]);
    });

    it('with options that cannot be', async () => {
      class Order {
        async run(): Promise<void> {}
      }
      unchecked(
        Workflow({
          name: '',
          version: 0.5,
          input: {} as never,
          compensation: 'never' as never,
          timeout: '1h',
          runTimeout: '1 fortnight' as never,
          executionTimeout: 0,
        } as never),
      )(Order);

      expect(await problemsOf({ providers: [Order] })).toEqual([
        '@Workflow() of Order: "name" must have 1 to 255 bytes, but has 0.',
        '@Workflow() of Order: "version" is a whole number from 1, not 0.5.',
        '@Workflow() of Order: "input" is a Standard Schema, such as one of zod, valibot or arktype.',
        '@Workflow() of Order: "compensation" is "automatic" or "manual", not "never".',
        '@Workflow() of Order: "executionTimeout" must be more than nothing.',
        expect.stringMatching(/^@Workflow\(\) of Order: "runTimeout" is a duration: .*fortnight/),
        '@Workflow() of Order: "timeout" is an unknown option. There are name, aliases, version, input, compensation, mistakes, executionTimeout, runTimeout.',
      ]);
    });
  });

  describe('for handlers:', () => {
    it('of two kinds, or twice', async () => {
      class Order {
        async run(): Promise<void> {}
        approve(): void {}
      }
      unchecked(OnSignal())(Order.prototype, 'approve');
      unchecked(OnQuery())(Order.prototype, 'approve');
      unchecked(Workflow())(Order);

      expect(await problemsOf({ providers: [Order] })).toEqual([
        expect.stringMatching(/^Order\.approve is marked 2 times as a handler/),
      ]);
    });

    it('named run', async () => {
      class Order {
        async run(): Promise<void> {}
      }
      unchecked(OnSignal())(Order.prototype, 'run');
      unchecked(Workflow())(Order);

      expect(await problemsOf({ providers: [Order] })).toEqual([
        expect.stringMatching(/^Order\.run is marked as a handler, but run\(\) is the workflow itself/),
      ]);
    });

    it('that are no methods', async () => {
      class Order {
        async run(): Promise<void> {}
      }
      unchecked(OnQuery())(Order.prototype, 'status');
      unchecked(OnQuery())(Order.prototype, Symbol('status'));
      unchecked(Workflow())(Order);

      expect(await problemsOf({ providers: [Order] })).toEqual([
        expect.stringMatching(/^Order\.status is marked as a handler, but is not a method/),
        expect.stringMatching(/^Order\.Symbol\(status\) is marked as a handler, but is not a method/),
      ]);
    });

    it('with options that cannot be', async () => {
      class Order {
        async run(): Promise<void> {}
        approve(): void {}
      }
      unchecked(OnSignal({ input: 'text', name: 'ok' } as never))(Order.prototype, 'approve');
      unchecked(Workflow())(Order);

      expect(await problemsOf({ providers: [Order] })).toEqual([
        '@OnSignal() of Order.approve: "input" is a Standard Schema, such as one of zod, valibot or arktype.',
        '@OnSignal() of Order.approve: "name" is an unknown option. There is input.',
      ]);
    });

    it('that validate updates which are none, twice, or in their own time', async () => {
      class Order {
        async run(): Promise<void> {}
        change(): number {
          return 1;
        }
        approve(): void {}
        status(): string {
          return '';
        }
        first(): void {}
        second(): void {}
        async late(): Promise<void> {}
        ofSignal(): void {}
        ofQuery(): void {}
        ofNothing(): void {}
      }
      const mark = (decorator: unknown, method: string): void =>
        unchecked(decorator)(Order.prototype, method);
      mark(OnUpdate(), 'change');
      mark(OnSignal(), 'approve');
      mark(OnQuery(), 'status');
      mark(ValidateUpdate('change'), 'first');
      mark(ValidateUpdate('change'), 'second');
      mark(ValidateUpdate('change'), 'late');
      mark(ValidateUpdate('approve'), 'ofSignal');
      mark(ValidateUpdate('status'), 'ofQuery');
      mark(ValidateUpdate('chnage'), 'ofNothing');
      unchecked(Workflow())(Order);

      expect(await problemsOf({ providers: [Order] })).toEqual([
        expect.stringMatching(/^Order\.second validates the update "change", and so does Order\.first/),
        expect.stringMatching(/^Order\.late validates the update "change", and so does Order\.first/),
        expect.stringMatching(/^Order\.ofSignal validates an update "approve", but that is a signal/),
        expect.stringMatching(/^Order\.ofQuery validates an update "status", but that is a query/),
        expect.stringMatching(
          /^Order\.ofNothing validates an update "chnage", which Order does not have\. There is change/,
        ),
      ]);
    });

    it('that validate asynchronously, and updates with options that cannot be', async () => {
      class Order {
        async run(): Promise<void> {}
        change(): void {}
        async late(): Promise<void> {}
      }
      unchecked(OnUpdate({ input: 'text', name: 'ok' } as never))(Order.prototype, 'change');
      unchecked(ValidateUpdate('change') as never)(Order.prototype, 'late');
      unchecked(Workflow())(Order);

      expect(await problemsOf({ providers: [Order] })).toEqual([
        '@OnUpdate() of Order.change: "input" is a Standard Schema, such as one of zod, valibot or arktype.',
        '@OnUpdate() of Order.change: "name" is an unknown option. There is input.',
        expect.stringMatching(/^Order\.late validates the update "change", but is async/),
      ]);
    });

    it('of a class that is no workflow', async () => {
      @Injectable()
      class Order {
        @OnSignal() approve(): void {}
      }

      expect(await problemsOf({ providers: [Order] })).toEqual([
        expect.stringMatching(
          /^Order has methods marked @OnSignal\(\), @OnUpdate\(\), @ValidateUpdate\(\) or @OnQuery\(\) \(approve\), but is no workflow/,
        ),
      ]);
    });
  });

  describe('for an activity', () => {
    it('with the name of another', async () => {
      @Injectable()
      class Cards {
        @Activity({ name: 'charge' }) async charge(): Promise<void> {}
      }
      @Injectable()
      class Invoices {
        @Activity({ name: 'charge' }) async charge(): Promise<void> {}
      }

      expect(await problemsOf({ providers: [Cards, Invoices] })).toEqual([
        expect.stringMatching(
          /^Two activities are named "charge": Cards\.charge in RootTestModule and Invoices\.charge in RootTestModule\./,
        ),
      ]);
    });

    it('that two modules provide', async () => {
      @Module({ providers: [Stock] })
      class A {}
      @Module({ providers: [Stock] })
      class B {}

      expect(await problemsOf({ imports: [A, B] })).toEqual([
        expect.stringMatching(
          /^Two providers are the activity "Stock\.reserve": Stock\.reserve in A and Stock\.reserve in B\.\nProvide Stock in one module and export it\./,
        ),
      ]);
    });

    it('with options out of range or unknown', async () => {
      @Injectable()
      class Payments {
        @Activity({ timeout: 0, retry: { maxAttempts: 0, jitter: 2 }, concurrency: 0.5 })
        async charge(): Promise<void> {}
        @Activity({ queue: 'warehouse', retry: { tries: 3 } } as never)
        async ship(): Promise<void> {}
        @Compensate('charge', { heartbeatTimeout: 'soon' as never })
        async refund(): Promise<void> {}
      }

      expect(await problemsOf({ providers: [Payments] })).toEqual([
        '@Activity() of Payments.charge: "retry.maxAttempts" is a whole number from 1, or Infinity, not 0.',
        '@Activity() of Payments.charge: "retry.jitter" is a number from 0 to 1, not 2.',
        '@Activity() of Payments.charge: "timeout" is a duration above zero, not 0.',
        '@Activity() of Payments.charge: "concurrency" is a whole number from 1, not 0.5.',
        '@Activity() of Payments.ship: "queue" is an unknown option. There are retry, timeout, scheduleToCloseTimeout, heartbeatTimeout, name, aliases, concurrency.',
        '@Activity() of Payments.ship: "retry.tries" is an unknown option. There are maxAttempts, initialInterval, backoff, maxInterval, jitter, nonRetryable.',
        '@Compensate() of Payments.refund: "heartbeatTimeout" is a duration: milliseconds, or text with a unit such as "30s", not "soon".',
      ]);
    });

    it('that is static, a property, named by a symbol, or decorated twice', async () => {
      @Injectable()
      class Odd {
        @Activity() static async onTheClass(): Promise<void> {}
        arrow = async (): Promise<void> => {};
        @Activity() async [Symbol.for('odd')](): Promise<void> {}
        @Activity() @Activity() async twice(): Promise<void> {}
      }
      unchecked(Activity())(Odd.prototype, 'arrow');

      expect((await problemsOf({ providers: [Odd] })).toSorted()).toEqual([
        expect.stringMatching(/^Odd\.Symbol\(odd\) is marked @Activity\(\), but a symbol gives no name/),
        expect.stringMatching(/^Odd\.arrow is marked @Activity\(\), but is not a method of the class/),
        expect.stringMatching(/^Odd\.twice is marked @Activity\(\) 2 times/),
        expect.stringMatching(
          /^The static method Odd\.onTheClass is marked @Activity\(\) or @Compensate\(\)/,
        ),
      ]);
    });

    it('of a class without a name', async () => {
      const type = (() =>
        class {
          async work(): Promise<void> {}
        })();
      unchecked(Activity())(type.prototype, 'work');

      expect(await problemsOf({ providers: [{ provide: 'WORK', useClass: type }] })).toEqual([
        expect.stringMatching(/^A class without a name has the activity "work"/),
      ]);
    });

    it('in a controller', async () => {
      @Controller()
      class Orders {
        @Activity() async charge(): Promise<void> {}
      }

      expect(await problemsOf({ controllers: [Orders] })).toEqual([
        expect.stringMatching(/^Orders\.charge is marked @Activity\(\) or @Compensate\(\) in a controller/),
      ]);
    });
  });

  describe('for a compensation', () => {
    it('of what is no activity', async () => {
      class Flight {
        async execute(): Promise<void> {}
      }
      @Injectable()
      class Hotels {
        async book(): Promise<void> {}
        @Compensate('book') async cancel(): Promise<void> {}
      }
      @Compensate(Flight)
      class CancelFlight {
        async execute(): Promise<void> {}
      }

      expect(await problemsOf({ providers: [Flight, Hotels, CancelFlight] })).toEqual([
        expect.stringMatching(/^Hotels\.cancel compensates "book", which is not an activity of Hotels/),
        expect.stringMatching(
          /^CancelFlight\.execute compensates Flight, which is not an activity of this application/,
        ),
      ]);
    });

    it('beside another', async () => {
      @Injectable()
      class Payments {
        @Activity() async charge(): Promise<void> {}
        @Compensate('charge') async refund(): Promise<void> {}
        @Compensate('charge') async payBack(): Promise<void> {}
      }

      expect(await problemsOf({ providers: [Payments] })).toEqual([
        expect.stringMatching(
          /^Payments\.charge has two compensations: Payments\.refund and Payments\.payBack/,
        ),
      ]);
    });

    it('of itself', async () => {
      @Injectable()
      class Payments {
        @Activity() @Compensate('charge') async charge(): Promise<void> {}
      }

      expect(await problemsOf({ providers: [Payments] })).toEqual([
        expect.stringMatching(/^Payments\.charge compensates itself/),
      ]);
    });

    it('of a class that was not loaded, or not named', async () => {
      class CancelFlight {
        async execute(): Promise<void> {}
      }
      unchecked(Compensate(undefined as never))(CancelFlight);
      class CancelHotel {
        async execute(): Promise<void> {}
      }
      unchecked(Compensate())(CancelHotel);

      expect(await problemsOf({ providers: [CancelFlight, CancelHotel] })).toEqual([
        expect.stringMatching(/^CancelFlight\.execute compensates a class that was not loaded yet/),
        expect.stringMatching(/^CancelHotel is marked @Compensate\(\) without saying what it undoes/),
      ]);
    });

    it('that is a class and an activity at once', async () => {
      @Activity()
      class BookFlight {
        async execute(): Promise<void> {}
      }
      @Activity()
      @Compensate(BookFlight)
      class CancelFlight {
        async execute(): Promise<void> {}
      }

      expect(await problemsOf({ providers: [BookFlight, CancelFlight] })).toEqual([
        expect.stringMatching(/^CancelFlight is marked @Activity\(\) and @Compensate\(\)/),
      ]);
    });

    it('that is given options twice', async () => {
      @Injectable()
      class Locks {
        @Activity() async lock(): Promise<void> {}
        @Activity({ timeout: '1s' }) @Compensate('lock', { timeout: '2s' }) async unlock(): Promise<void> {}
      }

      expect(await problemsOf({ providers: [Locks] })).toEqual([
        expect.stringMatching(/^Locks\.unlock is given options by @Activity\(\) and by @Compensate\(\)/),
      ]);
    });
  });

  it('for WorkflowContext outside a workflow', async () => {
    @Injectable()
    class Service {
      constructor(readonly ctx: WorkflowContext) {}
    }

    expect(await problemsOf({ providers: [Service] })).toEqual([
      expect.stringMatching(/^Service injects WorkflowContext, which belongs to one run/),
    ]);
  });

  it('for the input of a run outside a workflow', async () => {
    @Injectable()
    class Service {
      constructor(@RunInput() readonly input: string) {}
    }

    expect(await problemsOf({ providers: [Service] })).toEqual([
      expect.stringMatching(/^Service has @RunInput\(\), which belongs to one run/),
    ]);
  });
});
