import type { MigrationInterface, QueryRunner } from 'typeorm';
import { allowHistoryTypes } from './history-types.js';

/** Runs set their attributes and a text for people themselves: the history tells when, and lists show the latest. */
export const showRuns = (schema: string) =>
  class ShowRuns implements MigrationInterface {
    readonly name = 'ContinuumShowRuns1763596800018';

    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`alter table ${schema}.runs add column if not exists details text`);
      await queryRunner.query(allowHistoryTypes(schema, 18));
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(allowHistoryTypes(schema, 17));
      await queryRunner.query(`alter table ${schema}.runs drop column if exists details`);
    }
  };
