import { EntitySchema } from 'typeorm';
import {
  bigint,
  boolean,
  instant,
  integer,
  interval,
  json,
  key,
  nullable,
  text,
  uuid,
  withDefault,
} from './columns.js';

/** The session of a worker: leases live as long as it does. */
export interface Worker {
  readonly id: string;
  /** Whose runs it takes; `null` of a release that took everybody's. */
  readonly namespace: string | null;
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  readonly buildId: string;
  readonly workflows: unknown;
  readonly ttl: unknown;
  readonly heartbeatInterval: unknown;
  /** The advisory lock that its process holds while it lives. */
  readonly lockKey: number | null;
  readonly startedAt: Date;
  readonly heartbeatAt: Date;
  readonly expiresAt: Date;
  readonly deadAt: Date | null;
  /** In order, and not found dead: nothing that it held counts a death. */
  readonly ended: boolean;
  /** The run in whose code its watchdog saw it stand still, since its last heartbeat. */
  readonly stuckIn: string | null;
}

export const workerEntity = (schema: string): EntitySchema<Worker> =>
  new EntitySchema<Worker>({
    name: 'ContinuumWorker',
    tableName: 'workers',
    schema,
    columns: {
      id: key('uuid', 'workers_pkey'),
      namespace: nullable(text()),
      name: text(),
      host: text(),
      pid: integer(),
      buildId: text('build_id'),
      workflows: json(),
      ttl: interval(),
      heartbeatInterval: interval('heartbeat_interval'),
      lockKey: nullable(bigint('lock_key')),
      startedAt: instant('started_at'),
      heartbeatAt: instant('heartbeat_at'),
      expiresAt: instant('expires_at'),
      deadAt: nullable(instant('dead_at')),
      ended: withDefault(boolean(), false),
      stuckIn: nullable(uuid('stuck_in')),
    },
  });
