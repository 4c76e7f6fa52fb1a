import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  JournalError,
  OnQuery,
  OnSignal,
  Workflow,
  WorkflowContext,
  WorkflowNotFoundError,
} from 'nestjs-continuum';
import { DataSource } from 'typeorm';
import type { EntityManager } from 'typeorm';
import type { App } from './support/app.js';
import { closeApps, openApp } from './support/app.js';
import { PostgresBackend } from './support/backend.js';
import { caught, uniqueId, until } from './support/helpers.js';

@Workflow()
class CollectingWorkflow {
  private readonly collected: string[] = [];
  @OnSignal() collect(item: string): void {
    this.collected.push(item);
  }
  @OnQuery() all(): readonly string[] {
    return this.collected;
  }
  async run(ctx: WorkflowContext, first: string): Promise<readonly string[]> {
    this.collected.push(first);
    await ctx.condition(() => this.collected.includes('end'));
    return this.collected;
  }
}

const backend = new PostgresBackend();
let app: App;
/** The application's own tables live beside the journal. */
let application: DataSource;

beforeAll(async () => {
  const options = await backend.fresh();
  const { url } = options.connection as { url: string };
  application = new DataSource({ type: 'postgres', url, poolSize: 4 });
  await application.initialize();
  await application.query('create table orders (id text primary key)');
  app = await openApp({
    continuum: { ...options, connection: application },
    providers: [CollectingWorkflow],
  });
});
afterEach(() => application.query('delete from orders'));
afterAll(async () => {
  await closeApps();
  await application.destroy();
  await backend.clear();
});

const rolledBack = new Error('rolled back, as told');
const inTransaction = async (
  end: 'commit' | 'roll back',
  work: (manager: EntityManager) => Promise<unknown>,
) => {
  try {
    await application.transaction(async (manager) => {
      await work(manager);
      if (end === 'roll back') throw rolledBack;
    });
  } catch (error) {
    if (error !== rolledBack) throw error;
  }
};
const order = (manager: EntityManager, id: string): Promise<unknown> =>
  manager.query('insert into orders values ($1)', [id]);
const orders = (): Promise<{ id: string }[]> => application.query('select id from orders');

describe('a start in the transaction of its caller', () => {
  it('runs once it has committed, and not before', async () => {
    const id = uniqueId();
    await inTransaction('commit', async (manager) => {
      await order(manager, id);
      const handle = await app.client.start(CollectingWorkflow, 'start', { id, manager });
      expect(handle.runId).toEqual(expect.any(String));
      // Nobody else sees it yet.
      await expect(app.client.describe(id)).rejects.toThrow(WorkflowNotFoundError);
    });
    const handle = app.client.handle(CollectingWorkflow, id);
    await handle.signal('collect', 'end');
    expect(await handle.result()).toEqual(['start', 'end']);
    expect(await orders()).toEqual([{ id }]);
  });

  it('has not happened when it was rolled back, and the id is free', async () => {
    const id = uniqueId();
    await inTransaction('roll back', async (manager) => {
      await order(manager, id);
      await app.client.start(CollectingWorkflow, 'start', { id, manager });
    });
    await expect(app.client.describe(id)).rejects.toThrow(WorkflowNotFoundError);
    expect(await orders()).toEqual([]);
    const again = await app.client.start(CollectingWorkflow, 'again', { id });
    await again.terminate();
  });

  it('that is refused leaves the transaction as it was', async () => {
    const id = uniqueId();
    const running = await app.client.start(CollectingWorkflow, 'first', { id });
    await inTransaction('commit', async (manager) => {
      await order(manager, 'before');
      await expect(app.client.start(CollectingWorkflow, 'second', { id, manager })).rejects.toThrow(
        /is running/,
      );
      await order(manager, 'after');
    });
    expect(await orders()).toEqual([{ id: 'before' }, { id: 'after' }]);
    await running.terminate();
  });

  it('and a signal to it may stand in one transaction', async () => {
    const id = uniqueId();
    await inTransaction('commit', async (manager) => {
      const handle = await app.client.start(CollectingWorkflow, 'start', { id, manager });
      await handle.signal('collect', 'meanwhile', { manager });
      await handle.signal('collect', 'end', { manager });
    });
    expect(await app.client.handle(CollectingWorkflow, id).result()).toEqual(['start', 'meanwhile', 'end']);
  });
});

