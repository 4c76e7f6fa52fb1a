import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  InvalidInputError,
  OnQuery,
  OnSignal,
  ResultTimeoutError,
  RunNotReadyError,
  Workflow,
  WorkflowAlreadyStartedError,
  WorkflowCancelledError,
  WorkflowContext,
  WorkflowFailure,
  WorkflowHandle,
  WorkflowNotFoundError,
  WorkflowNotRunningError,
  WorkflowTerminatedError,
} from 'nestjs-continuum';
import type { StartOptions } from 'nestjs-continuum';
import type { Journal } from '../../../lib/journal/index.js';
import { CONTINUUM_JOURNAL } from '../../../lib/nest/continuum.tokens.js';
import type { App } from '../support/app.js';
import { closeApps, openApp } from '../support/app.js';
import type { Backend } from '../support/backend.js';
import { caught, uniqueId } from '../support/helpers.js';

@Workflow({ name: 'waiting' })
export class WaitingWorkflow {
  private answer: string | undefined;
  @OnSignal() tell(answer: string): void {
    this.answer = answer;
  }
  async run(ctx: WorkflowContext, question?: string): Promise<string> {
    await ctx.condition(() => this.answer !== undefined);
    if (this.answer === 'fail') throw new WorkflowFailure('told to');
    return `${question}: ${this.answer}`;
  }
}

@Workflow({ name: 'greeting', version: 1 })
export class OldGreetingWorkflow {
  async run(_: WorkflowContext, name: string): Promise<string> {
    return `Hello ${name}`;
  }
}
@Workflow({ name: 'greeting', version: 2 })
export class GreetingWorkflow {
  @OnQuery() version(): number {
    return 2;
  }
  async run(_: WorkflowContext, name: string): Promise<string> {
    return `Good day ${name}`;
  }
}

