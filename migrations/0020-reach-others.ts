import type { MigrationInterface, QueryRunner } from 'typeorm';
import { allowHistoryTypes } from './history-types.js';
import { allowInboxKinds } from './inbox-kinds.js';

const BEFORE = `'cancel', 'terminate', 'child_end', 'parent_closed'`;

/** A run may send signals to others that are no children of it, and is told what became of them. */
export const reachOthers = (schema: string) =>
  class ReachOthers implements MigrationInterface {
    readonly name = 'ContinuumReachOthers1763596800020';

    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`alter table ${schema}.outbox add column if not exists reply text`);
      await queryRunner.query(allowLetters(schema, `${BEFORE}, 'signal', 'message_result'`));
      await queryRunner.query(allowHistoryTypes(schema, 20));
      await queryRunner.query(allowInboxKinds(schema, 20));
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(allowInboxKinds(schema, 19));
      await queryRunner.query(allowHistoryTypes(schema, 19));
      await queryRunner.query(allowLetters(schema, BEFORE));
      await queryRunner.query(`alter table ${schema}.outbox drop column if exists reply`);
    }
  };

const allowLetters = (schema: string, kinds: string): string => `
  alter table ${schema}.outbox
    drop constraint if exists outbox_kind,
    add constraint outbox_kind check (kind in (${kinds})) not valid`;
