import { performance } from 'node:perf_hooks';
import { deadlineOf, TimeoutFailure } from '../../core/index.js';
import type { ActivityInFlight, Instant, ResolvedActivityOptions } from '../../core/index.js';
import { LongTimer } from '../../concurrency/index.js';
import type { SharedTimer, SharedTimers } from '../../concurrency/index.js';

/** When an activity has to be over (`scheduleToCloseTimeout`), by the monotonic clock of this process. */
export class Deadline {
  readonly #at: number;

  private constructor(
    left: number,
    readonly activity: string,
    readonly timeout: number,
  ) {
    this.#at = performance.now() + left;
  }

  /** `null` for an activity without one. */
  static of(
    options: ResolvedActivityOptions,
    { activity, now }: { readonly activity: ActivityInFlight; readonly now: Instant },
  ): Deadline | null {
    const { at, name } = activity.scheduled;
    const deadline = deadlineOf(options, at);
    return deadline === null ? null : new Deadline(deadline - now, name, deadline - at);
  }

  /** In ms. */
  get left(): number {
    return this.#at - performance.now();
  }
  get isOver(): boolean {
    return this.left <= 0;
  }
  failure(): TimeoutFailure {
    return new TimeoutFailure(
      `${this.activity} was not done within its scheduleToCloseTimeout of ${this.timeout} ms.`,
    );
  }
}

/** Watches the time of one attempt: its timeout, its deadline, and how long it has been without a heartbeat. */
export class AttemptClock {
  readonly #activity: ActivityInFlight;
  readonly #heartbeatTimeout: number | null;
  readonly #timers: SharedTimers;
  readonly #expired: (error: TimeoutFailure) => void;
  readonly #limit: SharedTimer;
  #silence: SharedTimer | undefined;

  constructor(
    activity: ActivityInFlight,
    { timeout, heartbeatTimeout }: ResolvedActivityOptions,
    deadline: Deadline | null,
    timers: SharedTimers,
    expired: (error: TimeoutFailure) => void,
  ) {
    this.#activity = activity;
    this.#heartbeatTimeout = heartbeatTimeout;
    this.#timers = timers;
    this.#expired = expired;
    const left = deadline?.left ?? Number.POSITIVE_INFINITY;
    // Not a shared timer: deadlines are all of different lengths.
    this.#limit =
      deadline !== null && left <= timeout
        ? LongTimer.start(left, () => expired(deadline.failure()))
        : timers.start(timeout, () => this.#expire(`took longer than its timeout of ${timeout} ms.`));
    this.restartSilence();
  }

  restartSilence(): void {
    const longest = this.#heartbeatTimeout;
    if (longest === null) return;
    this.#silence?.cancel();
    this.#silence = this.#timers.start(longest, () => this.#expire(`sent no heartbeat for ${longest} ms.`));
  }

  stop(): void {
    this.#limit.cancel();
    this.#silence?.cancel();
  }

  #expire(what: string): void {
    const { attempt, scheduled } = this.#activity;
    this.#expired(new TimeoutFailure(`Attempt ${attempt} of ${scheduled.name} ${what}`));
  }
}
