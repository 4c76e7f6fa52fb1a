import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Who asked for what of a run, and what it came to. Rows are numbered by the database, so that pages have one order whatever
 * the clocks of processes say. A message tells who sent it, for the entry that it becomes.
 */
export const recordOperations = (schema: string) =>
  class RecordOperations implements MigrationInterface {
    readonly name = 'ContinuumRecordOperations1763596800016';

    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`
        create table if not exists ${schema}.operations (
          id bigserial constraint operations_pkey primary key,
          at timestamp with time zone not null default clock_timestamp(),
          namespace text not null,
          workflow_id text not null,
          run_id uuid,
          verb text not null,
          by text not null,
          outcome text not null,
          facts json
        )
      `);
      await queryRunner.query(
        `create index if not exists operations_workflow on ${schema}.operations (namespace, workflow_id, id)`,
      );
      await queryRunner.query(`alter table ${schema}.inbox add column if not exists by text`);
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`alter table ${schema}.inbox drop column if exists by`);
      await queryRunner.query(`drop table if exists ${schema}.operations`);
    }
  };
