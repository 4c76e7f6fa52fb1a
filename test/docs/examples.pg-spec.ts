import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { ContinuumModule, WorkflowClient } from 'nestjs-continuum';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { createDatabase } from '../support/database.js';
import type { TestDatabase } from '../support/database.js';
import { Carts } from './examples/client.js';
import {
  Billing,
  clientOnly,
  ConfigModule,
  fromFactory,
  sharedDataSource,
} from './examples/module-options.js';
import { migrationsOf } from './examples/operations.js';
import { CartWorkflow } from './examples/signals.js';

let database: TestDatabase;
let app: TestingModule | undefined;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(async () => {
  await app?.close();
  app = undefined;
  await database.drop();
});

async function open(metadata: ModuleMetadata): Promise<TestingModule> {
  app = await Test.createTestingModule(metadata).compile();
  app.useLogger(false);
  return app.init();
}

async function query(sql: string): Promise<readonly pg.QueryResultRow[]> {
  const connection = new pg.Client({ connectionString: database.url });
  await connection.connect();
  try {
    return (await connection.query<pg.QueryResultRow>(sql)).rows;
  } finally {
    await connection.end();
  }
}

const soon = { timeout: '10s' } as const;

describe('the examples in the documentation, on Postgres', () => {
  it.each(['readme', 'first-workflow'])('%s: the module connects to DATABASE_URL', async (page) => {
    process.env['DATABASE_URL'] = database.url;
    // Its options are read when it is loaded.
    const { AppModule } = (await import(`./examples/${page}.ts`)) as { AppModule: new () => object };
    delete process.env['DATABASE_URL'];
    await open({ imports: [AppModule] });
    expect(
      await query(`select from pg_tables where schemaname = 'continuum' and tablename = 'runs'`),
    ).toHaveLength(1);
  });

  it('client: a start belongs to the transaction of its caller', async () => {
    await open({ imports: sharedDataSource(database.url), providers: [CartWorkflow, Carts] });
    await query('create table customers (name text primary key)');
    const [carts, dataSource] = [app!.get(Carts), app!.get(DataSource)];
    await expect(carts.openWith(dataSource, 'ann', true)).rejects.toThrow('rolled back');
    await carts.openWith(dataSource, 'bob', false);
    expect(await query('select name from customers')).toEqual([{ name: 'bob' }]);
    const { runs } = await app!.get(WorkflowClient).list();
    expect(runs.map(({ workflowId }) => workflowId)).toEqual(['cart-bob']);
  });

  it('options: from a factory, and a second instance that is a client only', async () => {
    await open({
      imports: [ConfigModule.with(database.url), fromFactory, clientOnly],
      providers: [Billing, CartWorkflow],
    });
    await app!.get(WorkflowClient).start(CartWorkflow);
    expect(await app!.get(Billing).counts()).toEqual([0, 1]);
  });

  it('operations: migrations that the application runs itself', async () => {
    const dataSource = await migrationsOf(database.url).initialize();
    await dataSource.runMigrations();
    await dataSource.destroy();
    await open({
      imports: [ContinuumModule.forRoot({ connection: { url: database.url }, migrations: 'verify' })],
    });
  });

  it('operations: what the queries show', async () => {
    const { href } = new URL('../../docs/operations.md', import.meta.url);
    const page = readFileSync(new URL(href), 'utf8');
    const queries = [...page.matchAll(/^```sql\n([^]*?)^```/gm)].map(([, sql]) => sql!);
    expect(queries).toHaveLength(5);
    await open({
      imports: [ContinuumModule.forRoot({ connection: { url: database.url } })],
      providers: [CartWorkflow],
    });
    const cart = await app!.get(WorkflowClient).start(CartWorkflow, undefined, { id: 'order-17' });
    await cart.cancel();
    await expect(cart.result(soon)).rejects.toMatchObject({ name: 'WorkflowCancelledError' });
    const [history, blocked, deadly, waiting, workers] = await Promise.all(queries.map(query));
    expect(history!.map(({ type }) => type as string)).toEqual(
      expect.arrayContaining(['run_started', 'run_cancelled']),
    );
    expect(blocked).toEqual([]);
    expect(deadly).toEqual([]);
    expect(waiting).toEqual([]);
    expect(workers).toHaveLength(1);
  });
});
