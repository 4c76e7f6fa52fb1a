import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Runs: one row for every execution, written when it starts and when it closes; every list index is here. */
export const createRuns = (schema: string) =>
  class CreateRuns implements MigrationInterface {
    readonly name = 'ContinuumCreateRuns1763596800002';

    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`
        create table if not exists ${schema}.runs (
          id uuid constraint runs_pkey primary key,
          actor_id uuid not null,
          namespace text not null,
          workflow_id text not null,
          workflow text not null,
          version integer not null,
          state text not null,
          started_at timestamp with time zone not null,
          closed_at timestamp with time zone,
          last_seq integer,
          lease_token bigint,
          attributes jsonb,
          constraint runs_state check (state in ('running', 'completed', 'failed', 'cancelled', 'terminated', 'continued', 'timed_out')),
          constraint runs_closed check ((state = 'running') = (closed_at is null))
        )
        with (fillfactor = 85)
      `);
      // Without the id behind it: a plan made on a small table might then look up ids through them.
      await queryRunner.query(
        `create index if not exists runs_workflow_id on ${schema}.runs (workflow_id, started_at)`,
      );
      await queryRunner.query(
        `create index if not exists runs_started_at on ${schema}.runs (namespace, started_at)`,
      );
      await queryRunner.query(`
        create index if not exists runs_attributes on ${schema}.runs using gin (attributes jsonb_path_ops)
        where attributes is not null
      `);
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`drop table if exists ${schema}.runs`);
    }
  };
