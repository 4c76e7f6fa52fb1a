import type { WorkflowClient } from '../../../lib/client/index.js';
import { pause } from '../../../lib/concurrency/index.js';
import { OnSignal, Workflow } from '../../../lib/nest/index.js';
import type { ScriptedWorkflow } from '../../support/stage.js';

/** What a run does, and what is done to it from outside. */
export interface Program {
  readonly name: string;
  readonly workflows: readonly ScriptedWorkflow[];
  /** What activities have to do, once or more often. */
  readonly effects: readonly string[];
  /** Runs send something to each other. */
  readonly reaches: boolean;
  /** Sends everything with ids. Gives what came of it. */
  drive(client: WorkflowClient): Promise<unknown>;
}

// By these classes runs name each other; what they do stands in the scripted workflows of the same names.
@Workflow({ name: 'child' })
class Child {
  @OnSignal() go(): void {
    // Scripted.
  }
  run(): Promise<string> {
    return Promise.resolve('');
  }
}
@Workflow({ name: 'undo child' })
class UndoChild {
  run(): Promise<string> {
    return Promise.resolve('');
  }
}

const ID = 'w';
const failed = (error: unknown): unknown => ({
  failed: (error as Error).name,
  rollback: (error as { readonly rollback?: unknown }).rollback,
});
const ends = (client: WorkflowClient, id = ID): Promise<unknown> => client.handle(id).result().catch(failed);
const started = async (client: WorkflowClient, options: object = {}): Promise<void> =>
  void (await client.start('parent', null, { id: ID, onConflict: 'useExisting', ...options }));
/** Started and ended; nothing comes from outside. */
const alone = async (client: WorkflowClient): Promise<unknown> => {
  await started(client);
  return ends(client);
};
/** Until a run of this id has so many entries of a type. */
async function seen(client: WorkflowClient, id: string, type: string, count = 1): Promise<void> {
  for (;;) {
    const lines = await client
      .handle(id)
      .history()
      .catch(() => []);
    if (lines.filter(({ entry }) => entry.type === type).length >= count) return;
    await pause(5);
  }
}

const parent = (make: ScriptedWorkflow['make'], more: Partial<ScriptedWorkflow> = {}): ScriptedWorkflow => ({
  name: 'parent',
  make,
  ...more,
});
const child: ScriptedWorkflow = {
  name: 'child',
  make: ({ act }) => ({
    run: async () => `child: ${String(await act('do', 'in child'))}`,
  }),
};
/** Goes on with a signal. */
const waitingChild: ScriptedWorkflow = {
  name: 'child',
  signals: ['go'],
  make: ({ ctx, act }) => {
    let gone = false;
    return {
      go: () => void (gone = true),
      run: async () => {
        await act('do', 'in child');
        await ctx.condition(() => gone);
        return 'gone';
      },
    };
  },
};

const closing = (parentClose: 'terminate' | 'cancel' | 'abandon'): Program => ({
  name: `a child that its parent leaves: ${parentClose}`,
  reaches: true,
  workflows: [
    parent(({ ctx }) => ({
      run: async () => {
        await ctx.startChild(Child, undefined, { id: 'c', parentClose });
        await ctx.waitForSignal('end');
        return 'left';
      },
    })),
    waitingChild,
  ],
  effects: parentClose === 'cancel' ? ['do in child', 'undo in child'] : ['do in child'],
  async drive(client) {
    await started(client);
    await seen(client, 'c', 'activity_completed');
    await client.handle(ID).signal('end', null, { dedupeId: 'end' });
    const own = await ends(client);
    if (parentClose === 'abandon') await client.handle('c').signal('go', null, { dedupeId: 'go' });
    return [own, await ends(client, 'c')];
  },
});

