import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { OnQuery, OnSignal, RunNotReadyError, Workflow, WorkflowContext } from 'nestjs-continuum';
import type { App, Residency } from '../support/app.js';
import { closeApps, openApp } from '../support/app.js';
import type { Backend } from '../support/backend.js';
import { caught, uniqueId } from '../support/helpers.js';

@Workflow({ name: 'counting' })
export class CountingWorkflow {
  private count = 0;
  private done = false;
  @OnSignal() add(n: number): void {
    this.count += n;
  }
  @OnSignal() finish(): void {
    this.done = true;
  }
  @OnQuery() total(): number {
    return this.count;
  }
  async run(ctx: WorkflowContext): Promise<number> {
    await ctx.condition(() => this.done);
    return this.count;
  }
}

const TRIES = 100;

/** Queries see what was acknowledged before they were asked (F21 amended). */
export function describeQueries(backend: Backend, residency: Residency): void {
  describe(`queries on ${backend.name}, ${residency}`, () => {
    let app: App;
    beforeAll(async () => {
      app = await openApp({
        continuum: await backend.fresh(),
        providers: [CountingWorkflow],
        residency,
      });
    });
    afterAll(async () => {
      await closeApps();
      await backend.clear();
    });

    it(`see three signals that were acknowledged before, ${TRIES} times out of ${TRIES}`, async () => {
      let fresh = 0;
      for (let run = 0; run < TRIES / 10; run++) {
        const handle = await app.client.start(CountingWorkflow);
        for (let i = 1; i <= 10; i++) {
          for (let n = 0; n < 3; n++) await handle.signal('add', 1);
          if ((await handle.query('total')) === 3 * i) fresh++;
        }
      }
      expect(fresh).toBe(TRIES);
    });

    it('see the signal that was sent right after the start', async () => {
      for (let i = 0; i < 20; i++) {
        const handle = await app.client.start(CountingWorkflow);
        await handle.signal('add', 7);
        expect(await handle.query('total')).toBe(7);
      }
    });

    it('see it too when the signals end the run, and of a run that has ended what it came to', async () => {
      for (let i = 0; i < 20; i++) {
        const handle = await app.client.start(CountingWorkflow);
        await Promise.all([handle.signal('add', 1), handle.signal('add', 2)]);
        await handle.signal('finish');
        expect(await handle.query('total')).toBe(3);
        expect(await handle.result()).toBe(3);
        expect(await handle.query('total')).toBe(3);
      }
    });

    it('see it while others signal and ask all the time', async () => {
      const handle = await app.client.start(CountingWorkflow);
      let acknowledged = 0;
      const stale: string[] = [];
      await Promise.all(
        Array.from({ length: 5 }, async () => {
          for (let i = 0; i < 20; i++) {
            await handle.signal('add', 1);
            const known = ++acknowledged;
            const seen = await handle.query('total');
            if (seen < known) stale.push(`${seen} of ${known}`);
          }
        }),
      );
      expect(stale).toEqual([]);
      expect(await handle.query('total')).toBe(100);
    });

    it('of a run that has not begun wait two seconds, and say so', async () => {
      const handle = await app.client.start(CountingWorkflow, undefined, {
        id: uniqueId(),
        startAt: new Date(Date.now() + 3_600_000),
      });
      expect(await caught(handle.query('total'))).toBeInstanceOf(RunNotReadyError);
      await handle.terminate();
    });
  });
}
