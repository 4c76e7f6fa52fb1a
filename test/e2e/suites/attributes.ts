import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  InvalidInputError,
  OnQuery,
  OnSignal,
  Workflow,
  WorkflowContext,
  WorkflowFailure,
} from 'nestjs-continuum';
import type { AttributeFilter, AttributePatch } from 'nestjs-continuum';
import type { App, Residency } from '../support/app.js';
import { closeApps, openApp } from '../support/app.js';
import type { Backend } from '../support/backend.js';
import { caught, uniqueId } from '../support/helpers.js';

@Workflow({ name: 'shown' })
export class ShownWorkflow {
  private readonly seen: unknown[] = [];
  private end: string | undefined;

  constructor(private readonly ctx: WorkflowContext) {}

  @OnSignal() set(attributes: AttributePatch): void {
    this.ctx.setAttributes(attributes);
    this.ctx.setDetails(`set ${Object.keys(attributes).join()}`);
    this.seen.push(this.ctx.info.attributes);
  }
  @OnSignal() finish(how: string): void {
    this.end = how;
  }
  @OnQuery() attributes(): unknown {
    return this.ctx.info.attributes;
  }

  async run(ctx: WorkflowContext, first?: AttributePatch): Promise<readonly unknown[]> {
    if (first) ctx.setAttributes(first);
    await ctx.condition(() => this.end !== undefined);
    ctx.setAttributes({ end: this.end });
    ctx.setDetails('at the end');
    if (this.end === 'fail') throw new WorkflowFailure('told to');
    return this.seen;
  }
}

/** What runs tell of themselves, and lists find. */
export function describeAttributes(backend: Backend, residency: Residency): void {
  describe(`attributes on ${backend.name}, ${residency}`, () => {
    let app: App;
    let options: Awaited<ReturnType<Backend['fresh']>>;
    beforeAll(async () => {
      options = await backend.fresh();
      app = await openApp({ continuum: options, residency, providers: [ShownWorkflow] });
    });
    afterAll(async () => {
      await closeApps();
      await backend.clear();
    });

    it('are there once the start resolves, if its first turn sets them', async () => {
      await app.events.until('worker started');
      const attributes = { plan: 'gold', seats: 2 };
      const handle = await app.client.start(ShownWorkflow, { stage: 'begun', seats: null }, { attributes });
      await app.events.until('turn committed', ({ run }) => run.runId === handle.runId);
      expect(app.events.count('run claimed')).toBe(0);
      expect(await handle.describe()).toMatchObject({ attributes: { plan: 'gold', stage: 'begun' } });
      expect((await handle.describe()).attributes).not.toHaveProperty('seats');
      expect((await handle.history())[0]?.entry).toMatchObject({ type: 'run_started', attributes });
      await handle.terminate();
    });

    it('are set over one another, seen by the code, and told with the result', async () => {
      const handle = await app.client.start(ShownWorkflow, undefined, { attributes: { n: 0 } });
      await handle.signal('set', { n: 1, list: [1, 2] });
      await handle.signal('set', { list: undefined, late: true });
      expect(await handle.query('attributes')).toEqual({ n: 1, late: true });
      expect(await handle.describe()).toMatchObject({
        attributes: { n: 1, late: true },
        details: 'set list,late',
      });
      await handle.signal('finish', 'well');
      expect(await handle.result()).toEqual([
        { n: 1, list: [1, 2] },
        { n: 1, late: true },
      ]);
      const shown = {
        attributes: { n: 1, late: true, end: 'well' },
        details: 'at the end',
        state: 'completed',
      };
      expect(await handle.describe()).toMatchObject(shown);
      const notes = (await handle.history()).flatMap(({ entry }) =>
        entry.type === 'attributes_set' ? [entry.patch] : [],
      );
      expect(notes).toEqual([{ n: 1, list: [1, 2] }, { list: null, late: true }, { end: 'well' }]);
    });

    it('are there with a run that failed', async () => {
      const handle = await app.client.start(ShownWorkflow);
      await handle.signal('finish', 'fail');
      await caught(handle.result());
      expect(await handle.describe()).toMatchObject({ state: 'failed', attributes: { end: 'fail' } });
    });

    it('are filtered by, and a filter that makes no sense is refused', async () => {
      const group = uniqueId();
      const weights = [1, 5, 12, 40];
      for (const weight of weights) {
        await app.client.start(
          ShownWorkflow,
          { weight, at: `2026-01-0${weights.indexOf(weight) + 1}` },
          {
            attributes: { group },
          },
        );
      }
      const found = async (filter: Readonly<Record<string, AttributeFilter>>): Promise<unknown[]> => {
        const where = { attributes: { group, ...filter } };
        const { runs } = await app.client.list({ where, orderBy: 'oldest' });
        expect(await app.client.count(where)).toBe(runs.length);
        return runs.map(({ attributes }) => attributes?.['weight']);
      };
      expect(await found({})).toEqual(weights);
      expect(await found({ weight: 5 })).toEqual([5]);
      expect(await found({ weight: { in: [1, 40, 99] } })).toEqual([1, 40]);
      expect(await found({ weight: { gt: 1, lte: 12 } })).toEqual([5, 12]);
      expect(await found({ at: { gte: '2026-01-02', lt: '2026-01-04' } })).toEqual([5, 12]);
      for (const [filter, why] of [
        [{ between: 1, gt: 0 }, /"between" is an unknown bound/],
        [{ in: 'paid' }, /"in" must be a list/],
        [{ gt: new Date() }, /"gt" must be a number or a text; of a date take toISOString/],
      ] as const) {
        const error = await caught(app.client.count({ attributes: { weight: filter as AttributeFilter } }));
        expect(error).toBeInstanceOf(InvalidInputError);
        expect((error as Error).message).toMatch(why);
      }
    });

    it('more than a run can have are refused at the start', async () => {
      const attributes = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`a${i}`, i]));
      const error = await caught(app.client.start(ShownWorkflow, undefined, { attributes }));
      expect(error).toBeInstanceOf(InvalidInputError);
      expect((error as Error).message).toContain('at most 32 attributes, these are 33');
    });
  });
}
