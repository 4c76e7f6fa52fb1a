import { describe, expect, it } from '@jest/globals';
import {
  cancel,
  codec,
  completed,
  drive,
  expectSameAgain,
  feed,
  fired,
  line,
  newFold,
  refold,
  resultOf,
  scheduler,
  signal,
  started,
  update,
  workflow,
} from '../../support/fold-kit.js';
import type { HistoryEntry, HistoryNote, WorkflowDefinition } from '../../../lib/core/index.js';
import type { Driven } from '../../support/fold-kit.js';
import { MOST_OPEN_UPDATES } from '../../../lib/core/fold/updates.js';

const interrupted: HistoryNote = {
  type: 'activity_attempt',
  at: 2,
  id: 0,
  attempt: 2,
  startsAt: 2,
  parked: false,
  failure: null,
  heartbeat: null,
  interrupted: true,
};

const answersIn = (history: readonly HistoryEntry[]): readonly unknown[] =>
  history.flatMap((entry) => {
    if (entry.type !== 'update_answered') return [];
    const { outcome, updateId, unanswered } = entry;
    if (unanswered !== null) return [[updateId, unanswered]];
    if (outcome.type === 'value') return [[updateId, codec.decode(outcome.value)]];
    return [[updateId, (codec.decodeFailure(outcome.failure) as Error).message]];
  });

/** Waits until `done` is set, by the update or the signal of that name. */
const box = workflow(
  async function (this: { done?: boolean }, { ctx }) {
    await ctx.condition(() => this.done === true);
    return 'over';
  },
  {
    updates: {
      put(this: Record<string, unknown>, value: unknown) {
        if (value === 'bad') throw new Error('It does not fit.');
        this['value'] = value;
        return value;
      },
      async later(this: Record<string, unknown>, value: unknown, { act }) {
        return [value, await act('charge')];
      },
      finish(this: Record<string, unknown>) {
        this['done'] = true;
        return 'bye';
      },
    },
    signals: {
      stop(this: Record<string, unknown>) {
        this['done'] = true;
      },
    },
    validators: {
      put(this: Record<string, unknown>, value: unknown) {
        if (value === this['value']) throw new Error('It is there already.');
      },
      later(this: Record<string, unknown>, value: unknown, { ctx }) {
        if (value === 'sleep') void ctx.sleep(1);
        if (value === 'promise') return Promise.resolve();
        return undefined;
      },
    },
  },
);

