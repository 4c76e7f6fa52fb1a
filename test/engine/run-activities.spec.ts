import { describe, expect, it } from '@jest/globals';
import { durableCodec, RunProgress } from '../../lib/core/index.js';
import type {
  ActivityAttempt,
  ActivityCompleted,
  ActivityScheduled,
  HistoryNote,
} from '../../lib/core/index.js';
import { asyncScope, DatabaseClock } from '../../lib/engine/index.js';
import type { ActivityHandler } from '../../lib/engine/index.js';
import { ActivityExecutor } from '../../lib/engine/activities/activity-executor.js';
import { RunActivities } from '../../lib/engine/activities/run-activities.js';
import type { EntryAbout } from '../../lib/engine/run/work-kind.js';
import { writeReturned } from '../../lib/engine/activities/returned-result.js';
import { gate } from '../support/gate.js';
import { activity, Recorder } from '../support/stage.js';

/** Those of a run, with what its history tells: to be given entries, one by one. */
function activitiesOf(handlers: readonly ActivityHandler[]) {
  let progress = new RunProgress();
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
  return {
    activities,
    /** Recorded, and committed. */
    record: (entry: EntryAbout<'activity'>): void => {
      progress.apply(entry);
      activities.committed(entry, false);
    },
    /** The journal has nothing of it after all. */
    lose: (): void => {
      progress = new RunProgress();
      activities.recover({ messages: [], died: false });
    },
    apply: (entry: ActivityScheduled) => progress.apply(entry),
  };
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

/** Activities note attempts. */
function attemptIn(note: HistoryNote | undefined): ActivityAttempt {
  if (note?.type !== 'activity_attempt') throw new Error(`No attempt: ${JSON.stringify(note)}`);
  return note;
}

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
    const { activities, record } = activitiesOf(handlers);
    for (const [id, name] of ['prompt', 'slow'].entries()) record(scheduled(id, name));
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
    const { activities, apply, record } = activitiesOf([activity('paid', () => 'paid')]);
    apply(scheduled(0, 'paid'));
    const outcome = { type: 'completed', result: durableCodec.encode('paid') } as const;
    const message = {
      n: 1,
      kind: 'activity_result',
      at: 0,
      ...writeReturned({ id: 0, attempt: 1, outcome }),
    } as const;
    activities.recover({ messages: [message], died: true });
    record({ type: 'activity_cancel_requested', at: 0, of: 0 });
    activities.settle();
    expect(activities.take().next(0)).toBeUndefined();
    expect(activities.received(message)).toMatchObject({ type: 'activity_completed' });
  });

  it('keeps what a turn takes until it is recorded, and no longer', () => {
    const { activities, record } = activitiesOf([activity('paid', () => 'paid')]);
    record(scheduled(0, 'paid'));
    const ends = () => {
      activities.settle();
      const intake = activities.take();
      const event = intake.next(0)?.event;
      intake.taken();
      expect(intake.next(0)).toBeUndefined();
      return event;
    };
    const end = ends();
    expect(end).toMatchObject({ type: 'activity_completed', id: 0 });
    // The turn failed, or was refused.
    expect(ends()).toEqual(end);
    record(end as ActivityCompleted);
    expect(activities.settle()).toBe(false);
    expect(activities.idle).toBe(true);
  });

  it('stops an attempt that the journal does not have after all, and hears no more of it', async () => {
    const begun = gate<AbortSignal>();
    const end = gate();
    const { activities, record, lose } = activitiesOf([
      activity('work', ({ signal }) => {
        begun.open(signal);
        return end.opened;
      }),
    ]);
    record(scheduled(0, 'work'));
    const signal = await begun.opened;
    lose();
    expect(signal.aborted).toBe(true);
    end.open();
    await end.opened;
    expect(activities.settle()).toBe(false);
    expect(activities.idle).toBe(true);
  });

  it('gives a retry back where the run begins to drain while the turn that notes it is committed', () => {
    const { activities, record } = activitiesOf([
      activity(
        'work',
        () => {
          throw new Error('once more');
        },
        { retry: { initialInterval: 500 } },
      ),
    ]);
    record(scheduled(0, 'work'));
    activities.settle();
    const [note] = activities.take().notes;
    expect(note).toMatchObject({ type: 'activity_attempt', attempt: 2, parked: false });
    activities.drain();
    record(attemptIn(note));
    expect(activities.idle).toBe(false);
    activities.settle();
    const [back] = activities.take().notes;
    expect(back).toMatchObject({ type: 'activity_attempt', attempt: 2, parked: true });
    record(attemptIn(back));
    expect(activities.idle).toBe(true);
  });
});
