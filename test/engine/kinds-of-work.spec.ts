import { describe, expect, it } from '@jest/globals';
import { RunProgress } from '../../lib/core/index.js';
import type { HistoryEntry, Instant, TimerStarted } from '../../lib/core/index.js';
import { DatabaseClock } from '../../lib/engine/index.js';
import { KindsOfWork } from '../../lib/engine/run/kinds-of-work.js';
import { RunTimers } from '../../lib/engine/run/run-timers.js';
import type { ActiveKind, Intake } from '../../lib/engine/run/work-kind.js';

/** A kind that tells what it is asked. */
class Told implements ActiveKind, Intake {
  readonly notes = [];
  readonly heard: string[] = [];
  idle = true;
  settled = false;
  trouble: Error | null = null;
  moment: Instant | null = null;

  committed({ type }: HistoryEntry): void {
    this.heard.push(type);
  }
  recover(): void {
    this.heard.push('recover');
  }
  drain(): void {
    this.heard.push('drain');
  }
  stop(reason: string): void {
    this.heard.push(reason);
  }
  settle(): boolean {
    this.heard.push('settle');
    return this.settled;
  }
  take(): Intake {
    return this;
  }
  next(): undefined {}
  taken(): void {}
  received(): null {
    return null;
  }
  obstacle(): Error | null {
    return this.trouble;
  }
  nextMoment(): Instant | null {
    return this.moment;
  }
}

const started = (id: number, firesAt: Instant): TimerStarted => ({
  type: 'timer_started',
  at: 0,
  id,
  name: 'sleep',
  args: '1',
  firesAt,
});

describe('Kinds of work', () => {
  const both = () => {
    const [activities, children, messages, callbacks, timers, deadline] = [1, 2, 3, 4, 5, 6].map(
      () => new Told(),
    ) as [Told, Told, Told, Told, Told, Told];
    const work = new KindsOfWork({
      activity: activities,
      child: children,
      message: messages,
      callback: callbacks,
      timer: timers,
      deadline,
    });
    return { activities, children, messages, callbacks, timers, deadline, work };
  };

  it('hear of their own entries only, and of all else that happens to a run', () => {
    const { activities, timers, work } = both();
    work.committed(started(0, 5), false);
    work.committed({ type: 'activity_cancelled', at: 0, id: 1 }, false);
    work.committed({ type: 'cancel_requested', at: 0, reason: null }, false);
    work.recover({ messages: [], died: false });
    work.drain();
    work.stop('run closed');
    expect(timers.heard).toEqual(['timer_started', 'recover', 'drain', 'run closed']);
    expect(activities.heard).toEqual(['activity_cancelled', 'recover', 'drain', 'run closed']);
  });

  it('are all asked before a turn, whichever has something, but those whose ends are messages', () => {
    const { activities, children, messages, timers, deadline, work } = both();
    expect(work.settle()).toBe(false);
    activities.settled = true;
    expect(work.settle()).toBe(true);
    expect(timers.heard).toEqual(['settle', 'settle']);
    expect([...children.heard, ...messages.heard]).toEqual([]);
    expect(work.take()).toEqual([activities, timers, deadline]);
  });

  it('keep a run in memory as long as one of them is at work, and wake it for the earliest', () => {
    const { activities, timers, work } = both();
    expect([work.idle, work.nextMoment()]).toEqual([true, null]);
    activities.idle = false;
    timers.moment = 7;
    expect([work.idle, work.nextMoment()]).toEqual([false, 7]);
    activities.moment = 3;
    expect(work.nextMoment()).toBe(3);
  });

  it('keep a run from going on where one of them cannot', () => {
    const { timers, work } = both();
    expect(work.obstacle()).toBeNull();
    timers.trouble = new Error('not here');
    expect(work.obstacle()).toBe(timers.trouble);
  });

  it('receive the messages that are about them', () => {
    const { activities, work } = both();
    const message = { n: 1, name: null, payload: null, at: 0 } as const;
    expect(work.receiverOf({ ...message, kind: 'activity_result' })).toBe(activities);
    expect(work.receiverOf({ ...message, kind: 'signal' })).toBeNull();
  });
});

describe('Timers of a run', () => {
  it('come due in the order of their times, none before its own (F5)', () => {
    const progress = new RunProgress();
    const timers = new RunTimers(() => progress, new DatabaseClock());
    expect([timers.settle(), timers.nextMoment()]).toEqual([false, null]);
    for (const timer of [started(0, 20), started(1, 10)]) progress.apply(timer);
    expect([timers.settle(), timers.nextMoment()]).toEqual([true, 10]);
    expect(timers.next(9)).toBeUndefined();
    const first = timers.next(30);
    expect(first).toMatchObject({ moment: 10, event: { type: 'timer_fired', id: 1, at: 10 }, byTime: true });
    progress.apply(first!.event);
    expect(timers.next(30)).toMatchObject({ moment: 20, event: { id: 0 } });
  });
});
