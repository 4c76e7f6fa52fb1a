import { GROUPS, DEATHS_OF_A_SUSPECT } from '../../rules/deaths.js';
import { command } from '../statement.js';
import { type ClaimRow, DEADLINES } from './claim-actors.js';

/**
 * Leases the suspect that has been due the longest to a live worker. If it died in a large crowd, others come with it, an
 * eighth of that crowd in all. They are from crowds at least as large: a suspect that has died with fewer since then must not
 * be put among many again. Two workers that ask at once get different ones.
 */
export const claimSuspects = command<
  {
    readonly owner: string;
    readonly namespace: string;
    readonly workflows: string;
    readonly versions: string;
    readonly limit: number;
    readonly waited: number;
  },
  ClaimRow
>(
  'claim suspects',
  (schema) => `
with live_owner as materialized (
  -- Whoever ends this session waits for this lock before it looks for what the session owns.
  select worker.id
  from ${schema}.workers as worker
  where worker.id = :owner::uuid
    and worker.dead_at is null
  for key share
),
due as materialized (
  -- Of each workflow those that are due the longest, without a lock: nearly always there are none.
  select candidate.id, candidate.crowd, candidate.wake_at
  from unnest(:workflows::text[], :versions::int[]) as probe(workflow, version)
  cross join lateral (
    select actor.id, actor.crowd, actor.wake_at
    from ${schema}.actors as actor
    where actor.namespace = :namespace
      and actor.workflow = probe.workflow
      and actor.version = probe.version
      and actor.lease_owner is null
      and actor.paused_at is null
      and actor.deaths >= ${DEATHS_OF_A_SUSPECT}
      and actor.wake_at <= now()
      and (
        actor.crowd > ${GROUPS}
        or actor.wake_at <= now() - :waited::float8 * interval '1 millisecond'
      )
      and (select id from live_owner) is not null
    order by actor.wake_at
    limit :limit
  ) as candidate
),
ranked as materialized (
  select id, crowd
  from due
  order by wake_at, id
),
first as materialized (
  -- In their order, and no further than needed: a sort here would lock them all.
  select locked.id, ranked.crowd
  from ranked
  cross join lateral (
    select actor.id
    from ${schema}.actors as actor
    where actor.id = ranked.id
      and actor.lease_owner is null
      and actor.deaths >= ${DEATHS_OF_A_SUSPECT}
      and actor.wake_at <= now()
    for no key update skip locked
  ) as locked
  limit 1
),
others as materialized (
  select locked.id
  from ranked
  cross join lateral (
    select actor.id
    from ${schema}.actors as actor
    where actor.id = ranked.id
      and (select crowd > ${GROUPS} from first)
      and ranked.crowd >= (select crowd from first)
      and ranked.id <> (select id from first)
      and actor.lease_owner is null
      and actor.deaths >= ${DEATHS_OF_A_SUSPECT}
      and actor.wake_at <= now()
    for no key update skip locked
  ) as locked
  limit (select greatest(least(:limit::int, ceil(first.crowd / ${GROUPS}.0)) - 1, 0) from first)
),
taken as (
  select id from first
  union all
  select id from others
)
update ${schema}.actors as actor
set lease_owner = :owner::uuid,
    lease_token = actor.lease_token + 1
from taken
where actor.id = taken.id
returning
  actor.id, actor.run_id, actor.namespace, actor.workflow_id, actor.workflow, actor.version, actor.priority,
  date_part('epoch', actor.wake_at) as due_at,
  actor.lease_token, actor.inbox_seq, actor.inbox_consumed, actor.failed_turns, actor.deaths, actor.lineage,
  ${DEADLINES}
`,
);
