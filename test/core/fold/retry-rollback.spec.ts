import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import type { HistoryEntry, HistoryEvent, WorkflowDefinition } from '../../../lib/core/index.js';
import { SEMANTICS_VERSION } from '../../../lib/core/index.js';
import { rollbackOf } from '../../../lib/client/rollback-report.js';
import { completed, drive, failed, feed, line, refold } from '../../support/fold-kit.js';
import { signal, started, workflow } from '../../support/fold-kit.js';
import type { Driven } from '../../support/fold-kit.js';

const saga = workflow(async ({ act }) => {
  await act('pay', 5, 'EUR');
  await act('book', { room: 1 });
  await act('ship');
});
const again = (at = 9): HistoryEvent => ({
  type: 'rollback_retried',
  at,
  reason: 'the bank is back',
  by: 'ann',
});
const head = [started(), completed(0, 'payment'), completed(1, 'booking'), failed(2)];

/** As a worker does that takes the run up: from its history alone. */
async function takenUp(definition: WorkflowDefinition, history: readonly HistoryEntry[]): Promise<Driven> {
  return { fold: await refold(definition, history, { withoutCode: true }), history: [...history] };
}

/** Nothing in memory outlives an event. */
async function goOn(from: Driven, events: readonly HistoryEvent[]): Promise<Driven> {
  let run = from;
  for (const event of events) {
    run = await takenUp(saga, run.history);
    expect(await feed(run, event)).toBe(true);
  }
  return run;
}
const TWICE = [again(), failed(5), completed(6), again(), completed(7)];

