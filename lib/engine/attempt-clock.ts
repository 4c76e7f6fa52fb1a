import { performance } from 'node:perf_hooks';
import { deadlineOf, TimeoutFailure } from '../core/index.js';
import type { ActivityInFlight, Instant, ResolvedActivityOptions } from '../core/index.js';
import { LongTimer } from './long-timer.js';
import type { StopSwitch } from './stop-switch.js';

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

/** Ends an attempt that takes too long, or that has not been heard of for too long. */
export class AttemptClock {
  readonly expired: Promise<never>;
  #expire!: (error: Error) => void;
  readonly #timeout: LongTimer;
  #silence: LongTimer | undefined;
  readonly #heartbeatTimeout: number | null;
  readonly #label: string;

  constructor(
    name: string,
    attempt: number,
    { timeout, heartbeatTimeout }: ResolvedActivityOptions,
    stop: StopSwitch,
    deadline: Deadline | null,
  ) {
    this.#label = `Attempt ${attempt} of ${name}`;
    this.#heartbeatTimeout = heartbeatTimeout;
    this.expired = new Promise((_, reject) => {
      this.#expire = (error) => {
        reject(error);
        // The activity may still be at work: tell it.
        stop.stop(error);
      };
    });
    this.expired.catch(() => {});
    const left = deadline?.left ?? Number.POSITIVE_INFINITY;
    const late = (): Error =>
      deadline !== null && left <= timeout
        ? deadline.failure()
        : new TimeoutFailure(`${this.#label} took longer than its timeout of ${timeout} ms.`);
    this.#timeout = LongTimer.start(Math.min(timeout, left), () => this.#expire(late()));
    this.heardOf();
  }

  heardOf(): void {
    const longest = this.#heartbeatTimeout;
    if (longest === null) return;
    this.#silence?.cancel();
    this.#silence = LongTimer.start(longest, () =>
      this.#expire(new TimeoutFailure(`${this.#label} sent no heartbeat for ${longest} ms.`)),
    );
  }

  stop(): void {
    this.#timeout.cancel();
    this.#silence?.cancel();
  }
}
