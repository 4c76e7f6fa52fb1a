import type { RunId } from '../../ids.js';
import type { RunState } from '../../port/index.js';
import { query } from '../statement.js';

/** How a run ended, and who has its workflow id. Answers nothing for a run that is not known. */
export const lookAtEnd = query<
  { readonly namespace: string; readonly workflowId: string; readonly runId: string },
  {
    readonly state: RunState;
    /** Of its last entry, where that tells. */
    readonly rollback: string | null;
    /** The run that has the workflow id now. */
    readonly open_run: RunId | null;
  }
>(
  'look at end',
  (schema) => `
select run.state, last.facts ->> 'rollback' as rollback, open.run_id as open_run
from ${schema}.runs as run
left join lateral (
  select entry.facts
  from ${schema}.history as entry
  where entry.run_id = run.id
    and entry.seq = run.last_seq
  limit 1
) as last on true
left join lateral (
  select actor.run_id
  from ${schema}.actors as actor
  where actor.namespace = run.namespace
    and actor.workflow_id = run.workflow_id
  limit 1
) as open on true
where run.id = :runId::uuid
  and run.namespace = :namespace
  and run.workflow_id = :workflowId
`,
);
