import { effectiveOptions } from '../../core/index.js';
import type {
  ActivityInFlight,
  ActivityScheduled,
  Codec,
  Encoded,
  EncodedFailure,
  Instant,
  ResolvedActivityOptions,
} from '../../core/index.js';
import type { Observer, RunFacts } from '../../observability/index.js';
import type { AsyncScope } from '../process/async-scope.js';
import type { Registry } from '../registry.js';
import { RunningAttempt } from './running-attempt.js';
import type { RunningAttemptParts } from './running-attempt.js';
import { SharedTimers } from '../../concurrency/index.js';
import { Slots } from '../../concurrency/index.js';
import type { StopReason } from '../../concurrency/index.js';

/** How one attempt ended. */
export type AttemptOutcome =
  | { readonly type: 'completed'; readonly result: Encoded }
  | {
      readonly type: 'failed';
      readonly failure: EncodedFailure;
      /** What it is called, and what its classes are called: compared with `nonRetryable`. */
      readonly errorNames: readonly string[];
    }
  /** It was asked to stop, and stopped. */
  | { readonly type: 'cancelled' }
  /** It was still waiting for a slot when it was asked to stop: nothing has happened. */
  | { readonly type: 'never begun' }
  /** Its deadline (`scheduleToCloseTimeout`) had passed before it began: nothing has happened. */
  | { readonly type: 'too late' }
  /** Continuum ended it, by a shutdown or by giving its run back. Whether it had its effect is not known. */
  | { readonly type: 'interrupted'; readonly message: string }
  /** It ended with its process. */
  | { readonly type: 'lost'; readonly message: string };

export interface Attempt {
  readonly activity: ActivityInFlight;
  stop(reason: StopReason): void;
  /** What it last told by `heartbeat(details)`. */
  readonly lastHeartbeat: Encoded | null;
}

export interface AttemptRequest {
  readonly run: RunFacts;
  readonly activity: ActivityInFlight;
  readonly now: Instant;
  readonly listener: AttemptListener;
}

/** Hears of the attempts that it asked for. */
export interface AttemptListener {
  /** It is made, and begins now. */
  attemptMade(attempt: Attempt): void;
  /** It told new progress. */
  attemptProgressed(attempt: Attempt): void;
  /** Called once; for an activity that answers at once, during {@link ActivityExecutor.begin}. */
  attemptEnded(attempt: Attempt, outcome: AttemptOutcome): void;
}

/** Runs attempts of activities in this process, within its slots. */
export class ActivityExecutor {
  readonly #slots: Slots;
  readonly #own = new Map<string, Slots>();
  /** What attempts need that were asked for without options of their own, by the name of the activity: the same for all of them. */
  readonly #usual = new Map<string, RunningAttemptParts>();
  readonly #timers = new SharedTimers();
  readonly #registry: Registry;
  readonly #codec: Codec;
  readonly #scope: AsyncScope;
  readonly #observer: Observer;

  constructor(parts: {
    readonly registry: Registry;
    readonly codec: Codec;
    readonly scope: AsyncScope;
    readonly observer: Observer;
    readonly slots: number;
  }) {
    this.#registry = parts.registry;
    this.#codec = parts.codec;
    this.#scope = parts.scope;
    this.#observer = parts.observer;
    this.#slots = new Slots(parts.slots);
  }

  /** The options of an activity in flight; `undefined` when this process does not have the activity. */
  optionsOf(activity: ActivityInFlight): ResolvedActivityOptions | undefined {
    const handler = this.#registry.activities.get(activity.scheduled.name);
    return handler && effectiveOptions(handler.definition.options, activity.scheduled.options);
  }

  /** Whether this process has the activity. */
  has(activity: ActivityInFlight): boolean {
    return this.#registry.activities.has(activity.scheduled.name);
  }

  begin(request: AttemptRequest): void {
    const attempt = new RunningAttempt(request, this.#partsFor(request.activity.scheduled));
    // Before it begins, because it may end at once.
    request.listener.attemptMade(attempt);
    // Outside the run: what an activity does belongs to no window (F25).
    this.#scope.detached(() => attempt.begin());
  }

  #partsFor({ name, options }: ActivityScheduled): RunningAttemptParts {
    if (options !== null) return this.#makeParts(name, options);
    let parts = this.#usual.get(name);
    if (!parts) this.#usual.set(name, (parts = this.#makeParts(name, null)));
    return parts;
  }

  #makeParts(name: string, asked: ActivityScheduled['options']): RunningAttemptParts {
    const handler = this.#registry.activities.get(name);
    if (!handler) throw new Error(`No activity "${name}" in this process.`);
    const options = effectiveOptions(handler.definition.options, asked);
    // One limit for all of its names.
    const own = this.#ownSlots(handler.definition.name, options.concurrency);
    const slots = own ? [own, this.#slots] : [this.#slots];
    return { handler, options, slots, timers: this.#timers, codec: this.#codec, observer: this.#observer };
  }

  #ownSlots(name: string, concurrency: number | null): Slots | undefined {
    if (concurrency === null) return undefined;
    let slots = this.#own.get(name);
    if (!slots) this.#own.set(name, (slots = new Slots(concurrency)));
    return slots;
  }
}
