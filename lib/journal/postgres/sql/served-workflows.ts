import { query } from '../statement.js';

/** Which of these workflows a live session takes runs of. */
export const servedWorkflows = query<
  { readonly namespaces: string; readonly workflows: string; readonly versions: string },
  { readonly ordinal: number }
>(
  'served workflows',
  (schema) => `
with live as materialized (
  select worker.namespace, served.name, served.version
  from ${schema}.workers as worker
  cross join lateral json_to_recordset(worker.workflows) as served(name text, version int)
  where worker.dead_at is null
    and worker.expires_at > clock_timestamp()
)
select request.ordinal
from unnest(:namespaces::text[], :workflows::text[], :versions::int[]) with ordinality
  as request(namespace, workflow, version, ordinal)
where exists (
  select from live
  -- A session without a namespace is of an older release, and takes runs of every one.
  where (live.namespace is null or live.namespace = request.namespace)
    and live.name = request.workflow
    and live.version = request.version
)
`,
);
