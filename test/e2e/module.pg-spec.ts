import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import type { DynamicModule, OnModuleInit } from '@nestjs/common';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import {
  Activity,
  ContinuumModule,
  getWorkflowClientToken,
  OnQuery,
  OnSignal,
  UnknownWorkflowError,
  Workflow,
  WorkflowClient,
  WorkflowContext,
} from 'nestjs-continuum';
import type { ContinuumModuleOptions } from 'nestjs-continuum';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { createDatabase } from '../support/database.js';
import type { TestDatabase } from '../support/database.js';
import { closeApps, openApp } from './support/app.js';
import { until } from './support/helpers.js';

@Injectable()
class Greeter {
  @Activity() async greet(name: string): Promise<string> {
    return `Hello ${name}`;
  }
}
@Workflow({ name: 'greeting' })
class GreetingWorkflow {
  private polite = false;
  constructor(private readonly greeter: Greeter) {}
  @OnSignal() please(): void {
    this.polite = true;
  }
  @OnQuery() isPolite(): boolean {
    return this.polite;
  }
  async run(ctx: WorkflowContext, name: string): Promise<string> {
    if (name === 'Sir') await ctx.condition(() => this.polite);
    return this.greeter.greet(name);
  }
}
const greeting = [Greeter, GreetingWorkflow];

let database: TestDatabase;
let admin: pg.Client;
beforeAll(async () => {
  database = await createDatabase();
  admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
});
afterEach(closeApps);
afterAll(async () => {
  await admin.end();
  await database.drop();
});

const sources: DataSource[] = [];
const opened = (dataSource: DataSource): Promise<DataSource> => {
  sources.push(dataSource);
  return dataSource.initialize();
};
afterEach(async () => {
  for (const source of sources.splice(0)) await source.destroy();
});

let schemas = 0;
const freshSchema = (): string => `s${++schemas}`;

const connectionsOf = async (applicationName: string): Promise<number> => {
  const { rows } = await admin.query<{ count: string }>(
    'select count(*) from pg_stat_activity where application_name = $1 and datname = $2',
    [applicationName, new URL(database.url).pathname.slice(1)],
  );
  return Number(rows[0]?.count);
};

describe('the connection of the journal', () => {
  /** The application's own, which takes its time to connect. */
  const slowTypeOrm = (name?: string): DynamicModule =>
    TypeOrmModule.forRootAsync({
      ...(name === undefined ? {} : { name }),
      useFactory: () => ({
        type: 'postgres',
        url: database.url,
        applicationName: 'the application',
        poolSize: 3,
      }),
      dataSourceFactory: async (options) => {
        await until(async () => (await admin.query('select pg_sleep(0.1)')).rowCount === 1);
        return new DataSource(options!).initialize();
      },
    });

  type Case = [
    what: string,
    options: () => Promise<Partial<ContinuumModuleOptions>>,
    imports: () => DynamicModule[],
  ];
  it.each<Case>([
    ["TypeORM's options", async () => ({ connection: { url: database.url } }), () => []],
    [
      'a DataSource that is connected',
      async () => ({ connection: await opened(new DataSource({ type: 'postgres', url: database.url })) }),
      () => [],
    ],
    [
      'a DataSource that is not',
      async () => ({ connection: new DataSource({ type: 'postgres', url: database.url }) }),
      () => [],
    ],
    [
      "the name of the application's DataSource",
      async () => ({ connection: 'default' }),
      () => [slowTypeOrm()],
    ],
    ['another name of one', async () => ({ connection: 'orders' }), () => [slowTypeOrm('orders')]],
  ])('may be %s', async (_, options, imports) => {
    const continuum = { ...(await options()), schema: freshSchema() };
    const { client } = await openApp({ continuum, imports: imports(), providers: greeting });
    expect(await client.execute(GreetingWorkflow, 'Ann')).toBe('Hello Ann');
  });

  it('may come from a factory, under a name too', async () => {
    const { client } = await openApp({
      byFactory: true,
      continuum: { schema: freshSchema(), connection: 'default' },
      imports: [slowTypeOrm()],
      providers: greeting,
    });
    expect(await client.execute(GreetingWorkflow, 'Ann')).toBe('Hello Ann');
  });

  it('is a pool of its own, which the application cannot starve, and which ends with it', async () => {
    const { app, client } = await openApp({
      continuum: { connection: 'default', schema: freshSchema(), poolSize: 2 },
      imports: [slowTypeOrm()],
      providers: greeting,
    });
    const application = app.get<DataSource>(getDataSourceToken(), { strict: false });
    const runners = [1, 2, 3].map(() => application.createQueryRunner());
    for (const runner of runners) await runner.connect();
    // Every connection of the application is taken.
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, n) => client.execute(GreetingWorkflow, `${n}`)),
    );
    expect(results).toHaveLength(20);
    for (const runner of runners) await runner.release();
    // Its pool, and the one that listens.
    expect(await connectionsOf('the application')).toBeLessThanOrEqual(3 + 2 + 1);
    await app.close();
    await until(async () => (await connectionsOf('the application')) === 0);
  });

  it('has the name "continuum" where the options give none', async () => {
    const { app } = await openApp({
      continuum: { connection: { url: database.url }, schema: freshSchema(), poolSize: 2 },
      providers: greeting,
    });
    await until(async () => (await connectionsOf('continuum')) > 0);
    expect(await connectionsOf('continuum')).toBeLessThanOrEqual(3);
    await app.close();
    await until(async () => (await connectionsOf('continuum')) === 0);
  });
});

