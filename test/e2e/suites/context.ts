import { AsyncLocalStorage } from 'node:async_hooks';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Activity, OnQuery, OnSignal, Workflow, WorkflowContext } from 'nestjs-continuum';
import type { App, Residency } from '../support/app.js';
import { closeApps, openApp } from '../support/app.js';
import type { Backend } from '../support/backend.js';
import { uniqueId } from '../support/helpers.js';

/** What an application keeps per request: its tenant. */
const tenant = new AsyncLocalStorage<string>();
const seen = (): string => tenant.getStore() ?? 'none';

@Injectable()
export class LookingActivities {
  @Activity()
  async look(): Promise<string> {
    const before = seen();
    await new Promise((resolve) => setTimeout(resolve, 1));
    return `${before} ${seen()}`;
  }
}

@Workflow({ name: 'looking' })
export class LookingWorkflow {
  private readonly seen: string[] = [`constructor ${seen()}`];
  private signals = 0;

  constructor(private readonly activities: LookingActivities) {}

  @OnSignal() async poke(): Promise<void> {
    this.seen.push(`handler ${seen()}`);
    this.seen.push(`handler activity ${await this.activities.look()}`);
    this.signals++;
  }
  @OnQuery() look(): string {
    return seen();
  }

  async run(ctx: WorkflowContext, signals: number): Promise<readonly string[]> {
    this.seen.push(`run ${seen()}`);
    this.seen.push(`activity ${await this.activities.look()}`);
    await ctx.sleep(1);
    this.seen.push(`after a timer ${seen()}`);
    await ctx.condition(() => {
      this.seen.push(`condition ${seen()}`);
      return this.signals >= signals;
    });
    this.seen.push(`side effect ${ctx.sideEffect(seen)}`);
    this.seen.push(`at the end ${seen()}`, `last activity ${await this.activities.look()}`);
    return this.seen;
  }
}

/** Its own context is the code's own affair. */
@Workflow({ name: 'own-context' })
export class OwnContextWorkflow {
  async run(ctx: WorkflowContext): Promise<readonly string[]> {
    return tenant.run('own', async () => {
      const first = seen();
      await ctx.sleep(1);
      return [first, seen(), ctx.sideEffect(seen)];
    });
  }
}

/** A run's context is nobody else's (F25). */
export function describeContext(backend: Backend, residency: Residency): void {
  describe(`context on ${backend.name}, ${residency}`, () => {
    let app: App;
    beforeAll(async () => {
      // The application itself is made in a context, as by a script that wraps everything.
      app = await tenant.run('factory', async () =>
        openApp({
          continuum: await backend.fresh(),
          residency,
          providers: [LookingActivities, LookingWorkflow, OwnContextWorkflow],
        }),
      );
    });
    afterAll(async () => {
      await closeApps();
      await backend.clear();
    });

    const foreign = (lines: readonly string[]): string[] =>
      lines.filter((line) => !/ none( none)?$/.test(line));

    it('F25: code and activities see nothing of who starts and who signals', async () => {
      const handle = await tenant.run('acme', () => app.client.start(LookingWorkflow, 2, { id: uniqueId() }));
      for (const who of ['SUPPORT', 'SALES']) await tenant.run(who, () => handle.signal('poke'));
      const lines = await tenant.run('reader', () => handle.result());
      expect(lines.length).toBeGreaterThan(10);
      expect(foreign(lines)).toEqual([]);
    });

    it('F25: runs of one batch, one phase and one moment see nothing of each other', async () => {
      const tenants = Array.from({ length: 20 }, (_, i) => `tenant ${i}`);
      const lines = await Promise.all(
        tenants.map((name) =>
          tenant.run(name, async () => {
            const handle = await app.client.start(LookingWorkflow, 1, { id: uniqueId() });
            await handle.signal('poke');
            return handle.result();
          }),
        ),
      );
      expect(foreign(lines.flat())).toEqual([]);
    });

    it('F25: a query answers the same whoever asks', async () => {
      const handle = await app.client.start(LookingWorkflow, 1, { id: uniqueId() });
      expect(await tenant.run('asker', () => handle.query('look'))).toBe('none');
      await handle.signal('poke');
      await handle.result();
    });

    it('F25: a context that the code makes follows it, and the caller keeps its own', async () => {
      await tenant.run('acme', async () => {
        expect(await app.client.execute(OwnContextWorkflow, undefined)).toEqual(['own', 'own', 'own']);
        expect(seen()).toBe('acme');
      });
    });
  });
}
