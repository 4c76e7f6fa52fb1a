import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Actors: one narrow row for every open workflow id, gone when its run closes. Nearly every commit touches it, so it
 * stands apart from what lists show, and has few indexes.
 */
export const createActors = (schema: string) =>
  class CreateActors implements MigrationInterface {
    readonly name = 'ContinuumCreateActors1763596800001';

    async up(queryRunner: QueryRunner): Promise<void> {
      // Where it is there already, the role need not have the right to make it.
      const bare = schema.replaceAll('"', '');
      if (!(await queryRunner.hasSchema(bare))) await queryRunner.query(`create schema ${schema}`);
      // A group commit rewrites the rows of whole pages at once: a page has room for a second copy of each row.
      await queryRunner.query(`
        create table if not exists ${schema}.actors (
          id uuid constraint actors_pkey primary key,
          run_id uuid not null,
          namespace text not null,
          workflow_id text not null,
          workflow text not null,
          version integer not null,
          priority smallint not null,
          wake_at timestamp with time zone,
          not_before timestamp with time zone,
          lease_owner uuid,
          lease_token bigint not null default 0,
          inbox_seq bigint not null default 0,
          inbox_consumed bigint not null default 0,
          signal_seq bigint not null default 0,
          closing boolean not null default false,
          paused_at timestamp with time zone,
          failed_turns integer not null default 0,
          blocked text,
          blocked_since timestamp with time zone,
          blocked_build text,
          constraint actors_workflow_id unique (namespace, workflow_id),
          constraint actors_priority check (priority between 0 and 4),
          constraint actors_inbox check (inbox_consumed <= inbox_seq and signal_seq <= inbox_seq)
        )
        with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 0.05)
      `);
      await queryRunner.query(`
        create index if not exists actors_claim on ${schema}.actors (workflow, version, priority, wake_at)
        where lease_owner is null and paused_at is null
      `);
      await queryRunner.query(`
        create index if not exists actors_owner on ${schema}.actors (lease_owner)
        where lease_owner is not null
      `);
      await queryRunner.query(`
        create index if not exists actors_blocked on ${schema}.actors (blocked_build)
        where blocked is not null
      `);
    }

    /** The schema itself stays: the list of applied migrations may be in it. */
    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`drop table if exists ${schema}.actors`);
    }
  };
