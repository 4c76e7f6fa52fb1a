import { command } from '../statement.js';

/** Adds rows about verbs that changed nothing: those that changed something have written theirs themselves. */
export const recordOperations = command<
  {
    readonly namespaces: string;
    readonly workflowIds: string;
    readonly runIds: string;
    readonly verbs: string;
    readonly bys: string;
    readonly outcomes: string;
    readonly facts: string;
  },
  never
>(
  'record operations',
  (schema) => `
insert into ${schema}.operations (namespace, workflow_id, run_id, verb, by, outcome, facts)
select operation.namespace, operation.workflow_id, operation.run_id, operation.verb, operation.by, operation.outcome, operation.facts
from unnest(
  :namespaces::text[], :workflowIds::text[], :runIds::uuid[], :verbs::text[], :bys::text[], :outcomes::text[], :facts::json[]
) with ordinality as operation(
  namespace, workflow_id, run_id, verb, by, outcome, facts, ordinal
)
order by operation.ordinal
`,
);
