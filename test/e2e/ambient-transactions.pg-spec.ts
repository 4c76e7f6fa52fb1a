import { AsyncLocalStorage } from 'node:async_hooks';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Activity, OnSignal, Workflow, WorkflowContext } from 'nestjs-continuum';
import { DataSource } from 'typeorm';
import type { EntityManager } from 'typeorm';
import type { App } from './support/app.js';
import { closeApps, openApp } from './support/app.js';
import { PostgresBackend } from './support/backend.js';
import { uniqueId, until } from './support/helpers.js';

/*
 * Libraries of the `@Transactional()` kind keep the transaction of a request in AsyncLocalStorage, and every repository
 * takes it from there.
 */

const transaction = new AsyncLocalStorage<EntityManager>();
let application: DataSource;
const ambientManager = (): EntityManager => transaction.getStore() ?? application.manager;

@Injectable()
class Notes {
  @Activity({ retry: { maxAttempts: 1 } })
  async write(id: string): Promise<boolean> {
    await ambientManager().query('insert into notes values ($1)', [id]);
    return transaction.getStore() !== undefined;
  }
}

@Workflow({ name: 'noting' })
class NotingWorkflow {
  private signals = 0;
  constructor(private readonly notes: Notes) {}
  @OnSignal() go(): void {
    this.signals++;
  }
  async run(ctx: WorkflowContext, id: string): Promise<readonly boolean[]> {
    const first = await this.notes.write(`${id} start`);
    await ctx.condition(() => this.signals > 0);
    return [first, await this.notes.write(`${id} signal`)];
  }
}

const backend = new PostgresBackend();
let app: App;
beforeAll(async () => {
  const options = await backend.fresh();
  const { url } = options.connection as { url: string };
  application = new DataSource({ type: 'postgres', url, poolSize: 4 });
  await application.initialize();
  await application.query('create table notes (id text primary key)');
  app = await openApp({
    continuum: { ...options, connection: application },
    providers: [Notes, NotingWorkflow],
  });
});
afterAll(async () => {
  await closeApps();
  await application.destroy();
  await backend.clear();
});

/** As `@Transactional()` does: what is called inside takes the transaction from the context. */
const rolledBack = (work: () => Promise<void>): Promise<void> =>
  application
    .transaction((manager) =>
      transaction.run(manager, async () => {
        await work();
        throw new Error('rolled back');
      }),
    )
    .catch((error: Error) => {
      if (error.message !== 'rolled back') throw error;
    });
const notesOf = async (id: string): Promise<string[]> => {
  const rows: { id: string }[] = await application.query(
    'select id from notes where id like $1 order by id',
    [`${id}%`],
  );
  return rows.map((row) => row.id.slice(id.length + 1));
};

describe("an application's ambient transaction", () => {
  it('F25: is not joined by the activities of a run that was started and signalled in it', async () => {
    const id = uniqueId();
    const handle = app.client.handle(NotingWorkflow, id);
    await rolledBack(async () => {
      await app.client.start(NotingWorkflow, id, { id });
      // The transaction stays open until the activity is done: it must not wait for it.
      await until(async () => {
        const history = await app.client.handle(id).history();
        return history.some(({ entry }) => entry.type === 'activity_completed');
      });
    });
    await rolledBack(async () => {
      await handle.signal('go');
      await handle.result();
    });
    expect(await handle.result()).toEqual([false, false]);
    expect(await notesOf(id)).toEqual(['signal', 'start']);
  });
});
