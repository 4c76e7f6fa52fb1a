import { AsyncLocalStorage } from 'node:async_hooks';

const attempts = new AsyncLocalStorage<ActivityContext>();

/** A logger whose lines carry the activity, the attempt and the workflow id. */
export interface ActivityLogger {
  log(message: string, facts?: Readonly<Record<string, unknown>>): void;
  warn(message: string, facts?: Readonly<Record<string, unknown>>): void;
  error(message: string, facts?: Readonly<Record<string, unknown>>): void;
  debug(message: string, facts?: Readonly<Record<string, unknown>>): void;
}

/**
 * What one attempt of an activity knows about itself. A method reaches it by a default parameter, a class that is
 * one activity gets it as the last argument:
 *
 * ```ts
 * @Activity()
 * async charge(order: Order, ctx = ActivityContext.current()): Promise<Payment> {
 *   return this.gateway.charge(order.total, { idempotencyKey: ctx.idempotencyKey, signal: ctx.signal });
 * }
 * ```
 */
export abstract class ActivityContext {
  /** 1 for the first. */
  abstract readonly attempt: number;
  abstract readonly workflowId: string;
  abstract readonly runId: string;
  /** The activity's name: `PaymentActivities.charge`. */
  abstract readonly activity: string;
  /**
   * The same for every attempt of this call, and of no other call: what a payment gateway wants to see, so that a
   * second attempt does not charge a second time.
   */
  abstract readonly idempotencyKey: string;
  /**
   * Aborted when nobody waits for this attempt any more: it was cancelled, its time ran out, its worker lost the
   * run, or the process shuts down. Hand it to `fetch` and to whatever else can be stopped.
   */
  abstract readonly signal: AbortSignal;
  /** What the attempt before this one last told by {@link heartbeat}; `undefined` when it told nothing. */
  abstract readonly lastHeartbeat: unknown;
  abstract readonly logger: ActivityLogger;

  /**
   * Says that the attempt is alive, and optionally how far it came: the next attempt finds `details` in
   * {@link lastHeartbeat}. With a `heartbeatTimeout`, an attempt that is silent for longer is given up.
   *
   * @throws UnstorableValueError when `details` cannot be stored
   */
  abstract heartbeat(details?: unknown): void;

  /**
   * The attempt that runs here.
   *
   * @throws Error outside an activity. In a unit test, wrap the call in {@link ActivityContext.run}.
   */
  static current(): ActivityContext {
    const context = attempts.getStore();
    if (!context) {
      throw new Error(
        'ActivityContext.current() was called outside an activity. ' +
          'In a test, pass a context, or wrap the call: ActivityContext.run(context, () => …).',
      );
    }
    return context;
  }

  /** Runs a function as if it were this attempt: for unit tests. */
  static run<T>(context: ActivityContext, fn: () => T): T {
    return attempts.run(context, fn);
  }
}
