import { EntitySchema } from 'typeorm';
import { instant, json, key, nullable, text, uuid, withDefault } from './columns.js';

/** What one run sends to another, and is not delivered yet. */
export interface Letter {
  /** Orders what one run sends. */
  readonly id: number;
  readonly namespace: string;
  /** The actor that sends it. */
  readonly source: string;
  readonly kind: string;
  readonly workflowId: string | null;
  readonly actorId: string | null;
  readonly runId: string | null;
  readonly name: string | null;
  readonly payload: unknown;
  /** The run that a signal starts where none is open. */
  readonly start: unknown;
  /** The name of the message that tells its sender what became of it. */
  readonly reply: string | null;
  readonly dueAt: Date;
}

export const outboxEntity = (schema: string): EntitySchema<Letter> =>
  new EntitySchema<Letter>({
    name: 'ContinuumLetter',
    tableName: 'outbox',
    schema,
    columns: {
      id: { ...key('bigint', 'outbox_pkey'), generated: 'increment' },
      namespace: text(),
      source: uuid(),
      kind: text(),
      workflowId: nullable(text('workflow_id')),
      actorId: nullable(uuid('actor_id')),
      runId: nullable(uuid('run_id')),
      name: nullable(text()),
      payload: nullable(json()),
      start: nullable(json()),
      reply: nullable(text()),
      dueAt: withDefault(instant('due_at'), () => 'now()'),
    },
    checks: [
      {
        name: 'outbox_kind',
        expression:
          "kind in ('cancel', 'terminate', 'child_end', 'parent_closed', 'signal', 'message_result', 'signal_with_start')",
      },
    ],
    indices: [
      { name: 'outbox_order', columns: ['namespace', 'dueAt', 'id'] },
      { name: 'outbox_pair', columns: ['source', 'workflowId', 'id'] },
    ],
  });
