import type { Duration, RunContinued, TerminalEntry } from '../core/index.js';
import { asRunId } from '../journal/index.js';
import type { RunDescription, RunId } from '../journal/index.js';
import { checkAtWork } from './client-parts.js';
import type { ClientParts } from './client-parts.js';
import {
  ClientClosedError,
  ResultTimeoutError,
  WorkflowCancelledError,
  WorkflowContinuedError,
  WorkflowFailedError,
  WorkflowTerminatedError,
  WorkflowTimedOutError,
} from './errors.js';
import { Patience } from './patience.js';
import type { RunTarget } from './run-target.js';
import { isServed } from './serving.js';
import { waitingFor } from './waiting-for.js';

export interface ResultOptions {
  /** How long to wait. Defaults to no limit. */
  readonly timeout?: Duration | undefined;
  /**
   * Whether the result is that of the last run, where this one continues as another. Defaults to `true`, and to `false` for a
   * handle that was made for one run: `handle(workflow, id, runId)`.
   */
  readonly follow?: boolean | undefined;
  /** Ends the wait, not the run: the call then rejects with the reason of the signal. Defaults to none. */
  readonly signal?: AbortSignal | undefined;
}

/** How long is looked, after a wait that timed out, for what to tell of it. In ms. */
const LOOK_TIMEOUT = 1_000;
/** Of a history that is longer is not told what the run waits for: a wait that timed out should not read all of it. */
const SHORT_HISTORY = 1_000;

/** Waits for a run to end, and tells how it did. */
export class ResultReader {
  readonly #parts: ClientParts;
  readonly #target: RunTarget;

  constructor(parts: ClientParts, target: RunTarget) {
    this.#parts = parts;
    this.#target = target;
  }

  /** What `run` returned; that of the last run, where the run continues and `follow` is set. Throws what it came to otherwise. */
  async result(patience: Patience, follow: boolean): Promise<unknown> {
    const first = this.#first();
    const found = await patience.within(first);
    if (found === 'aborted') throw patience.signal?.reason;
    if (found === 'timeout') throw await this.#timedOut(first, patience);
    for (let { runId } = found; ;) {
      const last = await this.#end(runId, patience);
      if (last.type !== 'run_continued') return this.#resultOf(last, runId);
      if (!follow) throw new WorkflowContinuedError(this.#target.workflowId, runId, last.runId);
      runId = asRunId(last.runId);
    }
  }

  /** Which run is waited for first. The result of one that has ended can be had at any time. */
  async #first(): Promise<Found> {
    const { runId } = this.#target;
    const run = runId === null ? await this.#target.describe() : { runId };
    if (this.#parts.idle() && (await this.#target.describeRun(run.runId)).state === 'running')
      checkAtWork(this.#parts);
    return run;
  }

  async #end(runId: RunId, patience: Patience): Promise<TerminalEntry> {
    // A run that is in memory here tells its end by itself.
    const resident = this.#parts.engine()?.runs.ofRun(runId) !== undefined;
    const last = await this.#parts.results.wait(runId, patience, resident);
    if (last === 'aborted') throw patience.signal?.reason;
    if (last === 'closed') throw new ClientClosedError(this.#target.workflowId, runId);
    if (last === 'timeout') throw await this.#timedOut(Promise.resolve({ runId }), patience);
    return last;
  }

  async #timedOut(run: Promise<Found>, { timeout }: Patience): Promise<ResultTimeoutError> {
    const look = run.then(async ({ runId }) => ({ runId, ...(await this.#prospect(runId)) }));
    const found = await new Patience(LOOK_TIMEOUT).within(look);
    const { runId, blocked, served, first } = typeof found === 'string' ? UNKNOWN : found;
    // Without a limit no time runs out.
    return new ResultTimeoutError(this.#target.workflowId, runId, timeout ?? 0, blocked, served, first);
  }

  /** Whether the run is blocked, and whether a worker would take it up. Read once, after a wait that timed out, for the error. */
  async #prospect(runId: RunId): Promise<Prospect> {
    try {
      const run = await this.#target.describeRun(runId);
      const isNobodys = run.inbox?.owner === null && run.blocked === null;
      const served = !isNobodys || (await isServed(this.#parts, run));
      return { blocked: run.blocked?.reason ?? null, served, first: await this.#firstWait(run, served) };
    } catch {
      // It cannot be read. The timeout is told without it.
      return NOTHING;
    }
  }

  async #firstWait(run: RunDescription, served: boolean): Promise<string | null> {
    const { actorId, runId } = run;
    const [loaded] = await this.#parts.journal.load([
      { actorId, runId, historyAfter: 0, historyThrough: SHORT_HISTORY + 1, inboxAfter: null },
    ]);
    const { history } = loaded!;
    if (history.length > SHORT_HISTORY) return null;
    return waitingFor(run, history, served)[0]?.text ?? null;
  }

  #resultOf(last: Exclude<TerminalEntry, RunContinued>, runId: RunId): unknown {
    const { codec } = this.#parts;
    const { workflowId } = this.#target;
    switch (last.type) {
      case 'run_completed':
        return codec.decode(last.result);
      case 'run_failed':
        throw new WorkflowFailedError(workflowId, runId, last.rollback, {
          cause: codec.decodeFailure(last.failure),
        });
      case 'run_cancelled':
        throw new WorkflowCancelledError(workflowId, runId, last.rollback, {
          cause: codec.decodeFailure(last.failure),
        });
      case 'run_timed_out':
        throw new WorkflowTimedOutError(workflowId, runId, last.rollback, {
          cause: codec.decodeFailure(last.failure),
        });
      case 'run_terminated':
        throw new WorkflowTerminatedError(workflowId, runId, last.reason);
    }
  }
}

/** What a wait that timed out can tell. */
interface Prospect {
  readonly blocked: string | null;
  readonly served: boolean;
  /** What the run waits for first. */
  readonly first: string | null;
}
const NOTHING: Prospect = { blocked: null, served: true, first: null };
const UNKNOWN = { runId: null, ...NOTHING };

interface Found {
  readonly runId: RunId;
}
