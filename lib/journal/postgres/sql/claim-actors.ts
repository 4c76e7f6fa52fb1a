import { DEATHS_OF_A_SUSPECT } from '../../rules/deaths.js';
import { command } from '../statement.js';
import type { ActorId, RunId } from '../../ids.js';

/** What a holder must know of the time limits of its run; `actor` is in scope. */
export const DEADLINES = `
  date_part('epoch', actor.deadline_at) * 1000 as deadline_at,
  date_part('epoch', actor.chain_deadline_at) * 1000 as chain_deadline_at,
  actor.run_limit::float8 as run_limit`;

export interface DeadlineColumns {
  readonly deadline_at: number | null;
  readonly chain_deadline_at: number | null;
  readonly run_limit: number | null;
}

export interface ClaimRow extends DeadlineColumns {
  readonly id: ActorId;
  readonly run_id: RunId;
  readonly namespace: string;
  readonly workflow_id: string;
  readonly workflow: string;
  readonly version: number;
  readonly priority: number;
  readonly due_at: number;
  readonly lease_token: number;
  readonly inbox_seq: number;
  readonly inbox_consumed: number;
  readonly failed_turns: number;
  readonly deaths: number;
  /** JSON. */
  readonly lineage: string | null;
}

/**
 * Leases due actors of one namespace to a live worker. The probes (one workflow, version and priority each) are gone
 * through in order, and no further than needed: exactly as many rows are locked as are taken. Suspects are another
 * statement's.
 */
export const claimActors = command<
  {
    readonly owner: string;
    readonly namespace: string;
    readonly workflows: string;
    readonly versions: string;
    readonly priorities: string;
    readonly limit: number;
  },
  ClaimRow
>(
  'claim actors',
  (schema) => `
with live_owner as materialized (
  -- Whoever ends this session waits for this lock before it looks for what the session owns.
  select worker.id
  from ${schema}.workers as worker
  where worker.id = :owner::uuid
    and worker.dead_at is null
  for key share
),
due as materialized (
  select candidate.id
  from unnest(:workflows::text[], :versions::int[], :priorities::smallint[]) as probe(workflow, version, priority)
  cross join lateral (
    -- One priority at a time, so that the due time bounds the scan of the index.
    select actor.id
    from ${schema}.actors as actor
    where actor.namespace = :namespace
      and actor.workflow = probe.workflow
      and actor.version = probe.version
      and actor.priority = probe.priority
      and actor.lease_owner is null
      and actor.paused_at is null
      and actor.deaths < ${DEATHS_OF_A_SUSPECT}
      and actor.wake_at <= now()
      and (select id from live_owner) is not null
    order by actor.wake_at
    limit :limit
    for no key update skip locked
  ) as candidate
  limit :limit
)
update ${schema}.actors as actor
set lease_owner = :owner::uuid,
    lease_token = actor.lease_token + 1
from due
where actor.id = due.id
returning
  actor.id, actor.run_id, actor.namespace, actor.workflow_id, actor.workflow, actor.version, actor.priority,
  date_part('epoch', actor.wake_at) as due_at,
  actor.lease_token, actor.inbox_seq, actor.inbox_consumed, actor.failed_turns, actor.deaths, actor.lineage,
  ${DEADLINES}
`,
);
