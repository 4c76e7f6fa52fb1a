import type { MigrationInterface, QueryRunner } from 'typeorm';
import { allowHistoryTypes } from './history-types.js';

/** Histories tell which patches of its code a run has met. */
export const recordPatches = (schema: string) =>
  class RecordPatches implements MigrationInterface {
    readonly name = 'ContinuumRecordPatches1763596800017';

    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(allowHistoryTypes(schema, 17));
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(allowHistoryTypes(schema, 16));
    }
  };
