import { afterEach, afterAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  Activity,
  InvalidInputError,
  OnSignal,
  ResultTimeoutError,
  Workflow,
  WorkflowContext,
} from 'nestjs-continuum';
import type { StartOptions } from 'nestjs-continuum';
import type { App, Residency } from '../support/app.js';
import { closeApps, openApp } from '../support/app.js';
import type { Backend } from '../support/backend.js';
import { caught } from '../support/helpers.js';

@Injectable()
export class Doors {
  private opened: (() => void)[] = [];
  @Activity() async open(): Promise<void> {
    await new Promise<void>((resolve) => this.opened.push(resolve));
  }
  letGo(): void {
    for (const resolve of this.opened.splice(0)) resolve();
  }
}

@Workflow({ name: 'guest', version: 2 })
export class GuestWorkflow {
  private rung = false;
  constructor(private readonly doors: Doors) {}

  @OnSignal() ring(): void {
    this.rung = true;
  }
  async run(ctx: WorkflowContext, what: string): Promise<void> {
    if (what === 'door') await this.doors.open();
    else if (what === 'sleep') await ctx.sleep('1 day');
    else if (what === 'letter') await ctx.waitForSignal('letter', { timeout: '1 day' });
    else await ctx.condition(() => this.rung);
  }
}

/** What open runs wait for, and those that nobody serves. */
export function describeWaitingFor(backend: Backend, residency: Residency): void {
  describe(`what a run waits for on ${backend.name}, ${residency}`, () => {
    afterEach(closeApps);
    afterAll(() => backend.clear());
    const opened = async (): Promise<App> => {
      const app = await openApp({
        continuum: await backend.fresh(),
        residency,
        providers: [Doors, GuestWorkflow],
      });
      await app.events.until('worker started');
      return app;
    };

    it('is told with the time it ends, and is empty once the run is closed', async () => {
      const app = await opened();
      const kinds = ['door', 'sleep', 'letter', 'bell'];
      const handles = await Promise.all(kinds.map((kind) => app.client.start(GuestWorkflow, kind)));
      const waits = await Promise.all(handles.map(async (handle) => (await handle.describe()).waitingFor));
      expect(waits).toEqual([
        [expect.objectContaining({ kind: 'activity', id: 0, until: null })],
        [expect.objectContaining({ kind: 'timer', id: 0, until: expect.any(Number) })],
        [expect.objectContaining({ kind: 'signal', until: expect.any(Number) })],
        [expect.objectContaining({ kind: 'message', text: 'It waits for a signal, or another message.' })],
      ]);
      expect(waits[0]![0]!.text).toBe('It waits for the activity "Doors.open", attempt 1.');
      expect(waits[2]![0]!.text).toMatch(/^It waits for the signal "letter", until \d{4}-.*Z\.$/);
      const error = await caught(handles[1]!.result({ timeout: 1 }));
      expect(error).toBeInstanceOf(ResultTimeoutError);
      expect((error as ResultTimeoutError).waitingFor).toMatch(/^It sleeps until/);
      app.app.get(Doors).letGo();
      await handles[0]!.result();
      expect((await handles[0]!.describe()).waitingFor).toEqual([]);
    });

    it('a start later is told, by a date or by a delay', async () => {
      const app = await opened();
      const startAt = new Date(Date.now() + 86_400_000);
      const dated = await app.client.start(GuestWorkflow, 'bell', { startAt });
      expect((await dated.describe()).waitingFor).toEqual([
        expect.objectContaining({ kind: 'start', until: startAt.getTime() }),
      ]);
      const delayed = await app.client.start(GuestWorkflow, 'bell', {
        startDelay: '1 day',
        runTimeout: '1h',
      });
      const run = await delayed.describe();
      expect(run.notBefore! - run.startedAt).toBeGreaterThan(86_400_000 - 5_000);
      expect(run.notBefore! - run.startedAt).toBeLessThanOrEqual(86_400_000);
      expect(run.deadlineAt).toBe(run.notBefore! + 3_600_000);
      const soon = await app.client.start(GuestWorkflow, 'bell', { startDelay: 20 });
      await soon.signal('ring');
      await soon.result();
      const both: StartOptions = { startAt, startDelay: 5 };
      expect(await caught(app.client.start(GuestWorkflow, 'bell', both))).toBeInstanceOf(InvalidInputError);
    });
  });
}