describe('several processes', () => {
  it('a client only starts, signals and waits; a worker elsewhere works', async () => {
    const continuum = { connection: { url: database.url }, schema: freshSchema() };
    const front = await openApp({ continuum: { ...continuum, worker: false } });
    const handle = await front.client.start(GreetingWorkflow, 'Sir');
    await handle.signal('please');
    expect(await handle.describe()).toMatchObject({ state: 'running' });
    // It has no code to answer with.
    await expect(handle.query('isPolite')).rejects.toThrow(UnknownWorkflowError);
    const waiting = handle.result();

    await openApp({ continuum, providers: greeting });
    expect(await waiting).toBe('Hello Sir');
    expect(await front.client.execute(GreetingWorkflow, 'Ann')).toBe('Hello Ann');
    expect(front.events.count('run claimed')).toBe(0);
    expect(front.events.count('worker registered')).toBe(0);
    expect(await front.events.until('client started')).toMatchObject({
      schema: continuum.schema,
      namespace: 'default',
      workflows: [],
    });
    await front.app.close();
    expect(front.events.count('worker drained')).toBe(0);
    // Of course it is not: this is what a client only is for.
    expect(front.events.count('workflow not served here')).toBe(0);
  });

  it('a client only that provides the workflow answers queries of it', async () => {
    const continuum = { connection: { url: database.url }, schema: freshSchema() };
    const front = await openApp({ continuum: { ...continuum, worker: false }, providers: greeting });
    await openApp({ continuum, providers: greeting });
    const handle = await front.client.start<GreetingWorkflow>('greeting', 'Sir');
    const typed = front.client.handle(GreetingWorkflow, handle.workflowId);
    await until(async () => (await handle.history()).length > 0);
    expect(await typed.query('isPolite')).toBe(false);
    await handle.signal('please');
    expect(await handle.result()).toBe('Hello Sir');
    expect(await typed.query('isPolite')).toBe(true);
  });

  it('hear of each other at once, not at the next poll', async () => {
    const continuum = { connection: { url: database.url }, schema: freshSchema() };
    const front = await openApp({ continuum: { ...continuum, worker: false } });
    const back = await openApp({ continuum, providers: greeting });
    await back.client.execute(GreetingWorkflow, 'Ann');
    const began = performance.now();
    for (let n = 0; n < 5; n++) await front.client.execute(GreetingWorkflow, `${n}`);
    // Each would take a second or two: polls are a second apart.
    expect(performance.now() - began).toBeLessThan(5 * 950);
  });

  it('of two namespaces know nothing of each other', async () => {
    const continuum = { connection: { url: database.url }, schema: freshSchema() };
    const here = await openApp({ continuum: { ...continuum, namespace: 'here' }, providers: greeting });
    const there = await openApp({ continuum: { ...continuum, namespace: 'there' }, providers: greeting });
    const one = await here.client.start(GreetingWorkflow, 'Sir', { id: 'same' });
    const other = await there.client.start(GreetingWorkflow, 'Sir', { id: 'same' });
    expect(one.runId).not.toBe(other.runId);
    await one.signal('please');
    expect(await one.result()).toBe('Hello Sir');
    expect(await other.query('isPolite')).toBe(false);
    expect(await there.client.count()).toBe(1);
    await other.terminate();
  });
});

