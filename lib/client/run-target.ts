import { actorOf } from '../journal/index.js';
import type { ActorId, Message, RunDescription, RunId } from '../journal/index.js';
import type { ClientParts } from './client-parts.js';
import { WorkflowNotFoundError } from './errors.js';
import { checkName } from './validation.js';

/** Whom a handle is about, as it was made. */
export interface HandleTarget {
  readonly workflowId: string;
  /** `null` for the latest run. */
  readonly runId: RunId | null;
  /** It is about every run that this one continues as, and not about this one alone. */
  readonly follows: boolean;
  /** The class of its workflow; `undefined` for a handle by id alone. */
  readonly type: (abstract new (...dependencies: never[]) => object) | undefined;
  /** The start that gave this handle began the run. */
  readonly created: boolean;
}

/** Finds the run, or the runs, that a handle is about. */
export class RunTarget implements HandleTarget {
  readonly workflowId: string;
  readonly runId: RunId | null;
  readonly follows: boolean;
  readonly type: HandleTarget['type'];
  readonly created: boolean;
  readonly #parts: Pick<ClientParts, 'namespace' | 'journal'>;
  #known: Promise<ActorId> | undefined;

  constructor(parts: Pick<ClientParts, 'namespace' | 'journal'>, target: HandleTarget) {
    checkName('a workflow id', target.workflowId);
    this.#parts = parts;
    this.workflowId = target.workflowId;
    this.runId = target.runId;
    this.follows = target.follows;
    this.type = target.type;
    this.created = target.created;
  }

  /** The run that it is now. Throws {@link WorkflowNotFoundError}. */
  async describe(): Promise<RunDescription> {
    const { runId, follows } = this;
    if (runId === null || !follows) return this.describeRun(runId);
    const latest = await this.describeRun(null);
    if (latest.actorId === (await this.#actor(runId))) return latest;
    // Its workflow id was used again since then.
    let run = await this.describeRun(runId);
    while (run.continuedTo !== null) run = await this.describeRun(run.continuedTo);
    return run;
  }

  /** `null` for the latest one. Throws {@link WorkflowNotFoundError}. */
  async describeRun(runId: RunId | null): Promise<RunDescription> {
    const { workflowId } = this;
    const { namespace, journal } = this.#parts;
    const [run] = await journal.describe([{ namespace, workflowId, runId }]);
    if (!run) throw new WorkflowNotFoundError(workflowId, runId);
    return run;
  }

  /** Which run, or which runs, a message may reach. */
  async scope(): Promise<Pick<Message, 'runId' | 'actorId'>> {
    const { runId, follows } = this;
    if (runId === null || !follows) return { runId };
    return { runId: null, actorId: await this.#actor(runId) };
  }

  /** A run that a start began is the first of its actor. One that was there may have been continued as before. */
  #actor(runId: RunId): Promise<ActorId> | ActorId {
    if (this.created) return actorOf(runId);
    return (this.#known ??= this.describeRun(runId).then(
      ({ actorId }) => actorId,
      (error: unknown) => {
        // Asked again next time.
        this.#known = undefined;
        throw error;
      },
    ));
  }
}
