import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Activity, OnSignal, Workflow, WorkflowContext } from 'nestjs-continuum';
import type { RunReport } from 'nestjs-continuum';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { type TestDatabase, createDatabase } from '../support/database.js';
import { MISREAD, disturb, replaceTypeParsers } from '../support/hostile-settings.js';
import { type App, closeApps, openApp } from './support/app.js';
import { uniqueId } from './support/helpers.js';

// How the application reads its own columns, and what its database is set to, is its own.

@Injectable()
class Clock {
  @Activity() tell(at: Date): Promise<Date> {
    return Promise.resolve(at);
  }
}

@Workflow()
class PatientWorkflow {
  private gone = false;
  constructor(private readonly clock: Clock) {}
  @OnSignal() go(): void {
    this.gone = true;
  }
  async run(ctx: WorkflowContext, at: Date): Promise<Date> {
    await ctx.condition(() => this.gone);
    await ctx.sleep(20);
    return await this.clock.tell(at);
  }
}

let database: TestDatabase;
let application: DataSource;
let app: App;

beforeAll(async () => {
  database = await createDatabase();
  await disturb(database.url);
  application = new DataSource({ type: 'postgres', url: database.url });
  await application.initialize();
  replaceTypeParsers();
  app = await openApp({
    continuum: { connection: application },
    providers: [Clock, PatientWorkflow],
  });
});
afterAll(async () => {
  await closeApps();
  await application.destroy();
  await database.drop();
});

it('parsers and settings of the application change nothing of what the journal gives', async () => {
  expect(await application.query('select 1 as one, now() as now')).toEqual([{ one: MISREAD, now: MISREAD }]);
  const before = await now();
  const id = uniqueId();
  const at = new Date('2026-11-30T08:00:00.123Z');
  const attributes = { customer: 'ada', orders: [1, 2.5], vip: true, since: '2026-01-02T03:04:05Z' };
  // The database's own level would be refused.
  await application.transaction('READ COMMITTED', async (manager) => {
    const started = await app.client.start(PatientWorkflow, at, { id, attributes, manager });
    await started.signal('go', undefined, { manager });
  });
  const handle = app.client.handle(PatientWorkflow, id);
  expect(await handle.result()).toEqual(at);
  const after = await now();

  const described = await handle.describe();
  expect(described).toMatchObject({ workflowId: id, version: 1, state: 'completed', attributes });
  const { startedAt, closedAt } = described;
  for (const time of [startedAt, closedAt as number]) {
    expect(time).toBeGreaterThanOrEqual(before);
    expect(time).toBeLessThanOrEqual(after);
  }
  const where = { attributes: { customer: 'ada' }, startedAfter: new Date(startedAt - 1) };
  expect(await app.client.list({ where })).toEqual({ runs: [listed(described)], cursor: undefined });
  expect(await app.client.count(where)).toBe(1);
  expect(await app.client.count({ startedBefore: new Date(startedAt) })).toBe(0);
});

it('an open run is listed as it is described', async () => {
  const handle = await app.client.start(PatientWorkflow, new Date(0), { id: uniqueId() });
  const described = await handle.describe();
  expect(described).toMatchObject({ state: 'running', closedAt: null, attributes: null, blocked: null });
  const { runs } = await app.client.list({ where: { state: 'running' } });
  expect(runs).toEqual([{ ...listed(described), inbox: expect.anything() }]);
  await handle.terminate();
});

/** A list does not look into histories. */
function listed({ waitingFor, ...run }: RunReport): object {
  expect(waitingFor).toBeInstanceOf(Array);
  return run;
}

/** By the database's clock, in ms. */
async function now(): Promise<number> {
  const client = new pg.Client({ connectionString: database.url, types: { getTypeParser: () => Number } });
  await client.connect();
  try {
    const { rows } = await client.query<{ now: number }>(
      `select floor(date_part('epoch', clock_timestamp()) * 1000)::bigint as now`,
    );
    return rows[0]?.now ?? Number.NaN;
  } finally {
    await client.end();
  }
}
