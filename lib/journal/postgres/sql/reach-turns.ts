import { type Lock, type Statement, command } from '../statement.js';
import { type JudgedTurns, judgedTurns, recordedEntries } from './judged-turns.js';
import { type OpenCallbacks, openedCallbacks } from './open-callbacks.js';
import { type SettleTurns, settledActors, settledTurns } from './settle-turns.js';

/** Arrays with one place for each turn, for each child, and for each thing that is sent. */
export interface ReachTurns extends SettleTurns, Reaching {}

export interface Reaching extends OpenCallbacks {
  readonly tells: string;
  readonly closesChildren: string;
  /** The place of the turn that starts the child, from 1. */
  readonly childTurns: string;
  readonly childIds: string;
  readonly childWorkflowIds: string;
  readonly childWorkflows: string;
  readonly childVersions: string;
  readonly childInputs: string;
  readonly childCommands: string;
  readonly childCloses: string;
  readonly childLineages: string;
  /** How long it may take, in ms: the run, and all the runs of its start. */
  readonly childRunLimits: string;
  readonly childChainLimits: string;
  readonly childConfirms: string;
  readonly sendTurns: string;
  readonly sendKinds: string;
  readonly sendWorkflowIds: string;
  readonly sendActorIds: string;
  readonly sendNames: string;
  readonly sendPayloads: string;
  /** JSON of the run that a signal starts where none is open. */
  readonly sendStarts: string;
  /** The command that asks what becomes of it. */
  readonly sendReplies: string;
}

/** Children whose workflow id is free are started. */
const startedChildren = (schema: string): string => `
child as materialized (
  select
    child.*,
    applied.actor_id as parent_id, applied.run_id as parent_run_id, applied.outcome, applied.inbox_seq,
    parent.namespace, parent.priority,
    applied.at + child.run_limit * interval '1 millisecond' as run_deadline_at,
    applied.at + child.chain_limit * interval '1 millisecond' as chain_deadline_at
  from unnest(
    :childTurns::int[], :childIds::uuid[], :childWorkflowIds::text[], :childWorkflows::text[], :childVersions::int[],
    :childInputs::json[], :childCommands::int[], :childCloses::text[], :childLineages::json[], :childConfirms::boolean[],
    :childRunLimits::float8[], :childChainLimits::float8[]
  ) with ordinality as child(
    turn, id, workflow_id, workflow, version,
    input, command, parent_close, lineage, confirms,
    run_limit, chain_limit, ordinal
  )
  join applied on applied.ordinal = child.turn
  cross join lateral (
    select actor.namespace, actor.priority
    from ${schema}.actors as actor
    where actor.id = applied.actor_id
    limit 1
  ) as parent
),
born as (
  -- Batches that overlap insert in one order, so that they cannot wait for each other in a circle.
  insert into ${schema}.actors as actor (
    id, run_id, namespace, workflow_id, workflow, version, priority, wake_at, inbox_seq,
    deadline_at, chain_deadline_at, run_limit,
    parent_id, parent_run_id, parent_command, parent_close, lineage
  )
  select
    id, id, namespace, workflow_id, workflow, version, priority, now(), 1,
    least(run_deadline_at, chain_deadline_at), chain_deadline_at, run_limit,
    parent_id, parent_run_id, command, parent_close, lineage
  from child
  order by namespace, workflow_id, ordinal
  on conflict (namespace, workflow_id) do nothing
  returning actor.id
),
children_opened as (
  insert into ${schema}.runs (id, actor_id, namespace, workflow_id, workflow, version, state, started_at, lineage, deadline_at)
  select
    child.id, child.id, namespace, workflow_id, workflow, version, 'running',
    date_trunc('milliseconds', clock_timestamp()), lineage, least(run_deadline_at, chain_deadline_at)
  from child
  join born on born.id = child.id
),
children_begun as (
  insert into ${schema}.inbox (actor_id, n, kind, payload, at)
  select child.id, 1, 'start', input, clock_timestamp()
  from child
  join born on born.id = child.id
)`;

/** What the runs themselves hear of it in their inboxes: of children and callbacks whose workflow id or key was taken. */
const toldNews = (schema: string): string => `
heard as materialized (
  select
    child.parent_id as actor_id, child.inbox_seq, 1 as rank, child.ordinal, 'child_start' as kind,
    concat_ws(
      ':', child.parent_run_id, child.command, case when born.id is null then 'refused' else 'accepted' end
    ) as name
  from child
  left join born on born.id = child.id
  where child.outcome not in ('close', 'continue')
    and (born.id is null or child.confirms)
  union all
  select
    opening.actor_id, opening.inbox_seq, 2, opening.ordinal, 'callback_result',
    concat_ws(':', opening.run_id, opening.command, 'taken')
  from opening
  left join callbacks_opened as opened on opened.run_id = opening.run_id and opened.command = opening.command
  where opening.outcome not in ('close', 'continue')
    and opened.run_id is null
),
news as materialized (
  select
    actor_id, kind, name,
    inbox_seq + row_number() over (partition by actor_id order by rank, ordinal) as n
  from heard
),
told as materialized (
  select actor_id, count(*) as messages
  from news
  group by actor_id
),
news_delivered as (
  insert into ${schema}.inbox (actor_id, n, kind, name, at)
  select actor_id, n, kind, name, clock_timestamp()
  from news
)`;

