import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { Inject, Injectable, Logger, Scope, UseFilters, UseGuards, UseInterceptors } from '@nestjs/common';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, ContextIdFactory, REQUEST } from '@nestjs/core';
import type { ContextId, ContextIdResolver, ContextIdStrategy, HostComponentInfo } from '@nestjs/core';
import type { Observable } from 'rxjs';
import { EMPTY, map } from 'rxjs';
import { ActivityContext } from '../../lib/engine/activities/activity-context.js';
import { Activity, Compensate } from '../../lib/nest/decorators/index.js';
import { TestAttempt, closeApps, explore } from './support/explore.js';

afterEach(async () => {
  jest.restoreAllMocks();
  await closeApps();
});

describe('an attempt', () => {
  it('is made on the singleton, with the arguments of the call', async () => {
    @Injectable()
    class Stock {
      readonly reserved: string[] = [];
      @Activity() async reserve(sku: string, count: number): Promise<number> {
        this.reserved.push(`${count} ${sku}`);
        return count;
      }
    }
    const { attempt, app } = await explore({ providers: [Stock] });

    await expect(attempt('Stock.reserve', ['pen', 3])).resolves.toBe(3);
    expect(app.get(Stock).reserved).toEqual(['3 pen']);
  });

  it('rejects with what the activity threw, also when it threw at once', async () => {
    const declined = new Error('declined');
    @Injectable()
    class Payments {
      @Activity() async charge(): Promise<void> {
        throw declined;
      }
      // A promise in the type only.
      @Activity() hasty(): Promise<void> {
        throw declined;
      }
    }
    const { attempt } = await explore({ providers: [Payments] });

    await expect(attempt('Payments.charge')).rejects.toBe(declined);
    await expect(attempt('Payments.hasty')).rejects.toBe(declined);
  });

  it('sees a spy that a test puts on the provider later', async () => {
    @Injectable()
    class Stock {
      @Activity() async count(): Promise<number> {
        return 1;
      }
    }
    const { attempt, app } = await explore({ providers: [Stock] });

    await expect(attempt('Stock.count')).resolves.toBe(1);
    jest.spyOn(app.get(Stock), 'count').mockResolvedValue(2);
    await expect(attempt('Stock.count')).resolves.toBe(2);
  });

  it('says which method a mock lacks', async () => {
    @Injectable()
    class Stock {
      @Activity() async count(): Promise<number> {
        return 1;
      }
    }
    const { attempt } = await explore({
      providers: [Stock],
      override: (builder) => builder.overrideProvider(Stock).useValue({}),
    });

    await expect(attempt('Stock.count')).rejects.toThrow('The provider of Stock has no method "count"');
  });
});

describe('the context of an attempt', () => {
  it('is found by a method through a default parameter', async () => {
    @Injectable()
    class Payments {
      @Activity() async charge(amount: number, ctx = ActivityContext.current()): Promise<string> {
        await Promise.resolve();
        return `${amount} ${ctx.idempotencyKey} ${ActivityContext.current() === ctx}`;
      }
    }
    const { attempt } = await explore({ providers: [Payments] });

    await expect(attempt('Payments.charge', [5])).resolves.toBe('5 run-1:0 true');
  });

  it('is the last argument of a class that is one activity, and of what undoes it', async () => {
    const calls: unknown[][] = [];
    const note = async (...args: unknown[]): Promise<void> => {
      calls.push(args);
    };
    @Activity()
    class ShipOrder {
      async execute(...args: unknown[]): Promise<void> {
        await note('execute', ...args);
      }
      @Compensate() async recall(...args: unknown[]): Promise<void> {
        await note('recall', ...args);
      }
    }
    @Activity()
    class BookFlight {
      async execute(input: string): Promise<string> {
        return input;
      }
    }
    @Compensate(BookFlight)
    class CancelFlight {
      async execute(...args: unknown[]): Promise<void> {
        await note('cancel', ...args);
      }
    }
    const { attempt } = await explore({ providers: [ShipOrder, BookFlight, CancelFlight] });
    const context = new TestAttempt();

    await attempt('ShipOrder', ['order'], context);
    await attempt('ShipOrder', [], context);
    await attempt('ShipOrder.recall', ['receipt', 'order'], context);
    await attempt('ShipOrder.recall', ['receipt'], context);
    await attempt('CancelFlight', ['booking', 'input'], context);

    expect(calls).toEqual([
      ['execute', 'order', context],
      ['execute', undefined, context],
      ['recall', 'receipt', 'order', context],
      ['recall', 'receipt', undefined, context],
      ['cancel', 'booking', 'input', context],
    ]);
  });

  it('is no argument of a method, nor of its compensation', async () => {
    const calls: unknown[][] = [];
    @Injectable()
    class Payments {
      @Activity() async charge(...args: unknown[]): Promise<void> {
        calls.push(args);
      }
      @Compensate('charge') async refund(...args: unknown[]): Promise<void> {
        calls.push(args);
      }
    }
    const { attempt } = await explore({ providers: [Payments] });

    await attempt('Payments.charge', ['order']);
    await attempt('Payments.refund', ['payment', 'order']);

    expect(calls).toEqual([['order'], ['payment', 'order']]);
  });

  it('is not there outside an attempt, unless a test brings one', () => {
    expect(() => ActivityContext.current()).toThrow('outside an activity');
    const context = new TestAttempt();
    expect(ActivityContext.run(context, () => ActivityContext.current())).toBe(context);
  });
});

