import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  Activity,
  defineSignal,
  OnQuery,
  OnSignal,
  Workflow,
  WorkflowContext,
  WorkflowContinuedError,
} from 'nestjs-continuum';
import type { App, Residency } from '../support/app.js';
import { closeApps, openApp } from '../support/app.js';
import type { Backend } from '../support/backend.js';

const Used = defineSignal<number>('used');

interface Account {
  readonly month: number;
  readonly bills: readonly number[];
}

@Injectable()
export class Billing {
  @Activity()
  bill(amounts: readonly number[]): Promise<number> {
    return Promise.resolve(amounts.reduce((sum, amount) => sum + amount, 0));
  }
}

/** Bills every three uses, in a run of its own; a year has four of them. */
@Workflow()
export class AccountWorkflow {
  private month = 0;
  constructor(private readonly billing: Billing) {}

  @OnQuery() current(): number {
    return this.month;
  }
  async run(ctx: WorkflowContext, { month, bills }: Account): Promise<readonly number[]> {
    this.month = month;
    const used: number[] = [];
    while (used.length < 3) used.push(await ctx.waitForSignal(Used));
    const all = [...bills, await this.billing.bill(used)];
    ctx.setAttributes({ month, before: ctx.info.attributes['month'] ?? 0 });
    if (month === 4) return all;
    return ctx.continueAsNew(AccountWorkflow, { month: month + 1, bills: all });
  }
}

/** Takes nothing but the word to continue. */
@Workflow({ name: 'hoard' })
export class HoardWorkflow {
  async run(ctx: WorkflowContext): Promise<void> {
    await ctx.waitForSignal('go');
    return ctx.continueAsNew();
  }
}

/** Continues for ever, as fast as it can, until it was poked often enough. */
@Workflow()
export class RestlessWorkflow {
  private readonly pokes: number[] = [];

  @OnQuery() seen(): number {
    return this.pokes.length;
  }
  @OnSignal() poke(n: number): void {
    this.pokes.push(n);
  }
  async run(ctx: WorkflowContext, input: { readonly before: readonly number[]; readonly total: number }) {
    this.pokes.unshift(...input.before);
    const known = input.before.length;
    await ctx.condition(() => this.pokes.length > known, '1 day');
    if (this.pokes.length >= input.total) return this.pokes;
    return ctx.continueAsNew(RestlessWorkflow, { before: this.pokes, total: input.total });
  }
}

/** A child that goes on for three runs. */
@Workflow()
export class LeggedWorkflow {
  async run(ctx: WorkflowContext, legs: readonly string[]): Promise<readonly string[]> {
    await ctx.sleep(1);
    if (legs.length === 3) return [...legs, `child of ${ctx.info.parent?.workflowId}`];
    return ctx.continueAsNew(LeggedWorkflow, [...legs, `leg ${legs.length + 1}`]);
  }
}

@Workflow()
export class TripWorkflow {
  async run(ctx: WorkflowContext): Promise<readonly string[]> {
    return ctx.child(LeggedWorkflow, []);
  }
}

@Workflow()
export class EndlessWorkflow {
  async run(ctx: WorkflowContext, name: string): Promise<string> {
    if (name === 'ends') return 'of the next run';
    await ctx.condition(() => false);
    return 'never';
  }
}

/** Leaves a child behind when it continues, and starts another one under the same number. */
@Workflow()
export class LeavingWorkflow {
  async run(ctx: WorkflowContext, round: 'first' | 'next'): Promise<string> {
    if (round === 'next') return ctx.child(EndlessWorkflow, 'ends');
    await ctx.startChild(EndlessWorkflow, 'stays', { id: `left by ${ctx.info.workflowId}` });
    return ctx.continueAsNew(LeavingWorkflow, 'next');
  }
}

const KINDS = ['signal', 'cancel', 'terminate', 'query'] as const;