describe('an update', () => {
  it('is answered with what its handler returns, in its own segment or in a later one', async () => {
    const run = await drive(box, [
      started(),
      update('put', 'a', 1),
      update('later', 'b', 2),
      update('put', 'c', 3),
    ]);
    expect(answersIn(run.history)).toEqual([
      ['a', 1],
      ['c', 3],
    ]);
    await feed(run, completed(0, 'paid'));
    expect(answersIn(run.history).at(-1)).toEqual(['b', [2, 'paid']]);
    expect(line(run.history)).toBe(
      'run_started update_accepted update_answered update_accepted activity_scheduled0:charge ' +
        'update_accepted update_answered activity_completed0 update_answered',
    );
    await expectSameAgain(box, run);
  });

  it('that fails is answered with its error, and the run goes on (F19)', async () => {
    const run = await drive(box, [started(), update('put', 'a', 'bad'), signal('stop')]);
    expect(answersIn(run.history)).toEqual([['a', 'It does not fit.']]);
    expect(resultOf(run)).toBe('over');
    await expectSameAgain(box, run);
  });

  it('that returns what cannot be stored is answered with why', async () => {
    const odd = workflow(({ ctx }) => ctx.sleep(1), { updates: { ask: () => () => 1 } });
    const run = await drive(odd, [started(), update('ask', 'a')]);
    expect(answersIn(run.history)).toEqual([['a', expect.stringMatching(/function/)]]);
    await expectSameAgain(odd, run);
  });

  it('that finishes in the event that decides has its answer, before the end', async () => {
    const run = await drive(box, [started(), update('finish', 'a')]);
    expect(line(run.history)).toBe('run_started update_accepted update_answered run_completed');
    expect(answersIn(run.history)).toEqual([['a', 'bye']]);
    await expectSameAgain(box, run);
  });

  it('that is open when the run concludes is answered by the conclusion (F16)', async () => {
    const run = await drive(box, [started(), update('later', 'a'), update('later', 'b'), signal('stop')]);
    expect(line(run.history)).toMatch(/signal_received update_answered update_answered run_completed$/);
    expect(answersIn(run.history)).toEqual([
      ['a', 'closed'],
      ['b', 'closed'],
    ]);
    await expectSameAgain(box, run);
  });

  it('that is open when a rollback begins is told that the run is closing, before it begins', async () => {
    const paying = workflow(
      async ({ act, ctx }) => {
        await act('pay', 1);
        await ctx.sleep(1);
        throw new Error('no');
      },
      { updates: { wait: (_, { ctx }) => ctx.sleep(100) } },
    );
    const run = await drive(paying, [started(), completed(0), update('wait', 'a'), fired(1)]);
    expect(line(run.history)).toMatch(
      /timer_fired1 update_answered rollback_started activity_scheduled3:unpay$/,
    );
    expect(answersIn(run.history)).toEqual([['a', 'closing']]);
    await expectSameAgain(paying, run);
    // The rest of it needs no code, and no update (F22).
    const rest = newFold(paying, { withoutCode: true });
    rest.replay(run.history);
    expect(rest.validate('wait', 'null')).toEqual({ type: 'not running' });
    rest.feed(completed(3));
    await scheduler.pump(rest);
    expect(line(rest.takeEmitted())).toBe('activity_completed3 run_failed');
  });

  it('that is open when the run continues as a new one is told so, and no more are accepted', async () => {
    const entity = workflow(
      async ({ ctx, act }) => {
        await ctx.sleep(1);
        await ctx.nonCancellable(async () => void act('charge'));
        return ctx.continueAsNew(2);
      },
      { updates: { wait: (_, { ctx }) => ctx.sleep(100) } },
    );
    const run = await drive(entity, [started(1), update('wait', 'a'), fired(0)], {
      chooseSuccessor: () => ({ runId: 'next', version: 1 }),
    });
    expect(line(run.history)).toMatch(
      /timer_fired0 activity_scheduled2:charge update_answered run_continued$/,
    );
    expect(answersIn(run.history)).toEqual([['a', 'continued']]);
    await expectSameAgain(entity, run);
  });

  it('inside nonCancellable is finished before the run concludes', async () => {
    const shielded = workflow(
      async function (this: { done?: boolean }, { ctx }) {
        await ctx.condition(() => this.done === true);
      },
      {
        updates: { keep: (_, { ctx, act }) => ctx.nonCancellable(() => act('charge')) },
        signals: {
          stop(this: Record<string, unknown>) {
            this['done'] = true;
          },
        },
      },
    );
    const run = await drive(shielded, [started(), update('keep', 'a'), signal('stop')]);
    expect(run.fold.decided).not.toBeNull();
    // The outcome is decided: what comes now is not accepted any more.
    expect(run.fold.validate('keep', 'null')).toEqual({ type: 'not running' });
    await feed(run, completed(0, 'paid'));
    expect(answersIn(run.history)).toEqual([['a', 'paid']]);
    expect(line(run.history)).toMatch(/activity_completed0 update_answered run_completed$/);
    await expectSameAgain(shielded, run);
  });

  it('whose handler is cancelled with the run is answered with that', async () => {
    const waiting = workflow(({ ctx }) => ctx.sleep(1_000), {
      updates: { wait: (_, { ctx }) => ctx.sleep(100) },
    });
    const run = await drive(waiting, [started(), update('wait', 'a'), cancel()]);
    expect(answersIn(run.history)).toEqual([['a', 'The run was cancelled: asked']]);
    await expectSameAgain(waiting, run);
  });

  it('keeps a run open that waits for nothing else (F13)', async () => {
    const entity = workflow(
      function (this: Record<string, unknown>) {
        return new Promise((resolve) => (this['end'] = resolve));
      },
      {
        updates: {
          end(this: Record<string, unknown>) {
            (this['end'] as () => void)();
          },
        },
      },
    );
    const run = await drive(entity, [started()]);
    expect(run.fold.fault).toBeNull();
    await feed(run, update('end', 'a'));
    expect(line(run.history)).toBe('run_started update_accepted update_answered run_completed');
  });

  it('is compared in a replay: another answer is drift where that is strict', async () => {
    const run = await drive(box, [started(), update('put', 'a', 1)]);
    const changed = run.history.map((entry): HistoryEntry =>
      entry.type === 'update_answered' ? { ...entry, outcome: { type: 'value', value: '2' } } : entry,
    );
    expect((await refold(box, changed)).fault).toMatchObject({ name: 'NonDeterminismError' });
    const tolerant = await refold(box, changed, { strict: false });
    expect(tolerant.fault).toBeNull();
    expect(tolerant.changedArguments).toBe(1);
  });

  it('without its answer in the history is drift', async () => {
    const run = await drive(box, [started(), update('put', 'a', 1)]);
    const cut = run.history.filter(({ type }) => type !== 'update_answered');
    expect((await refold(box, cut)).fault).toMatchObject({
      name: 'NonDeterminismError',
      asked: expect.stringContaining('update_answered a'),
    });
  });
});

