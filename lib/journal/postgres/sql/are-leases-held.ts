import { query } from '../statement.js';

/** Which of these leases are held under these tokens, by place, from 1. */
export const areLeasesHeld = query<
  { readonly actorIds: string; readonly owners: string; readonly tokens: string },
  { readonly ordinal: number }
>(
  'are leases held',
  (schema) => `
select lease.ordinal
from unnest(:actorIds::uuid[], :owners::uuid[], :tokens::bigint[]) with ordinality
  as lease(actor_id, owner, token, ordinal)
cross join lateral (
  select actor.id
  from ${schema}.actors as actor
  where actor.id = lease.actor_id
    and (actor.lease_owner = lease.owner) is true
    and actor.lease_token = lease.token
  limit 1
) as actor
`,
);