describe('two instances in one application', () => {
  it('keep their histories in two schemas', async () => {
    @Workflow({ name: 'invoice' })
    class InvoiceWorkflow {
      async run(_: WorkflowContext, sum: number): Promise<string> {
        return `pay ${sum}`;
      }
    }
    @Module({ providers: greeting })
    class GreetingModule {}
    @Module({ providers: [InvoiceWorkflow] })
    class BillingModule {}
    const connection = { url: database.url };
    const [orders, billing] = [freshSchema(), freshSchema()];
    const { app, client } = await openApp({
      continuum: { connection, schema: orders, include: [GreetingModule] },
      imports: [
        ContinuumModule.forRoot({ name: 'billing', connection, schema: billing, include: [BillingModule] }),
        GreetingModule,
        BillingModule,
      ],
    });
    const other = app.get<WorkflowClient>(getWorkflowClientToken('billing'), { strict: false });
    expect(await client.execute(GreetingWorkflow, 'Ann', { id: 'same' })).toBe('Hello Ann');
    expect(await other.execute(InvoiceWorkflow, 7, { id: 'same' })).toBe('pay 7');
    for (const [schema, workflow] of [
      [orders, 'greeting'],
      [billing, 'invoice'],
    ]) {
      const { rows } = await admin.query(`select workflow from ${schema}.runs`);
      expect(rows).toEqual([{ workflow }]);
    }
  });
});

describe('a hook of the application', () => {
  it('may start a workflow in onModuleInit: the journal is migrated by then', async () => {
    @Injectable()
    class Eager implements OnModuleInit {
      constructor(private readonly workflows: WorkflowClient) {}
      async onModuleInit(): Promise<void> {
        await this.workflows.start(GreetingWorkflow, 'Ann', { id: 'eager' });
      }
    }
    const { client } = await openApp({
      continuum: { connection: { url: database.url }, schema: freshSchema() },
      providers: [...greeting, Eager],
    });
    expect(await client.handle('eager').result()).toBe('Hello Ann');
  });

  it.each(['onModuleInit', 'onApplicationBootstrap'] as const)(
    'is told at once that %s cannot wait for a result: the worker begins after it',
    async (hook) => {
      const told: string[] = [];
      const tell = (error: unknown): number => told.push(String(error));
      @Injectable()
      class Eager {
        constructor(private readonly workflows: WorkflowClient) {}
        async [hook](): Promise<void> {
          await this.workflows.execute(GreetingWorkflow, 'Bob', { id: 'never started' }).catch(tell);
          const handle = await this.workflows.start(GreetingWorkflow, 'Ann', { id: 'eager' });
          await handle.result().catch(tell);
        }
      }
      const { client } = await openApp({
        continuum: { connection: { url: database.url }, schema: freshSchema() },
        providers: [...greeting, Eager],
      });
      expect(told).toEqual(Array(2).fill(expect.stringMatching(/has not begun.*onApplicationBootstrap/)));
      expect(await client.handle('eager').result()).toBe('Hello Ann');
      expect(await client.count()).toBe(1);
    },
  );
});
