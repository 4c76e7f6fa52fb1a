import { EntitySchema } from 'typeorm';
import { instant, key, nullable, json, text, uuid } from './columns.js';

/** A message that was sent to an actor and is not consumed yet. */
export interface InboxMessage {
  readonly actorId: string;
  readonly n: number;
  readonly kind: string;
  readonly name: string | null;
  readonly payload: unknown;
  readonly checkedBy: string | null;
  readonly forRun: string | null;
  /** The id of an update; `null` of every other message. */
  readonly messageId: string | null;
  /** Who asked for it, where that was said. */
  readonly by: string | null;
  readonly at: Date;
}

export const inboxMessageEntity = (schema: string): EntitySchema<InboxMessage> =>
  new EntitySchema<InboxMessage>({
    name: 'ContinuumInboxMessage',
    tableName: 'inbox',
    schema,
    columns: {
      actorId: key('uuid', 'inbox_pkey', 'actor_id'),
      n: key('bigint', 'inbox_pkey'),
      kind: text(),
      name: nullable(text()),
      payload: nullable(json()),
      checkedBy: nullable(text('checked_by')),
      forRun: nullable(uuid('for_run')),
      messageId: nullable(text('message_id')),
      by: nullable(text()),
      at: instant(),
    },
    checks: [
      {
        name: 'inbox_kind',
        expression:
          "kind in ('start', 'signal', 'cancel', 'activity_result', 'child_start', 'child_end', 'message_result', 'update', 'callback_result', 'rollback_retry')",
      },
    ],
  });
