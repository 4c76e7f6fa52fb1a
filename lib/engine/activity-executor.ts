import { effectiveOptions, readProperty } from '../core/index.js';
import type {
  ActivityInFlight,
  Codec,
  Encoded,
  EncodedFailure,
  Instant,
  ResolvedActivityOptions,
} from '../core/index.js';
import type { Observer, RunFacts } from '../observability/index.js';
import type { AsyncScope } from './async-scope.js';
import { AttemptClock, Deadline } from './attempt-clock.js';
import { AttemptContext, Heartbeats } from './attempt-context.js';
import { LongTimer } from './long-timer.js';
import type { ActivityHandler, Registry } from './registry.js';
import { Slots } from './slots.js';
import { StopRequest, StopSwitch } from './stop-switch.js';
import type { StopReason } from './stop-switch.js';

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
  /** Continuum ended it, by a shutdown or by giving its run back, and nobody can tell its result. */
  | { readonly type: 'interrupted'; readonly message: string }
  /** It ended with its process. */
  | { readonly type: 'lost'; readonly message: string };

export interface Attempt {
  readonly activity: ActivityInFlight;
  readonly options: ResolvedActivityOptions;
  readonly outcome: Promise<AttemptOutcome>;
  stop(reason: StopReason): void;
  /** What it last told by `heartbeat(details)`. */
  readonly lastHeartbeat: () => Encoded | null;
}

export interface AttemptRequest {
  readonly run: RunFacts;
  readonly activity: ActivityInFlight;
  readonly now: Instant;
  /** New progress was told. */
  readonly onHeartbeat: (details: Encoded) => void;
}

/** Runs attempts of activities in this process, within its slots. */
export class ActivityExecutor {
  readonly #slots: Slots;
  readonly #own = new Map<string, Slots>();
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

  begin(request: AttemptRequest): Attempt {
    const { activity } = request;
    const handler = this.#registry.activities.get(activity.scheduled.name);
    if (!handler) throw new Error(`No activity "${activity.scheduled.name}" in this process.`);
    const options = effectiveOptions(handler.definition.options, activity.scheduled.options);
    const stop = new StopSwitch();
    const heartbeats = new Heartbeats(activity.heartbeat, request.onHeartbeat, this.#codec);
    // Outside the run: what an activity does belongs to no window (F25).
    const outcome = this.#scope.detached(() => this.#attempt(handler, options, request, stop, heartbeats));
    return {
      activity,
      options,
      outcome,
      stop: (reason) => stop.stop(new StopRequest(reason)),
      lastHeartbeat: () => heartbeats.last,
    };
  }

  async #attempt(
    handler: ActivityHandler,
    options: ResolvedActivityOptions,
    request: AttemptRequest,
    stop: StopSwitch,
    heartbeats: Heartbeats,
  ): Promise<AttemptOutcome> {
    const deadline = Deadline.of(options, request);
    if (deadline?.isOver) return { type: 'too late' };
    // While it waits for a slot, nothing else looks at the time.
    const waiting = deadline && LongTimer.start(deadline.left, () => stop.stop(deadline.failure()));
    const own = this.#ownSlots(handler.definition.name, options.concurrency);
    if (own && !(await own.take(stop))) return unbegun(stop, waiting);
    try {
      if (!(await this.#slots.take(stop))) return unbegun(stop, waiting);
      try {
        // A stop may have come since the slot was given.
        if (stop.reason) return unbegun(stop, waiting);
        waiting?.cancel();
        if (deadline?.isOver) return { type: 'too late' };
        return await this.#execute(handler, options, request, stop, heartbeats, deadline);
      } finally {
        this.#slots.free();
      }
    } finally {
      own?.free();
    }
  }

  async #execute(
    handler: ActivityHandler,
    options: ResolvedActivityOptions,
    { run, activity }: AttemptRequest,
    stop: StopSwitch,
    heartbeats: Heartbeats,
    deadline: Deadline | null,
  ): Promise<AttemptOutcome> {
    const { name, args } = activity.scheduled;
    this.#observer.notice({
      type: 'activity attempt started',
      run,
      activity: name,
      attempt: activity.attempt,
    });
    const context = new AttemptContext(run, activity, stop, heartbeats, this.#observer, this.#codec);
    const clock = new AttemptClock(name, activity.attempt, options, stop, deadline);
    heartbeats.listen(() => clock.heardOf());
    try {
      const work = handler.execute(this.#codec.decode(args) as unknown[], context);
      return { type: 'completed', result: this.#codec.encode(await Promise.race([work, clock.expired])) };
    } catch (error) {
      // Asked to stop, and not done: whatever it threw says that it stopped.
      if (stop.reason instanceof StopRequest) return { type: 'cancelled' };
      return { type: 'failed', failure: this.#codec.encodeFailure(error), errorNames: namesOf(error) };
    } finally {
      clock.stop();
      heartbeats.end();
    }
  }

  #ownSlots(name: string, concurrency: number | null): Slots | undefined {
    if (concurrency === null) return undefined;
    let slots = this.#own.get(name);
    if (!slots) this.#own.set(name, (slots = new Slots(concurrency)));
    return slots;
  }
}

/** It has not begun: because it was asked to stop, or because its time has run out. */
function unbegun(stop: StopSwitch, waiting: LongTimer | null): AttemptOutcome {
  waiting?.cancel();
  return { type: stop.reason instanceof StopRequest ? 'never begun' : 'too late' };
}

/** The name an error gives itself, and those of its classes. What cannot be read of a hostile one is left out. */
function namesOf(error: unknown): string[] {
  const names = new Set<unknown>();
  if (typeof error === 'object' && error !== null) names.add(readProperty(error, 'name'));
  let type = prototypeOf(error);
  for (let depth = 0; type !== null && depth < DEEPEST_CLASS; depth++) {
    const constructor = readProperty(type, 'constructor');
    if (typeof constructor === 'function' && constructor !== Object)
      names.add(readProperty(constructor, 'name'));
    type = prototypeOf(type);
  }
  return [...names].filter((name) => typeof name === 'string');
}

/** The prototypes of a proxy may have no end. */
const DEEPEST_CLASS = 50;

function prototypeOf(value: unknown): object | null {
  try {
    return typeof value === 'object' && value !== null
      ? (Object.getPrototypeOf(value) as object | null)
      : null;
  } catch {
    return null;
  }
}
