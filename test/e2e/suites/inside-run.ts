import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  Activity,
  ActivityContext,
  ActivityFailure,
  CancelledError,
  defineSignal,
  InvalidInputError,
  NonRetryableError,
  OnQuery,
  OnSignal,
  TimeoutFailure,
  UnknownHandlerError,
  Workflow,
  WorkflowContext,
  WorkflowFailedError,
} from 'nestjs-continuum';
import type { WorkflowHandle } from 'nestjs-continuum';
import { z } from 'zod';
import type { App, Residency } from '../support/app.js';
import { closeApps, openApp } from '../support/app.js';
import type { Backend } from '../support/backend.js';
import { caught, uniqueId, until } from '../support/helpers.js';

/** Fails a few times, as told, before it succeeds. */
@Injectable()
export class FlakyActivities {
  readonly attempts: { readonly attempt: number; readonly idempotencyKey: string }[] = [];

  @Activity({ retry: { initialInterval: 1, backoff: 1, jitter: 0, nonRetryable: [RangeError] } })
  async work(plan: readonly string[], ctx = ActivityContext.current()): Promise<number> {
    this.attempts.push({ attempt: ctx.attempt, idempotencyKey: ctx.idempotencyKey });
    ctx.logger.warn('at work', { attempt: ctx.attempt });
    switch (plan[ctx.attempt - 1] ?? 'succeed') {
      case 'fail':
        throw new Error(`attempt ${ctx.attempt} failed`);
      case 'range':
        throw new RangeError('out of range');
      case 'give up':
        throw new NonRetryableError('no use');
      case 'hang':
        await new Promise((_, reject) => {
          ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason as Error));
        });
        break;
      default:
    }
    return ctx.attempt;
  }
}

@Workflow()
export class RetryingWorkflow {
  constructor(private readonly flaky: FlakyActivities) {}

  async run(ctx: WorkflowContext, plan: readonly string[]): Promise<unknown> {
    if (!plan.includes('hang')) return this.flaky.work(plan);
    try {
      return await ctx.activities(FlakyActivities, { timeout: 20, retry: { maxAttempts: 1 } }).work(plan);
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      return [error.activity, error.attempts, error.cause instanceof TimeoutFailure];
    }
  }
}

const Parcel = defineSignal(
  'parcel',
  z.object({ weight: z.number().positive(), at: z.iso.date().transform((text) => new Date(text)) }),
);
const Bell = defineSignal('bell');

@Workflow()
export class MailboxWorkflow {
  private readonly notes: string[] = [];

  @OnSignal({ input: z.string().trim().min(1) })
  note(text: string): void {
    this.notes.push(text);
  }
  @OnQuery()
  notesSoFar(upTo?: number): readonly string[] {
    return this.notes.slice(0, upTo);
  }

  async run(ctx: WorkflowContext): Promise<unknown> {
    const parcel = await ctx.waitForSignal(Parcel);
    const missed = await ctx.waitForSignal(Parcel, { timeout: 5 });
    await ctx.waitForSignal(Bell);
    const patient = await ctx.condition(() => this.notes.length > 0, '1 hour');
    const impatient = await ctx.condition(() => this.notes.length > 99, 5);
    return { parcel, missed: missed ?? 'nothing', patient, impatient, notes: this.notes };
  }
}

/** Waits by name alone. */
@Workflow()
export class LetterWorkflow {
  async run(ctx: WorkflowContext): Promise<readonly string[]> {
    const letters = [await ctx.waitForSignal<{ readonly from: string }>('letter')];
    letters.push(await ctx.waitForSignal<{ readonly from: string }>('letter'));
    return letters.map(({ from }) => from);
  }
}

/** What it reads is the same at every replay, however often its memory is dropped. */
@Workflow({ name: 'steady', version: 7 })
export class SteadyWorkflow {
  static effects = 0;
  private readonly seen: unknown[] = [];
  private done = false;

