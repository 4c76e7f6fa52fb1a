import { describe, expect, it } from '@jest/globals';
import { durableCodec } from '../../lib/core/index.js';
import type { ActivityInFlight } from '../../lib/core/index.js';
import { asyncScope } from '../../lib/engine/index.js';
import { ActivityExecutor } from '../../lib/engine/activity-executor.js';
import type { Attempt } from '../../lib/engine/activity-executor.js';
import { activity, Recorder } from '../support/stage.js';

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

describe('ActivityExecutor', () => {
  it('begins nothing that is asked to stop once it has its slot, and gives the slot back', async () => {
    let begun = 0;
    const observer = new Recorder();
    const executor = new ActivityExecutor({
      registry: { workflows: [], activities: new Map([['work', activity('work', () => ++begun)]]) },
      codec: durableCodec,
      scope: asyncScope,
      observer,
      slots: 1,
    });
    const begin = (): Attempt =>
      executor.begin({
        run: { workflow: 'w', workflowId: 'w', runId: 'r' },
        activity: IN_FLIGHT,
        now: 0,
        onHeartbeat: () => undefined,
      });
    // A slot is free: it is given at once, and the attempt goes on a moment later.
    const stopped = begin();
    stopped.stop('shutting down');
    await expect(stopped.outcome).resolves.toEqual({ type: 'never begun' });
    expect([begun, observer.count('activity attempt started')]).toEqual([0, 0]);
    await expect(begin().outcome).resolves.toMatchObject({ type: 'completed' });
  });
});
