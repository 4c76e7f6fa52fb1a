import { describe, expect, it } from '@jest/globals';
import { RunNotReadyError, UnknownQueryError } from '../../../lib/core/index.js';
import {
  completed,
  drive,
  expectSameAgain,
  newFold,
  refold,
  signal,
  started,
} from '../../support/fold-kit.js';
import { workflow } from '../../support/fold-kit.js';
import type { WorkflowSketch } from '../../support/fold-kit.js';

const queries: WorkflowSketch['queries'] = {
  state() {
    return this['now'] ?? 'new';
  },
  throws() {
    throw new RangeError('not now');
  },
  acts: (_argument, { act }) => act('a'),
  draws: (_argument, { ctx }) => ctx.uuid(),
  later: async (_argument, { act }) => {
    await null;
    await act('sneaky');
  },
};
const definition = workflow(
  async function ({ act }) {
    this['now'] = 'running';
    this['now'] = await act('a');
    await act('b');
  },
  { queries },
);

describe('queries', () => {
  it('F21: answer from the state between windows, live as after a replay', async () => {
    const run = await drive(definition, [started(), completed(0, 'half')]);
    expect(run.fold.query('state', [])).toBe('half');
    expect((await refold(definition, run.history)).query('state', [])).toBe('half');
  });

  it('F21: what the handler throws goes to the caller', async () => {
    const run = await drive(definition, [started()]);
    expect(() => run.fold.query('throws', [])).toThrow(new RangeError('not now'));
    expect(run.fold.fault).toBeNull();
  });

  it('F21: they do nothing durable, draw no numbers and answer at once; what they leave behind harms nobody', async () => {
    const run = await drive(definition, [started()]);
    expect(() => run.fold.query('acts', [])).toThrow(TypeError);
    expect(() => run.fold.query('draws', [])).toThrow(TypeError);
    expect(() => run.fold.query('later', [])).toThrow(/answer at once/);
    await new Promise((resolve) => setImmediate(resolve));
    expect([run.fold.fault, run.fold.takeEmitted()]).toEqual([null, []]);
    await expectSameAgain(definition, run);
  });

  it('F19: an unknown one, and one before the start, get a clear error', async () => {
    const run = await drive(definition, [started()]);
    expect(() => run.fold.query('nothing', [])).toThrow(UnknownQueryError);
    expect(() => run.fold.query('nothing', [])).toThrow(/answers state, throws/);
    expect(() => newFold(definition).query('state', [])).toThrow(RunNotReadyError);
  });

  it('F21: the log of a query is silent', async () => {
    const logging = workflow(({ act }) => act('a'), {
      queries: { say: (_argument, { ctx }) => ctx.log.log('asked') },
      signals: { poke: (_payload, { ctx }) => ctx.log.log('poked') },
    });
    const run = await drive(logging, [started(), signal('poke')]);
    run.fold.query('say', []);
    expect(run.fold.takeLogs().map(({ message }) => message)).toEqual(['poked']);
  });
});
