import { command } from '../statement.js';

/**
 * Locks a signal that may start a run, unless another worker has it, and the open run of its workflow id, if that is free.
 * Nothing that comes after it in this transaction waits longer than `patience` for a lock: somebody's open transaction may
 * have started the same workflow id.
 */
export const lockStartLetter = command<
  { readonly id: number; readonly patience: string },
  { readonly held: boolean; readonly patience: string }
>(
  'lock start letter',
  (schema) => `
with letter as materialized (
  select letter.namespace, letter.workflow_id
  from ${schema}.outbox as letter
  where letter.id = :id
  for update skip locked
)
select seen.id is not null as held, set_config('lock_timeout', :patience, true) as patience
from letter
left join lateral (
  select actor.id
  from ${schema}.actors as actor
  where actor.namespace = letter.namespace
    and actor.workflow_id = letter.workflow_id
  for update skip locked
) as actor on true
left join lateral (
  -- Without a lock: tells a row that somebody else holds from one that is not there.
  select present.id
  from ${schema}.actors as present
  where present.namespace = letter.namespace
    and present.workflow_id = letter.workflow_id
    and actor.id is null
  limit 1
) as seen on true
`,
);
