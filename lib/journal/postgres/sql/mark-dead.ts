import { command } from '../statement.js';
import { MISSED_HEARTBEATS } from '../../rules/sessions.js';
import type { WorkerId } from '../../ids.js';

/**
 * Ends sessions before their actors are freed. A session whose row a claim holds is passed over until the next rescue. A
 * heartbeat that came meanwhile wins: the row is looked at again once it is locked.
 */
export const markDead = command<{ readonly ids: string }, { readonly id: WorkerId }>(
  'mark workers dead',
  (schema) => `
with dead as materialized (
  select worker.id
  from unnest(:ids::uuid[]) as suspect(id)
  cross join lateral (
    select worker.id
    from ${schema}.workers as worker
    where worker.id = suspect.id
      and worker.dead_at is null
      and (
        worker.expires_at <= clock_timestamp()
        or worker.heartbeat_at < clock_timestamp() - ${MISSED_HEARTBEATS} * worker.heartbeat_interval
      )
    for update skip locked
  ) as worker
)
update ${schema}.workers as worker
set dead_at = clock_timestamp()
from dead
where worker.id = dead.id
returning worker.id
`,
);
