import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import {
  InvalidInputError,
  OnQuery,
  OnSignal,
  OnUpdate,
  UnknownHandlerError,
  UpdateFailedError,
  UpdateRefusedError,
  UpdateTimeoutError,
  ValidateUpdate,
  Workflow,
  WorkflowContext,
  WorkflowHandle,
  WorkflowNotFoundError,
  WorkflowNotRunningError,
} from 'nestjs-continuum';
import type { App, Residency } from '../support/app.js';
import { closeApps, openApp } from '../support/app.js';
import type { Backend } from '../support/backend.js';
import { caught, uniqueId, until } from '../support/helpers.js';

export class NoSeatLeft extends Error {
  override readonly name = 'NoSeatLeft';
}

/** A tour with seats, that goes on until it departs. */
@Workflow({ name: 'tour' })
export class TourWorkflow {
  private free = 3;
  private departed = false;
  private readonly guests: string[] = [];

  constructor(private readonly ctx: WorkflowContext) {}

  @OnUpdate() book(guest: string): number {
    this.free--;
    this.guests.push(guest);
    return this.free;
  }
  @ValidateUpdate('book') protected checkSeat(guest: string): void {
    if (this.free === 0) throw new NoSeatLeft(`There is no seat for ${guest}.`);
  }

  /** Answers after a while. */
  @OnUpdate() async bookLater(guest: string): Promise<string> {
    await this.ctx.sleep(20);
    if (guest === 'nobody') throw new TypeError('Nobody is no guest.');
    return `${guest} has a seat`;
  }

  /** Its answer and the end of the run are one event. */
  @OnUpdate() departNow(): string {
    this.departed = true;
    return 'gone';
  }
  @OnUpdate() async never(): Promise<void> {
    await this.ctx.sleep('1 day');
  }

  @OnUpdate({ input: z.object({ seats: z.number().int().positive().default(1) }) })
  grow(by: { seats: number }): number {
    return (this.free += by.seats);
  }

  @OnSignal() depart(): void {
    this.departed = true;
  }
  @OnQuery() list(): readonly string[] {
    return this.guests;
  }

  async run(ctx: WorkflowContext): Promise<readonly string[]> {
    await ctx.condition(() => this.departed);
    return this.guests;
  }
}

/** Until the run has accepted this many updates. */
const accepted = (handle: WorkflowHandle, count: number): Promise<void> =>
  until(async () => {
    const history = await handle.history();
    return history.filter(({ entry }) => entry.type === 'update_accepted').length === count;
  });

