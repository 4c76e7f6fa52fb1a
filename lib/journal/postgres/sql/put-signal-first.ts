import { command } from '../statement.js';

/**
 * Of a run that this transaction has started: its signal, which is its second message, becomes the first one, and its start the
 * second. Nobody else sees either before the transaction has committed.
 */
export const putSignalFirst = command<{ readonly actorId: string }, never>(
  'put signal first',
  (schema) => `
with numbered as (
  update ${schema}.actors as actor
  set signal_seq = 1
  where actor.id = :actorId::uuid
),
taken as (
  delete from ${schema}.inbox as message
  where message.actor_id = :actorId::uuid
    and message.n in (1, 2)
  returning message.*
)
insert into ${schema}.inbox (actor_id, n, kind, name, payload, checked_by, message_id, by, at)
select taken.actor_id, 3 - taken.n, taken.kind, taken.name, taken.payload, taken.checked_by, taken.message_id, taken.by, taken.at
from taken
-- Sorted: so both are taken before the first is put back.
order by taken.n desc
`,
);