export const PROGRAMS: readonly Program[] = [
  {
    name: 'activities, a timer, a side effect',
    reaches: false,
    workflows: [
      parent(({ ctx, act }) => ({
        run: async () => {
          const first = await act('do', 'a');
          await ctx.sleep(5);
          const name = ctx.sideEffect(() => 'side', 'name');
          return [first, name, await Promise.all([act('do', 'b'), act('do', 'c')])];
        },
      })),
    ],
    effects: ['do a', 'do b', 'do c'],
    drive: alone,
  },
  {
    name: 'a rollback',
    reaches: false,
    workflows: [
      parent(({ act }) => ({
        run: async () => {
          await act('do', 'a');
          await act('do', 'b');
          throw new Error('no');
        },
      })),
    ],
    effects: ['do a', 'do b', 'undo a', 'undo b'],
    drive: alone,
  },
  {
    name: 'a child',
    reaches: true,
    workflows: [parent(({ ctx }) => ({ run: () => ctx.child(Child) })), child],
    effects: ['do in child'],
    drive: alone,
  },
  {
    name: 'a child that is started, signalled and awaited',
    reaches: true,
    workflows: [
      parent(({ ctx }) => ({
        run: async () => {
          const handle = await ctx.startChild(Child);
          await handle.signal('go');
          return handle.result();
        },
      })),
      waitingChild,
    ],
    effects: ['do in child'],
    drive: alone,
  },
  {
    name: 'a child that a workflow undoes',
    reaches: true,
    workflows: [
      parent(({ ctx }) => ({
        run: async () => {
          await ctx.child(Child, undefined, { compensate: UndoChild });
          throw new Error('no');
        },
      })),
      child,
      { name: 'undo child', make: ({ act }) => ({ run: () => act('do', 'undo of child') }) },
    ],
    effects: ['do in child', 'do undo of child'],
    drive: alone,
  },
  closing('terminate'),
  closing('cancel'),
  closing('abandon'),
  {
    name: 'a workflow id of a child that is taken',
    reaches: true,
    workflows: [
      parent(({ ctx }) => ({
        run: () => ctx.child(Child, undefined, { id: 'c' }).catch((error: Error) => error.name),
      })),
      waitingChild,
    ],
    effects: ['do in child'],
    async drive(client) {
      await client.start('child', null, { id: 'c' });
      await seen(client, 'c', 'activity_completed');
      await started(client);
      const told = await ends(client);
      await client.handle('c').signal('go', null, { dedupeId: 'go' });
      return [told, await ends(client, 'c')];
    },
  },
  {
    name: 'continuing, with signals',
    reaches: false,
    workflows: [
      parent(({ ctx, act }) => ({
        run: async (input) => {
          const all = [...((input as unknown[] | null) ?? []), await ctx.waitForSignal('n')];
          await act('do', `${all.length}`);
          return all.length === 3 ? all : ctx.continueAsNew(all);
        },
      })),
    ],
    effects: ['do 1', 'do 2', 'do 3'],
    async drive(client) {
      await started(client);
      for (const n of [1, 2, 3]) await client.handle(ID).signal('n', n, { dedupeId: `${n}` });
      return ends(client);
    },
  },
  {
    name: 'updates',
    reaches: false,
    workflows: [
      {
        name: 'box',
        updates: { put: { validator: 'fits' } },
        make: ({ ctx, act }) => {
          const held: unknown[] = [];
          return {
            fits: (thing: unknown) => {
              if (held.includes(thing)) throw new Error('It is in there.');
            },
            put: async (thing: unknown) => {
              held.push(thing);
              return act('do', String(thing));
            },
            run: async () => {
              await ctx.waitForSignal('end');
              await ctx.condition(() => ctx.handlersFinished());
              return held;
            },
          };
        },
      },
    ],
    effects: ['do a', 'do b'],
    async drive(client) {
      await client.start('box', null, { id: ID });
      const put = (thing: string, dedupeId: string): Promise<unknown> =>
        client.handle(ID).update('put', thing, { dedupeId }).catch(failed);
      const first = await put('a', '1');
      const others = await Promise.all([put('b', '2'), put('a', '3')]);
      const again = await put('a', '1');
      await client.handle(ID).signal('end', null, { dedupeId: 'end' });
      return [first, others, again, await ends(client)];
    },
  },
  {
    name: 'messages to other runs',
    reaches: true,
    workflows: [
      parent(({ ctx }) => ({
        run: async () => {
          await ctx.external(Child, 'c').signal('go');
          await ctx.external(Child, 'd').cancel({ reason: 'enough' });
          return ctx
            .external(Child, 'nobody')
            .signal('go')
            .catch((error: Error) => error.name);
        },
      })),
      waitingChild,
    ],
    effects: ['do in child', 'undo in child'],
    async drive(client) {
      for (const id of ['c', 'd']) {
        await client.start('child', null, { id });
        await seen(client, id, 'activity_completed');
      }
      await started(client);
      return [await ends(client), await ends(client, 'c'), await ends(client, 'd')];
    },
  },
  {
    name: 'signals that start other runs',
    reaches: true,
    workflows: [
      parent(({ ctx }) => ({
        run: async () => {
          await ctx.external(Child, 'c').signalWithStart(undefined, 'go');
          await ctx.external(Child, 'd').signalWithStart(undefined, 'go');
          return 'sent';
        },
      })),
      waitingChild,
    ],
    effects: ['do in child'],
    async drive(client) {
      await started(client);
      return [await ends(client), await ends(client, 'c'), await ends(client, 'd')];
    },
  },
  {
    name: 'patches, attributes and details',
    reaches: false,
    workflows: [
      parent(({ ctx, act }) => ({
        run: async () => {
          ctx.setAttributes({ stage: 'begun', gone: 1 });
          const way = ctx.patched('new') ? await act('do', 'new') : await act('do', 'old');
          ctx.setDetails('half way');
          ctx.setAttributes({ stage: 'done', gone: null });
          return [way, await act('do', 'last')];
        },
      })),
    ],
    effects: ['do new', 'do last'],
    async drive(client) {
      await started(client);
      const end = await ends(client);
      const { attributes, details } = await client.describe(ID);
      return [end, attributes, details];
    },
  },
  {
    name: 'many at once, and a saga of which a part fails',
    reaches: false,
    workflows: [
      parent(({ ctx, act }) => ({
        run: async () => {
          const all = await ctx.map([1, 2, 3], (n) => act('do', `${n}`), { concurrency: 2 });
          const part = await ctx
            .saga(async () => {
              await act('do', 'part');
              throw new Error('no');
            })
            .catch((error: Error) => error.message);
          return [all, part];
        },
      })),
    ],
    effects: ['do 1', 'do 2', 'do 3', 'do part', 'undo part'],
    drive: alone,
  },
  {
    name: 'a time limit',
    reaches: false,
    workflows: [
      parent(({ ctx, act }) => ({
        run: async () => {
          await act('do', 'a');
          await ctx.sleep('1 hour');
        },
      })),
    ],
    effects: ['do a', 'undo a'],
    async drive(client) {
      // Longer than everything before it takes, on a slow machine and with a crash.
      await started(client, { runTimeout: 2_000 });
      return ends(client);
    },
  },
];
