import type { ActivityInFlight, Codec, Encoded } from '../../core/index.js';
import type { Observer, RunFacts } from '../../observability/index.js';
import { ActivityContext } from './activity-context.js';
import type { ActivityLogger } from './activity-context.js';
import type { StopSwitch } from '../../concurrency/index.js';

/** What an attempt tells of its progress. */
export class Heartbeats {
  #last: Encoded | null;
  #heard: () => void = () => {};
  #over = false;
  readonly #tell: (details: Encoded) => void;
  readonly #codec: Codec;
  constructor(last: Encoded | null, tell: (details: Encoded) => void, codec: Codec) {
    this.#last = last;
    this.#tell = tell;
    this.#codec = codec;
  }
  get last(): Encoded | null {
    return this.#last;
  }
  listen(heard: () => void): void {
    this.#heard = heard;
  }
  beat(details: unknown): void {
    if (this.#over) return;
    this.#heard();
    if (details === undefined) return;
    this.#last = this.#codec.encode(details);
    this.#tell(this.#last);
  }
  end(): void {
    this.#over = true;
  }
}

/** The context of one attempt. */
export class AttemptContext extends ActivityContext {
  readonly #run: RunFacts;
  readonly #activity: ActivityInFlight;
  readonly #stop: StopSwitch;
  readonly #heartbeats: Heartbeats;
  readonly #observer: Observer;
  readonly #codec: Codec;
  constructor(
    run: RunFacts,
    activity: ActivityInFlight,
    stop: StopSwitch,
    heartbeats: Heartbeats,
    observer: Observer,
    codec: Codec,
  ) {
    super();
    this.#run = run;
    this.#activity = activity;
    this.#stop = stop;
    this.#heartbeats = heartbeats;
    this.#observer = observer;
    this.#codec = codec;
  }
  get signal(): AbortSignal {
    return this.#stop.signal;
  }
  get attempt(): number {
    return this.#activity.attempt;
  }
  get activity(): string {
    return this.#activity.scheduled.name;
  }
  get workflowId(): string {
    return this.#run.workflowId;
  }
  get runId(): string {
    return this.#run.runId;
  }
  get idempotencyKey(): string {
    return `${this.#run.runId}:${this.#activity.scheduled.id}`;
  }
  get lastHeartbeat(): unknown {
    const last = this.#heartbeats.last;
    return last === null ? undefined : this.#codec.decode(last);
  }
  heartbeat(details?: unknown): void {
    this.#heartbeats.beat(details);
  }
  get logger(): ActivityLogger {
    const say =
      (level: 'log' | 'warn' | 'error' | 'debug') =>
      (message: string, facts?: Readonly<Record<string, unknown>>): void =>
        this.#observer.notice({
          type: 'activity log',
          run: this.#run,
          activity: this.activity,
          level,
          message,
          facts: facts ?? null,
        });
    return { log: say('log'), warn: say('warn'), error: say('error'), debug: say('debug') };
  }
}
