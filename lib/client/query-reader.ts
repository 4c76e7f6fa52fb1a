import { Fold, RunNotReadyError, TurnFault } from '../core/index.js';
import type { WorkflowDefinition } from '../core/index.js';
import { pause, RunGoneError } from '../engine/index.js';
import type { RunDescription } from '../journal/index.js';
import type { ClientParts } from './client-parts.js';
import { RunBlockedError, UnknownHandlerError, UnknownWorkflowError } from './errors.js';

/** How long a query waits for the first turn of its run, and how often it looks, in ms. */
const PATIENCE = 2_000;
const LOOK_EVERY = 20;

/**
 * Answers queries from committed state (F21): asks the run where it is in memory here, and otherwise folds its history,
 * which needs no lease and leaves no trace.
 */
export class QueryReader {
  readonly #parts: ClientParts;
  constructor(parts: ClientParts) {
    this.#parts = parts;
  }

  async query(run: RunDescription, name: string, args: readonly unknown[]): Promise<unknown> {
    const definition = this.#parts
      .workflows()
      .find((workflow) => workflow.name === run.workflow && workflow.version === run.version);
    if (!definition) {
      throw new UnknownWorkflowError(
        run.workflow,
        `A query runs the code of its workflow: ask where a class of version ${run.version} is among the providers.`,
      );
    }
    if (!definition.queries.has(name))
      throw new UnknownHandlerError(run.workflow, 'query', name, [...definition.queries]);
    const { codec } = this.#parts;
    // What a caller holds and what a handler sees are not the same object.
    const copied = args.map((arg) => codec.decode(codec.encode(arg)));
    const answer = await this.#onceBegun(async () => {
      const resident = this.#parts.engine()?.runs.get(run.actorId);
      if (resident?.facts.runId !== run.runId || !resident.answersQueries)
        return this.#fold(definition, run, name, copied);
      try {
        return await resident.query(name, copied);
      } catch (error) {
        if (error instanceof TurnFault) throw blocked(run, error);
        // It left while it was asked: what the journal has is the answer.
        if (!(error instanceof RunGoneError)) throw error;
        return this.#fold(definition, run, name, copied);
      }
    });
    return codec.decode(codec.encode(answer));
  }

  /** A run that was started just now takes its first turn soon: until then there is nobody to ask. */
  async #onceBegun(ask: () => Promise<unknown>): Promise<unknown> {
    const end = performance.now() + PATIENCE;
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof RunNotReadyError) || performance.now() > end) throw error;
        await pause(LOOK_EVERY);
      }
    }
  }

  async #fold(
    definition: WorkflowDefinition,
    run: RunDescription,
    name: string,
    args: readonly unknown[],
  ): Promise<unknown> {
    const [loaded] = await this.#parts.journal.load([
      { actorId: run.actorId, runId: run.runId, historyAfter: 0, inboxAfter: null },
    ]);
    const fold = new Fold({ definition, codec: this.#parts.codec, run, asyncScope: this.#parts.scope });
    fold.replay(loaded!.history);
    await this.#parts.shell.pump(fold, run);
    if (fold.fault) throw blocked(run, fold.fault);
    return fold.query(name, args);
  }
}

const blocked = ({ workflowId, runId }: RunDescription, cause: Error): RunBlockedError =>
  new RunBlockedError(workflowId, runId, { cause });
