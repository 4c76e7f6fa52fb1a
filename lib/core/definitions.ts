import type { Mistakes } from './misuse.js';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { RecordedActivityOptions, RollbackOrder, RunLimits } from './history.js';
import type { WorkflowContext } from './workflow-context.js';

/**
 * What the application declared, as data: found by the explorer (or written by hand in a test), read by the
 * fold and the engine, which know nothing of decorators and dependency injection.
 */
export interface WorkflowDefinition {
  readonly name: string;
  /** Names that it had before: runs that are stored under one of them are its own. Defaults to none. */
  readonly aliases?: readonly string[] | undefined;
  readonly version: number;
  /** Whether a failed or cancelled run undoes its completed activities by itself. */
  readonly compensation: 'automatic' | 'manual';
  /** Whether steps are undone one at a time, the last completed first, or all side by side (F20). Defaults to `'reverse'`. */
  readonly rollbackOrder?: RollbackOrder | undefined;
  /** What becomes of a run with an uncaught error of JavaScript itself. Defaults to what its worker says. */
  readonly mistakes?: Mistakes | undefined;
  /** How long its runs may take, where their start does not say. Defaults to no limit. */
  readonly limits?: RunLimits | undefined;
  /** Applied to the input by whoever starts a run by name. */
  readonly input?: StandardSchemaV1 | undefined;
  /** Names of the methods that handle signals. */
  readonly signals: ReadonlySet<string>;
  /** The schemas of their payloads, by name: applied to what no sender has checked by them (F34). Defaults to none. */
  readonly signalInputs?: ReadonlyMap<string, StandardSchemaV1> | undefined;
  /** The methods that handle updates, by name. Defaults to none. */
  readonly updates?: ReadonlyMap<string, UpdateHandler> | undefined;
  /** Names of the methods that answer queries. */
  readonly queries: ReadonlySet<string>;
  /**
   * Makes the object of one run: `new OrderWorkflow(...)`, its activities bound to `binding`.
   * Called again at every replay.
   */
  construct(binding: RunBinding): WorkflowInstance;
  /** The activity that `ctx.run(Class)` means, or all of `ctx.activities(Class)`; `undefined` when the class is none. */
  activitiesOf(type: ActivityToken): ActivityGroup | undefined;
}

/** What is declared of the handler of an update. */
export interface UpdateHandler {
  /** The method that looks at an update before it is accepted, and throws to refuse it; `null` for none. */
  readonly validator: string | null;
  /** The schema of its payload: applied to what no sender has checked by it (F34). Defaults to none. */
  readonly input?: StandardSchemaV1 | undefined;
}

/** A class, by which activities are asked for. */
export type ActivityToken = abstract new (...dependencies: never[]) => object;

/** The object of one run: `run`, and the handlers by name. */
export interface WorkflowInstance {
  run(context: WorkflowContext, input: unknown): Promise<unknown>;
}

/** What a run's object holds of its run. */
export interface RunBinding {
  readonly context: WorkflowContext;
  /** Schedules an activity in this run; what a durable proxy calls. */
  schedule(
    activity: ActivityDefinition,
    args: readonly unknown[],
    options?: ActivityCallOptions,
  ): Promise<unknown>;
}

/** The activities of one provider, by method name. */
export interface ActivityGroup {
  readonly name: string;
  readonly activities: ReadonlyMap<string, ActivityDefinition>;
}

export interface ActivityDefinition {
  /** Unique in the application: `PaymentActivities.charge`, `ShipOrder`. */
  readonly name: string;
  /** Names that it had before: histories may know it by one of them. Defaults to none. */
  readonly aliases?: readonly string[] | undefined;
  /** The method of the provider that does the work. */
  readonly method: string;
  readonly options: ResolvedActivityOptions;
  /** The activity that undoes this one. */
  readonly compensation: ActivityDefinition | null;
}

/** Every option with its default filled in. Durations in milliseconds. */
export interface ResolvedActivityOptions {
  readonly retry: ResolvedRetryOptions;
  /** Start to close, of one attempt. */
  readonly timeout: number;
  /** From the first attempt's schedule to the last one's close; `null` for none. */
  readonly scheduleToCloseTimeout: number | null;
  /** The longest silence between two heartbeats; `null` for none. */
  readonly heartbeatTimeout: number | null;
  /** How many attempts run at a time in this process; `null` for no limit of its own. */
  readonly concurrency: number | null;
}
export interface ResolvedRetryOptions {
  /** The first attempt included; `Infinity` allowed. */
  readonly maxAttempts: number;
  readonly initialInterval: number;
  readonly backoff: number;
  readonly maxInterval: number;
  /** The share of an interval that is drawn by chance, 0 to 1. */
  readonly jitter: number;
  /** Names of error classes after which no attempt follows. */
  readonly nonRetryable: readonly string[];
}

/** What a single call asks for, already in milliseconds and names. */
export type ActivityCallOptions = RecordedActivityOptions;
