/** Arrays with one place for each turn, for each callback that is opened, and for each that is withdrawn. */
export interface OpenCallbacks {
  readonly endsCallbacks: string;
  /** The place of the turn that opens it, from 1. */
  readonly openTurns: string;
  readonly openCommands: string;
  readonly openKeys: string;
  readonly withdrawTurns: string;
  readonly withdrawCommands: string;
}

/**
 * What becomes of callbacks in a commit: those that nobody has settled in time are withdrawn; those that are new can be settled
 * from now on, unless their key is taken.
 */
export const openedCallbacks = (schema: string): string => `
over as materialized (
  -- Whoever settles one holds the actor's row meanwhile, as this commit does.
  select known.place
  from unnest(:withdrawTurns::int[], :withdrawCommands::int[]) as gone(turn, command)
  join applied on applied.ordinal = gone.turn
  cross join lateral (
    select callback.ctid as place
    from ${schema}.callbacks as callback
    where callback.run_id = applied.run_id
      and callback.command = gone.command
      and callback.over_at is null
    limit 1
  ) as known
  union
  select known.place
  from unnest(:endsCallbacks::boolean[]) with ordinality as ending(ends, ordinal)
  join applied on applied.ordinal = ending.ordinal
  cross join lateral (
    select callback.ctid as place
    from ${schema}.callbacks as callback
    where callback.run_id = applied.run_id
      and callback.over_at is null
    offset 0
  ) as known
  where ending.ends
),
withdrawn as (
  update ${schema}.callbacks as callback
  set over_at = clock_timestamp()
  from over
  where callback.ctid = over.place
    and callback.over_at is null
  returning callback.command
),
opening as materialized (
  select
    opening.command, opening.key, opening.ordinal,
    applied.run_id, applied.actor_id, applied.outcome, applied.inbox_seq, whose.namespace
  from unnest(:openTurns::int[], :openCommands::int[], :openKeys::text[]) with ordinality
    as opening(turn, command, key, ordinal)
  join applied on applied.ordinal = opening.turn
  cross join lateral (
    select actor.namespace
    from ${schema}.actors as actor
    where actor.id = applied.actor_id
    limit 1
  ) as whose
),
callbacks_opened as (
  insert into ${schema}.callbacks as callback (run_id, command, actor_id, namespace, key)
  select run_id, command, actor_id, namespace, key
  from opening
  -- After those that are over now: one of them may have left its key to one of these.
  cross join (select count(*) as callbacks from withdrawn) as emptied
  order by namespace, key, ordinal
  on conflict (namespace, key) where over_at is null and key is not null do nothing
  returning callback.run_id, callback.command
)`;
