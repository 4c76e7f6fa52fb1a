import { type Lock, type Statement, command } from '../statement.js';
import {
  type JudgeTurns,
  type JudgedTurns,
  JUDGEMENT,
  judgedTurns,
  recordedEntries,
} from './judged-turns.js';

export interface SettleTurns extends JudgeTurns {
  readonly outcomes: string;
  /** Of a release: when it is claimable again. */
  readonly wakeTimes: string;
  /** Of a block: why, and for how many ms nothing wakes the actor. */
  readonly reasons: string;
  readonly delays: string;
  /** Of a close: how the run ended, and where its history ends. */
  readonly states: string;
  readonly lastSeqs: string;
  /** Whether a turn appends anything. */
  readonly appends: string;
  /** Whether the deaths of its workers are forgotten. */
  readonly clears: string;
  /** JSON of what changes of what lists show: attributes to `set` and to `unset`, and `details` where they change. */
  readonly shows: string;
  /** Of a run that continues: its successor, how that is started, and whether the holder goes on with it. */
  readonly successors: string;
  readonly workflows: string;
  readonly versions: string;
  readonly starts: string;
  readonly kept: string;
  /** How long it may take, in ms; null for as long as the run before. */
  readonly runLimits: string;
  /** The answers of updates: the place of each one's turn, from 1, and its id. */
  readonly answerTurns: string;
  readonly answerIds: string;
  /** Of an update that was accepted: where the history has its answer. Of one that was refused: why, and what says so. */
  readonly answerSeqs: string;
  readonly refusals: string;
  readonly failures: string;
}

/** No message has a higher number. */
const LAST = Number.MAX_SAFE_INTEGER;

/** What becomes of the leases and of the runs of turns. */
export const settledTurns = (schema: string): string => `
applied as materialized (
  select
    judged.ordinal, judged.actor_id, judged.run_id, judged.token, judged.consumed, judged.inbox_seq,
    settled.outcome, settled.reason, settled.state, settled.last_seq, settled.appends, settled.clears, settled.shows,
    settled.successor, settled.workflow, settled.version, settled.start, settled.kept, settled.run_limit,
    timestamptz 'epoch' + settled.wake_at * interval '1 millisecond' as wake_at,
    date_trunc('milliseconds', clock_timestamp()) as at,
    clock_timestamp() + settled.delay * interval '1 millisecond' as blocked_until,
    builds.build_id
  from judged
  join unnest(
    :outcomes::text[], :wakeTimes::float8[], :reasons::text[], :delays::float8[],
    :states::text[], :lastSeqs::int[], :appends::boolean[], :clears::boolean[], :shows::jsonb[],
    :successors::uuid[], :workflows::text[], :versions::int[], :starts::json[], :kept::boolean[],
    :runLimits::float8[]
  ) with ordinality as settled(
    outcome, wake_at, reason, delay,
    state, last_seq, appends, clears, shows,
    successor, workflow, version, start, kept,
    run_limit, ordinal
  ) on settled.ordinal = judged.ordinal
  left join lateral (
    select worker.build_id
    from ${schema}.workers as worker
    where worker.id = :owner::uuid
      and settled.outcome = 'block'
    limit 1
  ) as builds on true
  where judged.answer = 'applied'
)`;

/**
 * The writes of it, once for each row.
 *
 * @param told whether turns put messages into their own inboxes, as many as `told` has of each
 */
