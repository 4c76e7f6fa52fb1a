import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  Activity,
  ActivityFailure,
  InvalidInputError,
  OnQuery,
  OnSignal,
  PayloadTooLargeError,
  ResultTimeoutError,
  UnknownHandlerError,
  UnknownWorkflowError,
  UnstorableValueError,
  Workflow,
  WorkflowContext,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowNotRunningError,
} from 'nestjs-continuum';
import { z } from 'zod';
import type { App } from '../support/app.js';
import { closeApps, openApp } from '../support/app.js';
import type { Backend } from '../support/backend.js';
import { caught, uniqueId, until } from '../support/helpers.js';

const LIMIT = 4_096;
const large = (): string => 'x'.repeat(LIMIT);
const unstorable = (): object => ({ items: [{ name: 'pen' }, { name: 'ink', refill: () => 1 }] });

@Injectable()
export class EchoActivities {
  calls = 0;
  @Activity({ retry: { initialInterval: 1 } })
  async echo(value: unknown): Promise<unknown> {
    this.calls++;
    return value === 'large' ? large() : value === 'unstorable' ? unstorable() : value;
  }
}

/** Not among the providers. */
@Activity()
export class ElsewhereActivity {
  async execute(n: number): Promise<number> {
    return n;
  }
}

/** Tries what it is told to, and tells what came of it. */
@Workflow({ name: 'trying' })
export class TryingWorkflow {
  private readonly heard: unknown[] = [];
  constructor(private readonly activities: EchoActivities) {}

  @OnSignal() hear(value: unknown): void {
    this.heard.push(value);
  }
  @OnQuery() hears(): readonly unknown[] {
    return this.heard;
  }
  @OnQuery() throws(): string {
    throw new RangeError('no answer');
  }
  @OnQuery() unstorable(): object {
    return unstorable();
  }

  async run(ctx: WorkflowContext, what: string): Promise<unknown> {
    switch (what) {
      case 'wait':
        await ctx.condition(() => this.heard.includes('end'));
        return this.heard;
      case 'large argument':
        return this.activities.echo(large());
      case 'unstorable argument':
        return this.activities.echo(unstorable());
      case 'large result of an activity':
        return this.activities.echo('large');
      case 'unstorable result of an activity':
        return this.activities.echo('unstorable');
      case 'large result':
        return large();
      case 'unstorable result':
        return unstorable();
      case 'large side effect':
        return ctx.sideEffect(large);
      case 'unknown activity':
        return ctx.run(ElsewhereActivity, 1);
      case 'caught':
        return this.activities.echo(unstorable()).catch((error: Error) => error.name);
      default:
        return what;
    }
  }
}

@Workflow({ input: z.object({ sku: z.string(), quantity: z.int().positive() }) })
export class CheckedWorkflow {
  async run(_: WorkflowContext, item: { sku: string; quantity: number }): Promise<string> {
    return item.sku;
  }
}

/** Not among the providers. */
@Workflow({ name: 'elsewhere' })
export class ElsewhereWorkflow {
  async run(): Promise<void> {}
}
export class NoWorkflow {
  async run(): Promise<void> {}
}

