import { command } from '../statement.js';

/**
 * Closes the run of an actor that this transaction has locked before: only a statement that begins after it was locked sees
 * where the history ends. The token grows, so that the holder can tell that it was not its own commit.
 */
export const terminateActor = command<
  { readonly actorId: string; readonly facts: string | null },
  { readonly run_id: string }
>(
  'terminate actor',
  (schema) => `
with freed as (
  delete from ${schema}.actors as actor
  where actor.id = :actorId::uuid
  returning actor.run_id, actor.lease_token + 1 as token
),
ending as materialized (
  select freed.run_id, freed.token, coalesce(tail.seq, 0) + 1 as seq, date_trunc('milliseconds', clock_timestamp()) as at
  from freed
  left join lateral (
    select entry.seq
    from ${schema}.history as entry
    where entry.run_id = freed.run_id
    order by entry.seq desc
    limit 1
  ) as tail on true
),
closed as (
  update ${schema}.runs as run
  set state = 'terminated',
      closed_at = ending.at,
      last_seq = ending.seq,
      lease_token = ending.token
  from ending
  where run.id = ending.run_id
),
emptied as (
  delete from ${schema}.inbox as message
  where message.actor_id = :actorId::uuid
)
insert into ${schema}.history as entry (run_id, seq, type, facts, at)
select run_id, seq, 'run_terminated', :facts::json, at
from ending
returning entry.run_id
`,
);