/** `ctx.continueAsNew`: one workflow id, run after run. */
export function describeContinuation(backend: Backend, residency: Residency): void {
  describe(`continuing as new on ${backend.name}, ${residency}`, () => {
    let app: App;
    const providers = [
      AccountWorkflow,
      RestlessWorkflow,
      LeggedWorkflow,
      TripWorkflow,
      EndlessWorkflow,
      LeavingWorkflow,
      Billing,
    ];
    beforeAll(async () => {
      app = await openApp({ continuum: await backend.fresh(), providers, residency });
    });
    afterAll(async () => {
      await closeApps();
      await backend.clear();
    });

    it('keeps its workflow id, its signals and their order, and gives the result of the last run', async () => {
      const handle = await app.client.start(
        AccountWorkflow,
        { month: 1, bills: [] },
        { id: 'account-1', attributes: { owner: 'ann' } },
      );
      // Some come in before the run is there that takes them.
      for (let n = 1; n <= 12; n++) await handle.signal(Used, n);
      await expect(handle.result()).resolves.toEqual([6, 15, 24, 33]);
      const { runs } = await app.client.list({ where: { id: 'account-1' }, orderBy: 'oldest' });
      expect(runs.map(({ state }) => state)).toEqual(['continued', 'continued', 'continued', 'completed']);
      expect(runs.map(({ continuedTo }) => continuedTo)).toEqual([
        ...runs.slice(1).map((run) => run.runId),
        null,
      ]);
      expect(await app.client.count({ id: 'account-1', state: 'continued' })).toBe(3);
      // What lists show is kept, and the next run knows it.
      expect(runs.map(({ attributes }) => attributes)).toEqual(
        [1, 2, 3, 4].map((month) => ({ owner: 'ann', month, before: month - 1 })),
      );
    });

    it('a handle of one run keeps to it', async () => {
      const handle = await app.client.start(AccountWorkflow, { month: 4, bills: [] });
      const chain = await app.client.start(AccountWorkflow, { month: 3, bills: [] });
      for (let n = 0; n < 3; n++) await chain.signal(Used, 1);
      const first = app.client.handle(AccountWorkflow, chain.workflowId, chain.runId);
      await expect(first.result()).rejects.toThrow(WorkflowContinuedError);
      await expect(first.signal(Used, 1)).rejects.toThrow(/has ended/);
      expect(await first.describe()).toMatchObject({ state: 'continued' });
      expect((await first.history()).at(-1)).toMatchObject({
        entry: { type: 'run_continued', input: { month: 4, bills: [3] } },
      });
      expect(await first.query('current')).toBe(3);
      // The one that the start gave goes on with the chain.
      expect(await chain.query('current')).toBe(4);
      for (let n = 0; n < 3; n++) await chain.signal(Used, 2);
      await expect(first.result({ follow: true })).resolves.toEqual([3, 6]);
      await expect(chain.result()).resolves.toEqual([3, 6]);
      await handle.terminate();
    });

    it('a child that continues stays a child: its parent has the end of the last run', async () => {
      const trip = await app.client.start(TripWorkflow, undefined, { id: 'trip' });
      await expect(trip.result()).resolves.toEqual(['leg 1', 'leg 2', 'leg 3', 'child of trip']);
      const ends = (await trip.history()).filter(({ entry }) => entry.type.startsWith('child_'));
      expect(ends.map(({ entry }) => entry.type).filter((type) => type === 'child_completed')).toHaveLength(
        1,
      );
    });

    it('a parent that continues leaves its children, whose ends mean nothing to the next run', async () => {
      const parent = await app.client.start(LeavingWorkflow, 'first', { id: 'leaving' });
      await expect(parent.result()).resolves.toBe('of the next run');
      // As at every other end of a run: by default they are asked to cancel.
      await expect(app.client.handle('left by leaving').result()).rejects.toMatchObject({
        name: 'WorkflowCancelledError',
      });
    });

    it('whatever else comes while it continues: nothing is lost, and nothing there twice', async () => {
      const rounds = backend.name === 'memory' ? 120 : 40;
      const race = async (kind: (typeof KINDS)[number]): Promise<void> => {
        // Each poke makes it continue, and something else comes meanwhile.
        const handle = await app.client.start(RestlessWorkflow, { before: [], total: 5 });
        const pokes = Promise.all([0, 1, 2].map((n) => handle.signal('poke', n)));
        if (kind === 'signal') {
          await Promise.all([pokes, handle.signal('poke', 3), handle.signal('poke', 4)]);
          expect([...(await handle.result())].toSorted((x, y) => x - y)).toEqual([0, 1, 2, 3, 4]);
        } else if (kind === 'query') {
          await Promise.all([pokes, handle.query('seen')]);
          expect(await handle.query('seen')).toBe(3);
          await handle.terminate();
        } else if (kind === 'cancel') {
          await Promise.all([pokes, handle.cancel({ reason: 'enough' })]);
          await expect(handle.result()).rejects.toMatchObject({ name: 'WorkflowCancelledError' });
        } else {
          await Promise.allSettled([pokes, handle.terminate()]);
          await expect(handle.result()).rejects.toMatchObject({ name: 'WorkflowTerminatedError' });
        }
        const { runs } = await app.client.list({ where: { id: handle.workflowId } });
        expect(runs.slice(1).every(({ state }) => state === 'continued')).toBe(true);
        expect(runs[0]!.state).not.toBe('continued');
      };
      // Several at a time, so that they are committed together.
      for (let round = 0; round < rounds; round += 2 * KINDS.length)
        await Promise.all([...KINDS, ...KINDS].map(race));
    });

    it('loses no signal and sees none twice while it continues, and a query sees what was acknowledged', async () => {
      const total = 60;
      const handle = await app.client.start(RestlessWorkflow, { before: [], total });
      for (let n = 0; n < total; n += 2) {
        await Promise.all([handle.signal('poke', n), handle.signal('poke', n + 1)]);
        if (n + 2 < total) expect(await handle.query('seen')).toBe(n + 2);
      }
      const seen = await handle.result();
      expect([...seen].toSorted((a, b) => a - b)).toEqual(Array.from({ length: total }, (_, n) => n));
    });

    it('blocks a run that would carry more signals along than may travel, and keeps them', async () => {
      const small = await openApp({
        continuum: { ...(await backend.fresh()), history: { maxEntries: 100 } },
        residency,
        providers: [HoardWorkflow],
      });
      await small.events.until('worker started');
      const handle = await small.client.start<{ run(): Promise<void> }>('hoard');
      const send = async (): Promise<void> => {
        for (let n = 0; n < 60; n++) await small.client.handle(handle.workflowId).signal('n', n);
        await small.client.handle(handle.workflowId).signal('go');
      };
      await send();
      await small.events.until('run continued');
      await send();
      const { error } = await small.events.until('turn failed');
      expect(error).toMatchObject({ name: 'CarriedSignalsError', size: { entries: 120 } });
      expect(error.message).toContain('most of them "n"');
      expect((await small.client.describe(handle.workflowId)).state).toBe('running');
    });
  });
}
