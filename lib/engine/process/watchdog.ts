import { url as debuggerUrl } from 'node:inspector';
import { clearInterval, setInterval } from 'node:timers';
import { Worker } from 'node:worker_threads';
import type { StuckMark } from '../../journal/index.js';
import type { RunFacts } from '../../observability/index.js';
import { WATCHDOG_THREAD } from './watchdog-thread.js';

export interface WatchdogOptions {
  /** How long code of a workflow may run without an await, in ms. */
  readonly timeout: number;
  /** Whether the process is ended then, so that whatever has started it starts it anew. */
  readonly ends: boolean;
}

/** Which run's code runs. */
export interface WatchedRun extends RunFacts {
  readonly namespace: string;
}

/** Told when the event loop turns again. `null`: it was no workflow that kept it busy. */
export type StuckListener = (run: WatchedRun | null) => void;

/** Runs whose windows one phase of the scheduler may open. */
const SLOTS = 256;
/** The slot after them: for a run whose code is called outside of every phase, as by a query. */
const CALL = SLOTS;
/** Three names of at most 255 bytes, an id, and what separates them. */
const SLOT_BYTES = 832;
const [WINDOWS, SLOT, BEATS, STOPPED, DEBUGGED] = [0, 1, 2, 3, 4];
const CELLS_BYTES = 20;
/** So many looks of the thread make the timeout. */
const LOOKS = 10;

/**
 * Watches from a thread of its own that no window stays open: a workflow in an endless loop stops its whole process,
 * heartbeats included, and nothing in the process's event loop could tell which one it was.
 *
 * Main thread and watchdog share memory. A window costs two writes to it, a phase one copy of a text for each run in it.
 */
export class Watchdog {
  readonly #cells: Int32Array;
  readonly #slots: Uint8Array;
  readonly #thread: Worker;
  readonly #beating: NodeJS.Timeout;
  readonly #encoder = new TextEncoder();
  /** A run has many phases, and its text is the same in all of them. */
  readonly #texts = new WeakMap<WatchedRun, Uint8Array>();

  /** @param mark how the journal is told of a run while the event loop stands still; `null`: not at all */
  constructor({ timeout, ends }: WatchdogOptions, stuck: StuckListener, mark: StuckMark | null = null) {
    const shared = new SharedArrayBuffer(CELLS_BYTES + (SLOTS + 1) * SLOT_BYTES);
    this.#cells = new Int32Array(shared, 0, CELLS_BYTES / Int32Array.BYTES_PER_ELEMENT);
    this.#slots = new Uint8Array(shared, CELLS_BYTES);
    const poll = Math.max(10, Math.floor(timeout / LOOKS));
    this.#thread = new Worker(WATCHDOG_THREAD, {
      eval: true,
      workerData: { shared, poll, timeout, slotBytes: SLOT_BYTES, ends, mark },
    });
    this.#thread.on('message', ({ run }: { readonly run: WatchedRun | null }) => stuck(run));
    // Without its thread nothing is watched; everything else goes on.
    this.#thread.on('error', () => undefined);
    // After the listeners, which would keep the process as well.
    this.#thread.unref();
    this.#beat();
    this.#beating = setInterval(() => this.#beat(), Math.max(5, poll / 3)).unref();
  }

  #beat(): void {
    Atomics.add(this.#cells, BEATS, 1);
    // Whoever sits at a breakpoint wants to go on. A debugger may come at any time, and the thread cannot see it.
    Atomics.store(this.#cells, DEBUGGED, debuggerUrl() === undefined ? 0 : 1);
  }

  /** The run whose windows are told by this number, until the number is another's. */
  name(slot: number, run: WatchedRun): void {
    let text = this.#texts.get(run);
    if (text === undefined) {
      const { workflow, workflowId, runId, namespace } = run;
      text = this.#encoder
        .encode(`${workflow}\0${workflowId}\0${runId}\0${namespace}\0`)
        .subarray(0, SLOT_BYTES);
      this.#texts.set(run, text);
    }
    this.#slots.set(text, slot * SLOT_BYTES);
  }

  opens(slot: number): void {
    Atomics.add(this.#cells, WINDOWS, 1);
    Atomics.store(this.#cells, SLOT, slot + 1);
  }

  closes(): void {
    Atomics.store(this.#cells, SLOT, 0);
  }

  /** Calls code of a run outside of the scheduler's windows: between two steps of a phase, another run's may be open. */
  during<T>(run: WatchedRun, call: () => T): T {
    const around = Atomics.load(this.#cells, SLOT);
    // Of two calls, one in the other, the outer one has to answer for both.
    if (around === CALL + 1) return call();
    this.name(CALL, run);
    this.opens(CALL);
    try {
      return call();
    } finally {
      Atomics.store(this.#cells, SLOT, around);
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#beating);
    Atomics.store(this.#cells, STOPPED, 1);
    Atomics.notify(this.#cells, STOPPED);
    await this.#thread.terminate();
  }
}
