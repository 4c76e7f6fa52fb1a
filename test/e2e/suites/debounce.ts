import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import {
  InvalidInputError,
  OnSignal,
  Workflow,
  WorkflowAlreadyStartedError,
  WorkflowContext,
} from 'nestjs-continuum';
import type { Debounce, StartOptions, WorkflowHandle } from 'nestjs-continuum';
import type { App, Residency } from '../support/app.js';
import { closeApps, openApp } from '../support/app.js';
import type { Backend } from '../support/backend.js';
import { caught } from '../support/helpers.js';

/** What is to be indexed is told at the start. */
@Workflow({ name: 'index', version: 1, input: z.number().positive() })
export class IndexWorkflow {
  private enough = false;
  @OnSignal() stop(): void {
    this.enough = true;
  }
  async run(ctx: WorkflowContext, revision: number): Promise<number> {
    if (revision > 100) await ctx.condition(() => this.enough);
    return revision;
  }
}

/** Starts of which the last one counts. */
export function describeDebounce(backend: Backend, residency: Residency): void {
  describe(`starts that are held back on ${backend.name}, ${residency}`, () => {
    afterEach(closeApps);
    afterAll(() => backend.clear());
    const opened = async (): Promise<App> => {
      const app = await openApp({ continuum: await backend.fresh(), residency, providers: [IndexWorkflow] });
      await app.events.until('worker started');
      return app;
    };

    it('run once, with the input of the last one, and each of them has a handle of that run', async () => {
      const app = await opened();
      const start = (revision: number, period: Debounce['period']): Promise<WorkflowHandle<IndexWorkflow>> =>
        app.client.start(IndexWorkflow, revision, {
          id: 'index-7',
          attributes: { revision },
          debounce: { period, longest: '2 days' },
        });
      const first = await start(1, '1 day');
      const second = await start(2, '1 day');
      expect([first.created, second.created]).toEqual([true, false]);
      expect(second.runId).toBe(first.runId);
      const waiting = await second.describe();
      expect(waiting).toMatchObject({ attributes: { revision: 2 }, waitingFor: [{ kind: 'start' }] });
      expect(waiting.waitingFor[0]!.until).toBe(waiting.notBefore);
      const last = await start(3, 10);
      expect(await Promise.all([first, second, last].map((handle) => handle.result()))).toEqual([3, 3, 3]);
      expect(await app.client.count({ id: 'index-7' })).toBe(1);
    });

    it('are told of the run once it has begun, and may follow it when it has ended', async () => {
      const app = await opened();
      const options = { id: 'index-8', debounce: { period: 1 } } as const;
      const running = await app.client.start(IndexWorkflow, 101, options);
      await app.events.until('run released');
      expect(await caught(app.client.start(IndexWorkflow, 2, options))).toBeInstanceOf(
        WorkflowAlreadyStartedError,
      );
      await running.signal('stop');
      expect(await running.result()).toBe(101);
      expect(await app.client.execute(IndexWorkflow, 2, options)).toBe(2);
    });

    it('are checked before anything is replaced', async () => {
      const app = await opened();
      const debounce = { period: '1 day' } as const;
      const id = 'index-9';
      const handle = await app.client.start(IndexWorkflow, 1, { id, debounce });
      const wrong: readonly unknown[] = [
        { debounce },
        { id, debounce, startDelay: 5 },
        { id, debounce, startAt: new Date() },
        { id, debounce: { period: 0 } },
        { id, debounce: {} },
        { id, debounce: { period: '1 day', longest: '1 hour' } },
        { id, debounce: { period: '1 day', most: 1 } },
        { id, debounce: '1 day' },
      ];
      for (const options of wrong) {
        // The cast: what the compiler would refuse.
        const start = app.client.start(IndexWorkflow, 2, options as StartOptions);
        expect(await caught(start)).toBeInstanceOf(InvalidInputError);
      }
      expect(await caught(app.client.start(IndexWorkflow, -1, { id, debounce }))).toBeInstanceOf(
        InvalidInputError,
      );
      const [entry] = await app.client.handle(id).history();
      expect(entry).toBe(undefined);
      const begins = await app.client.start(IndexWorkflow, 4, { id, debounce: { period: 1 } });
      expect(begins.runId).toBe(handle.runId);
      expect(await handle.result()).toBe(4);
    });
  });
}
