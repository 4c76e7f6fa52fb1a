import { command } from '../statement.js';
import type { ActorId, WorkerId } from '../../ids.js';

/**
 * Settles a callback of an actor that this transaction has locked before, if it is open still, and its run goes on: puts what it
 * was given into the inbox. Answers nothing where that cannot be.
 */
export const settleCallback = command<
  {
    readonly runId: string;
    readonly command: number;
    readonly messageId: string;
    readonly name: string;
    readonly payload: string;
    readonly checkedBy: string | null;
    /** Of the row of operations, which is written where somebody said who asks. */
    readonly by: string | null;
    readonly verb: string;
    readonly facts: string;
  },
  { readonly actor_id: ActorId; readonly n: number; readonly owner: WorkerId | null }
>(
  'settle callback',
  (schema) => `
with settled as (
  update ${schema}.callbacks as callback
  set over_at = clock_timestamp(),
      message_id = :messageId
  from ${schema}.actors as actor
  where callback.run_id = :runId::uuid
    and callback.command = :command::int
    and callback.over_at is null
    and actor.id = callback.actor_id
    and actor.run_id = callback.run_id
    and not actor.closing
  returning callback.actor_id
),
counted as (
  update ${schema}.actors as actor
  set inbox_seq = actor.inbox_seq + 1,
      -- As with every message: the index that claims go by is left alone while the actor is leased.
      wake_at = case
        when actor.lease_owner is not null then actor.wake_at
        else greatest(least(actor.wake_at, now()), actor.not_before)
      end
  from settled
  where actor.id = settled.actor_id
  returning actor.id, actor.inbox_seq as n, actor.lease_owner, actor.namespace, actor.workflow_id, actor.run_id
),
delivered as (
  insert into ${schema}.inbox (actor_id, n, kind, name, payload, checked_by, by, at)
  select id, n, 'callback_result', :name, :payload::json, :checkedBy, :by::text, clock_timestamp()
  from counted
),
noted as (
  insert into ${schema}.operations (namespace, workflow_id, run_id, verb, by, outcome, facts)
  select namespace, workflow_id, run_id, :verb::text, :by::text, 'applied', :facts::json
  from counted
  where :by::text is not null
)
select id as actor_id, n, lease_owner as owner
from counted
`,
);
