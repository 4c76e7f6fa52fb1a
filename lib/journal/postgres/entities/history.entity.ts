import { EntitySchema } from 'typeorm';
import { instant, integer, json, key, nullable, text } from './columns.js';

/** One row for every entry of a history. */
export interface History {
  readonly runId: string;
  readonly seq: number;
  readonly type: string;
  readonly commandId: number | null;
  readonly name: string | null;
  /** A value as the codec wrote it. */
  readonly payload: unknown;
  /** The remaining fields of the entry, if it has any. */
  readonly facts: unknown;
  readonly at: Date;
}

export const historyEntity = (schema: string): EntitySchema<History> =>
  new EntitySchema<History>({
    name: 'ContinuumHistory',
    tableName: 'history',
    schema,
    columns: {
      runId: key('uuid', 'history_pkey', 'run_id'),
      seq: key('integer', 'history_pkey'),
      type: text(),
      commandId: nullable(integer('command_id')),
      name: nullable(text()),
      payload: nullable(json()),
      facts: nullable(json()),
      at: instant(),
    },
    checks: [
      { name: 'history_seq', expression: 'seq > 0' },
      { name: 'history_type', expression: 'type in (every type of entry, see the migrations)' },
    ],
  });