/** What a client does with ids, states and lists. */
export function describeClient(backend: Backend): void {
  describe(`a client on ${backend.name}`, () => {
    let app: App;
    beforeAll(async () => {
      app = await openApp({
        continuum: await backend.fresh(),
        providers: [WaitingWorkflow, OldGreetingWorkflow, GreetingWorkflow],
      });
    });
    afterAll(async () => {
      await closeApps();
      await backend.clear();
    });
    const startWaiting = (options?: StartOptions, question = 'q'): Promise<WorkflowHandle<WaitingWorkflow>> =>
      app.client.start(WaitingWorkflow, question, options);

    describe('starts', () => {
      it('by class that class, by name the highest version', async () => {
        expect(await app.client.execute(OldGreetingWorkflow, 'Ann')).toBe('Hello Ann');
        expect(await app.client.execute<GreetingWorkflow>('greeting', 'Ann')).toBe('Good day Ann');
        const handle = await app.client.start('greeting', 'Bob');
        expect(await handle.result()).toBe('Good day Bob');
        expect(await handle.query('version')).toBe(2);
      });

      it('draw a workflow id where none is given', async () => {
        const [one, other] = [await startWaiting(), await startWaiting()];
        expect(one.workflowId).toMatch(/^[\da-f-]{36}$/);
        expect(other.workflowId).not.toBe(one.workflowId);
        await Promise.all([one.terminate(), other.terminate()]);
      });

      it('of an id that is taken fail, use the run, or replace it', async () => {
        const id = uniqueId();
        const first = await startWaiting({ id });
        const refused = await caught(startWaiting({ id }));
        expect(refused).toBeInstanceOf(WorkflowAlreadyStartedError);
        expect(refused).toMatchObject({ workflowId: id, runId: first.runId, state: 'running', status: 409 });

        const same = await startWaiting({ id, onConflict: 'useExisting' }, 'ignored');
        expect(same.runId).toBe(first.runId);

        const next = await startWaiting({ id, onConflict: 'terminateExisting' }, 'new');
        expect(next.runId).not.toBe(first.runId);
        await expect(first.result()).rejects.toThrow(WorkflowTerminatedError);
        // Without a run id a handle reaches the run that has the id now.
        const handle = app.client.handle(WaitingWorkflow, id);
        await handle.signal('tell', 'yes');
        expect(await handle.result()).toBe('new: yes');
      });

      it.each([
        ['allow', 'yes', true],
        ['allowIfFailed', 'fail', true],
        ['allowIfFailed', 'yes', false],
        ['reject', 'fail', false],
      ] as const)('with onReuse "%s" after "%s": %s', async (onReuse, answer, started) => {
        const id = uniqueId();
        const first = await startWaiting({ id });
        await first.signal('tell', answer);
        await first.result().catch(() => undefined);
        const again = await startWaiting({ id, onReuse }).catch((error: unknown) => error);
        if (started) {
          expect(again).toBeInstanceOf(WorkflowHandle);
          expect((again as WorkflowHandle).runId).not.toBe(first.runId);
          await (again as WorkflowHandle).terminate();
        } else {
          expect(again).toBeInstanceOf(WorkflowAlreadyStartedError);
          expect(again).toMatchObject({
            runId: first.runId,
            state: answer === 'fail' ? 'failed' : 'completed',
          });
        }
      });

      it('that use whatever there is run once, also when the first run has ended', async () => {
        const id = uniqueId();
        const once = { id, onConflict: 'useExisting', onReuse: 'useExisting' } as const;
        const first = await startWaiting(once);
        const second = await startWaiting(once, 'asked again');
        await first.signal('tell', 'yes');
        expect(await first.result()).toBe('q: yes');
        const third = await startWaiting(once, 'and again');
        expect([first, second, third].map(({ created }) => created)).toEqual([true, false, false]);
        expect([second.runId, third.runId]).toEqual([first.runId, first.runId]);
        expect(await third.result()).toBe('q: yes');
        expect(await app.client.execute(WaitingWorkflow, 'at last', once)).toBe('q: yes');
        expect(await app.client.count({ id })).toBe(1);
        expect(app.client.handle(id).created).toBe(false);
      });

      it('that use a run which failed are told how', async () => {
        const id = uniqueId();
        const first = await startWaiting({ id });
        await first.signal('tell', 'fail');
        await first.result().catch(() => undefined);
        const again = await startWaiting({ id, onReuse: 'useExisting' });
        expect(again.created).toBe(false);
        await expect(again.result()).rejects.toMatchObject({ cause: { message: 'told to' } });
      });

      it('of one id by many callers at once start one run', async () => {
        const id = uniqueId();
        const handles = await Promise.all(
          Array.from({ length: 20 }, () => startWaiting({ id, onConflict: 'useExisting' })),
        );
        expect(new Set(handles.map(({ runId }) => runId)).size).toBe(1);
        await handles[0]!.terminate();
      });

      it('not before startAt, signals before it notwithstanding', async () => {
        const startAt = new Date(Date.now() + 150);
        const handle = await startWaiting({ startAt });
        await handle.signal('tell', 'early');
        expect(await handle.result()).toBe('q: early');
        const { closedAt } = await handle.describe();
        // The database's clock is this machine's.
        expect(closedAt).toBeGreaterThanOrEqual(startAt.getTime());
      });

      it('that are cancelled before startAt never begin, and free their id at once', async () => {
        const startAt = new Date(Date.now() + 3_600_000);
        // Without an await, so that it would be over before anything could be cancelled.
        const handle = await app.client.start(GreetingWorkflow, 'Ann', { id: uniqueId(), startAt });
        const busy = await startWaiting({ startAt });
        await busy.signal('tell', 'early');
        await handle.cancel({ reason: 'not needed' });
        await busy.cancel();
        expect(await caught(handle.result({ timeout: 20_000 }))).toBeInstanceOf(WorkflowCancelledError);
        expect(await caught(busy.result({ timeout: 20_000 }))).toBeInstanceOf(WorkflowCancelledError);
        expect(await handle.describe()).toMatchObject({ state: 'cancelled' });
        const again = await app.client.start(GreetingWorkflow, 'Ann', { id: handle.workflowId });
        expect(await again.result()).toBe('Good day Ann');
        const types = (await busy.history()).map(({ entry }) => entry.type);
        expect(types).toEqual(['cancel_requested', 'signal_received', 'run_started', 'run_cancelled']);
      });
    });

    it('tells why a run failed, also in lists, and what happened in it, as the values that were passed', async () => {
      const id = uniqueId();
      const handle = await startWaiting({ id }, 'why');
      await handle.signal('tell', 'fail');
      await caught(handle.result());
      const failure = { name: 'WorkflowFailure', message: 'told to' };
      expect(await handle.describe()).toMatchObject({ state: 'failed', failure });
      const { runs } = await app.client.list({ where: { id } });
      expect([{ ...runs[0], waitingFor: [] }]).toEqual([await handle.describe()]);
      const entries = (await handle.history()).map(({ entry }) => entry);
      expect(entries).toMatchObject([
        { type: 'run_started', input: 'why' },
        { type: 'signal_received', name: 'tell', payload: 'fail' },
        { type: 'run_failed', failure: { message: 'told to' } },
      ]);
      const last = entries.at(-1);
      expect(last?.type === 'run_failed' && last.failure).toBeInstanceOf(WorkflowFailure);
    });

    it('asks a run that has not begun a little later, and then says so', async () => {
      const startAt = new Date(Date.now() + 3_600_000);
      const handle = await app.client.start(GreetingWorkflow, 'Ann', { startAt });
      const error = await caught(handle.query('version'));
      expect(error).toBeInstanceOf(RunNotReadyError);
      expect(error).toMatchObject({ status: 409, statusCode: 409, expose: true });
      await handle.terminate();
    });

    it('waits for a result no longer than asked, and the run goes on', async () => {
      const handle = await startWaiting();
      const error = await caught(handle.result({ timeout: 20 }));
      expect(error).toBeInstanceOf(ResultTimeoutError);
      expect(error).toMatchObject({
        workflowId: handle.workflowId,
        timeout: 20,
        status: 504,
        blocked: null,
        served: true,
      });
      expect(String(error)).toContain('It goes on');
      await expect(
        app.client.execute(WaitingWorkflow, 'q', {
          id: handle.workflowId,
          onConflict: 'useExisting',
          timeout: '10ms',
        }),
      ).rejects.toThrow(ResultTimeoutError);
      await handle.signal('tell', 'now');
      expect(await handle.result({ timeout: '5 seconds' })).toBe('q: now');
    });

    it('says when no worker has the workflow, and a query of its run waits for nobody', async () => {
      const lone = await openApp({
        continuum: { ...(await backend.fresh()), worker: false },
        providers: [WaitingWorkflow, GreetingWorkflow],
      });
      const handle = await lone.client.start(GreetingWorkflow, 'Ann');
      const error = await caught(handle.result({ timeout: 1 }));
      expect(error).toMatchObject({ blocked: null, served: false, status: 504 });
      expect(String(error)).toMatch(/ No worker that could go on with it is there at present\.$/);
      const looks = jest.spyOn(lone.app.get<Journal>(CONTINUUM_JOURNAL, { strict: false }), 'describe');
      expect(await caught(handle.query('version'))).toBeInstanceOf(RunNotReadyError);
      expect(looks.mock.calls.length).toBeLessThanOrEqual(3);
      await lone.app.close();
    });

    it('reaches one run by its run id, and tells what is unknown or over', async () => {
      const id = uniqueId();
      const first = await startWaiting({ id });
      await first.signal('tell', 'one');
      await first.result();
      const second = await startWaiting({ id });
      // Bound to the first run, which is over.
      const bound = app.client.handle(WaitingWorkflow, id, first.runId);
      expect(await bound.result()).toBe('q: one');
      await expect(bound.signal('tell', 'x')).rejects.toThrow(WorkflowNotRunningError);
      await expect(bound.cancel()).rejects.toThrow(WorkflowNotRunningError);
      await expect(bound.terminate()).rejects.toThrow(WorkflowNotRunningError);
      expect(await bound.describe()).toMatchObject({ runId: first.runId, state: 'completed' });
      expect(await app.client.describe(id)).toMatchObject({ runId: second.runId, state: 'running' });

      const unknown = app.client.handle('nobody');
      const uses = [
        unknown.result(),
        unknown.signal('tell'),
        unknown.query('x'),
        unknown.cancel(),
        unknown.terminate(),
        unknown.describe(),
        unknown.history(),
        app.client.describe(id, uniqueId()),
      ];
      for (const use of uses) {
        const error = await caught(use);
        expect(error).toBeInstanceOf(WorkflowNotFoundError);
        expect(error).toMatchObject({ status: 404, statusCode: 404, expose: true });
      }
      await second.terminate();
    });

    describe('lists', () => {
      const tenant = uniqueId();
      const since = new Date();
      const ids: string[] = [];
      beforeAll(async () => {
        for (const n of [0, 1, 2, 3, 4]) {
          const handle = await startWaiting({
            id: `${tenant}-${n}`,
            attributes: { tenant, even: n % 2 === 0, tags: ['a', `n${n}`] },
          });
          ids.push(handle.workflowId);
        }
        const [completed, failed, cancelled, terminated] = ids.map((id) =>
          app.client.handle(WaitingWorkflow, id),
        );
        await completed!.signal('tell', 'yes');
        await failed!.signal('tell', 'fail');
        await cancelled!.cancel();
        await terminated!.terminate();
        for (const handle of [completed, failed, cancelled]) await handle!.result().catch(() => undefined);
      });
      const idsOf = async (where: object, orderBy: 'newest' | 'oldest' = 'oldest'): Promise<string[]> => {
        const { runs } = await app.client.list({ where: { attributes: { tenant }, ...where }, orderBy });
        return runs.map(({ workflowId }) => workflowId);
      };

      it('by attributes, newest first unless told otherwise', async () => {
        expect(await idsOf({})).toEqual(ids);
        expect(await idsOf({}, 'newest')).toEqual(ids.toReversed());
        expect(await idsOf({ attributes: { tenant, even: true } })).toEqual([ids[0], ids[2], ids[4]]);
        expect(await idsOf({ attributes: { tenant: 'nobody' } })).toEqual([]);
      });

      it('by workflow, id, state and time', async () => {
        expect(await idsOf({ workflow: WaitingWorkflow })).toEqual(ids);
        expect(await idsOf({ workflow: 'greeting' })).toEqual([]);
        expect(await idsOf({ id: ids[1] })).toEqual([ids[1]]);
        expect(await idsOf({ state: 'running' })).toEqual([ids[4]]);
        expect(await idsOf({ state: ['completed', 'failed'] })).toEqual([ids[0], ids[1]]);
        expect(await idsOf({ state: 'cancelled' })).toEqual([ids[2]]);
        expect(await idsOf({ state: 'terminated' })).toEqual([ids[3]]);
        expect(await idsOf({ startedAfter: since })).toEqual(ids);
        expect(await idsOf({ startedBefore: since })).toEqual([]);
      });

      it('page by page, none twice and none left out while runs are added', async () => {
        const where = { attributes: { tenant } };
        const first = await app.client.list({ where, limit: 2 });
        const late = await startWaiting({ attributes: { tenant } });
        const second = await app.client.list({ where, limit: 2, cursor: first.cursor });
        const third = await app.client.list({ where, limit: 2, cursor: second.cursor });
        const pages = [first, second, third].map(({ runs }) => runs.map(({ workflowId }) => workflowId));
        expect(pages).toEqual([[ids[4], ids[3]], [ids[2], ids[1]], [ids[0]]]);
        expect(third.cursor).toBeUndefined();
        expect(await app.client.count(where)).toBe(6);
        expect(await app.client.count({ ...where, state: 'running' })).toBe(2);
        await late.terminate();
      });

      it('describe each run', async () => {
        const { runs } = await app.client.list({ where: { id: ids[0] } });
        expect(runs).toEqual([
          {
            namespace: 'default',
            workflowId: ids[0],
            runId: expect.any(String),
            actorId: expect.any(String),
            workflow: 'waiting',
            version: 1,
            state: 'completed',
            startedAt: expect.any(Number),
            closedAt: expect.any(Number),
            attributes: { tenant, even: true, tags: ['a', 'n0'] },
            blocked: null,
            failure: null,
            continuedTo: null,
            deadlineAt: null,
            notBefore: null,
            lineage: null,
            deaths: null,
            details: null,
            inbox: null,
          },
        ]);
        expect(await app.client.describe(ids[0]!)).toEqual({ ...runs[0], waitingFor: [] });
      });

      it.each([
        ['limit', { limit: 0 }],
        ['limit', { limit: 1_001 }],
        ['limit', { limit: 1.5 }],
        ['cursor', { cursor: 'page 2' }],
        ['orderBy', { orderBy: 'biggest' as 'newest' }],
        ['state', { where: { state: 'done' as 'failed' } }],
        ['startedAfter', { where: { startedAfter: new Date('soon') } }],
      ])('refuse a %s that cannot be', async (option, options) => {
        const error = await caught(app.client.list(options));
        expect(error).toBeInstanceOf(InvalidInputError);
        expect(String(error)).toContain(option);
      });
    });
  });
}
