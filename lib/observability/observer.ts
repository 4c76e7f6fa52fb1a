import { errorText, readProperty } from '../core/index.js';

/** Which run something happened to. */
export interface RunFacts {
  readonly workflow: string;
  readonly workflowId: string;
  readonly runId: string;
}

/** A durable call that a completed run has not awaited, and what became of it. */
export type ForgottenCall = {
  /** The activity, such as `Mails.send`, or the call of the context, such as `ctx.sleep`. */
  readonly call: string;
} & (
  | { readonly outcome: 'failed'; readonly error: unknown }
  /** A sleep, a condition or a wait for a signal: it ended, and nobody had waited for it. */
  | { readonly outcome: 'over' }
  /** The run has completed before it ended: what an activity still does is for nothing. */
  | { readonly outcome: 'under way' }
  /** An activity that was called in the very turn that completed the run. Perhaps some code awaited it, but no code awaited that code. */
  | { readonly outcome: 'never began' }
);

/** A workflow, as a process offers it. */
export interface WorkflowFacts {
  readonly name: string;
  /** Names that it had before. Absent: none. */
  readonly aliases?: readonly string[];
  readonly version: number;
  readonly signals: readonly string[];
  readonly queries: readonly string[];
}

/** Where an instance of Continuum works, and what it knows. */
export interface InstanceFacts {
  readonly namespace: string;
  /** Where its tables are; `null` in memory. */
  readonly schema: string | null;
  readonly workflows: readonly WorkflowFacts[];
  /** Names, compensations included. */
  readonly activities: readonly string[];
}

/** What can be seen of an engine at work. One name per thing, the same in logs, metrics and tests. */
export type EngineEvent =
  /** Once, when the application has started: from now on runs of these workflows are taken. */
  | ({ readonly type: 'worker started'; readonly workerId: string } & InstanceFacts)
  /** The same of a process that is a client only. */
  | ({ readonly type: 'client started' } & InstanceFacts)
  /** Once, when the application is being closed: nothing runs here any more. */
  | {
      readonly type: 'worker drained';
      readonly workerId: string;
      /** How long that took, in ms. */
      readonly took: number;
      /** Runs that other workers can take up at once. */
      readonly givenBack: number;
      /** Runs that ended meanwhile. */
      readonly ended: number;
      /** Runs that could not be given back in time: they are taken over when the session of this worker is over. */
      readonly left: number;
    }
  | { readonly type: 'worker registered'; readonly workerId: string }
  | { readonly type: 'worker lost'; readonly workerId: string; readonly reason: string }
  | {
      readonly type: 'workers rescued';
      readonly deadWorkers: readonly string[];
      readonly freedActors: number;
    }
  /** Its workers died one after the other, the last one while this run was alone in it: it is tried again much later. */
  | { readonly type: 'run blocked'; readonly run: RunFacts; readonly reason: string }
  /** `deaths`: so many workers died while they held it, one after the other, since it last went on. */
  | { readonly type: 'run claimed'; readonly run: RunFacts; readonly deaths: number }
  /** So many runs had this worker as their owner without its knowledge, and can be claimed again. */
  | { readonly type: 'unheld leases given back'; readonly workerId: string; readonly count: number }
  | { readonly type: 'run released'; readonly run: RunFacts; readonly wakeAt: number | null }
  | {
      readonly type: 'run closed';
      readonly run: RunFacts;
      readonly state: 'completed' | 'failed' | 'cancelled' | 'timed_out';
      readonly error: unknown;
      /** `incomplete`: a step could not be undone, and somebody must look. `none` of a run that has completed. */
      readonly rollback: 'none' | 'complete' | 'incomplete';
    }
  /** It goes on as another run of its workflow id. */
  | {
      readonly type: 'run continued';
      readonly run: RunFacts;
      readonly next: RunFacts;
      readonly version: number;
    }
  | { readonly type: 'turn committed'; readonly run: RunFacts; readonly entries: number }
  | { readonly type: 'turn refused'; readonly run: RunFacts; readonly reason: string }
  | { readonly type: 'turn failed'; readonly run: RunFacts; readonly error: Error; readonly retryIn: number }
  /** The payload of a signal does not fit the schema of the code that takes it, and its sender knew no schema. It is recorded as refused, and no code gets it. */
  | {
      readonly type: 'signal refused';
      readonly run: RunFacts;
      readonly signal: string;
      /** What the schema says. */
      readonly issues: string;
    }
  | { readonly type: 'lease lost'; readonly run: RunFacts }
  | {
      readonly type: 'activity attempt started';
      readonly run: RunFacts;
      readonly activity: string;
      readonly attempt: number;
    }
  | {
      readonly type: 'activity attempt failed';
      readonly run: RunFacts;
      readonly activity: string;
      readonly attempt: number;
      readonly error: unknown;
      readonly retryIn: number | null;
    }
  | {
      readonly type: 'workflow log';
      readonly run: RunFacts;
      readonly level: 'log' | 'warn' | 'error' | 'debug';
      readonly message: string;
      readonly facts: Readonly<Record<string, unknown>> | null;
    }
  | {
      readonly type: 'activity log';
      readonly run: RunFacts;
      readonly activity: string;
      readonly level: 'log' | 'warn' | 'error' | 'debug';
      readonly message: string;
      readonly facts: Readonly<Record<string, unknown>> | null;
    }
  /** A promise that nobody awaits was rejected. It fails the turn that would complete the run. */
  | { readonly type: 'rejection floats'; readonly run: RunFacts; readonly error: unknown }
  /**
   * The run has completed without having awaited these calls, in any way: not by `await`, not by `then`, not by
   * `Promise.race` and the like. An activity that succeeded is none of them.
   */
  | {
      readonly type: 'calls not awaited';
      readonly run: RunFacts;
      readonly calls: readonly ForgottenCall[];
    }
  /** A worker started a workflow that is not among its own: another one must run it. Once per name and version. */
  | { readonly type: 'workflow not served here'; readonly workflow: string; readonly version: number }
  /** Open runs wait for a worker that has this workflow in this version: none is there. Once per worker. */
  | { readonly type: 'workflow not served'; readonly workflow: string; readonly version: number }
  /**
   * The event loop did not turn for longer than `timeout` ms: code of this run kept it busy, or, with `null`, something
   * that is no workflow. Told when it turns again; the watchdog has written it to the standard error at once.
   */
  | { readonly type: 'event loop blocked'; readonly run: RunFacts | null; readonly timeout: number }
  | { readonly type: 'journal unavailable'; readonly during: string; readonly error: Error }
  /** Again, after it was not. */
  | { readonly type: 'journal available' };

