import { afterEach, describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Module, Scope, UseInterceptors } from '@nestjs/common';
import type {
  BeforeApplicationShutdown,
  CallHandler,
  ExecutionContext,
  NestInterceptor,
  OnApplicationBootstrap,
  OnApplicationShutdown,
  OnModuleDestroy,
  OnModuleInit,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import {
  Activity,
  ActivityContext,
  ClientClosedError,
  ContinuumModule,
  getWorkflowClientToken,
  InjectWorkflowClient,
  InvalidInputError,
  InvalidOptionError,
  JournalError,
  OnQuery,
  OnSignal,
  UnknownWorkflowError,
  Workflow,
  WorkflowClient,
  WorkflowContext,
} from 'nestjs-continuum';
import type { ContinuumModuleOptions } from 'nestjs-continuum';
import { map } from 'rxjs';
import type { Observable } from 'rxjs';
import { gate } from '../support/gate.js';
import { closeApps, compileApp, openApp } from './support/app.js';
import { caught } from './support/helpers.js';

@Injectable()
class Greeter {
  @Activity() async greet(name: string): Promise<string> {
    return `Hello ${name}`;
  }
}
@Workflow({ name: 'greeting' })
class GreetingWorkflow {
  constructor(private readonly greeter: Greeter) {}
  async run(_: WorkflowContext, name: string): Promise<string> {
    return this.greeter.greet(name);
  }
}
const greeting = [Greeter, GreetingWorkflow];
const MEMORY: ContinuumModuleOptions = { journal: 'memory' };

afterEach(closeApps);

describe('ContinuumModule', () => {
  @Injectable()
  class Settings {
    readonly journal = 'memory';
    createContinuumOptions(): ContinuumModuleOptions {
      return { journal: this.journal };
    }
  }
  @Module({ providers: [Settings], exports: [Settings] })
  class SettingsModule {}

  it.each([
    ['forRoot', () => ContinuumModule.forRoot(MEMORY)],
    [
      'forRootAsync, useFactory',
      () =>
        ContinuumModule.forRootAsync({
          imports: [SettingsModule],
          inject: [Settings],
          useFactory: async (settings: Settings) => settings.createContinuumOptions(),
        }),
    ],
    ['forRootAsync, useClass', () => ContinuumModule.forRootAsync({ useClass: Settings })],
    [
      'forRootAsync, useExisting',
      () => ContinuumModule.forRootAsync({ imports: [SettingsModule], useExisting: Settings }),
    ],
  ])('works by %s', async (_, made) => {
    const app = await Test.createTestingModule({ imports: [made()], providers: greeting }).compile();
    app.useLogger(false);
    await app.init();
    try {
      expect(await app.get(WorkflowClient).execute(GreetingWorkflow, 'Ann')).toBe('Hello Ann');
    } finally {
      await app.close();
    }
  });

  it('checks the options that a factory gives as it checks others', async () => {
    const imports = [
      ContinuumModule.forRootAsync({ useFactory: () => ({ journal: 'memory', poolSice: 3 }) }),
    ];
    const error = await caught(Test.createTestingModule({ imports }).compile());
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(String(error)).toContain('poolSice is not an option');
  });

  it('gives the client to every module, or to those that import it', async () => {
    @Injectable()
    class Shop {
      constructor(readonly workflows: WorkflowClient) {}
    }
    @Module({ providers: [Shop] })
    class ShopModule {}
    const { app, client } = await openApp({ continuum: MEMORY, imports: [ShopModule] });
    expect(app.get(Shop, { strict: false }).workflows).toBe(client);
    const local = { ...MEMORY, isGlobal: false };
    await expect(compileApp({ continuum: local, imports: [ShopModule] })).rejects.toThrow(/WorkflowClient/);
  });

  it('stands in an application twice under two names, each with the workflows of its modules', async () => {
    @Workflow({ name: 'invoice' })
    class InvoiceWorkflow {
      constructor(private readonly greeter: Greeter) {}
      async run(_: WorkflowContext, name: string): Promise<string> {
        return `${await this.greeter.greet(name)}, please pay`;
      }
    }
    @Module({ providers: [Greeter], exports: [Greeter] })
    class GreeterModule {}
    @Injectable()
    class Billing {
      constructor(
        @InjectWorkflowClient('billing') readonly billing: WorkflowClient,
        readonly others: WorkflowClient,
      ) {}
    }
    @Module({ imports: [GreeterModule], providers: [InvoiceWorkflow, Billing] })
    class BillingModule {}
    @Module({ imports: [GreeterModule], providers: [GreetingWorkflow] })
    class OrdersModule {}

    const { app, client } = await openApp({
      continuum: { ...MEMORY, include: [OrdersModule] },
      imports: [
        ContinuumModule.forRoot({ ...MEMORY, name: 'billing', include: [BillingModule] }),
        BillingModule,
        OrdersModule,
      ],
    });
    const { billing, others } = app.get(Billing, { strict: false });
    expect(others).toBe(client);
    expect(billing).not.toBe(client);
    expect(app.get(getWorkflowClientToken('billing'), { strict: false })).toBe(billing);
    expect(await billing.execute(InvoiceWorkflow, 'Ann')).toBe('Hello Ann, please pay');
    expect(await client.execute(GreetingWorkflow, 'Ann')).toBe('Hello Ann');
    // What the other instance has is unknown here.
    await expect(client.start('invoice', 'Ann')).rejects.toThrow(UnknownWorkflowError);
    await expect(billing.start('greeting', 'Ann')).rejects.toThrow(UnknownWorkflowError);
    expect(await client.count()).toBe(1);
  });

  it.each([
    ['without a name', undefined],
    ['with the name "billing"', 'billing'],
  ])('is refused twice %s', async (which, name) => {
    const twice = compileApp({
      continuum: { ...MEMORY, name },
      imports: [ContinuumModule.forRoot({ ...MEMORY, name })],
    }).then(({ app }) => app.init());
    await expect(twice).rejects.toThrow(new RegExp(`twice ${which}.*forRoot\\({ name`, 's'));
  });

  it('executes nothing within a transaction, for which it would have to wait', async () => {
    const { client } = await openApp({ continuum: MEMORY, providers: greeting });
    const error = await caught(client.execute(GreetingWorkflow, 'Ann', { manager: {} }));
    expect(error).toBeInstanceOf(InvalidInputError);
    expect(String(error)).toContain('wait for itself');
    expect(await client.count()).toBe(0);
  });

  it('refuses a manager that is of no open transaction', async () => {
    const { client } = await openApp({ continuum: MEMORY, providers: greeting });
    const error = await caught(client.start(GreetingWorkflow, 'Ann', { manager: {} }));
    expect(error).toBeInstanceOf(JournalError);
    expect(String(error)).toMatch(/dataSource\.transaction\(\)/);
    expect(await client.count()).toBe(0);
  });
});

describe('the journal in memory', () => {
  const environment = process.env['NODE_ENV'];
  afterEach(() => {
    process.env['NODE_ENV'] = environment;
  });

  it('is refused in production', async () => {
    process.env['NODE_ENV'] = 'production';
    const error = await caught(compileApp({ continuum: MEMORY }));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(String(error)).toMatch(/journal: 'memory'.*production.*connection/s);
  });

  it('tells an observer once what it serves when it starts, and what became of its runs when it is closed', async () => {
    @Workflow({ name: 'waiting', version: 3 })
    class WaitingWorkflow {
      @OnSignal() approve(): void {}
      @OnQuery() status(): string {
        return 'open';
      }
      async run(ctx: WorkflowContext): Promise<void> {
        await ctx.condition(() => false);
      }
    }
    const { app, client, events } = await openApp({
      continuum: { ...MEMORY, namespace: 'shop' },
      providers: [...greeting, WaitingWorkflow],
    });
    const { workerId, ...started } = await events.until('worker started');
    expect(started).toEqual({
      type: 'worker started',
      namespace: 'shop',
      schema: null,
      workflows: [
        { name: 'greeting', version: 1, signals: [], queries: [] },
        { name: 'waiting', version: 3, signals: ['approve'], queries: ['status'] },
      ],
      activities: ['Greeter.greet'],
    });
    const handle = await client.start(WaitingWorkflow);
    expect(await handle.query('status')).toBe('open');
    await app.close();
    await app.close();
    expect(events.events.filter(({ type }) => type === 'worker drained')).toEqual([
      { type: 'worker drained', workerId, took: expect.any(Number), givenBack: 1, ended: 0, left: 0 },
    ]);
    expect(events.count('worker started')).toBe(1);
  });

  it('starts what is started before the application is at work, and says so to who waits', async () => {
    const { app, client } = await compileApp({ continuum: MEMORY, providers: greeting });
    const handle = await client.start(GreetingWorkflow, 'Ann');
    await expect(handle.result()).rejects.toThrow(/app\.init\(\)/);
    await expect(client.execute(GreetingWorkflow, 'Bob')).rejects.toThrow(/app\.init\(\)/);
    // Nothing is started by who could not wait.
    expect(await client.count()).toBe(1);
    await app.init();
    expect(await handle.result()).toBe('Hello Ann');
  });
});

describe('hooks of the application', () => {
  it('may start workflows, whose results are there when the application has started', async () => {
    @Injectable()
    class Eager implements OnModuleInit, OnApplicationBootstrap {
      constructor(private readonly workflows: WorkflowClient) {}
      async onModuleInit(): Promise<void> {
        await this.workflows.start(GreetingWorkflow, 'Ann', { id: 'by class' });
        await this.workflows.start('greeting', 'Bob', { id: 'by name' });
      }
      async onApplicationBootstrap(): Promise<void> {
        await this.workflows.start(GreetingWorkflow, 'Eve', { id: 'last' });
      }
    }
    const { client } = await openApp({ continuum: MEMORY, providers: [...greeting, Eager] });
    const ids = ['by class', 'by name', 'last'];
    expect(await Promise.all(ids.map((id) => client.handle(id).result()))).toEqual([
      'Hello Ann',
      'Hello Bob',
      'Hello Eve',
    ]);
  });

  it('may start by name also in a module that is initialised before Continuum', async () => {
    @Injectable()
    class Early implements OnModuleInit {
      constructor(private readonly workflows: WorkflowClient) {}
      async onModuleInit(): Promise<void> {
        await this.workflows.start('greeting', 'Ann', { id: 'early' });
      }
    }
    @Module({ providers: [Early] })
    class EarlyModule {}
    const app = await Test.createTestingModule({
      imports: [{ module: EarlyModule, global: true }, ContinuumModule.forRoot(MEMORY)],
      providers: greeting,
    }).compile();
    app.useLogger(false);
    await app.init();
    try {
      expect(await app.get(WorkflowClient).handle('early').result()).toBe('Hello Ann');
    } finally {
      await app.close();
    }
  });

  it('run in order around the end: activities still work after onModuleDestroy, and are done before onApplicationShutdown', async () => {
    const order: string[] = [];
    const begun = gate();
    const destroying = gate();
    @Injectable()
    class Pool implements OnModuleDestroy, BeforeApplicationShutdown, OnApplicationShutdown {
      @Activity() async use(): Promise<string> {
        begun.open();
        await destroying.opened;
        // Whoever does not wait for it is through with all hooks by then.
        for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
        order.push('activity');
        return 'used';
      }
      onModuleDestroy(): void {
        order.push('onModuleDestroy');
      }
      beforeApplicationShutdown(): void {
        order.push('beforeApplicationShutdown');
        destroying.open();
      }
      onApplicationShutdown(): void {
        order.push('onApplicationShutdown');
      }
    }
    @Workflow()
    class PoolWorkflow {
      constructor(private readonly pool: Pool) {}
      async run(): Promise<string> {
        return this.pool.use();
      }
    }
    const { app, client, events } = await openApp({ continuum: MEMORY, providers: [Pool, PoolWorkflow] });
    const handle = await client.start(PoolWorkflow);
    await begun.opened;
    const result = handle.result();
    await app.close();
    expect(await result).toBe('used');
    expect(order).toEqual([
      'onModuleDestroy',
      'beforeApplicationShutdown',
      'activity',
      'onApplicationShutdown',
    ]);
    expect(events.count('run closed')).toBe(1);
  });
});

describe('the end of an application', () => {
  it('may be asked for twice, also at once', async () => {
    const { app, client } = await openApp({ continuum: MEMORY, providers: greeting });
    await client.execute(GreetingWorkflow, 'Ann');
    await Promise.all([app.close(), app.close()]);
    await app.close();
  });

  it('may come before its beginning', async () => {
    const { app, client } = await compileApp({ continuum: MEMORY, providers: greeting });
    await client.start(GreetingWorkflow, 'Ann');
    await app.close();
    await app.close();
  });

  it('may come while the worker is still beginning', async () => {
    const { app, events } = await openApp({ continuum: MEMORY, providers: greeting });
    await app.close();
    expect(events.count('worker lost')).toBe(0);
  });

  it('tells whoever waits for a result', async () => {
    @Workflow()
    class EndlessWorkflow {
      async run(ctx: WorkflowContext): Promise<void> {
        await ctx.sleep('1 day');
      }
    }
    const { app, client } = await openApp({ continuum: MEMORY, providers: [EndlessWorkflow] });
    const handle = await client.start(EndlessWorkflow);
    const waits = [handle.result(), handle.result({ timeout: '1 hour' })].map(caught);
    await app.close();
    for (const error of await Promise.all(waits)) {
      expect(error).toBeInstanceOf(ClientClosedError);
      expect(error).toMatchObject({ workflowId: handle.workflowId, status: 503 });
    }
    await expect(handle.result()).rejects.toThrow(ClientClosedError);
  });
});

describe('activities of the application', () => {
  it('may be request-scoped: the request is the attempt', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class PerAttempt {
      static made = 0;
      constructor(@Inject(REQUEST) private readonly request: ActivityContext) {
        PerAttempt.made++;
      }
      @Activity({ retry: { initialInterval: 1 } })
      async describe(): Promise<string> {
        if (this.request.attempt < 2) throw new Error('not yet');
        return `${this.request.activity} of ${this.request.workflowId}, attempt ${this.request.attempt}`;
      }
    }
    @Workflow()
    class ScopedWorkflow {
      constructor(private readonly perAttempt: PerAttempt) {}
      async run(): Promise<string> {
        return this.perAttempt.describe();
      }
    }
    const { client } = await openApp({ continuum: MEMORY, providers: [PerAttempt, ScopedWorkflow] });
    const result = await client.execute(ScopedWorkflow, undefined, { id: 'scoped' });
    expect(result).toBe('PerAttempt.describe of scoped, attempt 2');
    expect(PerAttempt.made).toBe(2);
  });

  it('have the interceptors that are bound to them around each attempt', async () => {
    @Injectable()
    class Shouting implements NestInterceptor {
      readonly heard: string[] = [];
      intercept(context: ExecutionContext, next: CallHandler<string>): Observable<string> {
        const { attempt } = ActivityContext.current();
        this.heard.push(
          `${context.getType()} ${context.getHandler().name} ${context.getArgs().join()} ${attempt}`,
        );
        return next.handle().pipe(map((text) => text.toUpperCase()));
      }
    }
    @Injectable()
    class Bound {
      @UseInterceptors(Shouting)
      @Activity({ retry: { initialInterval: 1 } })
      async say(text: string, ctx = ActivityContext.current()): Promise<string> {
        if (ctx.attempt === 1) throw new Error('hoarse');
        return text;
      }
    }
    @Workflow()
    class SayWorkflow {
      constructor(private readonly bound: Bound) {}
      async run(_: WorkflowContext, text: string): Promise<string> {
        return this.bound.say(text);
      }
    }
    const { app, client } = await openApp({ continuum: MEMORY, providers: [Shouting, Bound, SayWorkflow] });
    expect(await client.execute(SayWorkflow, 'hey')).toBe('HEY');
    const heard = interceptorOf(app, Shouting).flatMap((interceptor) => interceptor.heard);
    expect(heard).toEqual(['activity say hey 1', 'activity say hey 2']);
  });

  it('may be replaced in a test', async () => {
    const { client } = await openApp({
      continuum: MEMORY,
      providers: greeting,
      override: (builder) =>
        builder
          .overrideProvider(Greeter)
          .useValue({ greet: (name: string) => Promise.resolve(`Fake ${name}`) }),
    });
    expect(await client.execute(GreetingWorkflow, 'Ann')).toBe('Fake Ann');
  });
});

/** Nest makes a bound interceptor anew for its host, beside the provider of the same class. */
function interceptorOf<T>(app: TestingModule, type: new () => T): T[] {
  return app.get<T, T>(type, { strict: false, each: true });
}
