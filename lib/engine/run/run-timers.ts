import type { Instant, RunProgress } from '../../core/index.js';
import type { DatabaseClock } from '../worker/database-clock.js';
import type { Arrival, Intake, WorkKind } from './work-kind.js';

/** The timers of one resident run. They are in the journal, and nothing of them is going on anywhere: they only come due. */
export class RunTimers implements WorkKind, Intake {
  readonly idle = true;
  readonly notes = [];
  readonly #progress: () => RunProgress;
  readonly #clock: DatabaseClock;

  constructor(progress: () => RunProgress, clock: DatabaseClock) {
    this.#progress = progress;
    this.#clock = clock;
  }

  settle(): boolean {
    const next = this.nextMoment();
    return next !== null && next <= this.#clock.safelyPast();
  }
  nextMoment(): Instant | null {
    return this.#progress().nextTimer();
  }
  take(): Intake {
    return this;
  }
  next(due: Instant): Arrival | undefined {
    const started = this.#progress().dueTimers(due)[0]?.started;
    if (!started) return undefined;
    const { id, firesAt: moment } = started;
    const event = { type: 'timer_fired', at: moment, id } as const;
    return { type: 'arrival', from: this, moment, event, byTime: true };
  }

  // What is in flight is found in the run's progress, so that nothing is to be kept here.
  taken(): void {}
  committed(): void {}
  recover(): void {}
  drain(): void {}
  stop(): void {}
  received(): null {
    return null;
  }
  obstacle(): null {
    return null;
  }
}
