import { describe, expect, it } from '@jest/globals';
import { durableCodec } from '../../lib/core/index.js';
import type { ActivityInFlight } from '../../lib/core/index.js';
import { asyncScope } from '../../lib/engine/index.js';
import { ActivityExecutor } from '../../lib/engine/activities/activity-executor.js';
import type { Attempt, AttemptOutcome } from '../../lib/engine/activities/activity-executor.js';
import { gate } from '../support/gate.js';
import { activity, Recorder } from '../support/stage.js';
import type { ActivityHandler } from '../../lib/engine/registry.js';

const IN_FLIGHT: ActivityInFlight = {
  type: 'activity',
  scheduled: {
    type: 'activity_scheduled',
    at: 0,
    id: 0,
    name: 'work',
    args: durableCodec.encode([]),
    options: null,
    compensation: null,
    undoes: null,
  },
  attempt: 1,
  interruptions: 0,
  startsAt: 0,
  parked: false,
  cancelRequested: false,
  lastFailure: null,
  heartbeat: null,
};

function executorOf(work: ActivityHandler, observer = new Recorder()) {
  const executor = new ActivityExecutor({
    registry: { workflows: [], activities: new Map([['work', work]]) },
    codec: durableCodec,
    scope: asyncScope,
    observer,
    slots: 1,
  });
  return (ended?: () => void): { readonly attempt: Attempt; readonly outcome: Promise<AttemptOutcome> } => {
    let begun!: Attempt;
    const outcome = new Promise<AttemptOutcome>((resolve) => {
      executor.begin({
        run: { workflow: 'w', workflowId: 'w', runId: 'r' },
        activity: IN_FLIGHT,
        now: 0,
        listener: {
          attemptMade: (attempt) => (begun = attempt),
          attemptProgressed: () => undefined,
          attemptEnded: (_, came) => {
            ended?.();
            resolve(came);
          },
        },
      });
    });
    return { attempt: begun, outcome };
  };
}

describe('ActivityExecutor', () => {
  it('begins nothing that is asked to stop once it has its slot, and gives the slot back', async () => {
    let begun = 0;
    const observer = new Recorder();
    const ends = gate();
    const begin = executorOf(
      activity('work', () => {
        begun++;
        return ends.opened;
      }),
      observer,
    );
    // The other one has its slot by then, and goes on a moment later.
    const first = begin(() => stopped.attempt.stop('shutting down'));
    const stopped = begin();
    ends.open();
    await expect(first.outcome).resolves.toMatchObject({ type: 'completed' });
    await expect(stopped.outcome).resolves.toEqual({ type: 'never begun' });
    expect([begun, observer.count('activity attempt started')]).toEqual([1, 1]);
    await expect(begin().outcome).resolves.toMatchObject({ type: 'completed' });
  });

  it('begins at once where a slot is free, and takes what an activity returns without a promise', async () => {
    const begin = executorOf(activity('work', () => 'done'));
    for (let i = 0; i < 2; i++) {
      await expect(begin().outcome).resolves.toEqual({
        type: 'completed',
        result: durableCodec.encode('done'),
      });
    }
  });

  it('never grows a stack by activities that end at once and stand in line', async () => {
    const ends = gate();
    let begun = 0;
    const begin = executorOf(activity('work', () => (begun++ === 0 ? ends.opened : undefined)));
    const all = Array.from({ length: 20_000 }, () => begin());
    ends.open();
    await Promise.all(all.map(({ outcome }) => outcome));
    expect(begun).toBe(20_000);
  });
});
