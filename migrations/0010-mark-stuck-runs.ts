import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The run in whose code a worker stands still: noted by its watchdog, for whoever finds the worker dead. */
export const markStuckRuns = (schema: string) =>
  class MarkStuckRuns implements MigrationInterface {
    readonly name = 'ContinuumMarkStuckRuns1763596800010';

    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`alter table ${schema}.workers add column if not exists stuck_in uuid`);
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`alter table ${schema}.workers drop column if exists stuck_in`);
    }
  };
