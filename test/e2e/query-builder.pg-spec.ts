import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Activity, ForeignAwaitError, Workflow, WorkflowContext } from 'nestjs-continuum';
import { DataSource } from 'typeorm';
import type { App } from './support/app.js';
import { closeApps, openApp } from './support/app.js';
import { PostgresBackend } from './support/backend.js';
import { until } from './support/helpers.js';

const backend = new PostgresBackend();
let app: App;
/** The application's own tables live beside the journal. */
let application: DataSource;
let answered: () => void;
const answer = new Promise<void>((resolve) => (answered = resolve));

@Injectable()
class Bell {
  rings = 0;
  @Activity() async ring(): Promise<void> {
    this.rings++;
  }
}

@Workflow({ name: 'reading' })
class ReadingWorkflow {
  constructor(private readonly bell: Bell) {}

  async run(ctx: WorkflowContext): Promise<unknown> {
    await this.bell.ring();
    const builder = application.createQueryBuilder().select('o.id', 'id').from('shop_orders', 'o');
    const rows = await builder.getRawMany().finally(answered);
    await this.bell.ring();
    await ctx.sleep('1 hour');
    return rows;
  }
}

beforeAll(async () => {
  const options = await backend.fresh();
  const { url } = options.connection as { url: string };
  application = new DataSource({ type: 'postgres', url, poolSize: 2 });
  await application.initialize();
  await application.query('create table shop_orders (id text primary key)');
  app = await openApp({ continuum: options, providers: [Bell, ReadingWorkflow] });
});
afterAll(async () => {
  await closeApps();
  await application.query('drop table shop_orders');
  await application.destroy();
  await backend.clear();
});

it('a query builder that a workflow awaits blocks the run, and nothing durable behind it happens', async () => {
  const handle = await app.client.start(ReadingWorkflow);
  const failed = await app.events.until('turn failed', ({ run }) => run.runId === handle.runId);
  expect(failed.error).toBeInstanceOf(ForeignAwaitError);
  await until(async () => (await handle.describe()).blocked !== null);
  expect((await handle.describe()).blocked?.reason).toMatch(/^ForeignAwaitError: /);

  // The database has answered, so the code behind the await has gone on: to no effect, at each try.
  await answer;
  await app.events.until('turn failed', (event) => event.run.runId === handle.runId && event !== failed);
  const commands = (await handle.history()).map(({ entry }) => entry.type);
  expect(commands.filter((type) => type === 'activity_scheduled')).toHaveLength(1);
  expect(commands).not.toContain('timer_started');
  expect(app.app.get(Bell).rings).toBe(1);
  await handle.terminate();
});
