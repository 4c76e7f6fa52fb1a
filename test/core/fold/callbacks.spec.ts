import { describe, expect, it } from '@jest/globals';
import {
  CallbackAlreadyOpenError,
  CallbackFailure,
  callbackToken,
  CancelledError,
  InvalidInputError,
  isCallbackToken,
  readCallbackToken,
} from '../../../lib/core/index.js';
import type { CallbackOptions } from '../../../lib/core/index.js';
import {
  CALLBACK_EVENTS,
  CALLBACK_PROGRAMS,
  callbackCompleted,
  callbackFailed,
  callbackTaken,
} from '../../support/callbacks-kit.js';
import {
  cancel,
  completed,
  drive,
  expectSameAgain,
  failureOf,
  feed,
  fired,
  identity,
  line,
  newFold,
  refold,
  resultOf,
  started,
  workflow,
} from '../../support/fold-kit.js';

const paid = workflow(({ ctx }) => ctx.callback<number>({ key: 'paid' }).result);
const inTime = workflow(({ ctx }) => ctx.callback<number>({ key: 'paid', timeout: 10 }).result);

describe('callbacks', () => {
  it('F6: are recorded at the call, with a token that names the command', async () => {
    const tokens: string[] = [];
    const program = workflow(async ({ ctx }) => {
      const [first, second] = [ctx.callback<string>({ key: 'a' }), ctx.callback<string>()];
      tokens.push(first.token, second.token);
      return [first.key, second.key, await first.result, await second.result];
    });
    const run = await drive(program, [started()]);
    expect(line(run.history)).toBe('run_started callback_opened0 callback_opened1');
    expect(tokens.map(readCallbackToken)).toEqual([0, 1].map((id) => ({ ...identity, id })));
    await feed(run, callbackCompleted(1, 'second'));
    await feed(run, callbackCompleted(0, 'first'));
    expect(resultOf(run)).toEqual(['a', null, 'first', 'second']);
    await expectSameAgain(program, run);
    // The same, whoever folds it.
    expect(tokens.slice(2)).toEqual(tokens.slice(0, 2));
  });

  it('F29: are settled one hop before the line after the await', async () => {
    const order: string[] = [];
    const program = workflow(async ({ ctx }) => {
      await ctx.callback().result;
      order.push('after');
      await ctx.sleep(1);
    });
    const run = await drive(program, [started()]);
    void Promise.resolve().then(() => order.push('before'));
    await feed(run, callbackCompleted(0, 1));
    expect(order).toEqual(['before', 'after']);
  });

  it('fail with what they were failed with, and with what is taken', async () => {
    const error = failureOf(await drive(paid, [started(), callbackFailed(0, new RangeError('no cover'))]));
    expect(error).toBeInstanceOf(CallbackFailure);
    expect(error).toMatchObject({
      message: 'The callback "paid" failed: no cover',
      key: 'paid',
      cause: { name: 'RangeError', message: 'no cover' },
    });
    const taken = failureOf(await drive(paid, [started(), callbackTaken(0)]));
    expect(taken).toBeInstanceOf(CallbackAlreadyOpenError);
    expect(taken).toMatchObject({ key: 'paid', status: 409 });
  });

  it('are over when their time runs out: what comes then leaves no record (F5)', async () => {
    const run = await drive(inTime, [started(), fired(1)]);
    expect(line(run.history)).toBe(
      'run_started callback_opened0 timer_started1 timer_fired1 callback_withdrawn0 run_completed',
    );
    expect(resultOf(run)).toBeUndefined();
    await expectSameAgain(inTime, run);
    const program = workflow(async ({ ctx }) => {
      const first = await ctx.callback<number>({ timeout: 10 }).result;
      await ctx.sleep(5);
      return first;
    });
    const late = await drive(program, [started(), fired(1)]);
    expect(await feed(late, callbackCompleted(0, 1))).toBe(false);
    await feed(late, fired(2));
    expect(resultOf(late)).toBeUndefined();
    expect(line(late.history)).not.toContain('callback_completed');
    await expectSameAgain(program, late);
  });

  it('F12: the timer of one that is settled in time is cancelled', async () => {
    const run = await drive(inTime, [started(), callbackCompleted(0, 7)]);
    expect(line(run.history)).toBe(
      'run_started callback_opened0 timer_started1 callback_completed0 timer_cancelled1 run_completed',
    );
    expect(resultOf(run)).toBe(7);
    await expectSameAgain(inTime, run);
  });

  it('F15: are withdrawn with their scope, and throw in one that was cancelled', async () => {
    const run = await drive(inTime, [started(), cancel()]);
    expect(line(run.history)).toBe(
      'run_started callback_opened0 timer_started1 cancel_requested callback_withdrawn0 timer_cancelled1 run_cancelled',
    );
    expect(run.fold.takeOutward()).toMatchObject([
      { type: 'callback_opened', id: 0 },
      { type: 'callback_withdrawn', of: 0 },
    ]);
    await expectSameAgain(inTime, run);
    const program = workflow(async ({ ctx }) => {
      await ctx.sleep(10).catch(() => null);
      ctx.callback();
    });
    const after = await drive(program, [started(), cancel()]);
    expect(failureOf(after)).toBeInstanceOf(CancelledError);
    expect(line(after.history)).not.toContain('callback_opened');
  });

  it('F16: in nonCancellable they are waited for after the decision, elsewhere they settle nothing', async () => {
    const program = workflow(async ({ ctx }) => {
      const forgotten = ctx.callback<number>({ key: 'forgotten' });
      void ctx.nonCancellable(() => ctx.callback({ key: 'kept' }).result);
      await ctx.sleep(1);
      return forgotten.key;
    });
    const run = await drive(program, [started(), fired(2)]);
    expect(run.fold.progress.closed).toBeNull();
    await feed(run, callbackCompleted(0, 1));
    await feed(run, callbackCompleted(1, 1));
    expect(line(run.history)).toContain('callback_completed0 callback_completed1 run_completed');
    expect(resultOf(run)).toBe('forgotten');
    await expectSameAgain(program, run);
  });

  it('F20: end when the rollback begins, and hold nothing up', async () => {
    const program = workflow(async ({ ctx, act }) => {
      await act('pay');
      const open = ctx.callback({ key: 'open' });
      await ctx.sleep(1);
      throw new Error(open.token.slice(0, 1));
    });
    const run = await drive(program, [started(), completed(0, 'paid'), fired(2)]);
    expect(run.fold.progress.rollback).not.toBeNull();
    expect([...run.fold.progress.inFlight.keys()]).toEqual([3]);
    expect(await feed(run, callbackCompleted(1, 1))).toBe(false);
    await feed(run, completed(3));
    expect(run.history.at(-1)).toMatchObject({ type: 'run_failed', rollback: 'complete', abandoned: [] });
    const again = await refold(program, run.history, { withoutCode: true });
    expect([again.fault, again.progress.closed?.type]).toEqual([null, 'run_failed']);
  });

  it('F6: one that nobody awaits is told', async () => {
    const program = workflow(async ({ ctx }) => {
      ctx.callback({ key: 'forgotten' });
      await ctx.sleep(1);
    });
    const run = await drive(program, [started(), fired(1)]);
    expect(run.fold.unawaitedCalls).toEqual([
      { call: 'ctx.callback("forgotten")', id: 0, outcome: 'under way' },
    ]);
  });

  it('F13: a run that waits for one waits for something durable', async () => {
    const run = await drive(paid, [started()]);
    expect(run.fold.fault).toBeNull();
    expect(run.fold.waitsForMessagesOnly).toBe(false);
  });

  it('F7: another key is drift, as is one that is not opened any more', async () => {
    const { history } = await drive(paid, [started()]);
    const other = workflow(({ ctx }) => ctx.callback({ key: 'other' }).result);
    const fold = await refold(other, history, { strict: false });
    expect(fold.fault?.message).toContain('callback_opened paid');
    expect(fold.fault?.message).toContain('callback_opened other');
    const gone = await refold(
      workflow(({ ctx }) => ctx.sleep(5)),
      history,
      { strict: false },
    );
    expect(gone.fault?.name).toBe('NonDeterminismError');
    // A timeout that came with a deploy is one more call.
    expect((await refold(inTime, history, { strict: false })).fault?.name).toBe('NonDeterminismError');
  });

  it('refuse keys and options that cannot be, at the call', async () => {
    const errorOf = async (options: unknown): Promise<Error> => {
      const program = workflow(async ({ ctx }) => {
        // What no compiler has checked.
        await ctx.callback(options as CallbackOptions).result;
      });
      const run = await drive(program, [started()]);
      const { fault } = run.fold;
      return (fault?.cause as Error | undefined) ?? failureOf(run);
    };
    const token = callbackToken({ ...identity, id: 0 });
    for (const key of ['', 'k'.repeat(256), 'half \ud800', token, token.slice(0, 20)])
      expect(await errorOf({ key })).toBeInstanceOf(InvalidInputError);
    expect(await errorOf({ kye: 'a' })).toMatchObject({ message: expect.stringContaining('"kye"') });
    expect(await errorOf('paid')).toBeInstanceOf(TypeError);
    const wrong = workflow(async ({ ctx }) => {
      const first = await ctx.race({
        wrong: async () => ctx.callback({ key: 'a', timeout: 'soon' as '1m' }).result,
      });
      return first.key;
    });
    const run = await drive(wrong, [started()]);
    expect(failureOf(run)).toBeInstanceOf(RangeError);
    expect(line(run.history)).toBe('run_started callback_opened0 callback_withdrawn0 run_failed');
  });

  it('are part of the work that the history alone knows', async () => {
    const run = await drive(paid, [started()]);
    expect([...run.fold.progress.inFlight.values()]).toMatchObject([
      { type: 'callback', opened: { id: 0, name: 'paid' } },
    ]);
    expect(run.fold.progress.hasOpenedCallbacks).toBe(true);
    expect(newFold(paid).progress.hasOpenedCallbacks).toBe(false);
  });

  it.each(Object.keys(CALLBACK_PROGRAMS))('replay strictly: %s', async (name) => {
    const run = await drive(CALLBACK_PROGRAMS[name]!, CALLBACK_EVENTS[name]!);
    expect(run.fold.progress.closed).not.toBeNull();
    await expectSameAgain(CALLBACK_PROGRAMS[name]!, run);
  });
});