export function describeUpdates(backend: Backend, residency: Residency): void {
  describe(`updates on ${backend.name}, ${residency}`, () => {
    let app: App;
    beforeAll(async () => {
      app = await openApp({ continuum: await backend.fresh(), providers: [TourWorkflow], residency });
    });
    afterAll(async () => {
      await closeApps();
      await backend.clear();
    });

    it('answer what their handlers return, at once or after a while', async () => {
      const handle = await app.client.start(TourWorkflow);
      expect(await handle.update('book', 'ann')).toBe(2);
      expect(await handle.update('bookLater', 'bob')).toBe('bob has a seat');
      const types = (await handle.history()).map(({ entry }) => entry.type);
      expect(types).toEqual([
        'run_started',
        'update_accepted',
        'update_answered',
        'update_accepted',
        'timer_started',
        'timer_fired',
        'update_answered',
      ]);
      await handle.signal('depart');
      expect(await handle.result()).toEqual(['ann']);
    });

    it('that a validator refuses leave no row of history, and say why', async () => {
      const handle = await app.client.start(TourWorkflow);
      for (const guest of ['a', 'b', 'c']) await handle.update('book', guest);
      const before = (await handle.history()).length;
      const error = await caught(handle.update('book', 'late'));
      expect(error).toBeInstanceOf(UpdateRefusedError);
      expect(error).toMatchObject({
        status: 422,
        update: 'book',
        message: expect.stringContaining('There is no seat for late.'),
        cause: { name: 'NoSeatLeft', message: 'There is no seat for late.' },
      });
      expect(await handle.history()).toHaveLength(before);
    });

    it('that fit only once are refused the second time, also when they come together', async () => {
      const handle = await app.client.start(TourWorkflow);
      const guests = Array.from({ length: 10 }, (_, i) => `guest ${i}`);
      const answers = await Promise.allSettled(guests.map((guest) => handle.update('book', guest)));
      expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
      expect(await handle.query('list')).toHaveLength(3);
    });

    it('asked for again with one id happen once and have one answer, a refusal too', async () => {
      const handle = await app.client.start(TourWorkflow);
      const ask = (): Promise<number> => handle.update('book', 'ann', { dedupeId: 'one' });
      expect(await Promise.all([ask(), ask(), ask()])).toEqual([2, 2, 2]);
      expect(await ask()).toBe(2);
      await handle.update('book', 'bob');
      await handle.update('book', 'eve');
      const late = (): Promise<unknown> => caught(handle.update('book', 'late', { dedupeId: 'late' }));
      expect(await late()).toBeInstanceOf(UpdateRefusedError);
      await handle.update('grow', { seats: 1 });
      // One id has one verdict: it is asked for with another id, now that there is a seat.
      expect(await late()).toBeInstanceOf(UpdateRefusedError);
      expect(await handle.update('book', 'late')).toBe(0);
      await handle.signal('depart');
      await handle.result();
      expect(await ask()).toBe(2);
    });

    it('that fail tell their caller, and the run goes on', async () => {
      const handle = await app.client.start(TourWorkflow);
      const error = await caught(handle.update('bookLater', 'nobody'));
      expect(error).toBeInstanceOf(UpdateFailedError);
      expect(error).toMatchObject({
        status: 422,
        cause: { name: 'TypeError', message: 'Nobody is no guest.' },
      });
      expect(await handle.update('book', 'ann')).toBe(2);
    });

    it('are checked by their schema, whoever sends them', async () => {
      const handle = await app.client.start(TourWorkflow);
      expect(await handle.update('grow', { seats: 2 })).toBe(5);
      const before = (await handle.history()).length;
      const wrong = { seats: -1 };
      expect(await caught(handle.update('grow', wrong))).toBeInstanceOf(InvalidInputError);
      const loose = app.client.handle(handle.workflowId);
      expect(await caught(loose.update('grow', wrong))).toMatchObject({
        name: 'InvalidInputError',
        status: 400,
      });
      expect(await handle.history()).toHaveLength(before);
      // Whoever knows no class sends what the schema takes, and the handler gets what it yields.
      expect(await loose.update('grow', {})).toBe(6);
    });

    it('of other names are refused, at the call or by the run', async () => {
      const handle = await app.client.start(TourWorkflow);
      const byClass = await caught(handle.update('depart'));
      expect(byClass).toBeInstanceOf(UnknownHandlerError);
      expect((byClass as Error).message).toBe('The workflow tour has no update "depart": it is a signal.');
      expect(await caught(app.client.handle(handle.workflowId).update('nothing'))).toMatchObject({
        name: 'UnknownHandlerError',
        kind: 'update',
        known: ['book', 'bookLater', 'departNow', 'never', 'grow'],
      });
      expect(await caught((handle as WorkflowHandle).signal('book'))).toMatchObject({
        message: 'The workflow tour has no signal "book": it is an update.',
      });
    });

    it('of a closed, a closing and an unknown run say which', async () => {
      const handle = await app.client.start(TourWorkflow);
      await handle.signal('depart');
      await handle.result();
      expect(await caught(handle.update('book', 'ann'))).toMatchObject({
        name: 'WorkflowNotRunningError',
        reason: 'closed',
        closing: false,
      });
      expect(await caught(app.client.handle(TourWorkflow, uniqueId()).update('book', 'ann'))).toBeInstanceOf(
        WorkflowNotFoundError,
      );
    });

    it('that finish in the event that ends the run have their answer, others are told that it has ended', async () => {
      const handle = await app.client.start(TourWorkflow);
      const never = caught(handle.update('never'));
      await accepted(handle, 1);
      expect(await handle.update('departNow')).toBe('gone');
      const error = await never;
      expect(error).toBeInstanceOf(WorkflowNotRunningError);
      expect(error).toMatchObject({ reason: 'closed' });
    });

    it('that are open when the run is terminated are told at once', async () => {
      const handle = await app.client.start(TourWorkflow);
      const never = caught(handle.update('never'));
      await accepted(handle, 1);
      await handle.terminate();
      expect(await never).toMatchObject({ name: 'WorkflowNotRunningError', reason: 'closed' });
    });

    it('that have no answer in time can be asked for again', async () => {
      const handle = await app.client.start(TourWorkflow);
      const first = caught(handle.update('never', undefined, { dedupeId: 'n', timeout: Infinity }));
      await accepted(handle, 1);
      const error = await caught(handle.update('never', undefined, { dedupeId: 'n', timeout: 20 }));
      expect(error).toBeInstanceOf(UpdateTimeoutError);
      expect(error).toMatchObject({
        status: 504,
        dedupeId: 'n',
        accepted: true,
        waitingFor: 'Its handler is at work.',
      });
      const again = caught(handle.update('never', undefined, { dedupeId: 'n' }));
      await handle.terminate();
      expect(await again).toBeInstanceOf(WorkflowNotRunningError);
      expect(await first).toBeInstanceOf(WorkflowNotRunningError);
    });

    it('are waited for until a signal says not to', async () => {
      const handle = await app.client.start(TourWorkflow);
      const abort = new AbortController();
      const asked = caught(handle.update('never', undefined, { signal: abort.signal }));
      await accepted(handle, 1);
      const reason = new Error('The browser has gone.');
      abort.abort(reason);
      expect(await asked).toBe(reason);
      await handle.terminate();
    });
  });
}
