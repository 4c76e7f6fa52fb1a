import { EntitySchema } from 'typeorm';
import type { WorkerDeath } from '../../port/index.js';
import {
  bigint,
  boolean,
  instant,
  integer,
  json,
  jsonb,
  key,
  nullable,
  smallint,
  text,
  uuid,
  withDefault,
} from './columns.js';

/** One row for every open workflow id: its one writer, its dispatch and the counters of its inbox. */
export interface Actor {
  readonly id: string;
  readonly runId: string;
  readonly namespace: string;
  readonly workflowId: string;
  readonly workflow: string;
  readonly version: number;
  readonly priority: number;
  /** When it is claimable; `null` for never. Looked at only while nobody holds the lease. */
  readonly wakeAt: Date | null;
  /** The floor under every wake: a start in the future, or the pause after a failed turn. */
  readonly notBefore: Date | null;
  /** When the first of its time limits ends, and that of all the runs of its start. */
  readonly deadlineAt: Date | null;
  readonly chainDeadlineAt: Date | null;
  /** How long each of these runs may take, in ms. */
  readonly runLimit: number | null;
  /** Of a start that is held back: which one it is, and until when at most; see `replace-start.ts`. */
  readonly debouncedBy: string | null;
  readonly debouncedUntil: Date | null;
  readonly leaseOwner: string | null;
  readonly leaseToken: number;
  /** Numbers of the latest message, of the latest consumed one, and of the latest signal. */
  readonly inboxSeq: number;
  readonly inboxConsumed: number;
  readonly signalSeq: number;
  /** The rollback has begun: no message comes in any more (F17). */
  readonly closing: boolean;
  readonly pausedAt: Date | null;
  readonly failedTurns: number;
  readonly blocked: string | null;
  readonly blockedSince: Date | null;
  /** The build of the worker whose turn failed; another one is worth a try at once. */
  readonly blockedBuild: string | null;
  /** Workers that died while they held it, since it last showed that it goes on; and the latest of them. */
  readonly deaths: number;
  readonly killed: readonly WorkerDeath[] | null;
  /** How many suspects were on the last of those workers; 0 of no suspect. */
  readonly crowd: number;
  /** Of a child: the actor, the run and the command that have started it. */
  readonly parentId: string | null;
  readonly parentRunId: string | null;
  readonly parentCommand: number | null;
  /** What becomes of it when its parent ends; `null` once that was done. */
  readonly parentClose: string | null;
  readonly lineage: unknown;
}

export const actorEntity = (schema: string): EntitySchema<Actor> =>
  new EntitySchema<Actor>({
    name: 'ContinuumActor',
    tableName: 'actors',
    schema,
    columns: {
      id: key('uuid', 'actors_pkey'),
      runId: uuid('run_id'),
      namespace: text(),
      workflowId: text('workflow_id'),
      workflow: text(),
      version: integer(),
      priority: smallint(),
      wakeAt: nullable(instant('wake_at')),
      notBefore: nullable(instant('not_before')),
      deadlineAt: nullable(instant('deadline_at')),
      chainDeadlineAt: nullable(instant('chain_deadline_at')),
      runLimit: nullable(bigint('run_limit')),
      debouncedBy: nullable(uuid('debounced_by')),
      debouncedUntil: nullable(instant('debounced_until')),
      leaseOwner: nullable(uuid('lease_owner')),
      leaseToken: withDefault(bigint('lease_token'), 0),
      inboxSeq: withDefault(bigint('inbox_seq'), 0),
      inboxConsumed: withDefault(bigint('inbox_consumed'), 0),
      signalSeq: withDefault(bigint('signal_seq'), 0),
      closing: withDefault(boolean(), false),
      pausedAt: nullable(instant('paused_at')),
      failedTurns: withDefault(integer('failed_turns'), 0),
      blocked: nullable(text()),
      blockedSince: nullable(instant('blocked_since')),
      blockedBuild: nullable(text('blocked_build')),
      deaths: withDefault(integer(), 0),
      killed: nullable(jsonb()),
      crowd: withDefault(integer(), 0),
      parentId: nullable(uuid('parent_id')),
      parentRunId: nullable(uuid('parent_run_id')),
      parentCommand: nullable(integer('parent_command')),
      parentClose: nullable(text('parent_close')),
      lineage: nullable(json()),
    },
    uniques: [{ name: 'actors_workflow_id', columns: ['namespace', 'workflowId'] }],
    checks: [
      { name: 'actors_priority', expression: 'priority between 0 and 4' },
      { name: 'actors_inbox', expression: 'inbox_consumed <= inbox_seq and signal_seq <= inbox_seq' },
    ],
    indices: [
      {
        name: 'actors_due',
        columns: ['namespace', 'workflow', 'version', 'priority', 'wakeAt'],
        where: 'lease_owner is null and paused_at is null',
      },
      {
        name: 'actors_suspect',
        columns: ['namespace', 'workflow', 'version', 'wakeAt'],
        where: 'lease_owner is null and paused_at is null and deaths >= 3',
      },
      {
        name: 'actors_following',
        columns: ['parentRunId'],
        where: "parent_close in ('cancel', 'terminate')",
      },
      { name: 'actors_owner', columns: ['leaseOwner'], where: 'lease_owner is not null' },
      {
        name: 'actors_overdue',
        columns: ['namespace', 'deadlineAt'],
        where: 'deadline_at is not null and lease_owner is null and paused_at is null and not closing',
      },
      { name: 'actors_blocked', columns: ['blockedBuild'], where: 'blocked is not null' },
    ],
  });
