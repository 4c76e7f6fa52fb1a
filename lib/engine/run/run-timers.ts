import type { Instant, RunProgress } from '../../core/index.js';
import type { DatabaseClock } from '../worker/database-clock.js';
import type { ActiveKind, Arrival, Intake } from './work-kind.js';

/** The timers of one resident run. Nothing goes on in a process for them: they are in the history, and come due. */
export class RunTimers implements ActiveKind, Intake {
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

  // Which timers are in flight is read from the run's progress each time, so there is nothing to do for these.
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
