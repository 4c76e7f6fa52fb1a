import type { MigrationInterface, QueryRunner } from 'typeorm';
import { allowHistoryTypes } from './history-types.js';
import { allowInboxKinds } from './inbox-kinds.js';

/** A run that has ended without having undone everything is taken up again: a message asks for it, and an event tells when. */
export const retryRollbacks = (schema: string) =>
  class RetryRollbacks implements MigrationInterface {
    readonly name = 'ContinuumRetryRollbacks1763596800025';

    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(allowInboxKinds(schema, 25));
      await queryRunner.query(allowHistoryTypes(schema, 25));
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(allowHistoryTypes(schema, 24));
      await queryRunner.query(allowInboxKinds(schema, 24));
    }
  };
