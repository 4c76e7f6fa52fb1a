import type { ActivityInFlight, Codec, Encoded } from '../../core/index.js';
import type { Observer, RunFacts } from '../../observability/index.js';
import { ActivityContext } from './activity-context.js';
import type { ActivityLogger } from './activity-context.js';
import type { StopSwitch } from '../../concurrency/index.js';

/** The attempt that a context stands for. */
export interface AttemptFacts {
  readonly run: RunFacts;
  readonly activity: ActivityInFlight;
  readonly stopSwitch: StopSwitch;
  readonly observer: Observer;
  readonly codec: Codec;
  readonly lastHeartbeat: Encoded | null;
  heartbeat(details: unknown): void;
}

/** The context of one attempt. */
export class AttemptContext extends ActivityContext {
  readonly #attempt: AttemptFacts;
  constructor(attempt: AttemptFacts) {
    super();
    this.#attempt = attempt;
  }
  get signal(): AbortSignal {
    return this.#attempt.stopSwitch.signal;
  }
  get attempt(): number {
    return this.#attempt.activity.attempt;
  }
  get activity(): string {
    return this.#attempt.activity.scheduled.name;
  }
  get workflowId(): string {
    return this.#attempt.run.workflowId;
  }
  get runId(): string {
    return this.#attempt.run.runId;
  }
  get idempotencyKey(): string {
    const { firstTry, scheduled } = this.#attempt.activity;
    return `${this.#attempt.run.runId}:${firstTry ?? scheduled.id}`;
  }
  get lastHeartbeat(): unknown {
    const last = this.#attempt.lastHeartbeat;
    return last === null ? undefined : this.#attempt.codec.decode(last);
  }
  heartbeat(details?: unknown): void {
    this.#attempt.heartbeat(details);
  }
  get logger(): ActivityLogger {
    const say =
      (level: 'log' | 'warn' | 'error' | 'debug') =>
      (message: string, facts?: Readonly<Record<string, unknown>>): void =>
        this.#attempt.observer.notice({
          type: 'activity log',
          run: this.#attempt.run,
          activity: this.activity,
          level,
          message,
          facts: facts ?? null,
        });
    return { log: say('log'), warn: say('warn'), error: say('error'), debug: say('debug') };
  }
}
