import type { MigrationInterface, QueryRunner } from 'typeorm';
import { allowHistoryTypes } from './history-types.js';

/** Runs end by a time limit: that of the run, or that of all the runs of one start. */
export const timeLimits = (schema: string) =>
  class TimeLimits implements MigrationInterface {
    readonly name = 'ContinuumTimeLimits1763596800019';

    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`
        alter table ${schema}.actors
          add column if not exists deadline_at timestamp with time zone,
          add column if not exists chain_deadline_at timestamp with time zone,
          add column if not exists run_limit bigint`);
      await queryRunner.query(`
        alter table ${schema}.runs add column if not exists deadline_at timestamp with time zone`);
      await queryRunner.query(`
        create index if not exists actors_deadline on ${schema}.actors (deadline_at)
        where deadline_at is not null`);
      await queryRunner.query(allowHistoryTypes(schema, 19));
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(allowHistoryTypes(schema, 18));
      await queryRunner.query(`drop index if exists ${schema}.actors_deadline`);
      await queryRunner.query(`alter table ${schema}.runs drop column if exists deadline_at`);
      await queryRunner.query(`
        alter table ${schema}.actors
          drop column if exists run_limit,
          drop column if exists chain_deadline_at,
          drop column if exists deadline_at`);
    }
  };
