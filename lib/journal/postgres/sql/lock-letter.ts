import { command } from '../statement.js';
import type { ActorId, RunId } from '../../ids.js';

/** Whom a termination ends: nobody where the actor is gone, or where somebody else has it locked. */
export interface TerminationTarget {
  readonly id: ActorId | null;
  readonly run_id: RunId | null;
  readonly held: boolean;
}

/** Locks a termination that is to be delivered, unless another worker has it, and the row of its target, if that is free. */
export const lockLetter = command<{ readonly id: number }, TerminationTarget>(
  'lock letter',
  (schema) => `
with letter as materialized (
  select letter.actor_id
  from ${schema}.outbox as letter
  where letter.id = :id
  for update skip locked
)
select actor.id, actor.run_id, seen.id is not null as held
from letter
left join lateral (
  select actor.id, actor.run_id
  from ${schema}.actors as actor
  where actor.id = letter.actor_id
  for update skip locked
) as actor on true
left join lateral (
  -- Without a lock: tells a row that somebody else holds from one that is gone.
  select present.id
  from ${schema}.actors as present
  where present.id = letter.actor_id
    and actor.id is null
  limit 1
) as seen on true
`,
);
