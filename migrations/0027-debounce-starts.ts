import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A start may be held back for a while, in which later ones take its place. Both columns are null of every other run. */
export const debounceStarts = (schema: string) =>
  class DebounceStarts implements MigrationInterface {
    readonly name = 'ContinuumDebounceStarts1763596800027';

    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`
        alter table ${schema}.actors
          add column if not exists debounced_by uuid,
          add column if not exists debounced_until timestamp with time zone`);
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`
        alter table ${schema}.actors
          drop column if exists debounced_until,
          drop column if exists debounced_by`);
    }
  };
