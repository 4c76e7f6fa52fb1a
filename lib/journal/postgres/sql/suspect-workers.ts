import { query } from '../statement.js';
import { MISSED_HEARTBEATS } from '../../rules/sessions.js';
import type { WorkerId } from '../../ids.js';

/**
 * Sessions of a namespace that nobody has ended, and that look dead: expired, or two heartbeats missed while the lock is free
 * that their process holds as long as it lives. A free lock alone is no death: a process that lost a connection has lost it
 * too.
 */
export const suspectWorkers = query<{ readonly namespace: string }, { readonly id: WorkerId }>(
  'suspect workers',
  (schema) => `
with quiet as materialized (
  -- Only these are worth a look at their lock; the look takes it for a moment.
  select worker.id, worker.lock_key, worker.expires_at <= clock_timestamp() as expired
  from ${schema}.workers as worker
  where worker.dead_at is null
    -- A session without a namespace is of an older release, and claims in every one: every worker looks after it.
    and (worker.namespace is null or worker.namespace = :namespace)
    and (
      worker.expires_at <= clock_timestamp()
      or worker.heartbeat_at < clock_timestamp() - ${MISSED_HEARTBEATS} * worker.heartbeat_interval
    )
)
select id
from quiet
where case
  when expired then true
  when lock_key is null then false
  else pg_try_advisory_xact_lock_shared(lock_key)
end
`,
);
