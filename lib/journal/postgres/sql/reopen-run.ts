import type { ActorId, RunId } from '../../ids.js';
import { command } from '../statement.js';

/**
 * Opens a run again that has ended without having undone everything: its actor is there again, with a token that no holder of
 * it has had, and with the message that asks for its rollback. Its parent was told of its end, and is not told twice; nor does
 * it have a time limit any more, for no rollback is cut short.
 *
 * The unique workflow id decides between two callers, and between this run and another one. Answers nothing where there is
 * nothing to open, or somebody has the workflow id; `reopened` is `null` where the run was opened and has ended again since this
 * statement looked: then the transaction is to be rolled back.
 */
export const reopenRun = command<
  {
    readonly namespace: string;
    readonly workflowId: string;
    readonly runId: string;
    readonly payload: string | null;
    readonly by: string | null;
    /** Of the row of operations. */
    readonly facts: string | null;
  },
  { readonly actor_id: ActorId; readonly reopened: RunId | null }
>(
  'reopen run',
  (schema) => `
with ended as materialized (
  select
    run.id, run.actor_id, run.namespace, run.workflow_id, run.workflow, run.version,
    run.state, run.last_seq, run.lease_token
  from ${schema}.runs as run
  cross join lateral (
    select entry.facts
    from ${schema}.history as entry
    where entry.run_id = run.id
      and entry.seq = run.last_seq
    limit 1
  ) as last
  where run.id = :runId::uuid
    and run.namespace = :namespace
    and run.workflow_id = :workflowId
    and run.state in ('failed', 'cancelled', 'timed_out')
    and last.facts ->> 'rollback' = 'incomplete'
),
born as (
  insert into ${schema}.actors as actor (
    id, run_id, namespace, workflow_id, workflow, version, priority,
    wake_at, lease_token, inbox_seq, inbox_consumed, closing
  )
  select
    actor_id, id, namespace, workflow_id, workflow, version, 2,
    now(), coalesce(lease_token, 0) + 1, last_seq + 1, last_seq, true
  from ended
  on conflict do nothing
  returning actor.id
),
reopened as (
  update ${schema}.runs as run
  set state = 'running',
      closed_at = null,
      last_seq = null,
      lease_token = null
  from ended
  join born on born.id = ended.actor_id
  where run.id = ended.id
    -- Asked of the row as it is now.
    and run.state = ended.state
    and run.last_seq = ended.last_seq
    and run.lease_token is not distinct from ended.lease_token
  returning run.id
),
delivered as (
  insert into ${schema}.inbox (actor_id, n, kind, payload, by, at)
  select born.id, ended.last_seq + 1, 'rollback_retry', :payload::json, :by::text, clock_timestamp()
  from ended
  join born on born.id = ended.actor_id
),
noted as (
  insert into ${schema}.operations (namespace, workflow_id, run_id, verb, by, outcome, facts)
  select ended.namespace, ended.workflow_id, ended.id, 'retryRollback', :by::text, 'applied', :facts::json
  from ended
  join born on born.id = ended.actor_id
  where :by::text is not null
)
select born.id as actor_id, reopened.id as reopened
from born
left join reopened on true
`,
);
