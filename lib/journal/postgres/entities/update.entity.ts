import { EntitySchema } from 'typeorm';
import { instant, integer, json, key, nullable, text, uuid, withDefault } from './columns.js';

/** An update that was sent to a workflow id, and where its answer is. */
export interface Update {
  readonly namespace: string;
  readonly workflowId: string;
  readonly updateId: string;
  /** The actor that it was sent to. */
  readonly actorId: string;
  readonly name: string;
  /** Where the history has its `update_answered`; `null` before, and of one that was refused. */
  readonly runId: string | null;
  readonly seq: number | null;
  /** Why it was refused, and what says so; `null` before, and of one that was accepted. */
  readonly refused: string | null;
  readonly failure: unknown;
  readonly at: Date;
  readonly answeredAt: Date | null;
}

export const updateEntity = (schema: string): EntitySchema<Update> =>
  new EntitySchema<Update>({
    name: 'ContinuumUpdate',
    tableName: 'updates',
    schema,
    columns: {
      namespace: key('text', 'updates_pkey'),
      workflowId: key('text', 'updates_pkey', 'workflow_id'),
      updateId: key('text', 'updates_pkey', 'update_id'),
      actorId: uuid('actor_id'),
      name: text(),
      runId: nullable(uuid('run_id')),
      seq: nullable(integer()),
      refused: nullable(text()),
      failure: nullable(json()),
      at: withDefault(instant(), () => 'now()'),
      answeredAt: nullable(instant('answered_at')),
    },
  });
