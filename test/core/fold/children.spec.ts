import { describe, expect, it } from '@jest/globals';
import {
  CancelledError,
  ChildDepthError,
  ChildWorkflowFailure,
  InvalidInputError,
  markWorkflow,
  WorkflowAlreadyStartedError,
} from '../../../lib/core/index.js';
import type { ChildStarted, HistoryEntry, WorkflowContext } from '../../../lib/core/index.js';
import {
  Bill,
  CHILD_PROGRAMS,
  childAccepted,
  childCancelled,
  childCompleted,
  childFailed,
  childRefused,
  childTerminated,
  MESSAGE_EVENTS,
  MESSAGE_PROGRAMS,
  Paid,
  START_EVENTS,
  START_PROGRAMS,
} from '../../support/children-kit.js';
import {
  cancel,
  completed,
  drive,
  expectSameAgain,
  failed,
  failureOf,
  feed,
  fired,
  line,
  refold,
  resultOf,
  started,
  workflow,
} from '../../support/fold-kit.js';

const childrenIn = (history: readonly HistoryEntry[]): readonly ChildStarted[] =>
  history.filter((entry) => entry.type === 'child_started');
const one = workflow(({ ctx }) => ctx.child(Bill, 7));

describe('children', () => {
  it('F6: are recorded at the call, with ids that follow from the run and the command', async () => {
    const program = CHILD_PROGRAMS['three at once']!;
    const run = await drive(program, [started()]);
    const all = childrenIn(run.history);
    expect(all).toMatchObject([1, 2, 3].map((n, id) => ({ id, name: 'bill', version: 3, args: `${n}` })));
    expect(new Set(all.map(({ runId }) => runId)).size).toBe(3);
    for (const { runId } of all)
      expect(runId).toMatch(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-/);
    expect(new Set(all.map(({ workflowId }) => workflowId)).size).toBe(3);
    const again = await drive(program, [started()]);
    expect(again.history).toEqual(run.history);
    // Out of order, and each settles its own.
    for (const [id, result] of [
      [2, 'c'],
      [0, 'a'],
      [1, 'b'],
    ] as const)
      await feed(run, childCompleted(id, result));
    expect(resultOf(run)).toEqual(['a', 'b', 'c']);
    await expectSameAgain(program, run);
  });

  it('F29: are settled one hop before the line after the await', async () => {
    const order: string[] = [];
    const program = workflow(async ({ ctx }) => {
      await ctx.child(Bill, 1);
      order.push('after');
      await ctx.sleep(1);
    });
    const run = await drive(program, [started()]);
    void Promise.resolve().then(() => order.push('before'));
    await feed(run, childCompleted(0, 1));
    expect(order).toEqual(['before', 'after']);
  });

  it('fail with what failed them, and a cancellation is seen through it', async () => {
    const error = failureOf(await drive(one, [started(), childFailed(0, new RangeError('too much'))]));
    expect(error).toBeInstanceOf(ChildWorkflowFailure);
    expect(error).toMatchObject({ workflow: 'bill', cause: { name: 'RangeError', message: 'too much' } });
    const terminated = failureOf(await drive(one, [started(), childTerminated(0, 'enough')]));
    expect(terminated.cause).toBeInstanceOf(CancelledError);
    expect(terminated.cause).toMatchObject({ reason: 'enough' });
    // Nobody has asked this run to cancel.
    const run = await drive(one, [started(), childCancelled(0)]);
    expect(run.history.at(-1)).toMatchObject({ type: 'run_failed' });
    const taken = failureOf(await drive(one, [started(), childRefused(0)]));
    expect(taken).toBeInstanceOf(WorkflowAlreadyStartedError);
  });

  it('F15: are asked to cancel with their scope, and the await rejects at the request', async () => {
    const run = await drive(one, [started(), cancel()]);
    expect(line(run.history)).toBe(
      'run_started child_started0 cancel_requested child_cancel_requested0 run_cancelled',
    );
    expect(run.fold.takeOutward()).toMatchObject([
      { type: 'child_started' },
      { type: 'child_cancel_requested', mode: 'cancel' },
    ]);
    await expectSameAgain(one, run);
  });

  it('F12: an end that comes after that settles nothing, and is recorded', async () => {
    const program = workflow(async ({ ctx }) => {
      const lost = await ctx.cancellable(async (scope) => {
        const bill = ctx.child(Bill, 1);
        scope.cancel();
        return bill.catch((error: Error) => error.name);
      });
      await ctx.sleep(10);
      return lost;
    });
    const run = await drive(program, [started(), childCompleted(0, 1), fired(1)]);
    expect(resultOf(run)).toBe('CancelledError');
    expect(line(run.history)).toContain('child_completed0');
    await expectSameAgain(program, run);
  });

  it('have a handle once they are there, whose result may be asked for in any scope', async () => {
    const program = CHILD_PROGRAMS['a handle']!;
    const run = await drive(program, [started(), childAccepted(0), fired(1), childCancelled(0)]);
    expect(resultOf(run)).toEqual(['TimeoutFailure', 'ChildWorkflowFailure']);
    // The timeout has ended the wait, and not the child: code has cancelled that.
    expect(line(run.history)).toBe(
      'run_started child_started0 child_accepted0 timer_started1 timer_fired1 child_cancel_requested0 child_cancelled0 run_completed',
    );
    await expectSameAgain(program, run);
    const quick = await drive(program, [started(), childAccepted(0), childCompleted(0, 5)]);
    expect(resultOf(quick)).toEqual([5, 5]);
    await expectSameAgain(program, quick);
  });

  it('F20: a rollback stops them, waits until they have cleaned up, and undoes those that completed', async () => {
    const program = CHILD_PROGRAMS['a saga']!;
    const before = [started(), completed(0, 'paid'), childCompleted(1, 20), childCompleted(2, 30), failed(5)];
    const run = await drive(program, before);
    expect(line(run.history)).toMatch(/activity_failed5 rollback_started child_cancel_requested3$/);
    // The one that outlives its parent is neither stopped nor waited for.
    const cleanedUp = childCancelled(3);
    await feed(run, cleanedUp);
    expect(run.history.at(-1)).toMatchObject({
      type: 'child_started',
      name: 'undo bill',
      args: '{"result":30,"input":3}',
      undoes: 2,
    });
    await feed(run, childCompleted(6, null));
    expect(run.history.at(-1)).toMatchObject({ name: 'Ship', args: '[{"result":20,"input":2}]', undoes: 1 });
    await feed(run, completed(7));
    await feed(run, completed(8));
    expect(run.history.at(-1)).toMatchObject({ type: 'run_failed', rollback: 'complete', abandoned: [4] });
    await expectSameAgain(program, run);
    // F22: the same without the code, with the ids that the undoing child had.
    const cut = run.history.findIndex(({ type }) => type === 'rollback_started') + 2;
    const blind = {
      fold: await refold(program, run.history.slice(0, cut), { withoutCode: true }),
      history: [],
    };
    for (const event of [cleanedUp, childCompleted(6, null), completed(7), completed(8)])
      await feed(blind, event);
    expect(blind.history).toEqual(run.history.slice(cut));
  });

  it('F7: another input is told, another workflow is drift', async () => {
    const recorded = await drive(one, [started(), childCompleted(0, 1)]);
    const other = workflow(({ ctx }) => ctx.child(Bill, 8));
    const tolerant = await refold(other, recorded.history, { strict: false });
    expect([tolerant.fault, tolerant.changedArguments]).toEqual([null, 1]);
    class Letter {
      run(ctx: WorkflowContext, pages: number): Promise<string> {
        return Promise.resolve(`${ctx.info.workflowId}${pages}`);
      }
    }
    markWorkflow(Letter, {});
    const drifted = await refold(
      workflow(({ ctx }) => ctx.child(Letter, 7)),
      recorded.history,
      { strict: false },
    );
    expect(drifted.fault).toMatchObject({ name: 'NonDeterminismError' });
  });

  it('are refused below fifty runs, with an input that their schema refuses, and where no workflow is given', async () => {
    const link = { workflowId: 'top', runId: 'r' };
    const lineage = { parent: link, root: link, depth: 50 };
    const deep = failureOf(await drive(one, [{ ...started(), lineage } as HistoryEntry as never]));
    expect(deep).toBeInstanceOf(ChildDepthError);
    class Strict extends Bill {}
    const schema = {
      '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'not that' }] }) },
    } as const;
    markWorkflow(Strict, { input: schema });
    const strict = failureOf(
      await drive(
        workflow(({ ctx }) => ctx.child(Strict, 1)),
        [started()],
      ),
    );
    expect(strict).toBeInstanceOf(InvalidInputError);
    class Nothing extends Bill {}
    const nothing = await drive(
      workflow(({ ctx }) => ctx.child(Nothing, 1)),
      [started()],
    );
    expect(nothing.fold.fault).toMatchObject({ name: 'WorkflowMistakeError' });
  });

  it('and other runs are sent messages at the call, and what became of them settles it', async () => {
    const program = MESSAGE_PROGRAMS['a message']!;
    const run = await drive(program, MESSAGE_EVENTS['a message']!);
    expect(run.history.filter(({ type }) => type === 'message_sent')).toMatchObject([
      { id: 0, name: 'paid', args: '12', workflowId: 'bill-7', child: null },
      { id: 1, name: null, args: '"late"', workflowId: 'bill-7' },
      { id: 2, name: null, args: 'null', workflowId: 'no' },
    ]);
    expect(resultOf(run)).toEqual([undefined, 'WorkflowNotRunningError', 'WorkflowNotFoundError']);
    await expectSameAgain(program, run);
    // Cancelling the code that waits does not call it back.
    const cancelled = await drive(program, [started(), cancel()]);
    expect(line(cancelled.history)).toMatch(/message_sent2 cancel_requested run_completed$/);
  });

  it('and others may be started by a signal, under an id that the command draws', async () => {
    const program = START_PROGRAMS['a signal that starts']!;
    const run = await drive(program, START_EVENTS['a signal that starts']!);
    const sent = run.history.filter((entry) => entry.type === 'message_sent');
    const of = { workflow: 'bill', version: 3 };
    expect(sent).toMatchObject([
      { id: 0, name: 'paid', args: '12', workflowId: 'bill-7', input: '7', start: of },
      { id: 1, name: 'paid', args: '13', workflowId: 'bill-8', input: '8', start: of },
    ]);
    const [first, second] = sent.map(({ start }) => start!);
    expect(first).toHaveProperty('limits', { run: 60_000, chain: null });
    expect(second).not.toHaveProperty('limits');
    expect(first!.runId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(first!.runId).not.toBe(second!.runId);
    expect(resultOf(run)).toEqual([undefined, 'WorkflowNotRunningError']);
    await expectSameAgain(program, run);
  });

  it('and a signal alone, or one with another start, is something else than the history says', async () => {
    const starts = (type: typeof Bill, input: number) =>
      workflow(({ ctx }) => ctx.external(type, 'b').signalWithStart(input, Paid, 1));
    class Renamed extends Bill {}
    markWorkflow(Renamed, { name: 'invoice', aliases: ['bill'] });
    const { history } = await drive(starts(Bill, 7), [started()]);
    expect((await refold(starts(Bill, 7), history)).fault).toBe(null);
    expect((await refold(starts(Renamed, 7), history)).fault).toBe(null);
    class Another extends Bill {}
    markWorkflow(Another, { name: 'another' });
    const others = [starts(Another, 7), starts(Bill, 8)];
    const alone = workflow(({ ctx }) => ctx.external(Bill, 'b').signal(Paid, 1));
    const [other, input, none] = await Promise.all(
      [...others, alone].map(async (program) => (await refold(program, history, { strict: true })).fault),
    );
    for (const fault of [other, input, none]) expect(fault).toMatchObject({ name: 'NonDeterminismError' });
  });

  it('and what cannot be started is refused at the call', async () => {
    const refusal = async (call: (ctx: WorkflowContext) => Promise<unknown>): Promise<unknown> => {
      const told = (error: Error): string => `${error.name}: ${error.message}`;
      const run = await drive(
        workflow(({ ctx }) => call(ctx).catch(told)),
        [started()],
      );
      expect(run.history.some(({ type }) => type === 'message_sent')).toBe(false);
      return resultOf(run);
    };
    class Strict extends Bill {}
    const schema = {
      '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'not that' }] }) },
    } as const;
    markWorkflow(Strict, { name: 'strict', input: schema });
    class Nothing extends Bill {}
    const option = { id: 'x' } as object;
    expect(await refusal((ctx) => ctx.external(Strict, 'b').signalWithStart(1, Paid, 1))).toMatch(
      /^InvalidInputError: .*the input of strict/i,
    );
    expect(await refusal((ctx) => ctx.external(Bill, '').signalWithStart(1, Paid, 1))).toMatch(
      /^InvalidInputError: .*the workflow id/i,
    );
    expect(await refusal((ctx) => ctx.external(Bill, 'b').signalWithStart(1, Paid, 1, option))).toBe(
      'TypeError: signalWithStart: "id" is an unknown option. There are executionTimeout, runTimeout.',
    );
    expect(
      await refusal((ctx) => ctx.external(Bill, 'b').signalWithStart(1, Paid, 1, { runTimeout: 0 })),
    ).toBe('RangeError: signalWithStart: "runTimeout" must be more than nothing.');
    expect(await refusal((ctx) => ctx.external(Nothing, 'b').signalWithStart(1, Paid, 1))).toBe(
      'TypeError: signalWithStart: Nothing is no workflow. Give a class that has @Workflow().',
    );
  });

  it('see whose they are', async () => {
    const parent = { workflowId: 'order', runId: 'p' };
    const root = { workflowId: 'day', runId: 'r' };
    const event = { ...started(), lineage: { parent, root, depth: 2 } } as HistoryEntry as never;
    const told = workflow(async ({ ctx }) => [ctx.info.parent, ctx.info.root]);
    expect(resultOf(await drive(told, [event]))).toEqual([parent, root]);
    expect(resultOf(await drive(told, [started()]))).toEqual([
      null,
      { workflowId: 'order-1', runId: expect.any(String) },
    ]);
  });
});

describe('F16: a child that ends after the decision', () => {
  it('lets no code go on but that in nonCancellable, which its handle tells the end', async () => {
    const seen: string[] = [];
    const definition = workflow(async ({ ctx }) => {
      const bill = await ctx.startChild(Bill, 1, { parentClose: 'abandon' });
      void bill.result().then(() => seen.push('bare'));
      void ctx.nonCancellable(async () => {
        await ctx.sleep(5);
        seen.push(`shielded ${await bill.result()}`);
      });
      return 'left';
    });
    const run = await drive(definition, [started(), childAccepted(0), childCompleted(0, 7)]);
    expect(run.fold.decided?.type).toBe('completed');
    expect(seen).toEqual([]);
    await feed(run, fired(1));
    expect(seen).toEqual(['shielded 7']);
    expect(resultOf(run)).toBe('left');
    await expectSameAgain(definition, run);
  });
});
