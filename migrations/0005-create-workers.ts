import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Workers: one row for every session. A lease lives as long as the session that holds it. */
export const createWorkers = (schema: string) =>
  class CreateWorkers implements MigrationInterface {
    readonly name = 'ContinuumCreateWorkers1763596800005';

    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`
        create table if not exists ${schema}.workers (
          id uuid constraint workers_pkey primary key,
          name text not null,
          host text not null,
          pid integer not null,
          build_id text not null,
          workflows json not null,
          ttl interval not null,
          heartbeat_interval interval not null,
          lock_key bigint,
          started_at timestamp with time zone not null,
          heartbeat_at timestamp with time zone not null,
          expires_at timestamp with time zone not null,
          dead_at timestamp with time zone
        )
        with (fillfactor = 50)
      `);
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`drop table if exists ${schema}.workers`);
    }
  };