describe('a signal in the transaction of its caller', () => {
  it('arrives once it has committed', async () => {
    const handle = await app.client.start(CollectingWorkflow, 'start');
    await inTransaction('commit', async (manager) => {
      await order(manager, 'paid');
      await handle.signal('collect', 'paid', { manager });
    });
    await until(async () => (await handle.query('all')).includes('paid'));
    await handle.signal('collect', 'end');
    expect(await handle.result()).toEqual(['start', 'paid', 'end']);
  });

  it('was never sent when it was rolled back, nor is its dedupeId spent', async () => {
    const handle = await app.client.start(CollectingWorkflow, 'start');
    await inTransaction('roll back', (manager) =>
      handle.signal('collect', 'lost', { manager, dedupeId: 'payment 7' }),
    );
    await handle.signal('collect', 'sent', { dedupeId: 'payment 7' });
    await handle.signal('collect', 'end');
    expect(await handle.result()).toEqual(['start', 'sent', 'end']);
  });

  it('holds its target until the end, while other workflows go on', async () => {
    const held = await app.client.start(CollectingWorkflow, 'held');
    await inTransaction('commit', async (manager) => {
      await held.signal('collect', 'from the transaction', { manager });
      // Who waits behind it is only delayed.
      const behind = held.signal('collect', 'from outside');
      const others = await Promise.all(
        Array.from({ length: 20 }, (_, n) => app.client.start(CollectingWorkflow, `other ${n}`)),
      );
      for (const other of others) await other.signal('collect', 'end');
      const results = await Promise.all(others.map((other) => other.result()));
      expect(results).toEqual(others.map((_, n) => [`other ${n}`, 'end']));
      setImmediate(() => void behind.then(() => held.signal('collect', 'end')));
    });
    expect(await held.result()).toEqual(['held', 'from the transaction', 'from outside', 'end']);
  });
});

describe('a manager is refused', () => {
  it.each(['REPEATABLE READ', 'SERIALIZABLE'] as const)('in a transaction that is %s', async (level) => {
    const id = uniqueId();
    const handle = await app.client.start(CollectingWorkflow, 'start');
    await application.transaction(level, async (manager) => {
      const starting = await caught(app.client.start(CollectingWorkflow, 'start', { id, manager }));
      const sending = await caught(handle.signal('collect', 'lost', { manager }));
      for (const error of [starting, sending]) {
        expect(error).toBeInstanceOf(JournalError);
        expect(String(error)).toMatch(new RegExp(`READ COMMITTED; this one is ${level}`));
      }
      await order(manager, 'goes on');
    });
    expect(await orders()).toEqual([{ id: 'goes on' }]);
    await expect(app.client.describe(id)).rejects.toThrow(WorkflowNotFoundError);
    await handle.signal('collect', 'end');
    expect(await handle.result()).toEqual(['start', 'end']);
  });

  it('that is none, has no transaction, or one that is over', async () => {
    let over: EntityManager | undefined;
    await inTransaction('commit', (manager) => Promise.resolve((over = manager)));
    for (const manager of [application.manager, over!, {}, 'manager' as unknown as object]) {
      const error = await caught(app.client.start(CollectingWorkflow, 'start', { manager }));
      expect(error).toBeInstanceOf(JournalError);
      expect(String(error)).toMatch(/dataSource\.transaction\(\)/);
    }
  });

  it('of another database, where the journal is not', async () => {
    const elsewhere = await createOtherDatabase();
    const id = uniqueId();
    try {
      await elsewhere.dataSource.transaction(async (manager) => {
        const error = await caught(app.client.start(CollectingWorkflow, 'start', { id, manager }));
        expect(error).toBeInstanceOf(JournalError);
        expect(String(error)).toMatch(/another database/);
        await manager.query('select 1');
      });
    } finally {
      await elsewhere.drop();
    }
    await expect(app.client.describe(id)).rejects.toThrow(WorkflowNotFoundError);
  });
});

async function createOtherDatabase(): Promise<{ dataSource: DataSource; drop: () => Promise<void> }> {
  const { createDatabase } = await import('../support/database.js');
  const database = await createDatabase();
  const dataSource = new DataSource({ type: 'postgres', url: database.url });
  await dataSource.initialize();
  return {
    dataSource,
    drop: async () => {
      await dataSource.destroy();
      await database.drop();
    },
  };
}

describe('with the journal in memory, for tests', () => {
  it('a start and a signal follow the transactions of the DataSource that the test uses', async () => {
    const { client } = await openApp({ continuum: { journal: 'memory' }, providers: [CollectingWorkflow] });
    const [kept, forgotten, lost] = [uniqueId(), uniqueId(), uniqueId()];
    await inTransaction('commit', async (manager) => {
      const handle = await client.start(CollectingWorkflow, 'start', { id: kept, manager });
      await expect(client.describe(kept)).rejects.toThrow(WorkflowNotFoundError);
      await manager.transaction(async (nested) => {
        await handle.signal('collect', 'nested', { manager: nested });
      });
      const refused = manager.transaction(async (nested) => {
        await handle.signal('collect', 'forgotten', { manager: nested });
        await client.start(CollectingWorkflow, 'start', { id: forgotten, manager: nested });
        throw rolledBack;
      });
      await expect(refused).rejects.toBe(rolledBack);
      await handle.signal('collect', 'end', { manager });
    });
    await inTransaction('roll back', (manager) =>
      client.start(CollectingWorkflow, 'start', { id: lost, manager }),
    );
    expect(await client.handle(CollectingWorkflow, kept).result()).toEqual(['start', 'nested', 'end']);
    for (const id of [forgotten, lost]) {
      await expect(client.describe(id)).rejects.toThrow(WorkflowNotFoundError);
    }
  });
});
