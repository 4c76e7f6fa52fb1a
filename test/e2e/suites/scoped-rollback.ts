import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Activity, Compensate, NonRetryableError, Workflow, WorkflowContext } from 'nestjs-continuum';
import type { Gate } from '../../support/gate.js';
import { gate } from '../../support/gate.js';
import type { App, Residency } from '../support/app.js';
import { closeApps, openApp } from '../support/app.js';
import type { Backend } from '../support/backend.js';
import { caught } from '../support/helpers.js';

@Injectable()
export class Bookings {
  readonly diary: string[] = [];
  /** How many releases are under way at once. */
  most = 0;
  #releasing = 0;
  meeting: { readonly wanted: number; readonly gate: Gate<void> } | null = null;

  @Activity({ name: 'reserve' })
  async reserve(what: string): Promise<string> {
    if (what.startsWith('no')) throw new NonRetryableError(`${what} is sold out`);
    this.diary.push(`+${what}`);
    return what;
  }

  @Compensate('reserve', { name: 'release', retry: { maxAttempts: 1 } })
  async release(what: string): Promise<void> {
    this.most = Math.max(this.most, ++this.#releasing);
    // Those that meet here run side by side, or none of them ever ends.
    if (this.meeting !== null && this.#releasing === this.meeting.wanted) this.meeting.gate.open();
    await this.meeting?.gate.opened;
    this.#releasing--;
    if (what === 'stuck') throw new Error('nobody answers');
    this.diary.push(`-${what}`);
  }
}

@Workflow({ name: 'alternatives' })
export class AlternativesWorkflow {
  constructor(private readonly bookings: Bookings) {}

  /** The first set of things that can be had as a whole. */
  async run(ctx: WorkflowContext, sets: readonly (readonly string[])[]): Promise<readonly string[]> {
    const kept = await this.bookings.reserve('insurance');
    for (const set of sets) {
      const all = await ctx
        .saga(() => Promise.all(set.map((what) => this.bookings.reserve(what))))
        .catch(() => null);
      if (all) return [kept, ...all];
    }
    throw new Error('nothing can be had');
  }
}

@Workflow({ name: 'side-by-side', compensation: { order: 'parallel' } })
export class SideBySideWorkflow {
  constructor(private readonly bookings: Bookings) {}

  async run(_ctx: WorkflowContext, all: readonly string[]): Promise<void> {
    for (const what of all) await this.bookings.reserve(what);
  }
}

/** Rollbacks of a part of a run, and side by side (F20, F36). */
export function describeScopedRollback(backend: Backend, residency: Residency): void {
  describe(`rollback of parts on ${backend.name}, ${residency}`, () => {
    let app: App;
    let bookings: Bookings;
    beforeAll(async () => {
      const providers = [Bookings, AlternativesWorkflow, SideBySideWorkflow];
      app = await openApp({ continuum: await backend.fresh(), providers, residency });
      bookings = app.app.get(Bookings);
    });
    afterAll(async () => {
      await closeApps();
      await backend.clear();
    });

    it('undoes what completed in a saga that failed, and the run goes on', async () => {
      bookings.diary.length = 0;
      const sets = [
        ['hotel', 'no flight'],
        ['cabin', 'train'],
      ];
      const handle = await app.client.start(AlternativesWorkflow, sets);
      expect(await handle.result()).toEqual(['insurance', 'cabin', 'train']);
      expect(bookings.diary.slice(0, 3)).toEqual(['+insurance', '+hotel', '-hotel']);
      expect(bookings.diary.slice(3).toSorted()).toEqual(['+cabin', '+train']);
      expect((await handle.describe()).rollback).toBeUndefined();
    });

    it('lists in describe() how each step went, those of sagas first', async () => {
      bookings.diary.length = 0;
      const handle = await app.client.start(AlternativesWorkflow, [
        ['stuck', 'no flight'],
        ['cabin', 'no train'],
      ]);
      expect(await caught(handle.result())).toMatchObject({ rollback: 'incomplete' });
      const description = await handle.describe();
      expect(description).toMatchObject({ state: 'failed', failure: { message: 'nothing can be had' } });
      expect(description.rollback).toEqual([
        {
          name: 'release',
          id: expect.any(Number),
          outcome: 'failed',
          error: { name: 'Error', message: 'nobody answers' },
        },
        { name: 'release', id: expect.any(Number), outcome: 'undone', error: null },
        { name: 'release', id: 0, outcome: 'undone', error: null },
      ]);
      expect(bookings.diary).toEqual(['+insurance', '+stuck', '+cabin', '-cabin', '-insurance']);
    });

    it('undoes all steps side by side where the workflow says so', async () => {
      bookings.most = 0;
      bookings.meeting = { wanted: 3, gate: gate() };
      const handle = await app.client.start(SideBySideWorkflow, ['a', 'b', 'c', 'no d']);
      expect(await caught(handle.result())).toMatchObject({ rollback: 'complete' });
      bookings.meeting = null;
      expect(bookings.most).toBe(3);
      const history = await handle.history();
      expect(history.find(({ entry }) => entry.type === 'rollback_started')?.entry).toMatchObject({
        order: 'parallel',
      });
    });
  });
}
