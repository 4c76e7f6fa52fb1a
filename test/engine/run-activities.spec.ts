import { describe, expect, it } from '@jest/globals';
import { durableCodec, RunProgress } from '../../lib/core/index.js';
import type { ActivityScheduled } from '../../lib/core/index.js';
import { asyncScope, DatabaseClock } from '../../lib/engine/index.js';
import type { ActivityHandler } from '../../lib/engine/index.js';
import { ActivityExecutor } from '../../lib/engine/activities/activity-executor.js';
import { RunActivities } from '../../lib/engine/activities/run-activities.js';
import { writeReturned } from '../../lib/engine/activities/returned-result.js';
import { gate } from '../support/gate.js';
import { activity, Recorder } from '../support/stage.js';

/** Those of a run, with what its history tells: to be given entries, one by one. */
function activitiesOf(handlers: readonly ActivityHandler[]) {
  const progress = new RunProgress();
  const observer = new Recorder();
  const activities = new RunActivities({
    run: { workflow: 'w', workflowId: 'w', runId: 'r' },
    executor: new ActivityExecutor({
      registry: {
        workflows: [],
        activities: new Map(handlers.map((handler) => [handler.definition.name, handler])),
      },
      codec: durableCodec,
      scope: asyncScope,
      observer,
      slots: 10,
    }),
    codec: durableCodec,
    clock: new DatabaseClock(),
    observer,
    parkAfter: 1_000,
    progress: () => progress,
    wake: () => undefined,
  });
  return { progress, activities };
}

const scheduled = (id: number, name: string): ActivityScheduled => ({
  type: 'activity_scheduled',
  at: 0,
  id,
  name,
  args: durableCodec.encode([]),
  options: null,
  compensation: null,
  undoes: null,
});

describe('RunActivities', () => {
  it('gives what is done as it is, and what does not stop as interrupted, where a shutdown meets a run that is being blocked', async () => {
    const [prompt, promptBegun, slowBegun] = [gate(), gate(), gate()];
    const handlers = [
      activity('prompt', () => {
        promptBegun.open();
        return prompt.opened.then(() => 'prompt');
      }),
      activity('slow', () => {
        slowBegun.open();
        return new Promise(() => {});
      }),
    ];
    const { progress, activities } = activitiesOf(handlers);
    for (const [id, name] of ['prompt', 'slow'].entries()) {
      const entry = scheduled(id, name);
      progress.apply(entry);
      activities.committed(entry, false);
    }
    await Promise.all([promptBegun.opened, slowBegun.opened]);
    const collected = activities.collect();
    prompt.open();
    await activities.interrupt(1);
    expect((await collected).map(({ id, outcome }) => [id, outcome])).toEqual([
      [0, { type: 'completed', result: durableCodec.encode('prompt') }],
      [1, { type: 'interrupted', message: expect.stringMatching(/did not stop in time/) }],
    ]);
  });

  it('lets a result that waits in the inbox stand where the activity is cancelled before it is taken', () => {
    const { progress, activities } = activitiesOf([activity('paid', () => 'paid')]);
    progress.apply(scheduled(0, 'paid'));
    const outcome = { type: 'completed', result: durableCodec.encode('paid') } as const;
    const message = {
      n: 1,
      kind: 'activity_result',
      at: 0,
      ...writeReturned({ id: 0, attempt: 1, outcome }),
    } as const;
    activities.recover({ messages: [message], died: true });
    const cancel = { type: 'activity_cancel_requested', at: 0, of: 0 } as const;
    progress.apply(cancel);
    activities.committed(cancel, false);
    activities.settle();
    expect(activities.take().next(0)).toBeUndefined();
    expect(activities.received(message)).toMatchObject({ type: 'activity_completed' });
  });
});
