import { describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '../../lib/client/index.js';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { JournalUnavailableError } from '../../lib/journal/index.js';
import type { Journal } from '../../lib/journal/index.js';
import { OnUpdate, Workflow } from '../../lib/nest/index.js';
import { gate } from '../support/gate.js';
import { openStages } from '../support/open-stages.js';
import { scriptedJournal } from '../support/scripted-journal.js';
import type { ScriptedWorkflow } from '../support/stage.js';

const waits: ScriptedWorkflow = {
  signals: ['go'],
  updates: { ask: {} },
  make: ({ ctx }) => ({
    go: () => undefined,
    ask: () => 'answer',
    run: async (input: unknown) => {
      for (let i = 0; i < Number(input ?? 0); i++) ctx.sideEffect(() => i, `${i}`);
      await ctx.waitForSignal('end');
    },
  }),
};
@Workflow({ name: 'scripted' })
class Scripted {
  @OnUpdate() ask(): string {
    return 'answer';
  }
  run(): Promise<string> {
    return Promise.resolve('done');
  }
}
const WHY = new Error('The request was closed.');
const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => ({ value }),
    (error: unknown) => error,
  );

/** A call whose verb of the journal does not answer. */
interface Call {
  readonly name: string;
  readonly verb: keyof Journal;
  readonly ask: (handle: WorkflowHandle, options: object) => Promise<unknown>;
}

