import { EntitySchema } from 'typeorm';
import { instant, json, key, nullable, text, uuid, withDefault } from './columns.js';

/** Who asked for what of a run, and what it came to. */
export interface Operation {
  /** In the order in which they were written. */
  readonly id: number;
  readonly at: Date;
  readonly namespace: string;
  readonly workflowId: string;
  readonly runId: string | null;
  readonly verb: string;
  readonly by: string;
  readonly outcome: string;
  readonly facts: unknown;
}

export const operationEntity = (schema: string): EntitySchema<Operation> =>
  new EntitySchema<Operation>({
    name: 'ContinuumOperation',
    tableName: 'operations',
    schema,
    columns: {
      id: { ...key('bigint', 'operations_pkey'), generated: 'increment' },
      at: withDefault(instant(), () => 'clock_timestamp()'),
      namespace: text(),
      workflowId: text('workflow_id'),
      runId: nullable(uuid('run_id')),
      verb: text(),
      by: text(),
      outcome: text(),
      facts: nullable(json()),
    },
    indices: [{ name: 'operations_workflow', columns: ['namespace', 'workflowId', 'id'] }],
  });
