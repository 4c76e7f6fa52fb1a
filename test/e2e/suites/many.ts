import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  Activity,
  ActivityContext,
  Compensate,
  NonRetryableError,
  Workflow,
  WorkflowContext,
} from 'nestjs-continuum';
import type { Gate } from '../../support/gate.js';
import { gate } from '../../support/gate.js';
import type { App, Residency } from '../support/app.js';
import { closeApps, openApp } from '../support/app.js';
import type { Backend } from '../support/backend.js';
import { caught } from '../support/helpers.js';

@Injectable()
export class Parcels {
  readonly taken: string[] = [];
  readonly returned: string[] = [];
  stopped = gate();

  @Activity()
  async send(parcel: string, ctx = ActivityContext.current()): Promise<string> {
    this.taken.push(parcel);
    if (parcel === 'broken') throw new NonRetryableError('it is broken');
    if (parcel === 'slow') await this.#untilStopped(ctx, this.stopped);
    return `sent ${parcel}`;
  }
  @Compensate('send')
  async takeBack(_sent: string, parcel: string): Promise<void> {
    this.returned.push(parcel);
  }

  #untilStopped({ signal }: ActivityContext, stopped: Gate<void>): Promise<never> {
    return new Promise((_, reject) =>
      signal.addEventListener('abort', () => {
        stopped.open();
        reject(signal.reason as Error);
      }),
    );
  }
}

@Workflow()
export class SendAllWorkflow {
  constructor(private readonly parcels: Parcels) {}

  async run(ctx: WorkflowContext, all: { parcels: string[]; atOnce?: number }): Promise<readonly string[]> {
    return ctx.map(all.parcels, (parcel) => this.parcels.send(parcel), { concurrency: all.atOnce });
  }
}

/** `ctx.map` does the same for many (F35). */
export function describeMany(backend: Backend, residency: Residency): void {
  describe(`many at once on ${backend.name}, ${residency}`, () => {
    let app: App;
    beforeAll(async () => {
      const providers = [Parcels, SendAllWorkflow];
      app = await openApp({ continuum: await backend.fresh(), providers, residency });
    });
    afterAll(async () => {
      await closeApps();
      await backend.clear();
    });

    it('give their results in order, however many run at a time', async () => {
      const parcels = Array.from({ length: 50 }, (_, i) => `parcel ${i}`);
      const sent = parcels.map((parcel) => `sent ${parcel}`);
      expect(await app.client.execute(SendAllWorkflow, { parcels })).toEqual(sent);
      expect(await app.client.execute(SendAllWorkflow, { parcels, atOnce: 7 })).toEqual(sent);
    });

    it('end with the first that fails: what runs is stopped, the rest never begins, what was done is undone', async () => {
      const work = app.app.get(Parcels);
      work.stopped = gate();
      const parcels = ['a', 'slow', 'broken', 'never', 'never'];
      const error = await caught(app.client.execute(SendAllWorkflow, { parcels, atOnce: 2 }));
      expect(error).toMatchObject({ rollback: 'complete', cause: { cause: { message: 'it is broken' } } });
      await work.stopped.opened;
      expect(work.taken).not.toContain('never');
      expect(work.returned).toEqual(['a']);
    });
  });
}
