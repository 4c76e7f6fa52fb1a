// The application that scripts/test-package.mjs installs the packed tarball into: ES modules and CommonJS alike.
import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Activity,
  ActivityContext,
  Compensate,
  ContinuumModule,
  OnQuery,
  OnSignal,
  Workflow,
  WorkflowClient,
  WorkflowContext,
  WorkflowFailedError,
  WorkflowFailure,
} from 'nestjs-continuum';
import type { ActivityOptions, HistoryLine, StartOptions, WorkflowHandle } from 'nestjs-continuum';
import { continuumMigrations } from 'nestjs-continuum/migrations';
import { InMemoryJournal, ManualClock } from 'nestjs-continuum/testing';
import { DataSource } from 'typeorm';

const patient: ActivityOptions = { retry: { maxAttempts: 5, initialInterval: 1 }, timeout: '10s' };

@Injectable()
export class Stock {
  readonly moves: string[] = [];

  @Activity(patient)
  async reserve(sku: string, ctx = ActivityContext.current()): Promise<string> {
    if (ctx.attempt === 1) throw new Error('The first attempt fails.');
    this.moves.push(`reserve ${sku}`);
    return `reservation of ${sku}`;
  }
  @Compensate('reserve')
  async release(reservation: string, sku: string): Promise<void> {
    this.moves.push(`release ${sku}: ${reservation}`);
  }
}

@Workflow({ name: 'order', version: 1 })
export class OrderWorkflow {
  private approvedBy?: string;

  constructor(private readonly stock: Stock) {}

  @OnSignal()
  approve(by: string): void {
    this.approvedBy = by;
  }
  @OnQuery()
  status(): string {
    return this.approvedBy === undefined ? 'waiting' : 'approved';
  }

  async run(ctx: WorkflowContext, sku: string): Promise<string> {
    const reservation = await this.stock.reserve(sku);
    await ctx.condition(() => this.approvedBy !== undefined);
    if (this.approvedBy === 'nobody') throw new WorkflowFailure('not approved');
    return `${reservation}, approved by ${this.approvedBy ?? ''}`;
  }
}

@Module({
  imports: [
    ContinuumModule.forRoot({
      connection: { url: process.env['DATABASE_URL'] ?? '' },
      schema: process.env['SCHEMA'] ?? 'continuum',
    }),
  ],
  providers: [Stock, OrderWorkflow],
})
export class AppModule {}

async function order(client: WorkflowClient, by: string): Promise<unknown> {
  const options: StartOptions = { attributes: { by } };
  const handle: WorkflowHandle<OrderWorkflow> = await client.start(OrderWorkflow, 'pen', options);
  const before = await handle.query('status');
  await handle.signal('approve', by);
  const result = await handle.result({ timeout: '20s' }).catch((error: unknown) => {
    if (!(error instanceof WorkflowFailedError)) throw error;
    return `${error.name}: rollback ${error.rollback}`;
  });
  const history: readonly HistoryLine[] = await handle.history();
  return { before, result, last: history[history.length - 1]?.entry.type };
}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
  const client = app.get(WorkflowClient);
  try {
    const said = {
      approved: await order(client, 'ann'),
      failed: await order(client, 'nobody'),
      moves: app.get(Stock).moves,
      migrations: continuumMigrations('other').every((migration) => typeof migration === 'function'),
      testing: new ManualClock(5).now() === 5 && typeof InMemoryJournal === 'function',
      typeorm: typeof DataSource === 'function',
    };
    console.log(JSON.stringify(said));
  } finally {
    await app.close();
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
