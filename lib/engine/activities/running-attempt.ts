import { isThenable, readProperty } from '../../core/index.js';
import type { ActivityInFlight, Codec, Encoded, ResolvedActivityOptions } from '../../core/index.js';
import type { Observer, RunFacts } from '../../observability/index.js';
import type { Attempt, AttemptOutcome, AttemptRequest } from './activity-executor.js';
import { AttemptClock, Deadline } from './attempt-clock.js';
import { AttemptContext } from './attempt-context.js';
import type { AttemptFacts } from './attempt-context.js';
import { LongTimer } from '../../concurrency/index.js';
import type { ActivityHandler } from '../registry.js';
import type { SharedTimers } from '../../concurrency/index.js';
import type { Slots } from '../../concurrency/index.js';
import { StopRequest, StopSwitch } from '../../concurrency/index.js';
import type { StopReason } from '../../concurrency/index.js';

export interface RunningAttemptParts {
  readonly handler: ActivityHandler;
  readonly options: ResolvedActivityOptions;
  /** One of each is needed, in this order. */
  readonly slots: readonly Slots[];
  readonly timers: SharedTimers;
  readonly codec: Codec;
  readonly observer: Observer;
}

/**
 * One attempt, from waiting for a slot to its end. Where a slot is free it makes no promise of its own, so that a short activity
 * costs little.
 */
export class RunningAttempt implements Attempt, AttemptFacts {
  readonly #request: AttemptRequest;
  readonly #parts: RunningAttemptParts;
  readonly stopSwitch = new StopSwitch();
  #lastHeartbeat: Encoded | null;
  readonly #deadline: Deadline | null;
  #slotsTaken = 0;
  #clock: AttemptClock | null = null;
  #over = false;

  constructor(request: AttemptRequest, parts: RunningAttemptParts) {
    this.#request = request;
    this.#parts = parts;
    this.#lastHeartbeat = request.activity.heartbeat;
    this.#deadline = Deadline.of(parts.options, request);
  }

  get activity(): ActivityInFlight {
    return this.#request.activity;
  }
  get run(): RunFacts {
    return this.#request.run;
  }
  get observer(): Observer {
    return this.#parts.observer;
  }
  get codec(): Codec {
    return this.#parts.codec;
  }
  get lastHeartbeat(): Encoded | null {
    return this.#lastHeartbeat;
  }

  /** The activity says that it is alive, and how far it is. */
  heartbeat(details: unknown): void {
    if (this.#over) return;
    this.#clock?.restartSilence();
    if (details === undefined) return;
    this.#lastHeartbeat = this.codec.encode(details);
    this.#request.listener.attemptProgressed(this);
  }

  stop(reason: StopReason): void {
    if (!this.#over) this.stopSwitch.stop(new StopRequest(reason));
  }

  begin(): void {
    if (this.#deadline?.isOver) return this.#end({ type: 'too late' });
    const { slots } = this.#parts;
    while (this.#slotsTaken < slots.length && slots[this.#slotsTaken]!.tryTake()) this.#slotsTaken++;
    if (this.#slotsTaken === slots.length) this.#execute();
    else void this.#standInLine();
  }

  async #standInLine(): Promise<void> {
    const { slots } = this.#parts;
    const deadline = this.#deadline;
    // The attempt's own clock begins with the attempt, so the deadline needs a timer while it waits.
    const timer = deadline && LongTimer.start(deadline.left, () => this.stopSwitch.stop(deadline.failure()));
    while (this.#slotsTaken < slots.length && (await slots[this.#slotsTaken]!.take(this.stopSwitch)))
      this.#slotsTaken++;
    timer?.cancel();
    // A stop may have come since the last slot was given.
    if (this.stopSwitch.reason instanceof StopRequest) this.#end({ type: 'never begun' });
    else if (this.stopSwitch.reason || deadline?.isOver) this.#end({ type: 'too late' });
    else this.#execute();
  }

  #execute(): void {
    const { run, activity } = this.#request;
    const { handler, options, timers, codec, observer } = this.#parts;
    const { name, args } = activity.scheduled;
    observer.notice({ type: 'activity attempt started', run, activity: name, attempt: activity.attempt });
    const context = new AttemptContext(this);
    this.#clock = new AttemptClock(activity, options, this.#deadline, timers, (error) => this.#expire(error));
    try {
      const work = handler.execute(codec.decode(args) as unknown[], context);
      if (!isThenable(work)) return this.#completed(work);
      Promise.resolve(work).then(
        (result) => this.#completed(result),
        (error: unknown) => this.#failed(error),
      );
    } catch (error) {
      this.#failed(error);
    }
  }

  #completed(result: unknown): void {
    if (this.#over) return;
    let encoded: Encoded;
    try {
      encoded = this.#parts.codec.encode(result);
    } catch (error) {
      return this.#failed(error);
    }
    this.#end({ type: 'completed', result: encoded });
  }

  #failed(error: unknown): void {
    if (this.#over) return;
    // It was asked to stop, and did not complete. Whatever it threw, it has stopped.
    if (this.stopSwitch.reason instanceof StopRequest) return this.#end({ type: 'cancelled' });
    const failure = this.#parts.codec.encodeFailure(error);
    this.#end({ type: 'failed', failure, errorNames: namesOf(error) });
  }

  /** Its time has run out. It may still be at work, so it is asked to stop, and its result no longer counts. */
  #expire(error: Error): void {
    this.#failed(error);
    this.stopSwitch.stop(error);
  }

  #end(outcome: AttemptOutcome): void {
    this.#over = true;
    this.#clock?.stop();
    const { slots } = this.#parts;
    while (this.#slotsTaken > 0) slots[--this.#slotsTaken]!.free();
    this.#request.listener.attemptEnded(this, outcome);
  }
}

/** The name of an error, and those of its classes. What cannot be read is left out: an error may be any object. */
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
