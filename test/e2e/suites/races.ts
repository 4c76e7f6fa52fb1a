import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  Activity,
  ActivityContext,
  defineSignal,
  OnQuery,
  Workflow,
  WorkflowContext,
} from 'nestjs-continuum';
import { gate } from '../../support/gate.js';
import type { App, Residency } from '../support/app.js';
import { closeApps, openApp } from '../support/app.js';
import type { Backend } from '../support/backend.js';
import { until } from '../support/helpers.js';

const Left = defineSignal<number>('left');
const Right = defineSignal<number>('right');

/** Collects numbers from two signals until it has as many as it was told. */
@Workflow()
export class CollectingWorkflow {
  private readonly seen: number[] = [];
  @OnQuery() all(): readonly number[] {
    return this.seen;
  }
  async run(ctx: WorkflowContext, total: number): Promise<readonly number[]> {
    while (this.seen.length < total) {
      const { value } = await ctx.race({
        left: () => ctx.waitForSignal(Left),
        right: () => ctx.waitForSignal(Right),
      });
      this.seen.push(value);
    }
    return this.seen;
  }
}

/** The same by `Promise.race`, whose losers go on waiting, and take what nobody looks at. */
@Workflow()
export class LosingWorkflow {
  private readonly seen: number[] = [];
  @OnQuery() all(): readonly number[] {
    return this.seen;
  }
  async run(ctx: WorkflowContext, total: number): Promise<readonly number[]> {
    while (this.seen.length < total) {
      this.seen.push(await Promise.race([ctx.waitForSignal(Left), ctx.waitForSignal(Right)]));
    }
    return this.seen;
  }
}

@Injectable()
export class LongWork {
  readonly aborted: string[] = [];
  begun = gate();

  @Activity()
  async work(ctx = ActivityContext.current()): Promise<string> {
    this.begun.open();
    return new Promise((_, reject) => {
      ctx.signal.addEventListener('abort', () => {
        this.aborted.push((ctx.signal.reason as Error).name);
        reject(ctx.signal.reason as Error);
      });
    });
  }
}

@Workflow()
export class GivingUpWorkflow {
  constructor(private readonly long: LongWork) {}

  async run(ctx: WorkflowContext): Promise<readonly string[]> {
    const trail: string[] = [];
    const first = await ctx.race({
      work: () => this.long.work().finally(() => trail.push('work given up')),
      deadline: () => ctx.withTimeout('1 day', () => ctx.sleep('1 hour')),
      never: () => ctx.condition(() => false),
      enough: () => ctx.waitForSignal(Left),
    });
    // What the losers waited for is not lost: the next wait has it.
    trail.push(first.key, `right ${await ctx.waitForSignal(Right)}`);
    return trail;
  }
}

const TOTAL = 20;
const numbers = Array.from({ length: TOTAL }, (_, i) => i);
const signalOf = (n: number): typeof Left => (n % 2 === 0 ? Left : Right);
const byNumber = (a: number, b: number): number => a - b;

/** `ctx.race` cancels what loses (F33). */
export function describeRaces(backend: Backend, residency: Residency): void {
  describe(`races on ${backend.name}, ${residency}`, () => {
    let app: App;
    const providers = [CollectingWorkflow, LosingWorkflow, GivingUpWorkflow, LongWork];
    beforeAll(async () => {
      app = await openApp({ continuum: await backend.fresh(), providers, residency });
    });
    afterAll(async () => {
      await closeApps();
      await backend.clear();
    });

    it(`see ${TOTAL} of ${TOTAL} acknowledged signals, one after the other`, async () => {
      const handle = await app.client.start(CollectingWorkflow, TOTAL);
      for (const n of numbers) await handle.signal(signalOf(n), n);
      // A query sees what was acknowledged before it.
      expect(await handle.query('all')).toEqual(numbers);
      expect(await handle.result()).toEqual(numbers);
    });

    it(`see ${TOTAL} of ${TOTAL} that come all at once`, async () => {
      const handle = await app.client.start(CollectingWorkflow, TOTAL);
      await Promise.all(numbers.map((n) => handle.signal(signalOf(n), n)));
      expect((await handle.query('all')).toSorted(byNumber)).toEqual(numbers);
      await handle.result();
    });

    it('stop the activity that lost, and everything else that the losers waited for', async () => {
      const work = app.app.get(LongWork);
      work.begun = gate();
      const before = work.aborted.length;
      const handle = await app.client.start(GivingUpWorkflow);
      await work.begun.opened;
      await handle.signal(Right, 7);
      await handle.signal(Left, 1);
      expect(await handle.result()).toEqual(['work given up', 'enough', 'right 7']);
      await until(() => work.aborted.length > before);
      const history = await handle.history();
      const cancelled = history.filter(({ entry }) => entry.type === 'timer_cancelled');
      expect(cancelled).toHaveLength(2);
    });

    it('by Promise.race are warned of in development, with the remedy', async () => {
      const warningsOf = (runId: string | undefined): string[] =>
        app.events.events.flatMap((event) =>
          event.type === 'workflow log' && event.run.runId === runId && event.level === 'warn'
            ? [event.message]
            : [],
        );
      const losing = await app.client.start(LosingWorkflow, 2);
      await losing.signal(Left, 1);
      await until(async () => (await losing.query('all')).length === 1);
      await until(() => warningsOf(losing.runId).length > 0);
      expect(warningsOf(losing.runId)).toEqual([
        expect.stringMatching(/the signal "right" while an older wait.*Promise\.race.*use ctx\.race/),
      ]);
      await losing.terminate();
      const collecting = await app.client.start(CollectingWorkflow, 2);
      for (const n of [0, 1]) await collecting.signal(signalOf(n), n);
      await collecting.result();
      expect(warningsOf(collecting.runId)).toEqual([]);
    });
  });
}
