import { performance } from 'node:perf_hooks';
// The timers of the process, not those that a test may put in their place (F26).
import { setImmediate } from 'node:timers';
import type { Steppable } from '../../core/index.js';
import type { Watchdog, WatchedRun } from './watchdog.js';

const now = performance.now.bind(performance);

export interface WindowSchedulerOptions {
  /** Steps of all runs in one phase of the event loop (F28). Defaults to 256. */
  readonly stepsPerPhase?: number;
  /** Steps of one run in one phase. Defaults to 32. */
  readonly stepsPerRun?: number;
  /** In ms. Defaults to 5. */
  readonly timePerPhase?: number;
}

/** A phase is never made smaller than this. */
const FEWEST_STEPS = 8;

/** The stepping of one fold. The fold has it while it lasts: a map of all of them would keep alive what is over (see `SharedTimers`). */
class Job {
  /** Its place in the phase under way: what the watchdog knows it by. */
  slot = 0;
  /** Nearly always one. */
  #listeners: readonly PumpListener[];
  /** Of {@link WindowScheduler.pump}; made when somebody asks for it. */
  quiet: Promise<void> | null = null;
  over = false;

  constructor(
    readonly fold: Steppable,
    readonly run: WatchedRun | null,
    listener: PumpListener,
  ) {
    this.#listeners = [listener];
  }

  get listeners(): readonly PumpListener[] {
    return this.#listeners;
  }
  listen(listener: PumpListener): void {
    this.#listeners = [...this.#listeners, listener];
  }
}

/** Hears how the stepping of a fold ended. It is called between windows, and must not throw. */
export interface PumpListener {
  /** Nothing is left to deliver. */
  quiet(): void;
  pumpFailed(error: unknown): void;
}

/**
 * Steps folds, and is the only owner of `setImmediate` (F3).
 *
 * A window opens in one immediate and closes in the next one of the same chain (F1): immediates that are queued
 * together run one after the other, and between two of them Node drains `nextTick`s and microtasks, and nothing else.
 * So `n` windows need `n + 1` immediates.
 */
export class WindowScheduler {
  readonly #stepsPerPhase: number;
  readonly #stepsPerRun: number;
  readonly #timePerPhase: number;
  #waiting: Job[] = [];
  #inPhase = false;
  /** Steps of the phase under way, and of the next one: as many as the last ones had the time for. */
  #steps: number;
  /** When the phase has taken long enough. */
  #deadline = 0;
  #watchdog: Watchdog | null = null;

  constructor({ stepsPerPhase = 256, stepsPerRun = 32, timePerPhase = 5 }: WindowSchedulerOptions = {}) {
    this.#stepsPerPhase = stepsPerPhase;
    this.#stepsPerRun = stepsPerRun;
    this.#timePerPhase = timePerPhase;
    this.#steps = stepsPerPhase;
  }

  /** From now on this watchdog sees whether windows close; `null`: none does. */
  watchedBy(watchdog: Watchdog | null): void {
    this.#watchdog = watchdog;
  }

  /** Steps a fold until it is quiet. Two calls for one fold share their answer. A watchdog knows it by `run`. */
  pump(fold: Steppable, run: WatchedRun | null = null): Promise<void> {
    const shared = fold.stepping instanceof Job ? fold.stepping.quiet : null;
    if (shared) return shared;
    let job: Job | undefined;
    const quiet = new Promise<void>((resolve, reject) => {
      job = this.#listen({ quiet: resolve, pumpFailed: reject }, fold, run);
    });
    // Not undefined: a promise calls what it is made with at once.
    job!.quiet = quiet;
    return quiet;
  }

  /** As {@link pump}, without a promise: for who steps a fold many times. */
  pumpFor(listener: PumpListener, fold: Steppable, run: WatchedRun | null): void {
    this.#listen(listener, fold, run);
  }

  #listen(listener: PumpListener, fold: Steppable, run: WatchedRun | null): Job {
    if (fold.stepping instanceof Job) {
      fold.stepping.listen(listener);
      return fold.stepping;
    }
    const job = new Job(fold, run, listener);
    fold.stepping = job;
    this.#waiting.push(job);
    this.#nextPhase();
    return job;
  }

  /** Calls code of a run that is no step of its fold, such as what answers a query. A watchdog watches it as well. */
  call<T>(run: WatchedRun, code: () => T): T {
    return this.#watchdog ? this.#watchdog.during(run, code) : code();
  }

  /** Queues the steps of a phase at once, each fold's as a chain of its own. */
  #nextPhase(): void {
    if (this.#inPhase || this.#waiting.length === 0) return;
    this.#inPhase = true;
    this.#deadline = 0;
    const chains: Job[] = [];
    let budget = this.#steps;
    for (const job of this.#waiting) {
      if (budget <= 0) break;
      const steps = Math.max(1, Math.min(job.fold.hint(), this.#stepsPerRun, budget));
      budget -= steps;
      job.slot = chains.length;
      if (job.run) this.#watchdog?.name(job.slot, job.run);
      chains.push(job);
      for (let i = 0; i < steps; i++) setImmediate(this.#step, job);
      setImmediate(this.#rest, job, chains);
    }
    this.#waiting = this.#waiting.slice(chains.length);
  }

  readonly #step = (job: Job): void => {
    if (job.over) return;
    const at = now();
    this.#deadline ||= at + this.#timePerPhase;
    // The phase has taken long enough: what is left of its immediates only closes windows. The rest waits for the next phase (F28).
    if (at > this.#deadline) return this.#close(job);
    if (job.run) this.#watchdog?.opens(job.slot);
    try {
      if (job.fold.step()) return;
    } catch (error) {
      return this.#failed(job, error);
    }
    this.#quiet(job);
  };

  /** The last immediate of every chain: no window stays open after it. The last of all ends the phase. */
  readonly #rest = (job: Job, chains: readonly Job[]): void => {
    let isQuiet = false;
    try {
      isQuiet = !job.over && job.fold.rest();
    } catch (error) {
      this.#failed(job, error);
    }
    this.#watchdog?.closes();
    try {
      if (isQuiet) this.#quiet(job);
    } finally {
      // Whatever happens to one fold: without its end, no phase would ever begin again.
      if (job === chains.at(-1)) this.#endPhase(chains);
    }
  };

  #endPhase(chains: readonly Job[]): void {
    this.#inPhase = false;
    // What is queued and then has no time costs an immediate for nothing.
    const late = now() > this.#deadline && this.#deadline > 0;
    const steps = late ? Math.max(FEWEST_STEPS, this.#steps >> 1) : this.#steps * 2;
    this.#steps = Math.min(this.#stepsPerPhase, steps);
    for (const job of chains) if (!job.over) this.#waiting.push(job);
    this.#nextPhase();
  }

  #close(job: Job): void {
    job.fold.close();
    this.#watchdog?.closes();
  }

  #quiet(job: Job): void {
    this.#isOver(job);
    for (const listener of job.listeners) {
      try {
        listener.quiet();
      } catch (error) {
        // It is in trouble by itself. The other folds of the phase go on.
        listener.pumpFailed(error);
      }
    }
  }

  #failed(job: Job, error: unknown): void {
    this.#isOver(job);
    for (const listener of job.listeners) listener.pumpFailed(error);
  }

  #isOver(job: Job): void {
    job.over = true;
    this.#watchdog?.closes();
    job.fold.stepping = null;
  }
}