  constructor(private readonly ctx: WorkflowContext) {}

  @OnSignal() again(): void {
    this.look();
  }
  @OnSignal() finish(): void {
    this.done = true;
  }
  @OnQuery() all(): unknown[] {
    return this.seen;
  }

  async run(ctx: WorkflowContext): Promise<unknown> {
    this.look();
    await ctx.sleep(5);
    this.look();
    await ctx.condition(() => this.done);
    const { workflowId, runId, workflow, version, namespace, historyLength } = ctx.info;
    return [this.seen, { workflowId, runId, workflow, version, namespace, historyLength }];
  }

  private look(): void {
    const effect = this.ctx.sideEffect(() => ++SteadyWorkflow.effects);
    this.seen.push({ effect, now: this.ctx.now(), random: this.ctx.random(), uuid: this.ctx.uuid() });
    this.ctx.log.log(`looked ${this.seen.length} times`, { effect });
  }
}

@Workflow()
export class SleepyWorkflow {
  async run(ctx: WorkflowContext, end: number | Date): Promise<readonly [before: Date, after: Date]> {
    const before = ctx.now();
    await ctx.sleep(end);
    return [before, ctx.now()];
  }
}

@Workflow()
export class DeadlineWorkflow {
  async run(ctx: WorkflowContext): Promise<readonly string[]> {
    const names: string[] = [];
    const noted = (error: Error): void => void names.push(error.name);
    await ctx.withTimeout(5, () => ctx.sleep('1 hour')).catch(noted);
    await ctx.cancellable(async (scope) => {
      const napping = ctx.sleep('1 hour').catch(noted);
      scope.cancel('enough');
      await napping;
    });
    const [first] = await Promise.all([Promise.race([ctx.sleep(5), ctx.sleep('1 hour')]), ctx.sleep(1)]);
    return [...names, String(first)];
  }
}

/** Forgets what it calls, or takes it up in ways other than `await`. */
@Workflow()
export class ForgetfulWorkflow {
  private ready = false;

  constructor(private readonly flaky: FlakyActivities) {}

  async run(ctx: WorkflowContext, forgets: boolean): Promise<string> {
    if (forgets) {
      void this.flaky.work(['give up']);
      void ctx.sleep('1 hour');
      void ctx.condition(() => this.ready);
    } else {
      const noted = (): void => void (this.ready = true);
      this.flaky.work(['give up']).catch(noted);
      void Promise.allSettled([this.flaky.work(['give up'])]);
      await Promise.race([ctx.sleep('1 hour'), ctx.condition(() => this.ready)]);
    }
    await ctx.waitForSignal(Bell);
    return 'ok';
  }
}

