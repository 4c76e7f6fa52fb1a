import type { HistoryEvent, WorkflowDefinition } from '../../lib/core/index.js';
import { cancel, codec, completed, failed, fired, started, workflow } from './fold-kit.js';

// ----------------------------------------------------------------------------------------------- events

/** Where this file stands on a machine does not belong into a history that is recorded once. */
const withoutStack = (error: Error): Error => Object.assign(error, { stack: String(error) });

export const callbackCompleted = (id: number, result?: unknown, at = 1): HistoryEvent => ({
  type: 'callback_completed',
  at,
  id,
  result: codec.encode(result),
});
export const callbackFailed = (id: number, error: Error = new Error('boom'), at = 1): HistoryEvent => ({
  type: 'callback_failed',
  at,
  id,
  failure: codec.encodeFailure(withoutStack(error)),
});
export const callbackTaken = (id: number, at = 1): HistoryEvent => ({ type: 'callback_not_opened', at, id });

// --------------------------------------------------------------------------------------------- programs

/** What code does with callbacks, by name: the golden histories are of these. */
export const CALLBACK_PROGRAMS: Readonly<Record<string, WorkflowDefinition>> = {
  'in any order': workflow(async ({ ctx, act }) => {
    const all = ['a', 'b', undefined, 'taken'].map((key) => ctx.callback<number>({ key }));
    await act('tell', ...all.map(({ token }) => token));
    return Promise.all(all.map(({ result }) => result.catch((error: Error) => error.name)));
  }),
  'in time and late': workflow(async ({ ctx }) => {
    const inTime = ctx.callback<number>({ key: 'quick', timeout: '1m' });
    const late = ctx.callback<number>({ key: 'slow', timeout: '2m' });
    return [await inTime.result, await late.result];
  }),
  'raced, and cleaned up': workflow(async ({ ctx, act }) => {
    await act('pay', 1);
    const first = await ctx.race({
      yes: () => ctx.callback({ key: 'yes', timeout: '1h' }).result,
      no: () => ctx.callback({ key: 'no' }).result,
    });
    try {
      return await ctx.callback({ key: first.key }).result;
    } finally {
      await ctx.nonCancellable(() => ctx.callback({ key: 'clean up' }).result);
    }
  }),
};

/** What happened to each of them, for the golden histories. */
export const CALLBACK_EVENTS: Readonly<Record<string, readonly HistoryEvent[]>> = {
  'in any order': [
    started('x', 5),
    callbackTaken(3, 6),
    completed(4, null, 7),
    callbackCompleted(2, new Date(7), 8),
    callbackFailed(1, new RangeError('no'), 9),
    callbackCompleted(0, 1n, 10),
  ],
  'in time and late': [started('x', 5), callbackCompleted(0, 1, 6), fired(3, 120_005)],
  'raced, and cleaned up': [
    started('x', 5),
    completed(0, 'paid', 6),
    callbackCompleted(3, 'no', 7),
    cancel('enough', 8),
    callbackCompleted(5, 'clean', 9),
    failed(6, withoutStack(new Error('stuck')), 1, 10),
  ],
};