export function settledActors(schema: string, told: boolean): string {
  // What a turn is told of its children is unread as well: a run that is given back with it must be taken up again.
  const reaches = told ? 'actor.inbox_seq + coalesce(told.messages, 0)' : 'actor.inbox_seq';
  return `
updated as (
  update ${schema}.actors as actor
  set ${told ? `inbox_seq = ${reaches},\n      ` : ''}inbox_consumed = case
        when applied.outcome = 'block' then actor.inbox_consumed
        -- The start of the successor comes next.
        when applied.outcome = 'continue' then applied.consumed - 1
        else greatest(actor.inbox_consumed, applied.consumed)
      end,
      run_id = coalesce(applied.successor, actor.run_id),
      workflow = coalesce(applied.workflow, actor.workflow),
      version = coalesce(applied.version, actor.version),
      -- The chain's time goes on, and the run's begins anew. least() passes over a null.
      deadline_at = case
        when applied.outcome = 'continue' then least(
          applied.at + coalesce(applied.run_limit, actor.run_limit) * interval '1 millisecond',
          actor.chain_deadline_at
        )
        else actor.deadline_at
      end,
      run_limit = coalesce(applied.run_limit, actor.run_limit),
      closing = actor.closing or applied.outcome = 'roll back',
      lease_owner = case
        when applied.outcome in ('release', 'block') then null
        when applied.outcome = 'continue' and applied.kept is not true then null
        else actor.lease_owner
      end,
      wake_at = case
        when applied.outcome = 'block' then applied.blocked_until
        when applied.outcome = 'release' and ${reaches} > applied.consumed then greatest(applied.at, actor.not_before)
        -- A holder may not know of a time limit; of one that has passed it has been told. greatest() passes over a null, and an
        -- actor that nothing wakes must stay so.
        when applied.outcome = 'release' and actor.deadline_at > applied.at then greatest(least(applied.wake_at, actor.deadline_at), actor.not_before)
        when applied.outcome = 'release' and applied.wake_at is not null then greatest(applied.wake_at, actor.not_before)
        when applied.outcome = 'release' then null
        when applied.outcome = 'continue' and applied.kept is not true then greatest(applied.at, actor.not_before)
        else actor.wake_at
      end,
      not_before = case when applied.outcome = 'block' then applied.blocked_until else actor.not_before end,
      failed_turns = case
        when applied.outcome = 'block' then actor.failed_turns + 1
        when applied.appends then 0
        else actor.failed_turns
      end,
      blocked = case
        when applied.outcome = 'block' then applied.reason
        when applied.appends then null
        else actor.blocked
      end,
      blocked_since = case
        when applied.outcome = 'block' then coalesce(actor.blocked_since, applied.at)
        when applied.appends then null
        else actor.blocked_since
      end,
      blocked_build = case
        when applied.outcome = 'block' then applied.build_id
        when applied.appends then null
        else actor.blocked_build
      end,
      deaths = case when applied.clears then 0 else actor.deaths end,
      killed = case when applied.clears then null else actor.killed end,
      crowd = case when applied.clears then 0 else actor.crowd end
  from applied${told ? '\n  left join told on told.actor_id = applied.actor_id' : ''}
  where actor.id = applied.actor_id
    and applied.outcome <> 'close'
    -- A plain step among the others leaves the row as it is.
    and (
      applied.outcome <> 'keep'
      or applied.consumed > actor.inbox_consumed
      or actor.failed_turns > 0
      or actor.blocked is not null
      or applied.clears${told ? '\n      or told.messages > 0' : ''}
    )
  returning actor.id, actor.deadline_at
),
freed as (
  delete from ${schema}.actors as actor
  using applied
  where actor.id = applied.actor_id
    and applied.outcome = 'close'
),
listed as (
  update ${schema}.runs as run
  set state = case when applied.state is not null then applied.state else run.state end,
      closed_at = case when applied.state is not null then applied.at else run.closed_at end,
      last_seq = case when applied.state is not null then applied.last_seq else run.last_seq end,
      lease_token = case when applied.state is not null then applied.token else run.lease_token end,
      -- Only a change of them makes this update one of the index, too.
      attributes = case
        when applied.shows -> 'set' = '{}' and applied.shows -> 'unset' = '[]' then run.attributes
        when applied.shows is not null then
          (coalesce(run.attributes, '{}') || (applied.shows -> 'set'))
            - array(select jsonb_array_elements_text(applied.shows -> 'unset'))
        else run.attributes
      end,
      details = case when applied.shows ? 'details' then applied.shows ->> 'details' else run.details end,
      continued_to = coalesce(applied.successor, run.continued_to)
  from applied
  where run.id = applied.run_id
    and (applied.state is not null or applied.shows is not null)
  returning run.id, run.namespace, run.workflow_id, run.started_at, run.attributes, run.details, run.lineage
),
opened as (
  insert into ${schema}.runs (id, actor_id, namespace, workflow_id, workflow, version, state, started_at, attributes, details, lineage, deadline_at)
  select
    applied.successor, applied.actor_id, before.namespace, before.workflow_id, applied.workflow, applied.version, 'running',
    -- Later than the run before, so that lists show them in order.
    greatest(applied.at, before.started_at + interval '1 millisecond'), before.attributes, before.details, before.lineage,
    updated.deadline_at
  from applied
  join listed as before on before.id = applied.run_id
  join updated on updated.id = applied.actor_id
  where applied.outcome = 'continue'
),
answered as (
  -- The first answer stands.
  update ${schema}.updates as asked
  set run_id = case when answer.refused is null then judged.run_id end,
      seq = answer.seq,
      refused = answer.refused,
      failure = answer.failure,
      answered_at = clock_timestamp()
  from unnest(:answerTurns::int[], :answerIds::text[], :answerSeqs::int[], :refusals::text[], :failures::json[])
    as answer(turn, update_id, seq, refused, failure)
  join judged on judged.ordinal = answer.turn
  cross join lateral (
    select actor.namespace, actor.workflow_id
    from ${schema}.actors as actor
    where actor.id = judged.actor_id
    limit 1
  ) as whose
  cross join lateral (
    select known.ctid as place
    from ${schema}.updates as known
    where known.namespace = whose.namespace
      and known.workflow_id = whose.workflow_id
      and known.update_id = answer.update_id
      and known.answered_at is null
    limit 1
  ) as known
  where judged.answer = 'applied'
    and asked.ctid = known.place
),
consumed as (
  delete from ${schema}.inbox as message
  using applied
  cross join lateral (
    select read.ctid as place
    from ${schema}.inbox as read
    where read.actor_id = applied.actor_id
      and read.n <= case
        when applied.outcome = 'block' then 0
        when applied.outcome = 'close' then ${LAST}
        else applied.consumed
      end
    offset 0
  ) as read
  where message.ctid = read.place
  returning message.n
),
begun as (
  -- After the messages before it are gone, the last of which has left its number.
  insert into ${schema}.inbox (actor_id, n, kind, name, payload, at)
  select applied.actor_id, applied.consumed, 'start', applied.run_id::text, applied.start, applied.at
  from applied
  cross join (select count(*) as messages from consumed) as emptied
  where applied.outcome = 'continue'
)`;
}

/** Commits turns of every kind: what {@link APPEND_TURNS} does, and what becomes of the lease and of the run. */
const settleTurns = (lock: Lock): Statement<SettleTurns, JudgedTurns> =>
  command(
    `settle turns ${lock}`,
    (schema) => `
with ${judgedTurns(schema, lock)},
${recordedEntries(schema)},${settledTurns(schema)},${settledActors(schema, false)}${JUDGEMENT}
`,
  );

export const SETTLE_TURNS: Readonly<Record<Lock, Statement<SettleTurns, JudgedTurns>>> = {
  'skip locked': settleTurns('skip locked'),
  '': settleTurns(''),
};
