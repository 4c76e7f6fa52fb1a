import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What runs send to each other, until it is delivered: written by the commit of the sender, so that it waits for nobody. */
export const createOutbox = (schema: string) =>
  class CreateOutbox implements MigrationInterface {
    readonly name = 'ContinuumCreateOutbox1763596800013';

    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`
        create table if not exists ${schema}.outbox (
          id bigserial constraint outbox_pkey primary key,
          namespace text not null,
          source uuid not null,
          kind text not null,
          workflow_id text,
          actor_id uuid,
          run_id uuid,
          name text,
          payload json,
          due_at timestamp with time zone not null default now(),
          constraint outbox_kind check (kind in ('cancel', 'terminate', 'child_end', 'parent_closed'))
        )
        with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 0.05)
      `);
      await queryRunner.query(
        `create index if not exists outbox_due on ${schema}.outbox (namespace, due_at)`,
      );
      await queryRunner.query(
        `create index if not exists outbox_pair on ${schema}.outbox (source, workflow_id, id)`,
      );
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`drop table if exists ${schema}.outbox`);
    }
  };