/** What is refused at run time: a typed error, and nothing half stored. */
export function describeRefusals(backend: Backend): void {
  describe(`refused on ${backend.name}`, () => {
    let app: App;
    beforeAll(async () => {
      app = await openApp({
        continuum: { ...(await backend.fresh()), maxPayloadBytes: LIMIT },
        providers: [EchoActivities, TryingWorkflow, CheckedWorkflow],
      });
    });
    afterAll(async () => {
      await closeApps();
      await backend.clear();
    });

    const waiting = () => app.client.start(TryingWorkflow, 'wait', { id: uniqueId() });

    describe('at the start', () => {
      it.each([
        ['over the limit', 'trying', large(), PayloadTooLargeError, { limit: LIMIT, status: 413 }],
        [
          'that cannot be stored',
          'trying',
          unstorable(),
          UnstorableValueError,
          { path: '$.items[1].refill', status: 400, statusCode: 400, expose: true },
        ],
        [
          'that its schema refuses',
          'CheckedWorkflow',
          { sku: 'pen', quantity: 0 },
          InvalidInputError,
          { status: 400, issues: [{ path: ['quantity'] }] },
        ],
      ])('an input %s', async (_, workflow, input, type, facts) => {
        const id = uniqueId();
        const error = await caught(app.client.start(workflow, input, { id }));
        expect(error).toBeInstanceOf(type);
        expect(error).toMatchObject(facts);
        await expect(app.client.describe(id)).rejects.toThrow(WorkflowNotFoundError);
        expect(await app.client.count({ id })).toBe(0);
      });

      it('a workflow that nobody here knows', async () => {
        const error = await caught(app.client.start('elsewhere'));
        expect(error).toBeInstanceOf(UnknownWorkflowError);
        expect(String(error)).toMatch(/"elsewhere".*providers/s);
        await expect(app.client.start(NoWorkflow)).rejects.toThrow(/NoWorkflow.*@Workflow\(\)/s);
      });

      it('a workflow that is not among the providers, where nobody else can run it', async () => {
        const id = uniqueId();
        const told = () => app.events.events.filter(({ type }) => type === 'workflow not served here');
        if (backend.name === 'memory') {
          const error = await caught(app.client.start(ElsewhereWorkflow, undefined, { id }));
          expect(error).toBeInstanceOf(UnknownWorkflowError);
          expect(String(error)).toMatch(/"elsewhere".*version 1.*providers/s);
          expect(told()).toEqual([]);
          await expect(app.client.describe(id)).rejects.toThrow(WorkflowNotFoundError);
          return;
        }
        // Another process may have it: told once, and not of what is served here.
        for (const n of [1, 2]) await app.client.start(ElsewhereWorkflow, undefined, { id: `${id}-${n}` });
        expect(await app.client.execute(TryingWorkflow, 'done')).toBe('done');
        expect(told()).toEqual([{ type: 'workflow not served here', workflow: 'elsewhere', version: 1 }]);
        for (const n of [1, 2]) await app.client.handle(`${id}-${n}`).terminate();
      });

      it.each([
        ['id', { id: '' }],
        ['id', { id: 'x'.repeat(256) }],
        ['id', { id: 'a\u0000b' }],
        ['id', { id: 'half \ud800' }],
        ['id', { id: 7 as unknown as string }],
        ['onConflict', { onConflict: 'ignore' as 'fail' }],
        ['onReuse', { onReuse: 'never' as 'reject' }],
        ['startAt', { startAt: new Date('soon') }],
        ['startAt', { startAt: 'tomorrow' as unknown as Date }],
        ['attributes', { attributes: { when: new Date() } }],
        ['attributes', { attributes: { text: 'a\u0000b' } }],
        ['"onConflct" is an unknown option. There are id, onConflict', { onConflct: 'useExisting' }],
        ['"timeout" is an unknown option', { timeout: '1s' }],
        ["options must be an object, but are 'order-1'", 'order-1' as unknown as object],
        ['options must be an object, but are null', null as unknown as undefined],
      ])('an option that cannot be: %s', async (option, options) => {
        const before = await app.client.count();
        const error = await caught(app.client.start(TryingWorkflow, 'wait', options));
        expect(error).toBeInstanceOf(InvalidInputError);
        expect(String(error)).toContain(option);
        expect(error).toMatchObject({ status: 400, statusCode: 400, expose: true });
        expect(await app.client.count()).toBe(before);
      });

      it.each([
        ['"3600" is not a duration', '3600'],
        ['"-1" is not a duration', -1],
        ['"soon" is not a duration', 'soon'],
      ])('a timeout that cannot be, before anything is started: %s', async (message, timeout) => {
        const options = { id: uniqueId(), timeout: timeout as number };
        const error = await caught(app.client.execute(TryingWorkflow, 'wait', options));
        expect(error).toBeInstanceOf(InvalidInputError);
        expect(String(error)).toContain(message);
        await expect(app.client.describe(options.id)).rejects.toThrow(WorkflowNotFoundError);
      });

      it('what is no workflow: of files that import each other, one finds undefined', async () => {
        const nothing = undefined as unknown as typeof TryingWorkflow;
        for (const use of [
          () => app.client.start(nothing, 'wait'),
          () => app.client.execute(nothing, 'wait'),
          async () => app.client.handle(nothing, 'x'),
        ]) {
          const error = await caught(use());
          expect(error).toBeInstanceOf(UnknownWorkflowError);
          expect(String(error)).toContain('got no workflow: do two files import each other?');
        }
      });

      it('attributes over the limit', async () => {
        const error = await caught(
          app.client.start(TryingWorkflow, 'wait', { attributes: { large: large() } }),
        );
        expect(error).toBeInstanceOf(PayloadTooLargeError);
      });
    });

    it('an option that no method has', async () => {
      const handle = await waiting();
      const { client } = app;
      const unknown = { becuase: 'of a slip' } as object;
      for (const [method, use] of [
        ['execute', () => client.execute(TryingWorkflow, 'wait', unknown)],
        ['list', () => client.list(unknown)],
        ['"where" of list', () => client.list({ where: unknown })],
        ['count', () => client.count(unknown)],
        ['result', () => handle.result(unknown)],
        ['signal', () => handle.signal('hear', 1, unknown)],
        ['cancel', () => handle.cancel(unknown)],
        ['terminate', () => handle.terminate(unknown)],
      ] as const) {
        const error = await caught(use());
        expect(error).toBeInstanceOf(InvalidInputError);
        expect(String(error)).toContain(method);
        expect(String(error)).toContain('"becuase" is an unknown option. There ');
      }
      const because = 'because' as unknown as object;
      await expect(handle.cancel(because)).rejects.toThrow(
        "options must be an object, but are 'because'. There are reason, actor",
      );
      // A cast: as it may come out of a request.
      const reason = { text: 'because' } as unknown as string;
      await expect(handle.cancel({ reason })).rejects.toThrow('"reason"');
      await expect(handle.terminate({ reason })).rejects.toThrow('"reason"');
      await expect(async () =>
        client.handle(TryingWorkflow, handle.workflowId, {} as string),
      ).rejects.toThrow(InvalidInputError);
      await expect(handle.result({ timeout: '3600' as '1s' })).rejects.toThrow(InvalidInputError);
      expect(await handle.query('hears')).toEqual([]);
      expect((await handle.describe()).state).toBe('running');
      await handle.terminate();
    });

    describe('a signal', () => {
      it.each([
        ['over the limit', large(), PayloadTooLargeError],
        ['that cannot be stored', unstorable(), UnstorableValueError],
      ])('with a payload %s', async (_, payload, type) => {
        const handle = await waiting();
        await expect(handle.signal('hear', payload)).rejects.toThrow(type);
        await handle.signal('hear', 'end');
        expect(await handle.result()).toEqual(['end']);
      });

      it('that the workflow does not have', async () => {
        const handle = await waiting();
        const error = await caught(
          app.client.handle(TryingWorkflow, handle.workflowId).signal('hair' as 'hear', 1),
        );
        expect(error).toBeInstanceOf(UnknownHandlerError);
        expect(error).toMatchObject({
          message: 'The workflow trying has no signal "hair".',
          known: ['hear'],
        });
        await handle.terminate();
      });

      it.each([
        ['an empty name', '', {}],
        ['a name too long', 'x'.repeat(256), {}],
        ['an empty dedupeId', 'hear', { dedupeId: '' }],
        ['a dedupeId too long', 'hear', { dedupeId: 'x'.repeat(256) }],
      ])('with %s', async (_, name, options) => {
        const handle = await waiting();
        const untyped = app.client.handle(handle.workflowId);
        await expect(untyped.signal(name, 1, options)).rejects.toThrow(InvalidInputError);
        await handle.terminate();
      });

      it('to a run that has ended, or to nobody', async () => {
        const handle = await waiting();
        await handle.signal('hear', 'end');
        await handle.result();
        const error = await caught(handle.signal('hear', 'late'));
        expect(error).toBeInstanceOf(WorkflowNotRunningError);
        expect(error).toMatchObject({ workflowId: handle.workflowId, status: 409 });
        await expect(app.client.handle('nobody').signal('hear', 1)).rejects.toThrow(WorkflowNotFoundError);
        expect(await handle.result()).toEqual(['end']);
      });
    });

    describe('a query', () => {
      it('that the workflow does not have, that throws, or whose answer cannot be stored', async () => {
        const handle = await waiting();
        const error = await caught(app.client.handle(handle.workflowId).query('hear'));
        expect(error).toBeInstanceOf(UnknownHandlerError);
        expect(error).toMatchObject({
          message: 'The workflow trying has no query "hear".',
          known: ['hears', 'throws', 'unstorable'],
        });
        await expect(handle.query('throws')).rejects.toThrow(new RangeError('no answer'));
        await expect(handle.query('unstorable')).rejects.toThrow(UnstorableValueError);
        expect(await handle.query('hears')).toEqual([]);
        await handle.terminate();
      });
    });

    describe('inside a run', () => {
      const resultOf = async (
        what: string,
      ): Promise<{ error: unknown; calls: number; failures: unknown[] }> => {
        const activities = app.app.get(EchoActivities);
        const before = activities.calls;
        const handle = await app.client.start(TryingWorkflow, what);
        const error = await caught(handle.result());
        const failures = (await handle.history()).filter(({ entry }) => entry.type === 'activity_failed');
        return { error, calls: activities.calls - before, failures };
      };

      it.each([
        ['large argument', PayloadTooLargeError],
        ['unstorable argument', UnstorableValueError],
        ['large side effect', PayloadTooLargeError],
        ['large result', PayloadTooLargeError],
        ['unstorable result', UnstorableValueError],
      ])('a %s fails the run', async (what, type) => {
        const { error, calls } = await resultOf(what);
        expect(error).toBeInstanceOf(WorkflowFailedError);
        expect((error as WorkflowFailedError).cause).toBeInstanceOf(type);
        expect(calls).toBe(0);
      });

      it.each([
        ['large result of an activity', PayloadTooLargeError],
        ['unstorable result of an activity', UnstorableValueError],
      ])('a %s fails the activity, which is not tried again', async (what, type) => {
        const { error, calls, failures } = await resultOf(what);
        expect(error).toBeInstanceOf(WorkflowFailedError);
        const { cause } = error as WorkflowFailedError;
        expect(cause).toBeInstanceOf(ActivityFailure);
        expect((cause as ActivityFailure).cause).toBeInstanceOf(type);
        expect(calls).toBe(1);
        expect(failures).toHaveLength(1);
      });

      it('a result of a run that is blocked is not said to come later', async () => {
        const handle = await app.client.start(TryingWorkflow, 'unknown activity');
        await until(async () => (await handle.describe()).blocked !== null);
        const error = await caught(handle.result({ timeout: 1 }));
        expect(error).toBeInstanceOf(ResultTimeoutError);
        expect(error).toMatchObject({ blocked: expect.stringContaining('UnavailableActivityError: ') });
        expect(String(error)).toMatch(/is blocked .* it cannot go on\.$/);
        expect(String(error)).not.toContain('It goes on');
        await handle.terminate();
      });

      it('an activity that nobody here has blocks the run, which says so: a deploy may have forgotten it', async () => {
        const handle = await app.client.start(TryingWorkflow, 'unknown activity');
        await until(async () => (await handle.describe()).blocked !== null);
        expect((await handle.describe()).blocked?.reason).toMatch(
          /^UnavailableActivityError: .*"ElsewhereActivity".*@Activity\(\).*providers/s,
        );
        expect((await handle.history()).filter(({ entry }) => entry.type === 'activity_scheduled')).toEqual(
          [],
        );
        await handle.terminate();
      });

      it('what cannot be stored is thrown at the call, and the workflow may go on', async () => {
        expect(await app.client.execute(TryingWorkflow, 'caught')).toBe('UnstorableValueError');
      });
    });

    describe('not, but kept as it is:', () => {
      it.each([
        ['a null character', 'a\u0000b'],
        ['half of a surrogate pair', 'half \ud83d of a pair'],
        ['a broken surrogate pair', '\udc00\ud800'],
      ])('%s in payloads and results', async (_, text) => {
        const handle = await waiting();
        await handle.signal('hear', text);
        await handle.signal('hear', 'end');
        expect(await handle.result()).toEqual([text, 'end']);
        expect(await app.client.execute(TryingWorkflow, text)).toBe(text);
      });

      it.each(['a\u0000b', 'half \ud83d of a pair'])('%j in the reason of a cancellation', async (reason) => {
        const handle = await waiting();
        await handle.cancel({ reason });
        expect(await caught(handle.result())).toMatchObject({ cause: { reason } });
      });

      it.each(['a\u0000b', 'half \ud83d of a pair'])('%j in the reason of a termination', async (reason) => {
        const handle = await waiting();
        await handle.terminate({ reason });
        expect(await caught(handle.result())).toMatchObject({ reason });
      });
    });

    it('nothing stays behind: every run that was not refused has ended', async () => {
      await until(async () => (await app.client.count({ state: 'running' })) === 0);
    });
  });
}