describe('tokens', () => {
  it('name a command of a run, in letters that a URL has', () => {
    for (const workflowId of ['order-1', 'Bestellung “7” 🛒', '\u0007\u007f"\\', 'x'.repeat(255)]) {
      for (const id of [0, 7, 1_000_000]) {
        const name = { ...identity, workflowId, id };
        const token = callbackToken(name);
        expect(token).toMatch(/^[\w-]+$/);
        expect(isCallbackToken(token)).toBe(true);
        expect(readCallbackToken(token)).toEqual(name);
      }
    }
  });

  it('that are cut off or made up are refused', () => {
    const token = callbackToken({ ...identity, id: 3 });
    const made = (parts: readonly unknown[]): string => btoa(JSON.stringify(['callback', ...parts]));
    const wrong = [
      ...Array.from({ length: token.length }, (_, length) => token.slice(0, length)),
      `${token}AAAA`,
      `${token} `,
      made(['a', 'b', 'c']),
      made(['a', 'b', 'c', -1]),
      made(['a', 'b', 'c', 1.5]),
      made(['a', 1, 'c', 1]),
      made(['a', 'b', 'c', '1']),
      'WyJjYWxsYmFjayIs%%%',
    ];
    for (const text of wrong) expect(() => readCallbackToken(text)).toThrow(InvalidInputError);
    expect(isCallbackToken('payment-17')).toBe(false);
  });
});
