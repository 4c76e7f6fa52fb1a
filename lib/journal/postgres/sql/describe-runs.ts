import { SUMMARY_LENGTH } from '../../../core/index.js';
import type { RunRow } from '../run-mapping.js';
import { query } from '../statement.js';

/** What a description is made of; `run` and `actor` are in scope. */
export const RUN_COLUMNS = `
  run.id as run_id, run.actor_id, run.namespace, run.workflow_id, run.workflow, run.version, run.state,
  date_part('epoch', run.started_at) * 1000 as started_at,
  date_part('epoch', run.closed_at) * 1000 as closed_at,
  run.continued_to,
  date_part('epoch', run.deadline_at) * 1000 as deadline_at,
  run.attributes, run.lineage, run.details,
  date_part('epoch', actor.not_before) * 1000 as not_before,
  actor.blocked,
  date_part('epoch', actor.blocked_since) * 1000 as blocked_since,
  actor.failed_turns, actor.deaths, actor.killed,
  actor.inbox_seq::float8 as inbox_seq, actor.inbox_consumed::float8 as inbox_consumed, actor.lease_owner`;

/**
 * Describes runs: the one that is named, or of a workflow id the open one, or the latest closed one.
 */
export const describeRuns = query<
  { readonly namespaces: string; readonly workflowIds: string; readonly runIds: string },
  RunRow & { readonly ordinal: number }
>(
  'describe runs',
  (schema) => `
select request.ordinal, ${RUN_COLUMNS}, ended.failure
from unnest(:namespaces::text[], :workflowIds::text[], :runIds::uuid[]) with ordinality
  as request(namespace, workflow_id, run_id, ordinal)
left join lateral (
  select actor.run_id
  from ${schema}.actors as actor
  where request.run_id is null
    and actor.namespace = request.namespace
    and actor.workflow_id = request.workflow_id
  limit 1
) as open on true
left join lateral (
  select run.id
  from ${schema}.runs as run
  where request.run_id is null
    and open.run_id is null
    and run.workflow_id = request.workflow_id
    and (run.namespace = request.namespace) is true
  order by run.started_at desc, run.id desc
  limit 1
) as latest on true
cross join lateral (
  select
    run.id, run.actor_id, run.namespace, run.workflow_id, run.workflow, run.version, run.state,
    run.started_at, run.closed_at, run.continued_to, run.last_seq, run.attributes, run.lineage, run.details, run.deadline_at
  from ${schema}.runs as run
  where run.id = coalesce(request.run_id, open.run_id, latest.id)
  limit 1
) as run
left join lateral (
  select
    actor.not_before, actor.blocked, actor.blocked_since, actor.failed_turns, actor.deaths, actor.killed,
    actor.inbox_seq, actor.inbox_consumed, actor.lease_owner
  from ${schema}.actors as actor
  where actor.id = run.actor_id
    and actor.run_id = run.id
  limit 1
) as actor on true
left join lateral (
  select left(cast(entry.payload as text), ${SUMMARY_LENGTH}) as failure
  from ${schema}.history as entry
  where run.state = 'failed'
    and entry.run_id = run.id
    and entry.seq = run.last_seq
  limit 1
) as ended on true
where run.namespace = request.namespace
  and run.workflow_id = request.workflow_id
`,
);
