import { EntitySchema } from 'typeorm';
import type { Lineage } from '../../../core/index.js';
import type { RunState } from '../../port/index.js';
import { bigint, instant, integer, json, jsonb, key, nullable, text, uuid } from './columns.js';
import type { ActorId, RunId } from '../../ids.js';

/** One row for every execution: what lists show. */
export interface Run {
  readonly id: RunId;
  readonly actorId: ActorId;
  readonly namespace: string;
  readonly workflowId: string;
  readonly workflow: string;
  readonly version: number;
  readonly state: RunState;
  readonly startedAt: Date;
  readonly closedAt: Date | null;
  /** Of a closed run: where its history ends, and the fencing token it was closed under. */
  readonly lastSeq: number | null;
  readonly leaseToken: number | null;
  /** Of a run that continued as another one: that one. */
  readonly continuedTo: RunId | null;
  readonly attributes: Readonly<Record<string, unknown>> | null;
  readonly details: string | null;
  /** Whose child it is. */
  readonly lineage: Lineage | null;
  /** When the first of its time limits ends. */
  readonly deadlineAt: Date | null;
}

export const runEntity = (schema: string): EntitySchema<Run> =>
  new EntitySchema<Run>({
    name: 'ContinuumRun',
    tableName: 'runs',
    schema,
    columns: {
      id: key('uuid', 'runs_pkey'),
      actorId: uuid('actor_id'),
      namespace: text(),
      workflowId: text('workflow_id'),
      workflow: text(),
      version: integer(),
      state: text(),
      startedAt: instant('started_at'),
      closedAt: nullable(instant('closed_at')),
      lastSeq: nullable(integer('last_seq')),
      leaseToken: nullable(bigint('lease_token')),
      continuedTo: nullable(uuid('continued_to')),
      attributes: nullable(jsonb()),
      details: nullable(text()),
      lineage: nullable(json()),
      deadlineAt: nullable(instant('deadline_at')),
    },
    checks: [
      {
        name: 'runs_state',
        expression:
          "state in ('running', 'completed', 'failed', 'cancelled', 'terminated', 'continued', 'timed_out')",
      },
      { name: 'runs_closed', expression: "(state = 'running') = (closed_at is null)" },
    ],
    indices: [
      { name: 'runs_workflow_id', columns: ['workflowId', 'startedAt'] },
      { name: 'runs_started_at', columns: ['namespace', 'startedAt'] },
      // TypeORM knows no GIN indexes: the migration makes it, and a comparison passes over it.
      { name: 'runs_attributes', columns: ['attributes'], synchronize: false },
    ],
  });
