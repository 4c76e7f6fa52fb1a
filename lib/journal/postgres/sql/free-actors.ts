import { DEATHS_OF_A_SUSPECT, REMEMBERED_DEATHS } from '../../deaths.js';
import { type Lock, type Statement, command } from '../statement.js';

export interface FreeActors {
  readonly [name: string]: string | boolean | number | null;
  readonly owners: string;
  /** `null` for every one. */
  readonly namespace: string | null;
  readonly lost: boolean;
  readonly limit: number;
}

/**
 * Takes the leases of owners whose session is over, a portion at a time. By name, never by looking for sessions here: a
 * worker may have registered behind the snapshot of this statement.
 *
 * A turn that was `lost` with its worker counts as a failed one. From the third on the actor must wait, twice as long
 * each time: it may be what takes its workers down. The death of the worker is counted apart, for it stays counted until
 * the run has shown that it goes on; nobody died where a session was ended in order. Of a worker that stood still in the
 * code of one of its runs it is known which one it was: that one need not be suspected any longer, and the others never.
 */
const freeActors = (lock: Lock): Statement<FreeActors, { readonly id: string }> =>
  command(
    `free actors ${lock}`,
    (schema) => `
with freed as materialized (
  select
    actor.id, actor.until,
    actor.run_id = died.stuck_in as stuck,
    case
      when died.stuck_in is null or died.stuck_in = actor.run_id
        then died.worker || jsonb_build_object('stuck', died.stuck_in is not null)
    end as worker
  from unnest(:owners::uuid[]) as gone(owner)
  left join lateral (
    select
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
    limit 1
  ) as died on true
  cross join lateral (
    select
      actor.id, actor.run_id,
      case
        when :lost::boolean and actor.failed_turns >= 2
          then clock_timestamp() + least(power(2, least(actor.failed_turns - 2, 20)) * interval '1 second', interval '5 minutes')
      end as until
    from ${schema}.actors as actor
    where actor.lease_owner = gone.owner
      and (:namespace::text is null or actor.namespace = :namespace)
    limit :limit
    for no key update ${lock}
  ) as actor
  limit :limit
)
update ${schema}.actors as actor
set lease_owner = null,
    failed_turns = actor.failed_turns + case when :lost::boolean then 1 else 0 end,
    deaths = case
      when freed.worker is null then actor.deaths
      when freed.stuck then greatest(actor.deaths + 1, ${DEATHS_OF_A_SUSPECT})
      else actor.deaths + 1
    end,
    killed = case
      when freed.worker is null then actor.killed
      else jsonb_path_query_array(jsonb_build_array(freed.worker) || coalesce(actor.killed, '[]'), '$[0 to ${REMEMBERED_DEATHS - 1}]')
    end,
    not_before = greatest(actor.not_before, freed.until),
    wake_at = greatest(clock_timestamp(), actor.not_before, freed.until)
from freed
where actor.id = freed.id
returning actor.id
`,
  );

export const FREE_ACTORS: Readonly<Record<Lock, ReturnType<typeof freeActors>>> = {
  'skip locked': freeActors('skip locked'),
  '': freeActors(''),
};
