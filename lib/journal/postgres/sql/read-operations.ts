import type { RunId } from '../../ids.js';
import type { OperationOutcome, OperationVerb } from '../../port/index.js';
import { query } from '../statement.js';

export interface OperationRow {
  readonly id: number;
  readonly at: number;
  readonly run_id: RunId | null;
  readonly verb: OperationVerb;
  readonly by: string;
  readonly outcome: OperationOutcome;
  readonly facts: string | null;
}

/** The operations on a workflow id that were written before the one numbered `before`, the newest first. */
export const readOperations = query<
  {
    readonly namespace: string;
    readonly workflowId: string;
    readonly runId: string | null;
    readonly before: number | null;
    readonly limit: number;
  },
  OperationRow
>(
  'read operations',
  (schema) => `
select
  operation.id, date_part('epoch', operation.at) * 1000 as at,
  operation.run_id, operation.verb, operation.by, operation.outcome, operation.facts
from ${schema}.operations as operation
where operation.namespace = :namespace
  and operation.workflow_id = :workflowId
  and (operation.run_id = :runId::uuid or :runId::uuid is null)
  and (operation.id < :before::bigint or :before::bigint is null)
order by operation.id desc
limit :limit
`,
);
