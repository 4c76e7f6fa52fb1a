import { describe, expect, it } from '@jest/globals';
import type { ActivityScheduled, HistoryEntry } from '../../lib/core/index.js';
import { RunProgress } from '../../lib/core/index.js';
import { cancel, completed, failed, fired, signal, started, stopped } from '../support/fold-kit.js';

const scheduled = (id: number, options: Partial<ActivityScheduled> = {}): ActivityScheduled => ({
  type: 'activity_scheduled',
  at: 10,
  id,
  name: `a${id}`,
  args: '[]',
  compensation: null,
  undoes: null,
  options: null,
  ...options,
});
const timer = (id: number, firesAt: number): HistoryEntry => ({
  type: 'timer_started',
  at: 1,
  id,
  name: 'sleep',
  args: '5',
  firesAt,
});
const rollback: HistoryEntry = {
  type: 'rollback_started',
  at: 1,
  outcome: 'failed',
  failure: '{}',
  unreadSignals: 0,
};

function after(...entries: readonly HistoryEntry[]): RunProgress {
  const progress = new RunProgress();
  for (const entry of entries) progress.apply(entry);
  return progress;
}

describe('progress of a run', () => {
  it('knows an activity in flight with its attempts, heartbeats and cancel requests', () => {
    const progress = after(started(), scheduled(0));
    expect(progress.inFlight.get(0)).toEqual({
      type: 'activity',
      scheduled: scheduled(0),
      attempt: 1,
      interruptions: 0,
      startsAt: 10,
      parked: false,
      cancelRequested: false,
      lastFailure: null,
      heartbeat: null,
    });
    progress.apply({ type: 'activity_heartbeat', at: 2, id: 0, details: '1' });
    progress.apply({ type: 'activity_cancel_requested', at: 2, of: 0 });
    expect(progress.inFlight.get(0)).toMatchObject({ heartbeat: '1', cancelRequested: true, attempt: 1 });
    const failure = '{"name":"Error"}';
    progress.apply({
      type: 'activity_attempt',
      at: 3,
      id: 0,
      attempt: 2,
      startsAt: 30,
      parked: true,
      failure,
      heartbeat: '2',
    });
    expect(progress.inFlight.get(0)).toMatchObject({
      attempt: 2,
      startsAt: 30,
      parked: true,
      cancelRequested: true,
      lastFailure: failure,
      heartbeat: '2',
    });
    progress.apply(completed(0));
    expect(progress.inFlight.size).toBe(0);
    progress.apply({ type: 'activity_heartbeat', at: 4, id: 0, details: 'late' });
    expect(progress.inFlight.size).toBe(0);
  });

  it('F5: knows when timers are due, and which events end something', () => {
    const progress = after(timer(0, 30), timer(1, 10), timer(2, 20), scheduled(3));
    expect(progress.nextTimer()).toBe(10);
    expect([progress.expects(fired(1)), progress.expects(completed(1)), progress.expects(fired(3))]).toEqual([
      true,
      false,
      false,
    ]);
    expect([
      progress.expects(completed(3)),
      progress.expects(signal('s')),
      progress.expects(cancel()),
    ]).toEqual([true, true, true]);
    progress.apply(fired(1));
    expect([progress.nextTimer(), progress.expects(fired(1))]).toEqual([20, false]);
    progress.apply({ type: 'timer_cancelled', at: 1, of: 2 });
    expect(progress.dueTimers(29)).toEqual([]);
    expect(progress.dueTimers(30).map((work) => work.started.id)).toEqual([0]);
    progress.apply(rollback);
    expect([progress.nextTimer(), progress.dueTimers(99)]).toEqual([null, []]);
    expect(progress.inFlight.has(3)).toBe(true);
  });

  it('F20: says what a rollback does next', () => {
    const pay = scheduled(0, { compensation: 'unpay' });
    const book = scheduled(1, { compensation: 'unbook' });
    const progress = after(pay, book, scheduled(2), completed(0, 'paid'));
    const stop = { type: 'stop', work: [1, 2].map((id) => progress.inFlight.get(id)) };
    expect(stop.work).toMatchObject([{ scheduled: { id: 1 } }, { scheduled: { id: 2 } }]);
    expect(progress.nextRollbackMove('automatic')).toEqual(stop);
    progress.apply({ type: 'activity_cancel_requested', at: 1, of: 1 });
    progress.apply({ type: 'activity_cancel_requested', at: 1, of: 2 });
    expect(progress.nextRollbackMove('automatic')).toEqual({ type: 'wait' });
    progress.apply(completed(1, 'booked'));
    expect(progress.nextRollbackMove('automatic')).toMatchObject({
      type: 'undo',
      step: { of: 1, name: 'unbook', result: '"booked"' },
    });
    progress.apply(scheduled(3, { undoes: 1 }));
    expect(progress.nextRollbackMove('automatic')).toEqual({ type: 'wait' });
    progress.apply(failed(3));
    expect([progress.failedSteps.length, progress.undone]).toEqual([1, 'incomplete']);
    progress.apply(scheduled(4, { undoes: 0 }));
    progress.apply(completed(4));
    expect(progress.nextRollbackMove('automatic')).toEqual({ type: 'done' });
    expect(progress.undone).toBe('incomplete');
  });

  it('F20: what was stopped before it completed is not undone; commit forgets, and steps can be added', () => {
    const pay = scheduled(0, { compensation: 'unpay' });
    expect(after(pay, stopped(0)).nextRollbackMove('automatic')).toEqual({ type: 'done' });
    expect(after(pay, completed(0), { type: 'rollback_cleared', at: 1 }).undone).toBe('none');
    const added = after({ type: 'rollback_step_added', at: 1, id: 5, name: 'step', args: '[1]' });
    expect(added.nextRollbackMove('manual')).toEqual({
      type: 'undo',
      step: { type: 'added', of: 5, name: 'step', args: '[1]' },
    });
    const undone = after(pay, completed(0), scheduled(1, { undoes: 0 }), completed(1));
    expect([undone.undone, undone.rollbackSteps]).toEqual(['complete', []]);
  });

  it('knows the rollback, the end, and the signals that nobody will take', () => {
    const progress = after(started(), signal('s'), rollback, signal('s'));
    expect([progress.rollback, progress.signalsInRollback, progress.closed]).toEqual([rollback, 1, null]);
    const end: HistoryEntry = { type: 'run_terminated', at: 5, reason: null };
    progress.apply(end);
    expect(progress.closed).toBe(end);
  });
});
