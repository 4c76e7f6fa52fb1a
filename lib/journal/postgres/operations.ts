import type { NewOperation, OperationFacts, OperationsPage, OperationsQuery } from '../port/index.js';
import { decodeOperationCursor, encodeOperationCursor } from '../rules/operations.js';
import { refusePageSize } from '../rules/pages.js';
import { textArray, uuidOrNil } from './array-literals.js';
import { toInstant } from './row-mapping.js';
import { readOperations } from './sql/read-operations.js';
import { recordOperations } from './sql/record-operations.js';
import type { StatementRunner } from './statement.js';

export async function record(sql: StatementRunner, operations: readonly NewOperation[]): Promise<void> {
  if (operations.length === 0) return;
  await sql.run(recordOperations, {
    namespaces: textArray(operations.map(({ namespace }) => namespace)),
    workflowIds: textArray(operations.map(({ workflowId }) => workflowId)),
    runIds: textArray(operations.map(({ runId }) => (runId === null ? null : uuidOrNil(runId)))),
    verbs: textArray(operations.map(({ verb }) => verb)),
    bys: textArray(operations.map(({ by }) => by)),
    outcomes: textArray(operations.map(({ outcome }) => outcome)),
    facts: textArray(operations.map(({ facts }) => factsColumn(facts))),
  });
}

/** JSON text; `null` where there are none. */
export const factsColumn = (facts: OperationFacts): string | null =>
  Object.keys(facts).length === 0 ? null : JSON.stringify(facts);

export async function readPage(sql: StatementRunner, query: OperationsQuery): Promise<OperationsPage> {
  const { namespace, workflowId, runId, cursor, limit } = query;
  refusePageSize(limit);
  const rows = await sql.run(readOperations, {
    namespace,
    workflowId,
    runId: runId === null ? null : uuidOrNil(runId),
    before: cursor === null ? null : decodeOperationCursor(cursor),
    // One more tells whether there is another page.
    limit: limit + 1,
  });
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    operations: page.map(({ at, run_id, verb, by, outcome, facts }) => ({
      namespace,
      workflowId,
      runId: run_id,
      verb,
      by,
      outcome,
      // The cast: it was written from such facts.
      facts: facts === null ? {} : (JSON.parse(facts) as OperationFacts),
      at: toInstant(at),
    })),
    next: last !== undefined && rows.length > limit ? encodeOperationCursor(last.id) : null,
  };
}
