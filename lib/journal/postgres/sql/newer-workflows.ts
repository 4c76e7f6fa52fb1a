import { MISSED_HEARTBEATS } from '../../rules/sessions.js';
import { query } from '../statement.js';

/**
 * The newest versions that other sessions have of the workflows of this one, where it has none as new. Most sessions have the
 * same workflows, and say so in the same words: of those nothing is looked into.
 */
export const newerWorkflows = query<
  { readonly owner: string },
  { readonly name: string; readonly version: number }
>(
  'newer workflows',
  (schema) => `
select served.name, max(served.version) as version
from ${schema}.workers as own
join ${schema}.workers as other
  on other.id <> own.id
  -- A session without a namespace is of an older release, and takes runs of every one.
  and (other.namespace is null or other.namespace = own.namespace)
cross join lateral json_to_recordset(other.workflows) as served(name text, version int, leaving boolean)
where own.id = :owner::uuid
  and other.dead_at is null
  and other.expires_at > clock_timestamp()
  and other.heartbeat_at >= clock_timestamp() - ${MISSED_HEARTBEATS} * other.heartbeat_interval
  and other.workflows::text <> own.workflows::text
  and served.leaving is not true
group by own.id, served.name
having max(served.version) > (
  select max(known.version)
  from json_to_recordset(own.workflows) as known(name text, version int)
  where known.name = served.name
)
`,
);
