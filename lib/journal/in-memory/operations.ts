import type { NewOperation, OperationsPage, OperationsQuery } from '../port/index.js';
import { decodeOperationCursor, encodeOperationCursor } from '../rules/operations.js';
import { refusePageSize } from '../rules/pages.js';
import type { InMemoryStore } from './in-memory-store.js';

/** As JSON text, so that nobody shares an object with the store. */
export function record(store: InMemoryStore, operation: NewOperation): void {
  store.operations.push(JSON.stringify({ ...operation, at: store.now() }));
}

/** The id of a row is its place in the store, from 1. */
export function readPage(store: InMemoryStore, query: OperationsQuery): OperationsPage {
  const { namespace, workflowId, runId, cursor, limit } = query;
  refusePageSize(limit);
  const before = cursor === null ? store.operations.length + 1 : decodeOperationCursor(cursor);
  const found = store.operations
    .slice(0, before - 1)
    // The cast: it was written from one.
    .map((text, i) => ({ id: i + 1, operation: JSON.parse(text) as OperationsPage['operations'][number] }))
    .filter(
      ({ operation }) =>
        operation.namespace === namespace &&
        operation.workflowId === workflowId &&
        (runId === null || operation.runId === runId),
    )
    .toReversed();
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    operations: page.map(({ operation }) => operation),
    next: last !== undefined && found.length > limit ? encodeOperationCursor(last.id) : null,
  };
}
