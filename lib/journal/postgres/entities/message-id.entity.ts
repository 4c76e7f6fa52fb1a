import { EntitySchema } from 'typeorm';
import { instant, key, withDefault } from './columns.js';

/** A `dedupeId` that a message to a workflow id has had. */
export interface MessageId {
  readonly namespace: string;
  readonly workflowId: string;
  readonly messageId: string;
  readonly at: Date;
}

export const messageIdEntity = (schema: string): EntitySchema<MessageId> =>
  new EntitySchema<MessageId>({
    name: 'ContinuumMessageId',
    tableName: 'message_ids',
    schema,
    columns: {
      namespace: key('text', 'message_ids_pkey'),
      workflowId: key('text', 'message_ids_pkey', 'workflow_id'),
      messageId: key('text', 'message_ids_pkey', 'message_id'),
      at: withDefault(instant(), () => 'now()'),
    },
  });
