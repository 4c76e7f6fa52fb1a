import type { Lock } from '../statement.js';

/** Arrays with one place for every turn, and with one for every entry of them. */
export interface JudgeTurns {
  readonly [name: string]: string;
  readonly owner: string;
  readonly actorIds: string;
  readonly runIds: string;
  readonly tokens: string;
  readonly previousSeqs: string;
  readonly consumed: string;
  readonly decides: string;
  readonly closes: string;
  readonly firedUpTo: string;
  /** The place of each entry's turn, from 1. */
  readonly entryTurns: string;
  readonly entrySeqs: string;
  readonly entryTypes: string;
  readonly entryCommands: string;
  readonly entryNames: string;
  readonly entryPayloads: string;
  readonly entryFacts: string;
  readonly entryTimes: string;
}

/** One row for a whole batch: nearly all turns apply, and nothing else is to be told of them. */
export interface JudgedTurns {
  /** How many turns were decided about. */
  readonly judged: number;
  /** JSON of {@link JudgedTurn}s: of those that did not apply, or whose inbox has unread messages. `null`: there are none. */
  readonly others: string | null;
}

export interface JudgedTurn {
  /** Which of the turns, from 1. */
  readonly place: number;
  readonly answer: 'applied' | 'busy' | 'lost' | 'history lost' | 'signals unread' | 'not due';
  readonly inboxSeq: number | null;
  /** How far, in ms, the latest timer of the turn is ahead of the clock. */
  readonly ahead: number | null;
}

/**
 * Decides for each turn whether it applies. Every write of a commit hangs on this one decision, which is made of the
 * locked rows: nothing else in the statement is newer than its snapshot.
 */
export const judgedTurns = (schema: string, lock: Lock): string => `
turn as materialized (
  select *
  from unnest(
    :actorIds::uuid[], :runIds::uuid[], :tokens::bigint[], :previousSeqs::int[], :consumed::bigint[],
    :decides::boolean[], :closes::boolean[], :firedUpTo::float8[]
  ) with ordinality as turn(
    actor_id, run_id, token, previous_seq, consumed,
    decides, closes, fired_up_to, ordinal
  )
),
looked_at as materialized (
  select
    turn.*,
    actor.id as locked, seen.id as seen, seen.inbox_seq as seen_inbox_seq, actor.run_id as open_run, actor.lease_owner, actor.lease_token,
    actor.inbox_seq, actor.inbox_consumed, actor.signal_seq, actor.failed_turns, actor.blocked,
    coalesce(tail.seq, 0) as last_seq,
    turn.fired_up_to - date_part('epoch', clock_timestamp()) * 1000 as ahead
  from turn
  left join lateral (
    select
      actor.id, actor.run_id, actor.lease_owner, actor.lease_token,
      actor.inbox_seq, actor.inbox_consumed, actor.signal_seq, actor.failed_turns, actor.blocked
    from ${schema}.actors as actor
    where actor.id = turn.actor_id
    for no key update ${lock}
  ) as actor on true
  left join lateral (
    -- Without a lock, and as old as the snapshot: tells a row that somebody else holds from one that is gone, and what
    -- came in since then from what this statement can see.
    select present.id, present.inbox_seq
    from ${schema}.actors as present
    where present.id = turn.actor_id
      and (actor.id is null or turn.closes)
    limit 1
  ) as seen on true
  left join lateral (
    -- One probe. Nobody but the holder moves this end, and the holder waits for its answers.
    select entry.seq
    from ${schema}.history as entry
    where entry.run_id = turn.run_id
    order by entry.seq desc
    limit 1
  ) as tail on true
),
judged as materialized (
  select
    looked_at.*,
    case
      when locked is null and seen is null then 'lost'
      when locked is null then 'busy'
      when lease_owner is distinct from :owner::uuid or lease_token <> token or open_run <> run_id then 'lost'
      when last_seq <> previous_seq then 'history lost'
      when decides and signal_seq > consumed then 'signals unread'
      when ahead > 0 then 'not due'
      -- It empties the inbox, and cannot delete a message that it cannot see.
      when closes and inbox_seq <> seen_inbox_seq then 'busy'
      else 'applied'
    end as answer
  from looked_at
)`;

/** What was decided, as {@link JudgedTurns}. */
export const JUDGEMENT = `
select
  count(*)::int as judged,
  json_agg(json_build_object('place', ordinal, 'answer', answer, 'inboxSeq', inbox_seq, 'ahead', ahead))
    filter (where answer <> 'applied' or inbox_seq > consumed) as others
from judged`;

/** Appends the entries of the turns that apply. */
export const recordedEntries = (schema: string): string => `
recorded as (
  insert into ${schema}.history (run_id, seq, type, command_id, name, payload, facts, at)
  select
    judged.run_id, entry.seq, entry.type, entry.command_id, entry.name, entry.payload, entry.facts,
    timestamptz 'epoch' + entry.at * interval '1 millisecond'
  from unnest(
    :entryTurns::int[], :entrySeqs::int[], :entryTypes::text[], :entryCommands::int[], :entryNames::text[],
    :entryPayloads::json[], :entryFacts::json[], :entryTimes::float8[]
  ) as entry(turn, seq, type, command_id, name, payload, facts, at)
  join judged on judged.ordinal = entry.turn
  where judged.answer = 'applied'
)`;