/** What a workflow can do, and what it sees. */
export function describeInsideRun(backend: Backend, residency: Residency): void {
  describe(`inside a run on ${backend.name}, ${residency}`, () => {
    let app: App;
    beforeAll(async () => {
      app = await openApp({
        continuum: await backend.fresh(),
        residency,
        providers: [
          FlakyActivities,
          RetryingWorkflow,
          MailboxWorkflow,
          LetterWorkflow,
          SteadyWorkflow,
          SleepyWorkflow,
          DeadlineWorkflow,
          ForgetfulWorkflow,
        ],
      });
    });
    afterAll(async () => {
      await closeApps();
      await backend.clear();
    });

    const attemptsAt = async (
      plan: readonly string[],
    ): Promise<{ outcome: unknown; attempts: unknown[] }> => {
      const { attempts } = app.app.get(FlakyActivities);
      const before = attempts.length;
      const outcome = await app.client.execute(RetryingWorkflow, plan).catch((error: unknown) => error);
      return { outcome, attempts: attempts.slice(before) };
    };

    it('tries an activity again, under one idempotency key', async () => {
      const { outcome, attempts } = await attemptsAt(['fail', 'fail']);
      expect(outcome).toBe(3);
      const { idempotencyKey } = attempts[0] as { idempotencyKey: string };
      expect(attempts).toEqual([1, 2, 3].map((attempt) => ({ attempt, idempotencyKey })));
    });

    it('gives up after the last attempt, and says why', async () => {
      const { outcome, attempts } = await attemptsAt(['fail', 'fail', 'fail']);
      expect(attempts).toHaveLength(3);
      expect(outcome).toBeInstanceOf(WorkflowFailedError);
      expect((outcome as WorkflowFailedError).cause).toBeInstanceOf(ActivityFailure);
      expect(outcome).toMatchObject({
        rollback: 'none',
        cause: {
          activity: 'FlakyActivities.work',
          attempts: 3,
          cause: { name: 'Error', message: 'attempt 3 failed' },
        },
      });
    });

    it.each([
      ['a class that the options name', ['fail', 'range'], RangeError],
      ['NonRetryableError', ['fail', 'give up'], NonRetryableError],
    ])('makes no other attempt after %s', async (_, plan, type) => {
      const { outcome, attempts } = await attemptsAt(plan);
      expect(attempts).toHaveLength(2);
      expect((outcome as WorkflowFailedError).cause).toMatchObject({ attempts: 2, cause: expect.any(type) });
    });

    it('ends an attempt at its timeout', async () => {
      const { outcome } = await attemptsAt(['hang']);
      expect(outcome).toEqual(['FlakyActivities.work', 1, true]);
    });

    it('takes signals in order, kept from before the wait, through their schemas', async () => {
      const handle = await app.client.start(MailboxWorkflow);
      await handle.signal('note', '  first ');
      await handle.signal(Bell);
      await handle.signal('note', 'second');
      await handle.signal(Parcel, { weight: 2, at: '2026-01-02' });
      expect(await handle.result()).toEqual({
        parcel: { weight: 2, at: new Date('2026-01-02') },
        missed: 'nothing',
        patient: true,
        impatient: false,
        notes: ['first', 'second'],
      });
      expect(await handle.query('notesSoFar')).toEqual(['first', 'second']);
      expect(await handle.query('notesSoFar', 1)).toEqual(['first']);
    });

    it('takes a typed signal, by a typed handle, where it waits for the name alone', async () => {
      const Letter = defineSignal<{ readonly from: string }>('letter');
      const { workflowId } = await app.client.start(LetterWorkflow);
      const handle = app.client.handle(LetterWorkflow, workflowId);
      await handle.signal(Letter, { from: 'ann' });
      await handle.signal(defineSignal<{ readonly from: string }>('letter'), { from: 'bob' });
      expect(await handle.result()).toEqual(['ann', 'bob']);
      // A name alone is that of a handler, which this class has not.
      const text = handle as WorkflowHandle;
      await expect(text.signal('letter', { from: 'eve' })).rejects.toThrow(UnknownHandlerError);
    });

    it('refuses a signal that its schema refuses, and stores nothing of it', async () => {
      const handle = await app.client.start(MailboxWorkflow);
      const refused = await caught(handle.signal(Parcel, { weight: -1, at: 'tomorrow' }));
      expect(refused).toBeInstanceOf(InvalidInputError);
      expect(refused).toMatchObject({
        subject: 'the payload of the signal "parcel"',
        issues: [{ path: ['weight'] }, { path: ['at'] }],
        status: 400,
      });
      await expect(handle.signal('note', ' ')).rejects.toThrow(InvalidInputError);
      await handle.signal('note', 'fine');
      await until(async () => (await handle.query('notesSoFar')).length > 0);
      const history = await handle.history();
      expect(history.filter(({ entry }) => entry.type === 'signal_received')).toHaveLength(1);
      await handle.terminate();
    });

    it('counts a signal once that is sent twice with one dedupeId', async () => {
      const handle = await app.client.start(MailboxWorkflow);
      await handle.signal('note', 'once', { dedupeId: 'a' });
      await handle.signal('note', 'once', { dedupeId: 'a' });
      await handle.signal('note', 'twice', { dedupeId: 'b' });
      await until(async () => (await handle.query('notesSoFar')).includes('twice'));
      expect(await handle.query('notesSoFar')).toEqual(['once', 'twice']);
      await handle.terminate();
    });

    it('reads the same time, chance, ids and side effects at every replay', async () => {
      SteadyWorkflow.effects = 0;
      const id = uniqueId();
      const handle = await app.client.start(SteadyWorkflow, undefined, { id });
      await until(async () => (await handle.query('all')).length === 2);
      const before = await handle.query('all');
      await handle.signal('again');
      await handle.signal('finish');
      const [seen, info] = (await handle.result()) as [readonly Record<string, unknown>[], unknown];
      expect(seen).toHaveLength(3);
      expect(seen.slice(0, 2)).toEqual(before);
      expect(seen.map(({ effect }) => effect)).toEqual([1, 2, 3]);
      expect(SteadyWorkflow.effects).toBe(3);
      expect(new Set(seen.map(({ random }) => random)).size).toBe(3);
      expect(new Set(seen.map(({ uuid }) => uuid)).size).toBe(3);
      expect(seen[0]).toEqual({
        effect: 1,
        now: expect.any(Date),
        random: expect.any(Number),
        uuid: expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/),
      });
      // After the end, a query folds the history anew.
      expect(await handle.query('all')).toEqual(seen);
      expect(info).toEqual({
        workflowId: id,
        runId: handle.runId,
        workflow: 'steady',
        version: 7,
        namespace: 'default',
        historyLength: expect.any(Number),
      });
      const lines = app.events.events.flatMap((event) =>
        event.type === 'workflow log' && event.run.workflowId === id ? [[event.message, event.facts]] : [],
      );
      expect(lines).toEqual([1, 2, 3].map((n) => [`looked ${n} times`, { effect: n }]));
    });

    it('sleeps for a while, or until a date, never shorter', async () => {
      const [before, after] = await app.client.execute(SleepyWorkflow, 30);
      expect(after.getTime() - before.getTime()).toBeGreaterThanOrEqual(30);
      const date = new Date(Date.now() + 40);
      const [, woken] = await app.client.execute(SleepyWorkflow, date);
      expect(woken.getTime()).toBeGreaterThanOrEqual(date.getTime());
    });

    it('tells by name what a run did not await, and only that', async () => {
      const toldOf = async (forgets: boolean): Promise<unknown[]> => {
        const handle = await app.client.start(ForgetfulWorkflow, forgets);
        const failures = forgets ? 1 : 2;
        await until(
          async () =>
            (await handle.history()).filter(({ entry }) => entry.type === 'activity_failed').length ===
            failures,
        );
        await handle.signal(Bell);
        expect(await handle.result()).toBe('ok');
        await until(() =>
          app.events.events.some((event) => event.type === 'run closed' && event.run.runId === handle.runId),
        );
        const ofRun = app.events.events.filter(
          (event) => 'run' in event && event.run?.runId === handle.runId,
        );
        return ofRun.flatMap((event) => (event.type === 'calls not awaited' ? event.calls : []));
      };
      expect(await toldOf(true)).toEqual([
        {
          call: 'FlakyActivities.work',
          outcome: 'failed',
          error: expect.objectContaining({
            message: 'FlakyActivities.work failed after 1 attempt: no use',
          }),
        },
        { call: 'ctx.sleep', outcome: 'under way' },
        { call: 'ctx.condition', outcome: 'under way' },
      ]);
      expect(await toldOf(false)).toEqual([]);
    });

    it('bounds, cancels and races what it waits for', async () => {
      expect(await app.client.execute(DeadlineWorkflow)).toEqual([
        TimeoutFailure.name,
        CancelledError.name,
        'undefined',
      ]);
    });
  });
}
