import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  InvalidInputError,
  OnSignal,
  OnUpdate,
  Workflow,
  WorkflowAlreadyStartedError,
  WorkflowContext,
  WorkflowNotFoundError,
  WorkflowNotRunningError,
} from 'nestjs-continuum';
import type { OperationActor, WorkflowHandle } from 'nestjs-continuum';
import type { App, Residency } from '../support/app.js';
import { closeApps, openApp } from '../support/app.js';
import type { Backend } from '../support/backend.js';
import { caught, uniqueId } from '../support/helpers.js';

/** What its code could see of who asks: every text that reaches it. */
const seen: unknown[] = [];

@Workflow({ name: 'asked' })
export class AskedWorkflow {
  private done = false;
  constructor(private readonly ctx: WorkflowContext) {}

  @OnSignal() finish(how?: string): void {
    seen.push(how, this.ctx.info);
    this.done = true;
  }
  @OnUpdate() double(n: number): number {
    seen.push(n, this.ctx.info);
    return 2 * n;
  }
  async run(ctx: WorkflowContext): Promise<string> {
    await ctx.condition(() => this.done);
    return 'done';
  }
}

const ann = { name: 'ann' };

/** Who asked for what. */
export function describeOperations(backend: Backend, residency: Residency): void {
  describe(`who asked for what, on ${backend.name}, ${residency}`, () => {
    let app: App;
    /** Whose request it is. */
    let user: string | undefined;
    beforeAll(async () => {
      app = await openApp({
        continuum: { ...(await backend.fresh()), actor: () => user },
        residency,
        providers: [AskedWorkflow],
      });
      await app.events.until('worker started');
    });
    afterAll(async () => {
      await closeApps();
      await backend.clear();
    });

    const bys = async (handle: WorkflowHandle): Promise<readonly (readonly unknown[])[]> =>
      (await handle.history()).flatMap(({ entry }) => ('by' in entry ? [[entry.type, entry.by]] : []));
    const rows = async (handle: WorkflowHandle): Promise<readonly (readonly unknown[])[]> => {
      const { operations } = await handle.operations();
      return operations.toReversed().map(({ verb, by, outcome, facts }) => [verb, by, outcome, facts]);
    };

    it('is told in the history and in the list, and not to the code', async () => {
      const id = uniqueId();
      const handle = await app.client.start(AskedWorkflow, undefined, { id, actor: { name: 'the shop' } });
      expect(await handle.update('double', 21, { actor: ann, dedupeId: 'u' })).toBe(42);
      await handle.signal('finish', 'well', { actor: { name: 'bob' }, dedupeId: 's' });
      expect(await handle.result()).toBe('done');
      expect(await bys(handle)).toEqual([
        ['run_started', 'the shop'],
        ['update_accepted', 'ann'],
        ['signal_received', 'bob'],
      ]);
      expect(await rows(handle)).toEqual([
        ['start', 'the shop', 'applied', {}],
        ['update', 'ann', 'applied', { name: 'double', dedupeId: 'u' }],
        ['signal', 'bob', 'applied', { name: 'finish', dedupeId: 's' }],
      ]);
      expect(JSON.stringify(seen)).not.toMatch(/ann|bob|the shop/);
    });

    it('cancelled or terminated, with the reason', async () => {
      const cancelled = await app.client.start(AskedWorkflow);
      await cancelled.cancel({ reason: 'sold out', actor: ann });
      await caught(cancelled.result());
      expect(await bys(cancelled)).toEqual([['cancel_requested', 'ann']]);
      expect(await rows(cancelled)).toEqual([['cancel', 'ann', 'applied', { reason: 'sold out' }]]);
      const terminated = await app.client.start(AskedWorkflow);
      await terminated.terminate({ actor: ann });
      expect(await bys(terminated)).toEqual([['run_terminated', 'ann']]);
      expect(await rows(terminated)).toEqual([['terminate', 'ann', 'applied', {}]]);
    });

    it('started with a signal or an update', async () => {
      const [one, two] = [uniqueId(), uniqueId()];
      const signalled = await app.client.signalWithStart(AskedWorkflow, undefined, 'finish', 'x', {
        id: one,
        actor: ann,
      });
      await signalled.result();
      expect(await bys(signalled)).toEqual([
        ['signal_received', 'ann'],
        ['run_started', 'ann'],
      ]);
      expect(await rows(signalled)).toMatchObject([
        ['start', 'ann', 'applied', {}],
        ['signal', 'ann', 'applied', { name: 'finish' }],
      ]);
      const { handle } = await app.client.updateWithStart(AskedWorkflow, undefined, 'double', 1, {
        id: two,
        actor: ann,
      });
      expect(await rows(handle)).toMatchObject([
        ['start', 'ann', 'applied', {}],
        ['update', 'ann', 'applied', { name: 'double' }],
      ]);
      await handle.terminate();
    });

    it('what changed nothing, and why', async () => {
      const id = uniqueId();
      const handle = app.client.handle(AskedWorkflow, id);
      expect(await caught(handle.signal('finish', undefined, { actor: ann }))).toBeInstanceOf(
        WorkflowNotFoundError,
      );
      const started = await app.client.start(AskedWorkflow, undefined, { id });
      expect(await caught(app.client.start(AskedWorkflow, undefined, { id, actor: ann }))).toBeInstanceOf(
        WorkflowAlreadyStartedError,
      );
      await app.client.start(AskedWorkflow, undefined, { id, onConflict: 'useExisting', actor: ann });
      await handle.signal('finish', undefined, { dedupeId: 's' });
      await handle.signal('finish', undefined, { dedupeId: 's', actor: ann });
      await started.result();
      for (const attempt of [
        () => handle.update('double', 1, { actor: ann }),
        () => handle.cancel({ actor: ann }),
        () => handle.terminate({ reason: 'late', actor: ann }),
      ])
        expect(await caught(attempt())).toBeInstanceOf(WorkflowNotRunningError);
      expect(
        await caught(app.client.start(AskedWorkflow, undefined, { id, onReuse: 'reject', actor: ann })),
      ).toBeInstanceOf(WorkflowAlreadyStartedError);
      expect(await rows(handle)).toMatchObject([
        ['signal', 'ann', 'refused', { code: 'not found' }],
        ['start', 'ann', 'refused', { code: 'already running' }],
        ['start', 'ann', 'unchanged', {}],
        ['signal', 'ann', 'unchanged', { dedupeId: 's' }],
        ['update', 'ann', 'refused', { name: 'double', code: 'closed' }],
        ['cancel', 'ann', 'refused', { code: 'closed' }],
        ['terminate', 'ann', 'refused', { reason: 'late', code: 'closed' }],
        ['start', 'ann', 'refused', { code: 'reuse refused' }],
      ]);
    });

    it('the module knows whose request it is, and a call may say otherwise', async () => {
      user = 'carol';
      const handle = await app.client.start(AskedWorkflow);
      await handle.signal('finish', undefined, { actor: ann });
      user = undefined;
      await handle.result();
      expect(await rows(handle)).toMatchObject([
        ['start', 'carol', 'applied', {}],
        ['signal', 'ann', 'applied', { name: 'finish' }],
      ]);
    });

    it('in pages, and of one run alone', async () => {
      const id = uniqueId();
      const first = await app.client.start(AskedWorkflow, undefined, { id, actor: ann });
      await first.terminate({ actor: ann });
      const { runId } = await first.describe();
      const second = await app.client.start(AskedWorkflow, undefined, { id, actor: { name: 'bob' } });
      const page = await second.operations({ limit: 1 });
      expect(page.operations).toMatchObject([{ verb: 'start', by: 'bob' }]);
      const rest = await second.operations({ cursor: page.cursor });
      expect(rest.operations).toMatchObject([{ verb: 'terminate' }, { verb: 'start', by: 'ann' }]);
      expect(rest.cursor).toBeUndefined();
      const { operations } = await app.client.handle(AskedWorkflow, id, runId).operations();
      expect(operations.map(({ verb }) => verb)).toEqual(['terminate', 'start']);
      await second.terminate();
    });

    it.each(['', 'x'.repeat(256), 'a\u0000', 7, undefined])('%j is refused as a name', async (name) => {
      // The cast: what the compiler would not let through.
      const actor = { name } as OperationActor;
      const id = uniqueId();
      const error = await caught(app.client.start(AskedWorkflow, undefined, { id, actor }));
      expect(error).toBeInstanceOf(InvalidInputError);
      expect((error as Error).message).toContain('actor');
      expect(await caught(app.client.describe(id))).toBeInstanceOf(WorkflowNotFoundError);
    });

    it('a page that cannot be is refused', async () => {
      const handle = app.client.handle(uniqueId());
      expect(await handle.operations()).toEqual({ operations: [], cursor: undefined });
      for (const options of [{ limit: 0 }, { cursor: 'x' }, { page: 1 }])
        expect(await caught(handle.operations(options))).toBeInstanceOf(InvalidInputError);
    });
  });
}
