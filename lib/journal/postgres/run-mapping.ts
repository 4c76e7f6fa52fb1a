import { summarizeFailure } from '../../core/index.js';
import type { RunDescription, RunState, WorkerDeath } from '../port/index.js';
import type { Actor, Run } from './entities/index.js';
import { toInstant, toLineage } from './row-mapping.js';
import { asWorkerId } from '../ids.js';
import type { ActorId, RunId, WorkerId } from '../ids.js';

/** A row of `runs`, and what its open actor knows, as statements select it. */
export interface RunRow {
  readonly run_id: RunId;
  readonly actor_id: ActorId;
  readonly namespace: string;
  readonly workflow_id: string;
  readonly workflow: string;
  readonly version: number;
  readonly state: RunState;
  readonly started_at: number;
  readonly closed_at: number | null;
  readonly continued_to: RunId | null;
  readonly deadline_at: number | null;
  readonly not_before: number | null;
  readonly attributes: string | null;
  readonly details: string | null;
  readonly lineage: string | null;
  readonly blocked: string | null;
  readonly blocked_since: number | null;
  readonly failed_turns: number | null;
  readonly deaths: number | null;
  readonly killed: string | null;
  readonly inbox_seq: number | null;
  readonly inbox_consumed: number | null;
  readonly lease_owner: WorkerId | null;
  /** Of a failed run: how its failure begins. */
  readonly failure: string | null;
}

/** Columns of the open actor: of a closed run there are none. */
export const NO_ACTOR = {
  not_before: null,
  blocked: null,
  blocked_since: null,
  failed_turns: null,
  deaths: null,
  killed: null,
  inbox_seq: null,
  inbox_consumed: null,
  lease_owner: null,
} as const;

export function toDescription(row: RunRow): RunDescription {
  return {
    namespace: row.namespace,
    workflowId: row.workflow_id,
    runId: row.run_id,
    actorId: row.actor_id,
    workflow: row.workflow,
    version: row.version,
    state: row.state,
    startedAt: toInstant(row.started_at),
    closedAt: row.closed_at === null ? null : toInstant(row.closed_at),
    continuedTo: row.continued_to,
    deadlineAt: row.deadline_at === null ? null : toInstant(row.deadline_at),
    notBefore: row.not_before === null ? null : toInstant(row.not_before),
    // The cast: attributes are an object, refused as anything else before they are written.
    attributes: row.attributes === null ? null : (JSON.parse(row.attributes) as Record<string, unknown>),
    details: row.details,
    lineage: toLineage(row.lineage),
    blocked:
      row.blocked === null || row.blocked_since === null
        ? null
        : { reason: row.blocked, since: toInstant(row.blocked_since), failedTurns: row.failed_turns ?? 0 },
    failure: row.failure === null ? null : summarizeFailure(row.failure),
    // The cast: it is what the rescue wrote.
    deaths: deathsOf(row.deaths, row.killed === null ? null : (JSON.parse(row.killed) as WorkerDeath[])),
    inbox:
      row.inbox_seq === null
        ? null
        : { arrived: row.inbox_seq, consumed: row.inbox_consumed ?? 0, owner: row.lease_owner },
  };
}

const deathsOf = (count: number | null, killed: readonly WorkerDeath[] | null): RunDescription['deaths'] =>
  count === null || count === 0 ? null : { count, workers: (killed ?? []).map(toDeath) };

/** In the order in which everybody sees them: `jsonb` has one of its own. */
const toDeath = ({ name, host, pid, buildId, at, stuck }: WorkerDeath): WorkerDeath => ({
  name,
  host,
  pid,
  buildId,
  at,
  stuck,
});

/** A run as its entity, with its open actor mapped to it. */
export interface DescribedRun extends Run {
  readonly actor: Actor | null;
}

/** @param failure of a failed run: how its failure begins */
export function describeEntity({ id, actor, ...run }: DescribedRun, failure: string | null): RunDescription {
  return {
    namespace: run.namespace,
    workflowId: run.workflowId,
    runId: id,
    actorId: run.actorId,
    workflow: run.workflow,
    version: run.version,
    state: run.state,
    startedAt: run.startedAt.getTime(),
    closedAt: run.closedAt?.getTime() ?? null,
    continuedTo: run.continuedTo,
    deadlineAt: run.deadlineAt?.getTime() ?? null,
    notBefore: actor?.notBefore?.getTime() ?? null,
    attributes: run.attributes,
    details: run.details,
    lineage: run.lineage,
    blocked:
      actor?.blocked == null || actor.blockedSince === null
        ? null
        : { reason: actor.blocked, since: actor.blockedSince.getTime(), failedTurns: actor.failedTurns },
    failure: failure === null ? null : summarizeFailure(failure),
    deaths: deathsOf(actor?.deaths ?? 0, actor?.killed ?? null),
    inbox:
      actor === null
        ? null
        : {
            arrived: actor.inboxSeq,
            consumed: actor.inboxConsumed,
            owner: actor.leaseOwner === null ? null : asWorkerId(actor.leaseOwner),
          },
  };
}
