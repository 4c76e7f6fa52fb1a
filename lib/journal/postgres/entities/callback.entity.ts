import { EntitySchema } from 'typeorm';
import { instant, key, nullable, text, uuid, withDefault } from './columns.js';

/** A callback that a run has opened. */
export interface CallbackRow {
  readonly runId: string;
  /** By which that run has opened it. */
  readonly command: number;
  readonly actorId: string;
  readonly namespace: string;
  /** `null` of one that only its token names. */
  readonly key: string | null;
  readonly openedAt: Date;
  /** `null` while it is open. */
  readonly overAt: Date | null;
  /** The dedupe id of what has settled it; `null` while it is open, and of one that was withdrawn. */
  readonly messageId: string | null;
}

export const callbackEntity = (schema: string): EntitySchema<CallbackRow> =>
  new EntitySchema<CallbackRow>({
    name: 'ContinuumCallback',
    tableName: 'callbacks',
    schema,
    columns: {
      runId: key('uuid', 'callbacks_pkey', 'run_id'),
      command: key('integer', 'callbacks_pkey'),
      actorId: uuid('actor_id'),
      namespace: text(),
      key: nullable(text()),
      openedAt: withDefault(instant('opened_at'), () => 'now()'),
      overAt: nullable(instant('over_at')),
      messageId: nullable(text('message_id')),
    },
    indices: [
      {
        name: 'callbacks_open',
        columns: ['namespace', 'key'],
        unique: true,
        where: 'over_at is null and key is not null',
      },
      { name: 'callbacks_key', columns: ['namespace', 'key'], where: 'key is not null' },
    ],
  });