describe('providers of other scopes', () => {
  it('are made anew for each attempt, and see it as the request', async () => {
    let made = 0;
    @Injectable({ scope: Scope.REQUEST })
    class Session {
      readonly number = ++made;
      constructor(@Inject(REQUEST) readonly request: ActivityContext) {}
    }
    @Injectable()
    class Payments {
      constructor(private readonly session: Session) {}
      @Activity() async charge(): Promise<string> {
        return `${this.session.number} ${this.session.request.activity}`;
      }
    }
    const { attempt } = await explore({ providers: [Session, Payments] });

    await expect(attempt('Payments.charge')).resolves.toBe('1 Payments.charge');
    await expect(attempt('Payments.charge')).resolves.toBe('2 Payments.charge');
  });

  it('may be transient', async () => {
    let made = 0;
    @Injectable({ scope: Scope.TRANSIENT })
    class Counter {
      readonly number = ++made;
      @Activity() async count(): Promise<number> {
        return this.number;
      }
    }
    const { attempt } = await explore({ providers: [Counter] });

    await expect(attempt('Counter.count')).resolves.toBe(1);
    await expect(attempt('Counter.count')).resolves.toBe(2);
  });

  it('keep the scope that @Injectable() gave, above or below the decorator', async () => {
    let made = 0;
    @Activity()
    @Injectable({ scope: Scope.REQUEST })
    class Below {
      readonly number = ++made;
      async execute(): Promise<number> {
        return this.number;
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    @Activity()
    class Above {
      readonly number = ++made;
      async execute(): Promise<number> {
        return this.number;
      }
    }
    const { attempt } = await explore({ providers: [Below, Above] });

    await expect(attempt('Below')).resolves.toBe(1);
    await expect(attempt('Below')).resolves.toBe(2);
    await expect(attempt('Above')).resolves.toBe(3);
    await expect(attempt('Above')).resolves.toBe(4);
  });

  it('may be durable: one tree per tenant, which sees what the strategy derived', async () => {
    class ByTenant implements ContextIdStrategy<ActivityContext> {
      readonly tenants = new Map<string, ContextId>();
      attach(contextId: ContextId, request: ActivityContext): ContextIdResolver {
        const tenant = request.workflowId;
        const own = this.tenants.get(tenant) ?? ContextIdFactory.create();
        this.tenants.set(tenant, own);
        return {
          resolve: (info: HostComponentInfo) => (info.isTreeDurable ? own : contextId),
          payload: { tenant },
        };
      }
    }
    let made = 0;
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class Tenants {
      readonly number = ++made;
      constructor(@Inject(REQUEST) readonly request: { tenant: string }) {}
      @Activity() async serve(): Promise<string> {
        return `${this.request.tenant} ${this.number}`;
      }
    }
    ContextIdFactory.apply(new ByTenant());
    try {
      const { attempt } = await explore({ providers: [Tenants] });

      await expect(attempt('Tenants.serve', [], new TestAttempt('Tenants.serve', 'a'))).resolves.toBe('a 1');
      await expect(attempt('Tenants.serve', [], new TestAttempt('Tenants.serve', 'b'))).resolves.toBe('b 2');
      await expect(attempt('Tenants.serve', [], new TestAttempt('Tenants.serve', 'a'))).resolves.toBe('a 1');
    } finally {
      ContextIdFactory.apply(undefined as never);
    }
  });
});

describe('interceptors', () => {
  @Injectable()
  class Audit {
    readonly lines: string[] = [];
  }
  @Injectable()
  class Audited implements NestInterceptor {
    constructor(private readonly audit: Audit) {}
    intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
      const ctx = ActivityContext.current();
      this.audit.lines.push(
        [
          context.getType(),
          context.getClass().name,
          context.getHandler().name,
          context.getArgs().join(),
          ctx.activity,
        ].join(' '),
      );
      return next.handle().pipe(map((result) => `[${String(result)}]`));
    }
  }
  class Nothing implements NestInterceptor {
    intercept(): Observable<unknown> {
      return EMPTY;
    }
  }

  it('on the class or the method run around each attempt', async () => {
    @Injectable()
    @UseInterceptors(Audited)
    class Stock {
      @Activity() async count(sku: string): Promise<number> {
        return sku.length;
      }
      @UseInterceptors(new Nothing())
      @Activity()
      async nothing(): Promise<number> {
        return 1;
      }
    }
    const { attempt, app } = await explore({ providers: [Audit, Stock] });

    await expect(attempt('Stock.count', ['pen'])).resolves.toBe('[3]');
    await expect(attempt('Stock.nothing')).resolves.toBeUndefined();
    expect(app.get(Audit).lines[0]).toBe('activity Stock count pen Stock.count');
  });

  it('pass on what the activity throws', async () => {
    @Injectable()
    @UseInterceptors(Audited)
    class Stock {
      @Activity() async count(): Promise<number> {
        throw new Error('no stock');
      }
    }
    const { attempt } = await explore({ providers: [Audit, Stock] });

    await expect(attempt('Stock.count')).rejects.toThrow('no stock');
  });

  it('may be request-scoped, and make the activity so', async () => {
    let made = 0;
    @Injectable({ scope: Scope.REQUEST })
    class Scoped implements NestInterceptor {
      readonly number = ++made;
      constructor(@Inject(REQUEST) private readonly request: ActivityContext) {}
      intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
        return next
          .handle()
          .pipe(map((result) => `${String(result)} ${this.number} ${this.request.activity}`));
      }
    }
    @Injectable()
    @UseInterceptors(Scoped)
    class Stock {
      @Activity() async count(): Promise<number> {
        return 1;
      }
    }
    const { attempt } = await explore({ providers: [Stock] });

    await expect(attempt('Stock.count')).resolves.toBe('1 1 Stock.count');
    await expect(attempt('Stock.count')).resolves.toBe('1 2 Stock.count');
  });

  it('guards and filters of the whole application are left out', async () => {
    const refuse = { canActivate: () => false };
    const swallow = { catch: () => 'swallowed' };
    const rewrite = {
      intercept: (_: ExecutionContext, next: CallHandler) => next.handle().pipe(map(() => 'rewritten')),
    };
    @Injectable()
    class Stock {
      @Activity() async count(): Promise<number> {
        return 1;
      }
      @Activity() async fail(): Promise<number> {
        throw new Error('no stock');
      }
    }
    const { attempt } = await explore({
      providers: [
        Stock,
        { provide: APP_GUARD, useValue: refuse },
        { provide: APP_FILTER, useValue: swallow },
        { provide: APP_INTERCEPTOR, useValue: rewrite },
      ],
    });

    await expect(attempt('Stock.count')).resolves.toBe(1);
    await expect(attempt('Stock.fail')).rejects.toThrow('no stock');
  });

  it('and guards or filters on an activity have no effect, which is said at boot', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    @Injectable()
    @UseGuards({ canActivate: () => false })
    class Stock {
      @UseFilters({ catch: () => 'swallowed' })
      @Activity()
      async count(): Promise<number> {
        return 1;
      }
      unguarded(): void {}
    }
    const { attempt } = await explore({ providers: [Stock] });

    await expect(attempt('Stock.count')).resolves.toBe(1);
    expect(warn.mock.calls.map(([line]) => String(line))).toEqual([
      expect.stringContaining('@UseGuards() on Stock has no effect on the activity Stock.count'),
      expect.stringContaining('@UseFilters() on Stock has no effect on the activity Stock.count'),
    ]);
  });

  it('that Nest does not bind, behind a factory, are said at boot', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    @UseInterceptors(Audited)
    class Stock {
      @Activity() async count(): Promise<number> {
        return 1;
      }
    }
    const { attempt } = await explore({ providers: [{ provide: Stock, useFactory: () => new Stock() }] });

    await expect(attempt('Stock.count')).resolves.toBe(1);
    expect(String(warn.mock.calls[0]?.[0])).toContain('@UseInterceptors(Audited) on Stock has no effect');
  });
});
