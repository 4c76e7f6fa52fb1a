import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { Injectable } from '@nestjs/common';
import {
  Activity,
  Compensate,
  defineSignal,
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
import { gate } from '../../support/gate.js';
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

/** Pays back when it is told to. */
@Injectable()
export class Deposits {
  back = gate();
  @Activity() async pay(): Promise<void> {}
  @Compensate('pay') async payBack(): Promise<void> {
    await this.back.opened;
  }
}
@Workflow({ name: 'deposit' })
export class DepositWorkflow {
  constructor(private readonly deposits: Deposits) {}

  @OnUpdate() raise(by: number): number {
    return by;
  }
  async run(ctx: WorkflowContext): Promise<void> {
    await this.deposits.pay();
    await ctx.sleep('1 day');
  }
}

/** One in which no seat is left. */
@Workflow({ name: 'full-tour' })
export class FullTourWorkflow {
  @OnUpdate() book(guest: string): string {
    return guest;
  }
  @ValidateUpdate('book') protected refuse(): void {
    throw new NoSeatLeft('There never was a seat.');
  }
  async run(ctx: WorkflowContext): Promise<void> {
    await ctx.sleep('1 day');
  }
}

export const Released = defineSignal<{ by: string }>('released');
@Workflow({ name: 'waiting' })
export class WaitingWorkflow {
  async run(ctx: WorkflowContext): Promise<string> {
    const { by } = await ctx.waitForSignal<{ by: string }>('released');
    return by;
  }
}

/** Continues as a new run after each update. */
@Workflow({ name: 'monthly' })
export class MonthlyWorkflow {
  private month = 0;
  private over = false;

  @OnUpdate() next(): number {
    this.over = true;
    return this.month;
  }
  async run(ctx: WorkflowContext, month: number): Promise<void> {
    this.month = month;
    await ctx.condition(() => this.over);
    return ctx.continueAsNew(month + 1);
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
      app = await openApp({
        continuum: await backend.fresh(),
        providers: [
          Deposits,
          DepositWorkflow,
          TourWorkflow,
          FullTourWorkflow,
          MonthlyWorkflow,
          WaitingWorkflow,
        ],
        residency,
      });
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

    it('of a closed and an unknown run say which', async () => {
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

    it('of a run that rolls back say so', async () => {
      const deposits = app.app.get(Deposits);
      const handle = await app.client.start(DepositWorkflow);
      const seen = (type: string): Promise<void> =>
        until(async () => (await handle.history()).some(({ entry }) => entry.type === type));
      await seen('timer_started');
      await handle.cancel();
      await seen('rollback_started');
      const error = await caught(handle.update('raise', 1));
      expect(error).toMatchObject({ name: 'WorkflowNotRunningError', reason: 'closing', closing: true });
      deposits.back.open();
      expect(await caught(handle.result())).toMatchObject({ rollback: 'complete' });
      deposits.back = gate();
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

    it('start the run that they are for, where there is none', async () => {
      const id = uniqueId();
      const ask = (guest: string) =>
        app.client.updateWithStart(TourWorkflow, undefined, 'book', guest, { id });
      const first = await ask('ann');
      expect(first.result).toBe(2);
      expect(first.handle.created).toBe(true);
      const second = await ask('bob');
      expect(second).toMatchObject({ result: 1, handle: { created: false, runId: first.handle.runId } });
      // Many at once: one run.
      const others = await Promise.allSettled(['eve', 'joe', 'kim'].map(ask));
      expect(others.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await app.client.count({ id })).toBe(1);
      await first.handle.signal('depart');
      expect(await first.handle.result()).toHaveLength(3);
    });

    it('that are refused leave the run that was started for them; by their schema, nothing', async () => {
      const id = uniqueId();
      const ask = app.client.updateWithStart(FullTourWorkflow, undefined, 'book', 'ann', { id });
      expect(await caught(ask)).toBeInstanceOf(UpdateRefusedError);
      expect((await app.client.handle(id).history()).map(({ entry }) => entry.type)).toEqual([
        'run_started',
        'timer_started',
      ]);
      await app.client.handle(id).terminate();
      const other = uniqueId();
      const wrong = app.client.updateWithStart(TourWorkflow, undefined, 'grow', { seats: -1 }, { id: other });
      expect(await caught(wrong)).toBeInstanceOf(InvalidInputError);
      expect(await app.client.count({ id: other })).toBe(0);
    });

    it('that were asked for before start nothing, also when their run has ended', async () => {
      const id = uniqueId();
      const options = { id, dedupeId: 'once' };
      const ask = () => app.client.updateWithStart(TourWorkflow, undefined, 'departNow', undefined, options);
      const { handle } = await ask();
      await handle.result();
      const again = await ask();
      expect(again.result).toBe('gone');
      expect(again.handle.created).toBe(false);
      expect(await again.handle.result()).toEqual([]);
      expect(await app.client.count({ id })).toBe(1);
    });

    it('and signals obey the policies of a start', async () => {
      const id = uniqueId();
      const handle = await app.client.signalWithStart(TourWorkflow, undefined, 'depart', undefined, { id });
      // The handler of the signal runs before run does.
      expect(await handle.result()).toEqual([]);
      expect((await handle.history())[0]?.entry.type).toBe('signal_received');
      for (const [onReuse, name] of [
        ['reject', 'WorkflowAlreadyStartedError'],
        ['useExisting', 'WorkflowNotRunningError'],
      ] as const) {
        const options = { id, onReuse, onConflict: 'useExisting' } as const;
        expect(
          await caught(app.client.signalWithStart(TourWorkflow, undefined, 'depart', undefined, options)),
        ).toMatchObject({ name });
        expect(
          await caught(app.client.updateWithStart(TourWorkflow, undefined, 'departNow', undefined, options)),
        ).toMatchObject({ name });
      }
      const open = await app.client.start(TourWorkflow, undefined, { id });
      const failing = app.client.signalWithStart(TourWorkflow, undefined, 'depart', undefined, {
        id,
        onConflict: 'fail',
      });
      expect(await caught(failing)).toMatchObject({ name: 'WorkflowAlreadyStartedError', state: 'running' });
      await open.signal('depart');
      await open.result();
    });

    it('and a signal that is waited for by its name alone go through a typed handle', async () => {
      const handle = await app.client.start(WaitingWorkflow);
      await handle.signal(Released, { by: 'ann' });
      expect(await handle.result()).toBe('ann');
    });

    it('reach the run that goes on under the id of their handle', async () => {
      const handle = await app.client.start(MonthlyWorkflow, 1);
      expect(await handle.update('next')).toBe(1);
      await until(async () => (await handle.describe()).runId !== handle.runId);
      expect(await handle.update('next')).toBe(2);
      await handle.terminate();
    });

    it('and results are waited for until a signal says not to', async () => {
      const handle = await app.client.start(TourWorkflow);
      const abort = new AbortController();
      const asked = caught(handle.update('never', undefined, { signal: abort.signal }));
      const result = caught(handle.result({ signal: abort.signal }));
      await accepted(handle, 1);
      const reason = new Error('The browser has gone.');
      abort.abort(reason);
      expect(await asked).toBe(reason);
      expect(await result).toBe(reason);
      expect(await caught(handle.result({ signal: abort.signal }))).toBe(reason);
      expect(await caught(handle.update('never', undefined, { signal: abort.signal }))).toBe(reason);
      await handle.terminate();
    });
  });
}
