import type { StandardSchemaV1 } from '@standard-schema/spec';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { defineSignal, InvalidInputError, OnSignal, Workflow, WorkflowContext } from 'nestjs-continuum';
import type { WorkflowHandle } from 'nestjs-continuum';
import type { App, Residency } from '../support/app.js';
import { closeApps, openApp } from '../support/app.js';
import type { Backend } from '../support/backend.js';
import { caught } from '../support/helpers.js';

/** The payloads that somebody applied the schema to. */
const asked: unknown[] = [];
const fields = z.object({ sku: z.string().min(1), count: z.int().positive().default(1) });
const item: typeof fields = Object.assign(Object.create(fields) as typeof fields, {
  '~standard': {
    ...fields['~standard'],
    validate: (value: unknown) => {
      asked.push(value);
      return fields['~standard'].validate(value);
    },
  },
});
/** Yields what it does not take: applied twice, it would refuse. */
const paid = defineSignal('paid', z.object({ at: z.iso.datetime().transform((text) => new Date(text)) }));

@Workflow({ name: 'basket' })
class BasketWorkflow {
  private readonly items: string[] = [];
  private closed = false;
  @OnSignal({ input: item }) add({ sku, count }: z.infer<typeof item>): void {
    this.items.push(`${count} ${sku.toUpperCase()}`);
  }
  @OnSignal() close(): void {
    this.closed = true;
  }
  async run(ctx: WorkflowContext): Promise<readonly string[]> {
    await ctx.condition(() => this.closed);
    const { at } = await ctx.waitForSignal(paid);
    return [...this.items, at.toISOString()];
  }
}

const AT = '2026-01-02T03:04:05.000Z';

/** Whoever sends, no payload reaches a handler or a wait that its schema does not accept (F34). */
export function describeSchemas(backend: Backend, residency: Residency): void {
  describe(`schemas on ${backend.name}, ${residency}`, () => {
    let app: App;
    afterEach(closeApps);
    afterAll(() => backend.clear());
    const begin = async (id: string): Promise<WorkflowHandle<BasketWorkflow>> => {
      app = await openApp({ continuum: await backend.fresh(), providers: [BasketWorkflow], residency });
      asked.length = 0;
      return app.client.start(BasketWorkflow, undefined, { id });
    };
    const refusalsOf = async (handle: WorkflowHandle<BasketWorkflow>) =>
      (await handle.history()).flatMap(({ entry }) =>
        entry.type === 'signal_refused' ? [[entry.name, entry.issues]] : [],
      );

    it('a payload that a handler would fail at costs the run nothing', async () => {
      const handle = await begin('handled');
      const untyped = app.client.handle('handled');
      await untyped.signal('add', { sku: 7 });
      await untyped.signal('add');
      await untyped.signal('add', { sku: 'pen' });
      await untyped.signal('close');
      await handle.signal(paid, { at: AT });
      await expect(handle.result()).resolves.toEqual(['1 PEN', AT]);
      expect(await refusalsOf(handle)).toEqual([
        ['add', expect.stringMatching(/^sku: .*string/)],
        ['add', expect.stringMatching(/object/)],
      ]);
      // Once each: replays ask no schema.
      expect(asked).toEqual([{ sku: 7 }, undefined, { sku: 'pen' }]);
      expect(app.events.events).toContainEqual(
        expect.objectContaining({ type: 'signal refused', signal: 'add', issues: expect.any(String) }),
      );
    });

    it('a signal that is waited for is checked when it is taken, and the wait goes on', async () => {
      const handle = await begin('waited for');
      const untyped = app.client.handle('waited for');
      // Nobody waits for them yet.
      await untyped.signal('paid', { at: 'yesterday' });
      await untyped.signal('paid', { at: AT });
      await untyped.signal('close');
      await expect(handle.result()).resolves.toEqual([AT]);
      expect(await refusalsOf(handle)).toEqual([['paid', expect.stringMatching(/^at: .*datetime/)]]);
    });

    it('who knows the schema is told at once, and nothing is sent', async () => {
      const handle = await begin('told');
      const bad = { sku: '', count: 1 };
      expect(await caught(handle.signal('add', bad))).toBeInstanceOf(InvalidInputError);
      expect(await caught(app.client.handle('told').signal(paid, { at: 'x' }))).toBeInstanceOf(
        InvalidInputError,
      );
      // A handler has the last word, whatever signal is sent to it.
      const other = defineSignal<typeof bad>('add');
      expect(await caught(handle.signal(other, bad))).toBeInstanceOf(InvalidInputError);
      expect((await handle.describe()).inbox?.arrived).toBeLessThanOrEqual(1);
      await app.client.handle('told').signal(other, bad);
      await handle.signal('close');
      await handle.signal(paid, { at: AT });
      await expect(handle.result()).resolves.toEqual([AT]);
      expect(await refusalsOf(handle)).toHaveLength(1);
    });

    it('a start by name applies the schema as well', async () => {
      const strict: StandardSchemaV1<string> = z.string().min(3);
      @Workflow({ name: 'strict', input: strict })
      class StrictWorkflow {
        async run(_ctx: WorkflowContext, input: string): Promise<string> {
          return input;
        }
      }
      app = await openApp({ continuum: await backend.fresh(), providers: [StrictWorkflow], residency });
      expect(await caught(app.client.start('strict', 7))).toBeInstanceOf(InvalidInputError);
      expect(await caught(app.client.execute('strict', 'x'))).toBeInstanceOf(InvalidInputError);
      expect(await app.client.count()).toBe(0);
    });
  });
}
