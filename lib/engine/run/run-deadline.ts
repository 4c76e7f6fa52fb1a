import type { DeadlinePassed, Fold, Instant } from '../../core/index.js';
import { firstDeadline, runFrom } from '../../journal/index.js';
import type { Deadlines } from '../../journal/index.js';
import type { DatabaseClock } from '../worker/database-clock.js';
import type { ActiveKind, Arrival, Intake } from './work-kind.js';

/** The time limit of one resident run: when it has passed, that is an event. Nothing goes on in a process for it. */
export class RunDeadline implements ActiveKind, Intake {
  readonly idle = true;
  readonly notes = [];
  #deadlines: Deadlines;
  /** The one that counts; `null` for none, as of most runs. */
  #first: Instant | null;
  readonly #fold: () => Fold;
  readonly #clock: DatabaseClock;

  constructor(deadlines: Deadlines, fold: () => Fold, clock: DatabaseClock) {
    this.#deadlines = deadlines;
    this.#first = firstDeadline(deadlines);
    this.#fold = fold;
    this.#clock = clock;
  }

  /** The start was accepted: from when on its time runs is known only now. */
  bornWith(deadlines: Deadlines): void {
    this.#deadlines = deadlines;
    this.#first = firstDeadline(deadlines);
  }

  /** The chain's time goes on, and the run's begins anew. `runLimit`: another one from here on. */
  ofSuccessor(runLimit: number | undefined): Deadlines {
    return runFrom(this.#clock.now(), this.#deadlines, runLimit);
  }

  /** The event, if the limit has passed by a time; also where the fold would not take it. */
  passed(by = this.#clock.safelyPast()): DeadlinePassed | null {
    const deadlineAt = this.#first;
    if (deadlineAt === null || deadlineAt > by) return null;
    return {
      type: 'deadline_passed',
      at: Math.max(deadlineAt, this.#clock.now()),
      deadlineAt,
      whose: deadlineAt === this.#deadlines.chain ? 'chain' : 'run',
    };
  }

  settle(): boolean {
    return this.#first !== null && this.passed() !== null && this.#fold().awaitsDeadline;
  }
  nextMoment(): Instant | null {
    return this.#first !== null && this.#fold().awaitsDeadline ? this.#first : null;
  }
  take(): Intake {
    return this;
  }
  next(due: Instant): Arrival | undefined {
    const event = this.#first !== null && this.#fold().awaitsDeadline ? this.passed(due) : null;
    return event ? { type: 'arrival', from: this, moment: event.deadlineAt, event, byTime: true } : undefined;
  }

  // Whether the limit still counts is read from the run each time, so there is nothing to do for these.
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