describe('a validator', () => {
  it('sees what the events before have left, and refuses by what it throws', async () => {
    const run = await drive(box, [started(), update('put', 'a', 1)]);
    expect(run.fold.validate('put', codec.encode(2))).toEqual({ type: 'accepted' });
    expect(run.fold.validate('put', codec.encode(1))).toMatchObject({
      type: 'refused',
      error: { message: 'It is there already.' },
    });
    expect(run.fold.takeEmitted()).toEqual([]);
    await expectSameAgain(box, run);
  });

  it('that calls something durable, or promises, refuses with that', async () => {
    const run = await drive(box, [started()]);
    for (const [value, message] of [
      ['sleep', /only reads/],
      ['promise', /has to answer at once/],
    ] as const) {
      expect(run.fold.validate('later', codec.encode(value))).toMatchObject({
        type: 'refused',
        error: { message: expect.stringMatching(message) },
      });
    }
    expect(run.fold.fault).toBeNull();
  });

  it('is not asked of what no handler takes, and of a run that has not begun or has ended', async () => {
    const run = await drive(box, [started()]);
    expect(run.fold.validate('stop', 'null')).toEqual({ type: 'unknown', known: ['put', 'later', 'finish'] });
    expect(newFold(box).validate('put', 'null')).toEqual({ type: 'not running' });
    const cancelled = await drive(box, [cancel()]);
    expect(cancelled.fold.validate('put', 'null')).toEqual({ type: 'not running' });
    await feed(run, signal('stop'));
    expect(run.fold.validate('put', 'null')).toEqual({ type: 'not running' });
  });

  it('lets no more in than may be open', async () => {
    const run = await drive(box, [started()]);
    for (let i = 0; i < MOST_OPEN_UPDATES; i++) await feed(run, update('later', `u${i}`));
    expect(run.fold.validate('later', 'null')).toEqual({ type: 'too many' });
    await feed(run, completed(0));
    expect(run.fold.validate('later', 'null')).toEqual({ type: 'accepted' });
  });
});

