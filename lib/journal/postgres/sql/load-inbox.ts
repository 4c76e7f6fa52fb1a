import type { InboxRow } from '../row-mapping.js';
import { query } from '../statement.js';

/** Reads the inboxes of actors, each after a given number, in order. */
export const loadInbox = query<
  { readonly actorIds: string; readonly after: string },
  InboxRow & { readonly ordinal: number }
>(
  'load inbox',
  (schema) => `
select
  request.ordinal, message.n, message.kind, message.name, message.payload, message.checked_by, message.for_run,
  message.message_id as update_id, message.by,
  date_part('epoch', message.at) * 1000 as at, run.attributes
from unnest(:actorIds::uuid[], :after::bigint[]) with ordinality as request(actor_id, n, ordinal)
cross join lateral (
  select
    message.n, message.kind, message.name, message.payload, message.checked_by, message.for_run, message.message_id,
    message.by, message.at
  from ${schema}.inbox as message
  where message.actor_id = request.actor_id
    and message.n > request.n
  order by message.n
) as message
left join lateral (
  -- What it was started with is kept where lists look.
  select run.attributes
  from ${schema}.actors as actor
  join ${schema}.runs as run on run.id = actor.run_id
  where message.kind = 'start'
    and actor.id = request.actor_id
  limit 1
) as run on true
order by request.ordinal, message.n
`,
);
