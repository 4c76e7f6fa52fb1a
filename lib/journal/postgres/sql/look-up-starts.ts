import type { RunState } from '../../port/index.js';
import { query } from '../statement.js';
import { DEADLINES, type DeadlineColumns } from './claim-actors.js';
import type { RunId } from '../../ids.js';

export interface StartFacts extends DeadlineColumns {
  /** If this very start was done before: the token that its run has now. */
  readonly repeated_token: number | null;
  /** The run that has the workflow id now. */
  readonly open_run: RunId | null;
  /** The latest other run that had it. */
  readonly latest_run: RunId | null;
  readonly latest_state: RunState | null;
}

/** What is, or was, in the way of starts, in their order. A statement of its own, for its snapshot must be younger than the insert. */
export const lookUpStarts = query<
  { readonly ids: string; readonly namespaces: string; readonly workflowIds: string },
  StartFacts
>(
  'look up starts',
  (schema) => `
select
  repeated.token as repeated_token, repeated.deadline_at, repeated.chain_deadline_at, repeated.run_limit,
  open.run_id as open_run,
  latest.id as latest_run,
  latest.state as latest_state
from unnest(:ids::uuid[], :namespaces::text[], :workflowIds::text[]) with ordinality
  as request(id, namespace, workflow_id, ordinal)
left join lateral (
  select coalesce(actor.lease_token, run.lease_token, 0) as token, ${DEADLINES}
  from ${schema}.runs as run
  left join ${schema}.actors as actor on actor.id = run.actor_id
  where run.id = request.id
  limit 1
) as repeated on true
left join lateral (
  select actor.run_id
  from ${schema}.actors as actor
  where actor.namespace = request.namespace
    and actor.workflow_id = request.workflow_id
  limit 1
) as open on true
left join lateral (
  select run.id, run.state
  from ${schema}.runs as run
  where run.workflow_id = request.workflow_id
    and (run.namespace = request.namespace) is true
    and run.id <> request.id
  order by run.started_at desc, run.id desc
  limit 1
) as latest on true
order by request.ordinal
`,
);