/** What goes to other runs, kept in the order of each sender: the end of a run comes after what it has sent. */
const sentMessages = (schema: string): string => `
reaching as materialized (
  select
    applied.*,
    reaching.tells, reaching.closes_children,
    actor.namespace, actor.parent_id, actor.parent_run_id, actor.parent_command, actor.lineage
  from unnest(:tells::boolean[], :closesChildren::boolean[]) with ordinality
    as reaching(tells, closes_children, ordinal)
  join applied on applied.ordinal = reaching.ordinal
  cross join lateral (
    select
      actor.namespace, actor.parent_id, actor.parent_run_id, actor.parent_command, actor.lineage
    from ${schema}.actors as actor
    where actor.id = applied.actor_id
    limit 1
  ) as actor
),
outgoing as materialized (
  select
    reaching.ordinal as turn, 1 as rank, sending.ordinal as place,
    reaching.namespace, reaching.actor_id as source, sending.kind, sending.workflow_id, sending.actor_id,
    null::uuid as run_id, sending.name, sending.payload, sending.start, concat_ws(':', reaching.run_id, sending.reply) as reply,
    sending.reply as asked
  from unnest(
    :sendTurns::int[], :sendKinds::text[], :sendWorkflowIds::text[], :sendActorIds::uuid[], :sendNames::text[],
    :sendPayloads::json[], :sendStarts::json[], :sendReplies::int[]
  ) with ordinality as sending(turn, kind, workflow_id, actor_id, name, payload, start, reply, ordinal)
  join reaching on reaching.ordinal = sending.turn
  union all
  select
    reaching.ordinal, 2, 1,
    namespace, reaching.actor_id, 'child_end', lineage -> 'parent' ->> 'workflowId', parent_id,
    parent_run_id, concat_ws(':', parent_run_id, parent_command, state), ending.payload, null, null, null
  from reaching
  cross join lateral (
    select entry.payload
    from unnest(:entryTurns::int[], :entrySeqs::int[], :entryPayloads::json[]) as entry(turn, seq, payload)
    where entry.turn = reaching.ordinal
      and entry.seq = reaching.last_seq
    limit 1
  ) as ending
  where outcome = 'close'
    and tells
    and parent_id is not null
  union all
  select
    ordinal, 3, 1,
    namespace, actor_id, 'parent_closed', null, null,
    run_id, null, null, null, null, null
  from reaching
  where outcome in ('close', 'continue')
    and closes_children
),
sent as (
  insert into ${schema}.outbox (namespace, source, kind, workflow_id, actor_id, run_id, name, payload, start, reply)
  select
    namespace, source, kind, workflow_id, actor_id, run_id, name, payload, start,
    case when asked is not null then reply end
  from outgoing
  order by turn, rank, place
)`;

/** As the judgement of other commits, with the messages that the turns have put into their own inboxes. */
const JUDGEMENT_WITH_NEWS = `
select
  count(*)::int as judged,
  json_agg(json_build_object('place', ordinal, 'answer', answer, 'inboxSeq', reaches, 'ahead', ahead))
    filter (where answer <> 'applied' or reaches > consumed) as others
from (
  select judged.*, judged.inbox_seq + coalesce(told.messages, 0) as reaches
  from judged
  left join told on told.actor_id = judged.actor_id
) as judged`;

/** Commits turns of every kind that reach other runs: what {@link SETTLE_TURNS} does, starts children, opens callbacks, and keeps what is sent. */
const reachTurns = (lock: Lock): Statement<ReachTurns, JudgedTurns> =>
  command(
    `reach turns ${lock}`,
    (schema) => `
with ${judgedTurns(schema, lock)},
${recordedEntries(schema)},${settledTurns(schema)},${startedChildren(schema)},${openedCallbacks(schema)},${toldNews(schema)},${settledActors(schema, true)},${sentMessages(schema)}${JUDGEMENT_WITH_NEWS}
`,
  );

export const REACH_TURNS: Readonly<Record<Lock, Statement<ReachTurns, JudgedTurns>>> = {
  'skip locked': reachTurns('skip locked'),
  '': reachTurns(''),
};
