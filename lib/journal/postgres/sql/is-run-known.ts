import { query } from '../statement.js';

/** Whether a workflow id has, or ever had, a run, or the one named. */
export const isRunKnown = query<
  { readonly namespace: string; readonly workflowId: string; readonly runId: string | null },
  { readonly id: string }
>(
  'is run known',
  (schema) => `
select run.id
from ${schema}.runs as run
where run.workflow_id = :workflowId
  and (run.namespace = :namespace) is true
  and (run.id = :runId::uuid or :runId::uuid is null)
order by run.started_at desc
limit 1
`,
);
