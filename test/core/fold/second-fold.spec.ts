import { describe, expect, it } from '@jest/globals';
import { completed, drive, refold, signal, started, workflow } from '../../support/fold-kit.js';
import type { WorkflowSketch } from '../../support/fold-kit.js';

const counter: WorkflowSketch = {
  signals: {
    add(n: number) {
      this['n'] = ((this['n'] as number | undefined) ?? 0) + n;
    },
  },
  queries: {
    spoil() {
      this['n'] = 'spoilt';
    },
  },
};

describe('replayCheck re-fold', () => {
  it('F30: two folds of one history come to one state, as plain data', async () => {
    const definition = workflow(async function ({ ctx, act }) {
      this['list'] = [new Date(5), { deep: new Map([['k', 1n]]) }];
      this['helper'] = () => 1;
      this['promise'] = act('pay');
      await Promise.all([ctx.waitForSignal('w'), ctx.sleep(5), act('a')]);
    }, counter);
    const run = await drive(definition, [started(), signal('v', 1), signal('add', 2), completed(0, 'paid')]);
    const snapshot = run.fold.snapshot();
    expect(snapshot).toMatchObject({
      seq: 7,
      pending: [1, 2],
      inFlight: [1, 2],
      rollbackSteps: [0],
      buffers: [['v', ['1']]],
      decision: null,
    });
    expect(Object.keys((snapshot as { fields: object }).fields)).toEqual(['list', 'n']);
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot);
    expect((await refold(definition, run.history)).snapshot()).toEqual(snapshot);
  });

  it('F30: it finds a query that writes', async () => {
    const definition = workflow(({ act }) => act('a'), counter);
    const run = await drive(definition, [started(), signal('add', 1)]);
    run.fold.query('spoil', []);
    expect((await refold(definition, run.history)).snapshot()).not.toEqual(run.fold.snapshot());
  });

  it('F30: it finds what the code reads from outside its history', async () => {
    let outside = 0;
    const definition = workflow(async function ({ act }) {
      await act('a');
      this['read'] = outside++;
      await act('b');
    });
    const run = await drive(definition, [started(), completed(0)]);
    expect((await refold(definition, run.history)).snapshot()).not.toEqual(run.fold.snapshot());
    const asArgument = workflow(({ act }) => act('a', outside++));
    const second = await drive(asArgument, [started()]);
    expect((await refold(asArgument, second.history)).fault?.name).toBe('NonDeterminismError');
  });

  it('F30: the outcome counts, and the stack of a failure does not', async () => {
    const failing = (where: string) =>
      workflow(({ act }) =>
        act('pay').then(() => Promise.reject(Object.assign(new Error('no'), { stack: where }))),
      );
    const run = await drive(failing('here'), [started(), completed(0)]);
    expect((await refold(failing('there'), run.history)).snapshot()).toEqual(run.fold.snapshot());
    const other = workflow(({ act }) => act('pay').then(() => Promise.reject(new Error('yes'))));
    expect((await refold(other, run.history)).fault?.name).toBe('NonDeterminismError');
  });
});
