import { query } from '../statement.js';

/**
 * The workflows of open runs of one namespace that no live worker takes. It steps from one workflow to the next in the index of
 * due actors, however many runs each of them has.
 */
export const unservedWorkflows = query<
  { readonly namespace: string },
  { readonly workflow: string; readonly version: number }
>(
  'unserved workflows',
  (schema) => `
with recursive kind as (
  (
    select actor.workflow, actor.version
    from ${schema}.actors as actor
    where actor.namespace = :namespace
      and actor.lease_owner is null
      and actor.paused_at is null
    order by actor.workflow, actor.version
    limit 1
  )
  union all
  select next.workflow, next.version
  from kind
  cross join lateral (
    select actor.workflow, actor.version
    from ${schema}.actors as actor
    where actor.namespace = :namespace
      and actor.lease_owner is null
      and actor.paused_at is null
      and (actor.workflow, actor.version) > (kind.workflow, kind.version)
    order by actor.workflow, actor.version
    limit 1
  ) as next
)
select kind.workflow, kind.version
from kind
where not exists (
  select from ${schema}.workers as worker
  cross join lateral json_to_recordset(worker.workflows) as served(name text, version int)
  where worker.dead_at is null
    and worker.expires_at > clock_timestamp()
    -- A session without a namespace is of an older release, and takes runs of every one.
    and (worker.namespace is null or worker.namespace = :namespace)
    and served.name = kind.workflow
    and served.version = kind.version
)
`,
);