describe('in a held block (F17)', () => {
  it('an update is held like a signal: its handler runs before run looks', async () => {
    const run = await drive(box, [started(), update('finish', 'a', undefined, true), update('put', 'b', 1)]);
    expect(line(run.history)).toBe(
      'run_started update_accepted update_answered update_accepted update_answered run_completed',
    );
    await expectSameAgain(box, run);
  });

  it('what is held for one that is refused is let go: the run looks, and no hold is recorded', async () => {
    const fold = newFold(box);
    fold.feed(started());
    await scheduler.pump(fold);
    fold.feed(signal('stop', undefined, true));
    await scheduler.pump(fold);
    fold.letGo();
    await scheduler.pump(fold);
    const history = fold.takeEmitted();
    expect(line(history)).toBe('run_started signal_received run_completed');
    expect(history[1]).toMatchObject({ type: 'signal_received', hold: false });
    await expectSameAgain(box, { fold, history });
    // There is nothing to let go of any more.
    fold.letGo();
    await scheduler.pump(fold);
    expect(fold.takeEmitted()).toEqual([]);
  });

  /** Handles signals that are all held, and lets the last one go, with a note before each of the last two steps. */
  async function letGoAfterNotes(definition: WorkflowDefinition, signals: number): Promise<Driven> {
    const run = await drive(definition, [started()]);
    for (let i = 0; i < signals; i++) {
      run.fold.feed(signal('go', i, true));
      await scheduler.pump(run.fold);
      run.fold.note({ type: 'activity_heartbeat', at: 2, id: 0, details: String(i) });
    }
    run.fold.letGo();
    await scheduler.pump(run.fold);
    run.history.push(...run.fold.takeEmitted());
    return run;
  }

  it.each([
    [1, 'signal_received activity_scheduled1:next patched activity_heartbeat0'],
    [
      2,
      'signal_received patched activity_heartbeat0 signal_received activity_scheduled1:next activity_heartbeat0',
    ],
  ])(
    'notes behind the last of %i held signals stand behind what it makes once it is let go',
    async (signals, expected) => {
      const definition = workflow(
        async function ({ ctx, act }) {
          void act('slow');
          await ctx.condition(() => this['came'] === signals);
          await act('next');
        },
        {
          signals: {
            go(_payload, { ctx }) {
              ctx.patched('p');
              this['came'] = Number(this['came'] ?? 0) + 1;
            },
          },
        },
      );
      const run = await letGoAfterNotes(definition, signals);
      expect(line(run.history.slice(2))).toBe(expected);
      expect(run.fold.seq).toBe(run.history.length);
      await expectSameAgain(definition, run);
    },
  );

  it('an interrupted attempt that was noted behind a held signal is counted once', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      void act('slow');
      await ctx.waitForSignal('go');
      await act('next');
    });
    const { fold } = await drive(definition, [started()]);
    fold.feed(signal('go', 1, true));
    await scheduler.pump(fold);
    fold.note(interrupted);
    fold.letGo();
    await scheduler.pump(fold);
    expect(line(fold.takeEmitted())).toBe('signal_received activity_scheduled1:next activity_attempt0');
    expect(fold.progress.inFlight.get(0)).toMatchObject({ interruptions: 1 });
  });

  it('what a held signal and its let-go set to be shown is one note', async () => {
    const definition = workflow(
      async function ({ ctx }) {
        await ctx.condition(() => this['came'] === 1);
        ctx.setAttributes({ a: null, b: 2 });
        ctx.setDetails('two');
        await ctx.sleep(5);
      },
      {
        signals: {
          go(_payload, { ctx }) {
            this['came'] = 1;
            ctx.setAttributes({ a: 1, c: 3 });
            ctx.setDetails('one');
          },
        },
      },
    );
    const run = await drive(definition, [started()]);
    run.fold.feed(signal('go', 1, true));
    await scheduler.pump(run.fold);
    run.fold.letGo();
    await scheduler.pump(run.fold);
    run.history.push(...run.fold.takeEmitted());
    expect(line(run.history.slice(1))).toBe('signal_received timer_started0 attributes_set details_set');
    expect(run.fold.takeShown()).toEqual({ attributes: { b: 2, c: 3 }, details: 'two' });
    expect(run.fold.attributes).toEqual({ b: 2, c: 3 });
    expect(run.fold.seq).toBe(run.history.length);
    await expectSameAgain(definition, run);
  });

  it('a note behind a held signal is gone if that ends the run once it is let go', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      void act('slow');
      await ctx.waitForSignal('go');
    });
    const run = await letGoAfterNotes(definition, 1);
    expect(line(run.history.slice(2))).toBe('signal_received run_completed');
    expect(run.fold.seq).toBe(run.history.length);
    await expectSameAgain(definition, run);
  });

  it('a note that comes between the windows of the last event is gone with the end of the run', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      void act('slow');
      await ctx.waitForSignal('go');
    });
    const run = await drive(definition, [started()]);
    run.fold.feed(signal('go'));
    run.fold.step();
    run.fold.note({ type: 'activity_heartbeat', at: 2, id: 0, details: '1' });
    await scheduler.pump(run.fold);
    run.history.push(...run.fold.takeEmitted());
    expect(line(run.history.slice(2))).toBe('signal_received run_completed');
    await expectSameAgain(definition, run);
  });

  it('an update after one that has decided is answered by the conclusion', async () => {
    const deciding = workflow(
      function (this: Record<string, unknown>) {
        return new Promise((resolve) => (this['end'] = resolve));
      },
      {
        updates: {
          end(this: Record<string, unknown>) {
            (this['end'] as () => void)();
          },
        },
      },
    );
    const run = await drive(deciding, [started(), update('end', 'a', null, true), update('end', 'b')]);
    expect(answersIn(run.history)).toEqual([
      ['a', undefined],
      ['b', 'closed'],
    ]);
    await expectSameAgain(deciding, run);
  });
});

describe('ctx.handlersFinished', () => {
  it('lets run wait for its handlers', async () => {
    const patient = workflow(
      async function (this: { done?: boolean }, { ctx }) {
        await ctx.condition(() => this.done === true);
        await ctx.condition(() => ctx.handlersFinished());
        return 'over';
      },
      {
        updates: { later: (_, { act }) => act('charge') },
        signals: {
          async stop(this: Record<string, unknown>, _: unknown, { act }) {
            this['done'] = true;
            await act('tell');
          },
        },
      },
    );
    const run = await drive(patient, [started(), update('later', 'a'), signal('stop'), completed(0, 'paid')]);
    expect(run.fold.decided).toBeNull();
    await feed(run, completed(1));
    expect(resultOf(run)).toBe('over');
    expect(answersIn(run.history)).toEqual([['a', 'paid']]);
    await expectSameAgain(patient, run);
  });
});
