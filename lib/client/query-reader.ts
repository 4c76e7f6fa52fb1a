import { Fold, isNamed, RunNotReadyError, TurnFault } from '../core/index.js';
import { pause } from '../concurrency/index.js';
import type { HistoryEntry, WorkflowDefinition } from '../core/index.js';
import { INBOX_UNREAD, RunGoneError } from '../engine/index.js';
import type { RunDescription } from '../journal/index.js';
import type { ClientParts } from './client-parts.js';
import { RunBlockedError, UnknownHandlerError, UnknownWorkflowError } from './errors.js';
import { isServed } from './serving.js';

/** How long a query waits for its run to begin and to take up its inbox, and how often it looks, in ms. */
const READY_TIMEOUT = 2_000;
const LOOK_EVERY = 20;

/** One query, and how far it can wait. */
interface Asked {
  /** Whether a live worker takes runs of this workflow, asked once. */
  readonly served: (run: RunDescription) => Promise<boolean>;
  /** Whether the run that it continues as is asked in its place. */
  readonly follows: boolean;
  readonly name: string;
  readonly args: readonly unknown[];
  /** The inbox reached so far when it was asked: all of that was acknowledged, and is seen. */
  readonly through: number;
  /** By the monotonic clock. */
  readonly end: number;
}

/**
 * Answers queries from committed state (F21): asks the run where it is in memory here, and otherwise folds its history,
 * which needs no lease and leaves no trace. A query sees every message that was acknowledged before it was asked (F21). It
 * waits for that as long as some worker can be expected to take the messages up.
 */
export class QueryReader {
  readonly #parts: ClientParts;
  constructor(parts: ClientParts) {
    this.#parts = parts;
  }

  /** @param follows where the run continues as another one meanwhile, that one is asked */
  async query(
    run: RunDescription,
    follows: boolean,
    name: string,
    args: readonly unknown[],
  ): Promise<unknown> {
    // Before anything is waited for.
    this.#definitionOf(run, name);
    const { codec } = this.#parts;
    const answer = await this.#answer(run, {
      follows,
      name,
      // A copy: the handler must not get an object that its caller still holds.
      args: args.map((arg) => codec.decode(codec.encode(arg))),
      through: run.inbox?.arrived ?? 0,
      end: performance.now() + READY_TIMEOUT,
      served: once((asked) => isServed(this.#parts, asked)),
    });
    return codec.decode(codec.encode(answer));
  }

  #definitionOf(run: RunDescription, name: string): WorkflowDefinition {
    const definition = this.#parts
      .workflows()
      .find((workflow) => workflow.version === run.version && isNamed(workflow, run.workflow));
    if (!definition) {
      throw new UnknownWorkflowError(
        run.workflow,
        `A query runs the code of its workflow: ask where a class of version ${run.version} is among the providers.`,
      );
    }
    if (!definition.queries.has(name))
      throw new UnknownHandlerError(run.workflow, 'query', name, [...definition.queries]);
    return definition;
  }

  /** A run that was started just now takes its first turn soon. Until then there is no object to ask. */
  async #answer(asked: RunDescription, query: Asked): Promise<unknown> {
    for (let run = asked; ;) {
      try {
        return await this.#ask(run, query);
      } catch (error) {
        if (!(error instanceof RunNotReadyError) || performance.now() > query.end) throw error;
        if (isNobodys(run) && !(await query.served(run))) throw error;
      }
      await pause(LOOK_EVERY);
      if (run.inbox) run = await this.#lookAgain(run, query);
    }
  }

  async #ask(run: RunDescription, query: Asked): Promise<unknown> {
    const { name, args, through, end } = query;
    const resident = this.#parts.engine()?.runs.get(run.actorId);
    if (resident?.facts.runId === run.runId && resident.answersQueries) {
      try {
        return await resident.query(name, args, through, Math.max(0, end - performance.now()));
      } catch (error) {
        if (error instanceof TurnFault) throw blocked(run, error);
        // It left while it was asked: what the journal has is the answer.
        if (!(error instanceof RunGoneError)) throw error;
        const now = await this.#lookAgain(run, query);
        // It goes on as another one, which is in memory here perhaps.
        if (now.runId !== run.runId) return this.#ask(now, query);
        return this.#fold(await this.#onceConsumed(now, query), query);
      }
    }
    return this.#fold(await this.#onceConsumed(run, query), query);
  }

  /** Waits, for a limited time, until the worker that has the run, or claims it, has consumed what had arrived. */
  async #onceConsumed(asked: RunDescription, query: Asked): Promise<RunDescription> {
    const { through, end, served } = query;
    let run = asked;
    for (let told = false; run.inbox && !run.blocked && run.inbox.consumed < through; told = true) {
      if (performance.now() > end) {
        // No worker has taken it up meanwhile: the answer is what is committed.
        if (run.inbox.owner === null) return run;
        throw new RunNotReadyError(INBOX_UNREAD);
      }
      // No worker will take it up: the answer is what is committed.
      if (told && isNobodys(run) && !(await served(run))) return run;
      // The hint of the message itself may have got lost.
      if (!told) this.#parts.wakeup.tell({ type: 'message arrived', actorId: run.actorId });
      await pause(LOOK_EVERY);
      run = await this.#lookAgain(run, query);
    }
    return run;
  }

  async #lookAgain(asked: RunDescription, { follows }: Asked): Promise<RunDescription> {
    const { namespace, workflowId } = asked;
    for (let run = asked, runId = run.runId; ;) {
      const [found] = await this.#parts.journal.describe([{ namespace, workflowId, runId }]);
      run = found ?? run;
      if (!follows || run.continuedTo === null) return run;
      runId = run.continuedTo;
    }
  }

  async #fold(run: RunDescription, { name, args }: Asked): Promise<unknown> {
    const definition = this.#definitionOf(run, name);
    const [loaded] = await this.#parts.journal.load([
      { actorId: run.actorId, runId: run.runId, historyAfter: 0, inboxAfter: null },
    ]);
    const fold = new Fold({ definition, codec: this.#parts.codec, run, asyncScope: this.#parts.scope });
    fold.replay(beforeForce(loaded!.history));
    await this.#parts.scheduler.pump(fold, run);
    if (fold.fault) throw blocked(run, fold.fault);
    return this.#parts.scheduler.call(run, () => fold.query(name, args));
  }
}

/** Where the code could not go on it had no part in the end (F22): it answers from what it did before. */
function beforeForce(history: readonly HistoryEntry[]): readonly HistoryEntry[] {
  const forced = history.findIndex((entry) => entry.type === 'rollback_started' && entry.forced);
  // Its event stands before it.
  return forced < 0 ? history : history.slice(0, forced - 1);
}

const isNobodys = ({ inbox }: RunDescription): boolean => inbox?.owner === null;

/** The first answer, for every later question. */
function once<T, A>(ask: (about: A) => Promise<T>): (about: A) => Promise<T> {
  let answer: Promise<T> | undefined;
  return (about) => (answer ??= ask(about));
}

const blocked = ({ workflowId, runId }: RunDescription, cause: Error): RunBlockedError =>
  new RunBlockedError(workflowId, runId, { cause });
