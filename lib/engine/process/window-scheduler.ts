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

interface Job {
  readonly fold: Steppable;
  readonly run: WatchedRun | null;
  /** Its place in the phase under way: what the watchdog knows it by. */
  slot: number;
  readonly quiet: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  over: boolean;
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
  readonly #jobs = new Map<Steppable, Job>();
  #waiting: Job[] = [];
  #inPhase = false;
  /** When the phase has taken long enough. */
  #deadline = 0;
  #watchdog: Watchdog | null = null;

  constructor({ stepsPerPhase = 256, stepsPerRun = 32, timePerPhase = 5 }: WindowSchedulerOptions = {}) {
    this.#stepsPerPhase = stepsPerPhase;
    this.#stepsPerRun = stepsPerRun;
    this.#timePerPhase = timePerPhase;
  }

  /** From now on this watchdog sees whether windows close; `null`: none does. */
  watchedBy(watchdog: Watchdog | null): void {
    this.#watchdog = watchdog;
  }

  /** Steps a fold until it is quiet. Two calls for one fold share their answer. A watchdog knows it by `run`. */
  pump(fold: Steppable, run: WatchedRun | null = null): Promise<void> {
    const running = this.#jobs.get(fold);
    if (running) return running.quiet;
    const job = newJob(fold, run);
    this.#jobs.set(fold, job);
    this.#waiting.push(job);
    this.#nextPhase();
    return job.quiet;
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
    let budget = this.#stepsPerPhase;
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
    this.#deadline ||= now() + this.#timePerPhase;
    // The phase has taken long enough: what is left of its immediates only closes windows. The rest waits for the next phase (F28).
    if (now() > this.#deadline) return this.#close(job);
    if (job.run) this.#watchdog?.opens(job.slot);
    try {
      if (!job.fold.step()) this.#settle(job, job.resolve);
    } catch (error) {
      this.#settle(job, () => job.reject(error));
    }
  };

  /** The last immediate of every chain: no window stays open after it. The last of all ends the phase. */
  readonly #rest = (job: Job, chains: readonly Job[]): void => {
    try {
      if (!job.over && job.fold.rest()) this.#settle(job, job.resolve);
    } catch (error) {
      this.#settle(job, () => job.reject(error));
    }
    this.#watchdog?.closes();
    if (job === chains.at(-1)) this.#endPhase(chains);
  };

  #endPhase(chains: readonly Job[]): void {
    this.#inPhase = false;
    for (const job of chains) if (!job.over) this.#waiting.push(job);
    this.#nextPhase();
  }

  #close(job: Job): void {
    job.fold.close();
    this.#watchdog?.closes();
  }

  #settle(job: Job, settle: () => void): void {
    job.over = true;
    this.#watchdog?.closes();
    this.#jobs.delete(job.fold);
    settle();
  }
}

function newJob(fold: Steppable, run: WatchedRun | null): Job {
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  const quiet = new Promise<void>((settle, refuse) => {
    resolve = settle;
    reject = refuse;
  });
  return { fold, run, slot: 0, quiet, resolve, reject, over: false };
}