describe('a rollback that is tried again', () => {
  it('F22: undoes what could not be undone, in the order in which it was tried', async () => {
    const ended = await drive(saga, [...head, failed(3), failed(4)]);
    expect(ended.history.at(-1)).toMatchObject({ type: 'run_failed', rollback: 'incomplete' });
    const run = await takenUp(saga, ended.history);
    for (const event of [again(), completed(5), completed(6)]) expect(await feed(run, event)).toBe(true);
    expect(run.fold.fault).toBeNull();
    expect(line(run.history.slice(ended.history.length))).toBe(
      'rollback_retried activity_scheduled5:unbook activity_completed5 activity_scheduled6:unpay activity_completed6 run_failed',
    );
    expect(run.history.at(-1)).toMatchObject({
      rollback: 'complete',
      failure: run.fold.progress.rollback?.failure,
    });
    expect(rollbackOf(run.history).map(({ id, outcome }) => [id, outcome])).toEqual([
      [1, 'undone'],
      [0, 'undone'],
    ]);
  });

  it('F22: a fold with the code comes to the same', async () => {
    const ended = await drive(saga, [...head, completed(3), failed(4)]);
    const run = await takenUp(saga, ended.history);
    for (const event of [again(), completed(5)]) await feed(run, event);
    const fold = await refold(saga, run.history, { strict: true });
    expect(fold.fault).toBeNull();
    expect(fold.progress.closed).toMatchObject({ rollback: 'complete' });
  });

  it('F22: as often as it takes, and each time from any step', async () => {
    const run = await goOn(await drive(saga, [...head, failed(3), failed(4)]), TWICE);
    expect(run.fold.progress.closed).toMatchObject({ rollback: 'complete' });
    expect(run.history.filter(({ type }) => type === 'run_failed')).toHaveLength(3);
    expect((await refold(saga, run.history, { strict: true })).fault).toBeNull();
  });

  it('F22: what was in flight at the end concerns nobody any more', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      await act('pay', 5);
      void act('audit').catch(() => undefined);
      void ctx.sleep('1h').catch(() => undefined);
      throw new Error('no');
    });
    const ended = await drive(definition, [started(), completed(0, 'payment'), failed(3)]);
    expect(ended.history.at(-1)).toMatchObject({
      type: 'run_failed',
      rollback: 'incomplete',
      abandoned: [1],
    });
    const run = await takenUp(definition, ended.history);
    expect(run.fold.progress.inFlight.size).toBe(0);
    expect(run.fold.progress.nextTimer()).toBeNull();
    await feed(run, again());
    expect(await feed(run, completed(1))).toBe(false);
    await feed(run, completed(4));
    expect(run.history.at(-1)).toMatchObject({ rollback: 'complete', abandoned: [] });
    expect((await refold(definition, run.history, { strict: true })).fault).toBeNull();
  });

  it('F22: what was being undone when nobody served the run is undone again', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      await act('pay', 5);
      await act('book', { room: 1 });
      await ctx.compensate();
    });
    const begun = await drive(definition, [started(), completed(0, 'payment'), completed(1, 'booking')]);
    expect(line(begun.history)).toMatch(/activity_scheduled2:unbook$/);
    // As the sweeper writes it, without a fold.
    const end = {
      type: 'run_timed_out',
      at: 5,
      failure: '{"name":"TimeoutFailure","message":"late"}',
      rollback: 'incomplete',
      abandoned: [2],
      unreadSignals: 0,
      unserved: true,
    } as const;
    const run = await takenUp(definition, [...begun.history, end]);
    for (const event of [again(), completed(3), completed(4)]) expect(await feed(run, event)).toBe(true);
    expect(line(run.history.slice(begun.history.length))).toBe(
      'run_timed_out rollback_retried activity_scheduled3:unbook activity_completed3 activity_scheduled4:unpay activity_completed4 run_timed_out',
    );
    expect(run.history.at(-1)).toMatchObject({ rollback: 'complete', failure: end.failure });
    expect((await refold(definition, run.history, { strict: true })).fault).toBeNull();
  });

  it('a run that is open, or has nothing left, does not take it', async () => {
    const open = await drive(saga, head);
    expect(await feed(open, again())).toBe(false);
    expect(open.fold.fault).toBeNull();
    const completes = workflow(() => Promise.resolve(1));
    const ended = await drive(completes, [started()]);
    expect(await feed(ended, again())).toBe(false);
    expect(ended.fold.fault).toBeNull();
  });

  it('F7: a history that goes on behind its end with anything else is drift', async () => {
    const ended = await drive(saga, [...head, completed(3), failed(4)]);
    const fold = await refold(saga, [...ended.history, signal('late')]);
    expect(fold.fault?.message).toMatch(/The run has ended, but its history goes on/);
  });

  it('knows the first try of each step, by whose number its attempts are known', async () => {
    const ended = await drive(saga, [...head, failed(3), completed(4)]);
    const run = await takenUp(saga, ended.history);
    const last = await goOn(run, [again(), failed(5), again()]);
    const [work] = last.fold.progress.inFlight.values();
    expect(work).toMatchObject({ type: 'activity', firstTry: 3, scheduled: { id: 6, undoes: 1 } });
  });

  /* Recorded once, as those of golden-histories.spec.ts: CONTINUUM_RECORD_HISTORIES=1 npx jest core/fold/retry-rollback */
  it('of a history that was recorded once comes to the state that it had', async () => {
    const file = new URL(`../../histories/retried-rollbacks-v${SEMANTICS_VERSION}.json`, import.meta.url);
    if (!existsSync(file) && process.env['CONTINUUM_RECORD_HISTORIES']) {
      const run = await goOn(await drive(saga, [...head, failed(3), failed(4)]), TWICE);
      await writeFile(file, `${JSON.stringify(run.history.map(withoutStack), null, 2)}\n`);
    }
    // The cast: it was written from one.
    const history = JSON.parse(await readFile(file, 'utf8')) as readonly HistoryEntry[];
    for (const options of [{ strict: true }, { withoutCode: true }]) {
      const fold = await refold(saga, history, options);
      expect(fold.fault).toBeNull();
      expect(fold.seq).toBe(history.length);
      expect(fold.progress.undone).toBe('complete');
      expect(fold.progress.undoneSteps.map(({ step, by }) => [step.of, by])).toEqual([
        [0, 6],
        [1, 7],
      ]);
    }
  });
});

/** Where a file stood on a machine does not belong into it. */
const withoutStack = (entry: HistoryEntry): HistoryEntry =>
  'failure' in entry && typeof entry.failure === 'string'
    ? { ...entry, failure: stackless(entry.failure) }
    : entry;
const stackless = (failure: string): string =>
  JSON.stringify(JSON.parse(failure, (key, value: unknown) => (key === 'stack' ? undefined : value)));
