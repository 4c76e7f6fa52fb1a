import type { StandardSchemaV1 } from '@standard-schema/spec';
import { describe, expect, it } from '@jest/globals';
import { defineSignal } from '../../../lib/core/index.js';
import { accepted, drive, expectSameAgain, feed, fired, line, refold } from '../../support/fold-kit.js';
import { refused, resultOf, signal, started, workflow } from '../../support/fold-kit.js';

/** A fold asks no schema: whoever holds it does. */
const silent: StandardSchemaV1<string, number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: () => {
      throw new Error('A fold asks no schema.');
    },
  },
};
const paid = defineSignal('paid', silent);

describe('F34: schemas of signals that are waited for', () => {
  const pays = workflow(({ ctx }) => ctx.waitForSignal(paid));

  it('ask for a check, and take what it yields', async () => {
    const run = await drive(pays, [started(), signal('paid', '7')]);
    expect(run.fold.requestedCheck).toEqual({ signal: 2, name: 'paid', payload: '"7"', schema: silent });
    await feed(run, accepted('paid', 2, 7));
    expect(resultOf(run)).toBe(7);
    expect(run.fold.requestedCheck).toBeNull();
    expect(line(run.history)).toBe(
      'run_started signal_received signal_check_requested signal_accepted run_completed',
    );
    await expectSameAgain(pays, run);
  });

  it('let the wait go on when the payload is refused', async () => {
    const run = await drive(pays, [started(), signal('paid', 'x'), signal('paid', '8')]);
    await feed(run, refused('paid', 2));
    expect(run.fold.requestedCheck).toMatchObject({ signal: 4, payload: '"8"' });
    await feed(run, accepted('paid', 4, 8));
    expect(resultOf(run)).toBe(8);
    await expectSameAgain(pays, run);
  });

  it('check what was buffered before anybody waited, once it is its turn', async () => {
    const definition = workflow(async ({ ctx }) => {
      await ctx.sleep(10);
      return [await ctx.waitForSignal(paid), await ctx.waitForSignal(paid)];
    });
    const run = await drive(definition, [
      started(),
      signal('paid', 'x'),
      signal('paid', '1'),
      signal('paid', '2'),
    ]);
    expect(run.fold.requestedCheck).toBeNull();
    await feed(run, fired(0, 11));
    expect(run.fold.requestedCheck).toMatchObject({ signal: 3 });
    for (const event of [refused('paid', 3), accepted('paid', 4, 1), accepted('paid', 5, 2)])
      await feed(run, event);
    expect(resultOf(run)).toEqual([1, 2]);
    await expectSameAgain(definition, run);
  });

  it('are not applied to what its sender has checked', async () => {
    const sent = { ...signal('paid', 7), checked: true } as ReturnType<typeof signal>;
    const run = await drive(pays, [started(), sent]);
    expect(line(run.history)).toBe('run_started signal_received run_completed');
    expect(resultOf(run)).toBe(7);
  });

  it('keep those behind waiting, whoever waits', async () => {
    const definition = workflow(({ ctx }) =>
      Promise.all([ctx.waitForSignal(paid), ctx.waitForSignal<string>('paid')]),
    );
    const run = await drive(definition, [started(), signal('paid', '1'), signal('paid', 'second')]);
    await feed(run, accepted('paid', 2, 1));
    expect(resultOf(run)).toEqual([1, 'second']);
    await expectSameAgain(definition, run);
  });

  it('change no replay when they were not there before, or are not there any more', async () => {
    const plain = workflow(({ ctx }) => ctx.waitForSignal('paid'));
    const before = await drive(plain, [started(), signal('paid', 'x')]);
    const now = await refold(pays, before.history);
    expect([now.fault, now.decided]).toMatchObject([null, { type: 'completed', result: '"x"' }]);
    const checked = await drive(pays, [started(), signal('paid', '7')]);
    const half = await refold(plain, checked.history);
    expect([half.fault, half.requestedCheck]).toMatchObject([null, { signal: 2, schema: undefined }]);
    await feed(checked, accepted('paid', 2, 7));
    const whole = await refold(plain, checked.history);
    expect([whole.fault, whole.decided]).toMatchObject([null, { type: 'completed', result: '7' }]);
  });

  it('leave the signal to the next wait when the time runs out meanwhile', async () => {
    const definition = workflow(async ({ ctx }) => [
      await ctx.waitForSignal(paid, { timeout: 5 }),
      await ctx.waitForSignal(paid),
    ]);
    const run = await drive(definition, [
      started(),
      signal('paid', '1'),
      fired(0, 6),
      accepted('paid', 3, 1),
    ]);
    expect(resultOf(run)).toEqual([undefined, 1]);
    await expectSameAgain(definition, run);
  });

  it('are late, and leave no record, for a signal that nobody asked about', async () => {
    const run = await drive(pays, [started()]);
    expect(await feed(run, accepted('paid', 2, 1))).toBe(false);
    expect(await feed(run, refused('paid', 2))).toBe(false);
  });
});

describe('F34: signals that the schema of a handler refuses', () => {
  const adds = workflow(
    async function ({ ctx }) {
      await ctx.condition(() => this['sum'] !== undefined);
      return this['sum'];
    },
    {
      signals: {
        add(n: number) {
          this['sum'] = Number(this['sum'] ?? 0) + n;
        },
      },
    },
  );

  it('call no handler, and are in the history', async () => {
    const run = await drive(adds, [started(), refused('add', null), signal('add', 2)]);
    expect(resultOf(run)).toBe(2);
    expect(line(run.history)).toBe('run_started signal_refused signal_received run_completed');
    await expectSameAgain(adds, run);
  });

  it('make no object, and count among a held block (F17)', async () => {
    const first = await drive(adds, [refused('add', null), started(), signal('add', 1)]);
    expect(resultOf(first)).toBe(1);
    const block = [signal('add', 1, true), refused('add', null, 1, true), signal('add', 2)];
    const run = await drive(adds, [started(), ...block]);
    expect(resultOf(run)).toBe(3);
    await expectSameAgain(adds, run);
  });
});
