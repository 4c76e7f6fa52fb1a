import {
  AND_OTHERS,
  BLOCK_DELAY,
  DEATHS_OF_A_BLOCKED_RUN,
  DEATHS_OF_A_SUSPECT,
  LOST_TURN_DELAY,
  REMEMBERED_DEATHS,
  SUSPECT_DELAY,
  THEY_DIED,
} from '../../rules/deaths.js';
import { delaySql } from '../../rules/growing-delay.js';
import { type Lock, type Statement, command } from '../statement.js';

export interface FreeActors {
  readonly [name: string]: string | boolean | number | null;
  readonly owners: string;
  /** `null` for every one. */
  readonly namespace: string | null;
  readonly lost: boolean;
  readonly limit: number;
}

export interface FreedActor {
  readonly id: string;
  readonly workflow: string;
  readonly workflow_id: string;
  readonly run_id: string;
  /** Why it is blocked from now on; `null` when it is not. */
  readonly reason: string | null;
}

/**
 * Takes the leases of owners whose session is over, a portion at a time. The owners are given, and
 * never found by looking into `workers` here: a worker that registered after the snapshot of this statement would look like
 * one without a session, and lose its leases.
 *
 * A turn that was `lost` with its worker counts as a failed one. From the third on the actor must wait, twice as long
 * each time: it may be what takes its workers down. The death of the worker is counted apart, for it stays counted until
 * the run has shown that it goes on. A session that was ended in order is no death. Suspects wait as well; and one that was
 * the only suspect of its worker, as of the worker before, is blocked. Where the watchdog saw in which run's code a worker
 * stood still, that run is a suspect at once, and no other run of that worker has a death more.
 */
const freeActors = (lock: Lock): Statement<FreeActors, FreedActor> =>
  command(
    `free actors ${lock}`,
    (schema) => `
with held as materialized (
  select
    actor.id,
    died.build_id,
    aboard.suspects,
    actor.failed_turns + case when :lost::boolean then 1 else 0 end as failed_turns,
    death.stuck,
    death.deaths,
    case
      when death.died
        then jsonb_path_query_array(
          jsonb_build_array(died.worker || jsonb_build_object('stuck', death.stuck)) || coalesce(actor.killed, '[]'),
          '$[0 to ${REMEMBERED_DEATHS - 1}]'
        )
      else actor.killed
    end as killed,
    death.died and death.deaths >= ${DEATHS_OF_A_SUSPECT} as suspect,
    death.died
      and actor.deaths >= ${DEATHS_OF_A_SUSPECT}
      and (
        death.stuck
        or actor.deaths >= ${DEATHS_OF_A_BLOCKED_RUN - 1} and actor.crowd = 1 and aboard.suspects = 1
      ) as condemned
  from unnest(:owners::uuid[]) as gone(owner)
  left join lateral (
    select
      worker.id,
      worker.build_id,
      worker.stuck_in,
      jsonb_build_object(
        'name', worker.name,
        'host', worker.host,
        'pid', worker.pid,
        'buildId', worker.build_id,
        'at', floor(date_part('epoch', worker.dead_at) * 1000)
      ) as worker
    from ${schema}.workers as worker
    where :lost::boolean
      and worker.id = gone.owner
      and worker.dead_at is not null
      and not worker.ended
    limit 1
  ) as died on true
  left join lateral (
    -- Those that become suspects by this death are among them.
    select count(*)::int as suspects
    from ${schema}.actors as actor
    where died.id is not null
      and actor.lease_owner = gone.owner
      and actor.deaths >= ${DEATHS_OF_A_SUSPECT - 1}
  ) as aboard on true
  cross join lateral (
    select actor.id, actor.run_id, actor.failed_turns, actor.deaths, actor.killed, actor.crowd
    from ${schema}.actors as actor
    where actor.lease_owner = gone.owner
      and (:namespace::text is null or actor.namespace = :namespace)
    limit :limit
    for no key update ${lock}
  ) as actor
  cross join lateral (
    select
      blamed.died,
      blamed.stuck,
      case
        when blamed.stuck then greatest(actor.deaths + 1, ${DEATHS_OF_A_SUSPECT})
        when blamed.died then actor.deaths + 1
        else actor.deaths
      end as deaths
    from (
      select
        died.id is not null and coalesce(died.stuck_in = actor.run_id, true) as died,
        coalesce(died.stuck_in = actor.run_id, false) as stuck
    ) as blamed
  ) as death
  limit :limit
),
freed as materialized (
  select
    held.*,
    clock_timestamp() + greatest(
      case
        when :lost::boolean and held.failed_turns >= ${LOST_TURN_DELAY.from} then ${delaySql(LOST_TURN_DELAY, 'held.failed_turns')}
      end,
      case when held.suspect then ${delaySql(SUSPECT_DELAY, 'held.deaths')} end,
      case when held.condemned then ${delaySql(BLOCK_DELAY, 'held.deaths')} end
    ) as until,
    case when held.condemned then (
      select
        case
          when held.stuck then 'An endless loop in its code stopped the workers that ran it: '
          -- A worker that stood still counts as several.
          when jsonb_array_length(held.killed) < ${REMEMBERED_DEATHS}
            then jsonb_array_length(held.killed) || ' ${THEY_DIED}'
          else held.deaths || ' ${THEY_DIED}'
        end
        || string_agg(format('%s (process %s on %s)', worker->>'name', worker->>'pid', worker->>'host'), ', ' order by place)
        || case when held.deaths > ${REMEMBERED_DEATHS} and jsonb_array_length(held.killed) = ${REMEMBERED_DEATHS} then '${AND_OTHERS}' else '' end
      from jsonb_array_elements(held.killed) with ordinality as one(worker, place)
    ) end as reason
  from held
)
update ${schema}.actors as actor
set lease_owner = null,
    failed_turns = freed.failed_turns,
    deaths = freed.deaths,
    killed = freed.killed,
    crowd = case
      when not freed.suspect then actor.crowd
      when freed.stuck then 1
      else freed.suspects
    end,
    blocked = case when freed.condemned then freed.reason else actor.blocked end,
    blocked_since = case
      when freed.condemned then coalesce(actor.blocked_since, date_trunc('milliseconds', clock_timestamp()))
      else actor.blocked_since
    end,
    blocked_build = case when freed.condemned then freed.build_id else actor.blocked_build end,
    not_before = greatest(actor.not_before, freed.until),
    wake_at = greatest(clock_timestamp(), actor.not_before, freed.until)
from freed
where actor.id = freed.id
returning actor.id, actor.workflow, actor.workflow_id, actor.run_id, freed.reason
`,
  );

export const FREE_ACTORS: Readonly<Record<Lock, ReturnType<typeof freeActors>>> = {
  'skip locked': freeActors('skip locked'),
  '': freeActors(''),
};
