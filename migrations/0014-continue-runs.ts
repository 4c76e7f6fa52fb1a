import type { MigrationInterface, QueryRunner } from 'typeorm';
import { allowHistoryTypes } from './history-types.js';

/**
 * A run may continue as another one of the same workflow id. What is in an inbox for one run alone says so, because the
 * next run counts its activities from the beginning.
 */
export const continueRuns = (schema: string) =>
  class ContinueRuns implements MigrationInterface {
    readonly name = 'ContinuumContinueRuns1763596800014';

    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`alter table ${schema}.runs add column if not exists continued_to uuid`);
      await queryRunner.query(`alter table ${schema}.inbox add column if not exists for_run uuid`);
      await queryRunner.query(allowHistoryTypes(schema, 14));
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(allowHistoryTypes(schema, 13));
      await queryRunner.query(`alter table ${schema}.inbox drop column if exists for_run`);
      await queryRunner.query(`alter table ${schema}.runs drop column if exists continued_to`);
    }
  };