/**
 * Hears what an engine does. Called synchronously where it happens, so it must be quick.
 * What it throws, or its promise rejects with, is reported as a process warning and changes nothing.
 */
export interface Observer {
  notice(event: EngineEvent): void;
}

/** Tells several observers, each guarded from the others' errors. */
export class Observers implements Observer {
  readonly #observers: Observer[];
  /** Failures that were told, as one of an observer comes back with every event of its kind. */
  readonly #told = new WeakMap<Observer, Set<string>>();

  constructor(observers: readonly Observer[] = []) {
    this.#observers = [...observers];
  }
  add(observer: Observer): () => void {
    this.#observers.push(observer);
    return () => {
      const at = this.#observers.indexOf(observer);
      if (at >= 0) this.#observers.splice(at, 1);
    };
  }
  notice(event: EngineEvent): void {
    for (const observer of this.#observers) {
      try {
        // An async method passes for one that returns nothing.
        const returned: unknown = observer.notice(event);
        if (returned !== undefined) this.#await(returned, observer, event);
      } catch (error) {
        this.#failed(observer, event, error);
      }
    }
  }

  #await(returned: unknown, observer: Observer, event: EngineEvent): void {
    if (typeof readProperty(returned, 'then') !== 'function') return;
    Promise.resolve(returned).catch((error: unknown) => this.#failed(observer, event, error));
  }

  #failed(observer: Observer, { type }: EngineEvent, error: unknown): void {
    const told = this.#told.get(observer) ?? new Set();
    if (told.has(type)) return;
    this.#told.set(observer, told.add(type));
    process.emitWarning(
      `An observer failed at "${type}": ${errorText(error)}. It is not told again of this observer and kind of event.`,
      'ContinuumObserverWarning',
    );
  }
}
