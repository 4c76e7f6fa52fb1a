import { deadlineOf } from '../../core/index.js';
import type { ActivityInFlight, Codec, Instant } from '../../core/index.js';
import type { Observer, RunFacts } from '../../observability/index.js';
import type { DatabaseClock } from '../worker/database-clock.js';
import type { ActivityExecutor } from './activity-executor.js';
import { verdictOn, verdictOnParked } from './attempt-verdict.js';
import type { AttemptResult, Verdict, VerdictFacts } from './attempt-verdict.js';

export interface AttemptJudgeParts {
  readonly run: RunFacts;
  readonly executor: ActivityExecutor;
  readonly codec: Codec;
  readonly clock: DatabaseClock;
  readonly observer: Observer;
  /** A retry further away than this, in ms, does not keep the run in memory. */
  readonly parkAfter: number;
}

/** Gives verdicts on the attempts of one run, with the time and the options as they are in this process, and tells observers of those that failed. */
export class AttemptJudge {
  readonly #parts: AttemptJudgeParts;
  #parkAfter: number;

  constructor(parts: AttemptJudgeParts) {
    this.#parts = parts;
    this.#parkAfter = parts.parkAfter;
  }

  /** From now on nothing waits in memory. */
  drain(): void {
    this.#parkAfter = -1;
  }

  /** On an attempt that is over. */
  ended(work: ActivityInFlight, result: AttemptResult): Verdict {
    return this.#told(work, verdictOn(work, result, this.#facts(work)));
  }
  /** On an attempt that has not begun; `null`: its time has not come. */
  parked(work: ActivityInFlight): Verdict | null {
    const verdict = verdictOnParked(work, this.#facts(work));
    return verdict && this.#told(work, verdict);
  }
  /** When an activity has to be over; `null` when it need not. */
  deadline(work: ActivityInFlight): Instant | null {
    const options = this.#parts.executor.optionsOf(work);
    return options ? deadlineOf(options, work.scheduled.at) : null;
  }

  #facts(work: ActivityInFlight): VerdictFacts {
    const { codec, clock, executor } = this.#parts;
    return {
      codec,
      options: executor.optionsOf(work),
      at: clock.now(),
      parkAfter: this.#parkAfter,
      chance: Math.random(),
    };
  }

  #told(work: ActivityInFlight, verdict: Verdict): Verdict {
    if (verdict.failed === null) return verdict;
    const { codec, observer, run } = this.#parts;
    const { failure, retryIn } = verdict.failed;
    const { scheduled, attempt } = work;
    const error = codec.decodeFailure(failure);
    const { name: activity } = scheduled;
    observer.notice({ type: 'activity attempt failed', run, activity, attempt, error, retryIn });
    return verdict;
  }
}
