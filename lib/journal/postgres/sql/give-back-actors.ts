import type { ActorId } from '../../ids.js';
import { command } from '../statement.js';

interface GiveBackActors {
  readonly [name: string]: string;
  readonly owner: string;
  readonly actorIds: string;
  readonly tokens: string;
}

/** Takes exactly these leases from their owner. One whose row is locked just now is left for the next time. */
export const giveBackActors = command<GiveBackActors, { readonly id: ActorId }>(
  'give back actors',
  (schema) => `
with lease as materialized (
  select *
  from unnest(:actorIds::uuid[], :tokens::bigint[]) as lease(actor_id, token)
),
held as materialized (
  select actor.id
  from lease
  cross join lateral (
    select actor.id
    from ${schema}.actors as actor
    where actor.id = lease.actor_id
      and (actor.lease_owner = :owner::uuid) is true
      and actor.lease_token = lease.token
    for no key update skip locked
  ) as actor
)
update ${schema}.actors as actor
set lease_owner = null,
    wake_at = greatest(clock_timestamp(), actor.not_before)
from held
where actor.id = held.id
returning actor.id
`,
);
