import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Activity, OnSignal, Workflow, WorkflowAlreadyStartedError, WorkflowContext } from 'nestjs-continuum';
import { DataSource } from 'typeorm';
import type { App } from './support/app.js';
import { closeApps, openApp } from './support/app.js';
import { PostgresBackend } from './support/backend.js';
import { uniqueId } from './support/helpers.js';

@Injectable()
class Work {
  @Activity()
  async work(): Promise<string> {
    return 'worked';
  }
}

/** Waits for so many signals, and works. */
@Workflow({ name: 'contended' })
class ContendedWorkflow {
  private readonly seen: string[] = [];
  constructor(private readonly work: Work) {}
  @OnSignal() note(text: string): void {
    this.seen.push(text);
  }
  async run(ctx: WorkflowContext, signals: number): Promise<string> {
    await ctx.condition(() => this.seen.length >= signals);
    return await this.work.work();
  }
}

const backend = new PostgresBackend();
let app: App;
let application: DataSource;
let schema: string;

beforeAll(async () => {
  const options = await backend.fresh();
  const { url } = options.connection as { url: string };
  schema = options.schema ?? 'continuum';
  application = new DataSource({ type: 'postgres', url, poolSize: 4 });
  await application.initialize();
  app = await openApp({ continuum: options, providers: [ContendedWorkflow, Work] });
});
afterAll(async () => {
  await closeApps();
  await application.destroy();
  await backend.clear();
});

/** An application's transaction that stays open until it is told how to end. */
async function openTransaction(
  work: (runner: ReturnType<DataSource['createQueryRunner']>) => Promise<unknown>,
) {
  const runner = application.createQueryRunner();
  await runner.startTransaction();
  await work(runner);
  return async (end: 'commit' | 'roll back'): Promise<void> => {
    await (end === 'commit' ? runner.commitTransaction() : runner.rollbackTransaction());
    await runner.release();
  };
}

describe("while an application's transaction is open", () => {
  it.each(['commit', 'roll back'] as const)(
    'a start of the id that it has started waits for its end (%s), and those asked for in the same tick run',
    async (end) => {
      const { client } = app;
      const id = uniqueId();
      const finish = await openTransaction(({ manager }) =>
        // It waits: one that has ended before the other start is tried again would not be in its way.
        client.start(ContendedWorkflow, 1, { id, manager }),
      );
      let settled = false;
      const ids = Array.from({ length: 13 }, () => uniqueId());
      const others = ids.slice(0, 6).map((other) => client.start(ContendedWorkflow, 0, { id: other }));
      const contended = client.start(ContendedWorkflow, 1, { id });
      others.push(...ids.slice(6).map((other) => client.start(ContendedWorkflow, 0, { id: other })));
      const outcome = contended.then(
        () => 'started',
        (error: unknown) => error,
      );
      void outcome.then(() => (settled = true));
      for (const handle of await Promise.all(others)) expect(await handle.result()).toBe('worked');
      expect(settled).toBe(false);
      await finish(end);
      expect(await outcome).toEqual(
        end === 'roll back' ? 'started' : expect.any(WorkflowAlreadyStartedError),
      );
      const handle = client.handle(ContendedWorkflow, id);
      await handle.signal('note', 'end');
      expect(await handle.result()).toBe('worked');
    },
  );

  it('signals to thirty workflows whose rows it holds wait, and starts, signals and terminates of others do not', async () => {
    const { client } = app;
    const held = await Promise.all(
      Array.from({ length: 30 }, () => client.start(ContendedWorkflow, 1, { id: uniqueId() })),
    );
    const ids = held.map(({ workflowId }) => workflowId);
    const finish = await openTransaction((runner) =>
      runner.query(`select id from "${schema}".actors where workflow_id = any($1) for update`, [ids]),
    );
    let settled = 0;
    const signalled = held.map((handle) => handle.signal('note', 'late').finally(() => settled++));
    for (let i = 0; i < 10; i++) {
      const begun = await client.start(ContendedWorkflow, 1, { id: uniqueId() });
      await begun.signal('note', 'at once');
      expect(await begun.result()).toBe('worked');
      const other = await client.start(ContendedWorkflow, 1, { id: uniqueId() });
      await other.terminate();
    }
    expect(settled).toBe(0);
    await finish('commit');
    await Promise.all(signalled);
    expect(await Promise.all(held.map((handle) => handle.result()))).toEqual(held.map(() => 'worked'));
  });
});
