import { command } from '../statement.js';
import type { ActorId, RunId } from '../../ids.js';

/**
 * Locks a termination that is to be delivered, unless another worker has it, and waits for the row of its target. Answers the
 * actor, if it is open.
 */
export const lockLetter = command<
  { readonly id: number },
  { readonly id: ActorId | null; readonly run_id: RunId | null }
>(
  'lock letter',
  (schema) => `
with letter as materialized (
  select letter.actor_id
  from ${schema}.outbox as letter
  where letter.id = :id
  for update skip locked
)
select actor.id, actor.run_id
from letter
left join lateral (
  select actor.id, actor.run_id
  from ${schema}.actors as actor
  where actor.id = letter.actor_id
  for update
) as actor on true
`,
);
