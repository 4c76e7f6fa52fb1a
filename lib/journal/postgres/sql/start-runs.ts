import { DEADLINES, type DeadlineColumns } from './claim-actors.js';
import { command } from '../statement.js';

/** Arrays: one place for every run, and one for every entry of their first turns. */
export interface StartRuns {
  readonly [name: string]: string;
  readonly ids: string;
  readonly namespaces: string;
  readonly workflowIds: string;
  readonly workflows: string;
  readonly versions: string;
  readonly priorities: string;
  readonly inputs: string;
  readonly startTimes: string;
  /** Instead of a time: how long until then, in ms. */
  readonly startDelays: string;
  readonly attributes: string;
  /** JSON of what lists show after the first turn of a run, if it is born leased. */
  readonly shown: string;
  /** How long it may take, in ms: the run, and all the runs of its start. */
  readonly runLimits: string;
  readonly chainLimits: string;
  readonly owners: string;
  readonly entryRuns: string;
  readonly entrySeqs: string;
  readonly entryTypes: string;
  readonly entryCommands: string;
  readonly entryNames: string;
  readonly entryPayloads: string;
  readonly entryFacts: string;
  readonly entryTimes: string;
}

/**
 * Starts the runs whose workflow id is free, leased or not, and answers which ones. What is in the way of the others must be
 * looked up by another statement, for it may have been committed after this one's snapshot.
 */
const textFor =
  (asked: boolean) =>
  (schema: string): string => `
with request as materialized (
  select *
  from unnest(
    :ids::uuid[], :namespaces::text[], :workflowIds::text[], :workflows::text[], :versions::int[], :priorities::smallint[],
    :inputs::json[], :startTimes::float8[], :attributes::jsonb[], :shown::json[], :runLimits::float8[], :chainLimits::float8[],
    ${asked ? ':startDelays::float8[], :bys::text[], :owners::uuid[]' : ':startDelays::float8[], :owners::uuid[]'}
  ) with ordinality as request(
    id, namespace, workflow_id, workflow, version, priority,
    input, start_at, attributes, shown, run_limit, chain_limit,
    start_delay, ${asked ? 'by, owner' : 'owner'}, ordinal
  )
),
live_owner as materialized (
  -- Whoever ends a session waits for this lock before it looks for what the session owns.
  select worker.id
  from (select distinct owner from request where owner is not null) as named
  cross join lateral (
    select worker.id
    from ${schema}.workers as worker
    where worker.id = named.owner
      and worker.dead_at is null
    for key share
  ) as worker
),
wanted as materialized (
  select
    request.*,
    live_owner.id as lease_owner,
    begin.not_before,
    begin.at + request.run_limit * interval '1 millisecond' as run_deadline_at,
    begin.at + request.chain_limit * interval '1 millisecond' as chain_deadline_at
  from request
  cross join lateral (
    select started.not_before, greatest(date_trunc('milliseconds', now()), started.not_before) as at
    from (
      select coalesce(
        timestamptz 'epoch' + request.start_at * interval '1 millisecond',
        date_trunc('milliseconds', now()) + request.start_delay * interval '1 millisecond'
      ) as not_before
    ) as started
  ) as begin
  left join live_owner on live_owner.id = request.owner
  left join lateral (
    select true as found
    from ${schema}.runs as run
    where run.id = request.id
    limit 1
  ) as repeated on true
  where repeated.found is not true
),
born as (
  -- Batches that overlap insert in one order, so that they cannot wait for each other in a circle.
  insert into ${schema}.actors as actor (
    id, run_id, namespace, workflow_id, workflow, version, priority,
    wake_at, not_before, deadline_at, chain_deadline_at, run_limit, lease_owner, lease_token, inbox_seq
  )
  select
    id, id, namespace, workflow_id, workflow, version, priority,
    greatest(now(), not_before), not_before, least(run_deadline_at, chain_deadline_at), chain_deadline_at, run_limit, lease_owner,
    case when lease_owner is null then 0 else 1 end,
    case when lease_owner is null then 1 else 0 end
  from wanted
  order by namespace, workflow_id, ordinal
  on conflict do nothing
  returning actor.id, actor.lease_token, actor.deadline_at, actor.chain_deadline_at, actor.run_limit
),
opened as (
  -- The clock is read after the insert above, which may have waited for the end of the run before this one.
  insert into ${schema}.runs (id, actor_id, namespace, workflow_id, workflow, version, state, started_at, attributes, details, deadline_at)
  select
    wanted.id, wanted.id, namespace, workflow_id, workflow, version, 'running',
    date_trunc('milliseconds', clock_timestamp()),
    -- Without a lease the first turn is not recorded, and shows nothing.
    case
      when lease_owner is null or shown is null then attributes
      else nullif((shown -> 'attributes')::jsonb, 'null')
    end,
    case when lease_owner is not null then shown ->> 'details' end,
    born.deadline_at
  from wanted
  join born on born.id = wanted.id
),
delivered as (
  insert into ${schema}.inbox (actor_id, n, kind, payload, ${asked ? 'by, at' : 'at'})
  select wanted.id, 1, 'start', input, ${asked ? 'by, clock_timestamp()' : 'clock_timestamp()'}
  from wanted
  join born on born.id = wanted.id
  where lease_owner is null
),
recorded as (
  insert into ${schema}.history (run_id, seq, type, command_id, name, payload, facts, at)
  select
    entry.run_id, entry.seq, entry.type, entry.command_id, entry.name, entry.payload, entry.facts,
    timestamptz 'epoch' + entry.at * interval '1 millisecond'
  from unnest(
    :entryRuns::uuid[], :entrySeqs::int[], :entryTypes::text[], :entryCommands::int[], :entryNames::text[],
    :entryPayloads::json[], :entryFacts::json[], :entryTimes::float8[]
  ) as entry(run_id, seq, type, command_id, name, payload, facts, at)
  join born on born.id = entry.run_id
  where born.lease_token = 1
)${asked ? noted(schema) : ''}
select actor.id, actor.lease_token as token, ${DEADLINES}
from born as actor
`;

/** Who started which run, of those that somebody has. */
const noted = (schema: string): string => `,
noted as (
  insert into ${schema}.operations (namespace, workflow_id, run_id, verb, by, outcome)
  select namespace, workflow_id, wanted.id, 'start', by, 'applied'
  from wanted
  join born on born.id = wanted.id
  where by is not null
  order by ordinal
)`;

type BornRow = DeadlineColumns & { readonly id: string; readonly token: number };

export const startRuns = command<StartRuns, BornRow>('start runs', textFor(false));

/** The same where it is known of a run who started it. In a statement of its own, so that all others need not ask. */
export const startRunsAsked = command<StartRuns & { readonly bys: string }, BornRow>(
  'start runs asked',
  textFor(true),
);