describe('A call that has a limit', () => {
  const open = openStages();

  /** One process runs, the other asks: its journal is scripted. */
  async function apart(input: unknown = 0) {
    const store = new InMemoryStore();
    const worker = await open({ journal: new InMemoryJournal(store), workflows: [waits] });
    await worker.client.start('scripted', input, { id: 'w' });
    await worker.recorder.until('turn committed');
    const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
    const { client } = await open({ journal, workflows: [waits], worker: false });
    return { client, detour, handle: client.handle('w') };
  }

  const start = { id: 'new' };
  const calls: readonly (Call & { readonly error: object })[] = [
    {
      name: 'update()',
      verb: 'send',
      ask: (handle, options) => handle.update('ask', null, options),
      error: {
        name: 'UpdateTimeoutError',
        accepted: false,
        waitingFor: expect.stringMatching(/^It is not sent yet/),
      },
    },
    {
      name: 'result() of a workflow id',
      verb: 'describe',
      ask: (handle, options) => handle.result(options),
      error: { name: 'ResultTimeoutError', runId: null },
    },
  ];

  it.each(calls)('$name ends in time, though the journal does not answer', async ({ verb, ask, error }) => {
    const { handle, detour } = await apart();
    detour(verb, () => new Promise<never>(() => undefined));
    expect(await caught(ask(handle, { timeout: 20 }))).toMatchObject({ ...error, timeout: 20 });
    const controller = new AbortController();
    const aborted = caught(ask(handle, { signal: controller.signal }));
    controller.abort(WHY);
    expect(await aborted).toBe(WHY);
    expect(await caught(ask(handle, { signal: controller.signal }))).toBe(WHY);
  });

  it('updateWithStart() ends in time, and reads no history then', async () => {
    const { client, detour } = await apart();
    let loads = 0;
    detour('load', (real, requests) => {
      loads += requests.filter(({ historyAfter }) => historyAfter !== null).length;
      return real(requests);
    });
    const silent = (): Promise<never> => new Promise(() => undefined);
    const ask = (options: object): Promise<unknown> =>
      caught(client.updateWithStart(Scripted, undefined, 'ask', undefined, { ...start, ...options }));
    detour('startWith', silent, 1);
    expect(await ask({ timeout: 20 })).toMatchObject({ name: 'UpdateTimeoutError', accepted: false });
    detour('startWith', silent, 1);
    const controller = new AbortController();
    const aborted = ask({ signal: controller.signal });
    controller.abort(WHY);
    expect(await aborted).toBe(WHY);
    // It is sent, and has no answer in time.
    detour('answers', (_, refs) => Promise.resolve(refs.map(() => ({ type: 'open' }))));
    expect(await ask({ timeout: 20, dedupeId: 'u' })).toMatchObject({
      name: 'UpdateTimeoutError',
      dedupeId: 'u',
    });
    expect(loads).toBe(0);
  });

  it('sends an update no more once nobody waits for it', async () => {
    const { handle, detour } = await apart();
    const sending = gate();
    const failing = gate();
    let sends = 0;
    detour('send', async () => {
      sends++;
      sending.open();
      await failing.opened;
      throw new JournalUnavailableError('connection reset', true);
    });
    const controller = new AbortController();
    const aborted = caught(handle.update('ask', null, { signal: controller.signal, dedupeId: 'u' }));
    await sending.opened;
    controller.abort(WHY);
    expect(await aborted).toBe(WHY);
    failing.open();
    // Others ask for it, and are sent after whatever was repeated.
    detour('send', (real, messages, options) => {
      sends++;
      return real(messages, options);
    });
    expect(await handle.update('ask', null, { dedupeId: 'u' })).toBe('answer');
    expect(sends).toBe(2);
  });

  it('execute() starts nothing where its signal has ended the wait before', async () => {
    const { client, detour } = await apart();
    let starts = 0;
    detour('start', (real, requests, options) => {
      starts++;
      return real(requests, options);
    });
    const signal = AbortSignal.abort(WHY);
    expect(await caught(client.execute('scripted', 0, { signal }))).toBe(WHY);
    expect(starts).toBe(0);
  });

  it('execute() ends when its signal says so, though somebody holds its workflow id', async () => {
    const { client, detour } = await apart();
    const starting = gate();
    detour('start', () => {
      starting.open();
      return new Promise(() => undefined);
    });
    const controller = new AbortController();
    const aborted = caught(client.execute('scripted', 0, { signal: controller.signal }));
    await starting.opened;
    controller.abort(WHY);
    expect(await aborted).toBe(WHY);
  });

  it.each([
    ['short', 0, /^It waits for a signal/],
    ['long', 1_100, null],
  ])('of a %s history reads a bounded part when it has timed out', async (_, entries, told) => {
    const { handle, detour } = await apart(entries);
    let read = 0;
    detour('load', async (real, requests) => {
      const loaded = await real(requests);
      read += loaded.reduce((n, { history }) => n + history.length, 0);
      return loaded;
    });
    const error = await caught(handle.result({ timeout: 5 }));
    expect(error).toMatchObject({
      name: 'ResultTimeoutError',
      waitingFor: told === null ? null : expect.stringMatching(told),
    });
    expect(read).toBe(Math.min(entries + 1, 1_001));
  });
});

describe('A wait for an answer of an update', () => {
  const open = openStages();

  it('is not disturbed by runs that have nothing to do with it', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const never: ScriptedWorkflow = {
      updates: { ask: {} },
      make: ({ ctx }) => ({ ask: () => ctx.sleep('1 hour'), run: () => ctx.sleep('1 hour') }),
    };
    const quick: ScriptedWorkflow = { name: 'quick', make: () => ({ run: () => Promise.resolve(1) }) };
    const stage = await open({ journal, workflows: [never, quick] });
    const handle = await stage.client.start('scripted');
    const answer = caught(handle.update('ask', null));
    await stage.recorder.until('turn committed', ({ entries }) => entries === 2);
    const looks: number[] = [];
    detour('answers', (real, refs) => {
      looks.push(refs.length);
      return real(refs);
    });
    for (let i = 0; i < 50; i++) await stage.client.execute('quick');
    const disturbed = looks.length;
    await handle.terminate();
    expect(await answer).toMatchObject({ name: 'WorkflowNotRunningError' });
    // One poll may have come meanwhile.
    expect(disturbed).toBeLessThan(3);
  });
});
