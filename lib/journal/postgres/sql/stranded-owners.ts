import { type NoValues, query } from '../statement.js';
import type { WorkerId } from '../../ids.js';

/**
 * Owners of actors that have no live session. They are looked for among the actors, not among the sessions: so a lease that a
 * late claim gave to a session found dead long ago is found too. Steps through the index from owner to owner, however many
 * actors each of them has.
 */
export const strandedOwners = query<NoValues, { readonly owner: WorkerId }>(
  'stranded owners',
  (schema) => `
with recursive in_use as (
  (
    select actor.lease_owner as owner
    from ${schema}.actors as actor
    where actor.lease_owner is not null
    order by actor.lease_owner
    limit 1
  )
  union all
  select following.owner
  from in_use
  cross join lateral (
    select actor.lease_owner as owner
    from ${schema}.actors as actor
    where actor.lease_owner > in_use.owner
    order by actor.lease_owner
    limit 1
  ) as following
)
select in_use.owner
from in_use
left join lateral (
  select worker.id
  from ${schema}.workers as worker
  where worker.id = in_use.owner
    and worker.dead_at is null
  limit 1
) as live on true
where live.id is null
`,
);
