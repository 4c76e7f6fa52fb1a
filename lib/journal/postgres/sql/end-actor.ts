import { command } from '../statement.js';

/** How a run ends without its code: the entry that is its last one, and what its parent is told beside the state. */
export interface Ending {
  readonly [name: string]: string | null;
  readonly actorId: string;
  readonly state: 'terminated' | 'timed_out';
  readonly type: 'run_terminated' | 'run_timed_out';
  readonly payload: string | null;
  readonly facts: string | null;
  readonly told: string | null;
}

/**
 * Closes the run of an actor that this transaction has locked before: only a statement that begins after it was locked sees
 * where the history ends. Parent and children are told, as by any end. The token grows, so that the holder can tell that it was not its own commit.
 */
export const endActor = command<Ending, { readonly run_id: string }>(
  'end actor',
  (schema) => `
with freed as (
  delete from ${schema}.actors as actor
  where actor.id = :actorId::uuid
  returning
    actor.run_id, actor.lease_token + 1 as token, actor.namespace,
    actor.parent_id, actor.parent_run_id, actor.parent_command, actor.lineage
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
  set state = :state::text,
      closed_at = ending.at,
      last_seq = ending.seq,
      lease_token = ending.token
  from ending
  where run.id = ending.run_id
),
emptied as (
  delete from ${schema}.inbox as message
  where message.actor_id = :actorId::uuid
),
withdrawn as (
  update ${schema}.callbacks as callback
  set over_at = clock_timestamp()
  from freed
  cross join lateral (
    select open.ctid as place
    from ${schema}.callbacks as open
    where open.run_id = freed.run_id
      and open.over_at is null
    offset 0
  ) as open
  where callback.ctid = open.place
),
outgoing as materialized (
  select
    1 as rank, namespace, 'child_end' as kind, lineage -> 'parent' ->> 'workflowId' as workflow_id, parent_id as actor_id,
    parent_run_id as run_id, concat_ws(':', parent_run_id, parent_command, :state::text) as name,
    :told::json as payload
  from freed
  where parent_id is not null
  union all
  select 2, namespace, 'parent_closed', null, null, freed.run_id, null, null
  from freed
  cross join lateral (
    select child.id
    from ${schema}.actors as child
    where child.parent_run_id = freed.run_id
      and child.parent_close in ('cancel', 'terminate')
    limit 1
  ) as child
),
sent as (
  insert into ${schema}.outbox (namespace, source, kind, workflow_id, actor_id, run_id, name, payload)
  select namespace, :actorId::uuid, kind, workflow_id, actor_id, run_id, name, payload
  from outgoing
  order by rank
)
insert into ${schema}.history as entry (run_id, seq, type, payload, facts, at)
select run_id, seq, :type::text, :payload::json, :facts::json, at
from ending
returning entry.run_id
`,
);
