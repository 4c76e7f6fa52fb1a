import { type Lock, type Statement, command } from '../statement.js';

interface MoveFences {
  readonly [name: string]: string;
  readonly actorIds: string;
  readonly runIds: string;
  readonly owners: string;
  readonly tokens: string;
}
export interface MovedFence {
  readonly ordinal: number;
  readonly token: number;
  readonly inbox_consumed: number;
}

/** Gives every lease that is still held a new token: what was sent under the old one writes nothing from now on. */
const moveFences = (lock: Lock): Statement<MoveFences, MovedFence> =>
  command(
    `move fences ${lock}`,
    (schema) => `
with lease as materialized (
  select *
  from unnest(:actorIds::uuid[], :runIds::uuid[], :owners::uuid[], :tokens::bigint[]) with ordinality
    as lease(actor_id, run_id, owner, token, ordinal)
),
held as materialized (
  select lease.ordinal, actor.id
  from lease
  cross join lateral (
    select actor.id
    from ${schema}.actors as actor
    where actor.id = lease.actor_id
      and actor.run_id = lease.run_id
      and (actor.lease_owner = lease.owner) is true
      and actor.lease_token = lease.token
    for no key update ${lock}
  ) as actor
)
update ${schema}.actors as actor
set lease_token = actor.lease_token + 1
from held
where actor.id = held.id
returning held.ordinal, actor.lease_token as token, actor.inbox_consumed
`,
  );

export const MOVE_FENCES: Readonly<Record<Lock, Statement<MoveFences, MovedFence>>> = {
  'skip locked': moveFences('skip locked'),
  '': moveFences(''),
};
