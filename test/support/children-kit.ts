import { defineSignal, markWorkflow } from '../../lib/core/index.js';
import type { HistoryEvent, WorkflowContext, WorkflowDefinition } from '../../lib/core/index.js';
import { codec, completed, fired, Ship, started, stopped, workflow } from './fold-kit.js';
import type { Steps } from './fold-kit.js';

export const Paid = defineSignal<number>('paid');

/** Workflows by which children are asked for; nothing of them runs here. */
export class Bill {
  run(_ctx: WorkflowContext, _amount: number): Promise<number> {
    return Promise.reject(new Error('A class stands for its workflow.'));
  }
}
markWorkflow(Bill, { name: 'bill', version: 3 });
export class UndoBill {
  run(_ctx: WorkflowContext, _undone: { result: number; input: number }): Promise<void> {
    return Promise.reject(new Error('A class stands for its workflow.'));
  }
}
markWorkflow(UndoBill, { name: 'undo bill' });

// ----------------------------------------------------------------------------------------------- events

/** Where this file stands on a machine does not belong into a history that is recorded once. */
const withoutStack = (error: unknown): string =>
  codec.encodeFailure(error instanceof Error ? Object.assign(error, { stack: String(error) }) : error);

export const childAccepted = (id: number, at = 1): HistoryEvent => ({ type: 'child_accepted', at, id });
export const childRefused = (id: number, at = 1): HistoryEvent => ({ type: 'child_not_started', at, id });
export const childCompleted = (id: number, result: unknown, at = 1): HistoryEvent => ({
  type: 'child_completed',
  at,
  id,
  result: codec.encode(result),
});
export const childFailed = (id: number, error: unknown = new Error('boom'), at = 1): HistoryEvent => ({
  type: 'child_failed',
  at,
  id,
  failure: withoutStack(error),
});
export const childCancelled = (id: number, at = 1): HistoryEvent => ({
  type: 'child_cancelled',
  at,
  id,
  failure: withoutStack(Object.assign(new Error('cancelled'), { name: 'CancelledError' })),
});
export const childTerminated = (id: number, reason: string | null = null, at = 1): HistoryEvent => ({
  type: 'child_terminated',
  at,
  id,
  reason,
});

// --------------------------------------------------------------------------------------------- programs

const undoneBy = Ship as unknown as typeof UndoBill;

/** What code does with children, by name: the golden histories are of these. */
export const CHILD_PROGRAMS: Readonly<Record<string, WorkflowDefinition>> = {
  'three at once': workflow(({ ctx }) => Promise.all([1, 2, 3].map((n) => ctx.child(Bill, n)))),
  'a handle': workflow(async ({ ctx }) => {
    const bill = await ctx.startChild(Bill, 1, { id: 'bill-1' });
    const inTime = await ctx.withTimeout('1m', () => bill.result()).catch((error: Error) => error.name);
    bill.cancel();
    return [inTime, await bill.result().catch((error: Error) => error.name)];
  }),
  'a saga': workflow(async ({ ctx, act }: Steps) => {
    await act('pay', 1);
    await ctx.child(Bill, 2, { compensate: undoneBy });
    await ctx.child(Bill, 3, { compensate: UndoBill });
    await Promise.all([ctx.child(Bill, 4), ctx.child(Bill, 5, { parentClose: 'abandon' }), act('fail')]);
  }),
};

/** What happened to each of them, for the golden histories. */
export const CHILD_EVENTS: Readonly<Record<string, readonly HistoryEvent[]>> = {
  'three at once': [
    started('x', 5),
    childCompleted(2, { receipt: 3 }, 6),
    childCompleted(0, new Date(7), 7),
    childCompleted(1, 1n, 8),
  ],
  'a handle': [started('x', 5), childAccepted(0, 6), fired(1, 60_005), childCancelled(0, 60_006)],
  'a saga': [
    started('x', 5),
    completed(0, 'paid', 6),
    childCompleted(1, 20, 7),
    childCompleted(2, 30, 8),
    childFailed(3, new RangeError('no'), 9),
    stopped(5, 10),
    childCompleted(6, null, 11),
    completed(7, null, 12),
    completed(8, null, 13),
  ],
};

/** What code does with runs that are no children: as {@link CHILD_PROGRAMS}. */
export const MESSAGE_PROGRAMS: Readonly<Record<string, WorkflowDefinition>> = {
  'a message': workflow(async ({ ctx }) => {
    const other = ctx.external(Bill, 'bill-7');
    const failed = (error: Error): string => error.name;
    const all = [other.signal(Paid, 12), other.cancel({ reason: 'late' }), ctx.external(Bill, 'no').cancel()];
    return Promise.all(all.map((sent) => sent.catch(failed)));
  }),
};
export const MESSAGE_EVENTS: Readonly<Record<string, readonly HistoryEvent[]>> = {
  'a message': [
    started('x', 5),
    { type: 'message_delivered', at: 6, id: 0 },
    { type: 'message_not_delivered', at: 7, id: 2, why: 'not found' },
    { type: 'message_not_delivered', at: 8, id: 1, why: 'not running' },
  ],
};

/** What code does with runs that a signal starts: as {@link CHILD_PROGRAMS}. */
export const START_PROGRAMS: Readonly<Record<string, WorkflowDefinition>> = {
  'a signal that starts': workflow(async ({ ctx }) => {
    const failed = (error: Error): string => error.name;
    const first = ctx.external(Bill, 'bill-7').signalWithStart(7, Paid, 12, { runTimeout: '1m' });
    const second = ctx.external(Bill, 'bill-8').signalWithStart(8, Paid, 13);
    return Promise.all([first, second].map((sent) => sent.catch(failed)));
  }),
};
export const START_EVENTS: Readonly<Record<string, readonly HistoryEvent[]>> = {
  'a signal that starts': [
    started('x', 5),
    { type: 'message_not_delivered', at: 6, id: 1, why: 'not running' },
    { type: 'message_delivered', at: 7, id: 0 },
  ],
};
