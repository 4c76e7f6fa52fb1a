import { command } from '../statement.js';
import type { RunId } from '../../ids.js';

export interface ReplaceStart {
  readonly [name: string]: string | number | null;
  readonly id: string;
  readonly workflow: string;
  readonly version: number;
  readonly priority: number;
  readonly input: string;
  readonly attributes: string | null;
  /** In ms. */
  readonly period: number;
  readonly runLimit: number | null;
  readonly chainLimit: number | null;
  /** The start that takes the place, and who asks for it. */
  readonly start: string;
  readonly by: string | null;
}

/**
 * Puts another start in the place of one that was held back, in an actor that this transaction has locked before, and holds it back
 * anew. Answers nothing where there is none: no start of this workflow was held back, a worker has taken the run up, or somebody
 * has asked to cancel it.
 */
export const replaceStart = command<ReplaceStart, { readonly run_id: RunId }>(
  'replace start',
  (schema) => `
with waiting as materialized (
  select
    actor.id,
    least(
      date_trunc('milliseconds', clock_timestamp()) + :period::float8 * interval '1 millisecond',
      actor.debounced_until
    ) as not_before
  from ${schema}.actors as actor
  where actor.id = :id::uuid
    and actor.debounced_by is not null
    and actor.lease_token = 0
    and actor.workflow = :workflow
    and not exists (
      select from ${schema}.inbox as message
      where message.actor_id = actor.id
        and message.kind = 'cancel'
    )
),
limited as materialized (
  select
    waiting.*,
    begin.at + :runLimit::float8 * interval '1 millisecond' as run_deadline_at,
    begin.at + :chainLimit::float8 * interval '1 millisecond' as chain_deadline_at
  from waiting
  cross join lateral (
    select greatest(date_trunc('milliseconds', clock_timestamp()), waiting.not_before) as at
  ) as begin
),
pushed as (
  update ${schema}.actors as actor
  set version = :version::int,
      priority = :priority::smallint,
      not_before = limited.not_before,
      wake_at = greatest(clock_timestamp(), limited.not_before),
      deadline_at = least(limited.run_deadline_at, limited.chain_deadline_at),
      chain_deadline_at = limited.chain_deadline_at,
      run_limit = :runLimit::float8,
      debounced_by = :start::uuid
  from limited
  where actor.id = limited.id
  returning actor.id, actor.run_id, actor.deadline_at
),
delivered as (
  update ${schema}.inbox as message
  set payload = :input::json,
      by = :by,
      at = clock_timestamp()
  from pushed
  where message.actor_id = pushed.id
    and message.n = 1
),
shown as (
  update ${schema}.runs as run
  set version = :version::int,
      attributes = :attributes::jsonb,
      deadline_at = pushed.deadline_at
  from pushed
  where run.id = pushed.run_id
)
select pushed.run_id
from pushed
`,
);
