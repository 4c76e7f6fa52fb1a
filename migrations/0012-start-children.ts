import type { MigrationInterface, QueryRunner } from 'typeorm';
import { allowHistoryTypes } from './history-types.js';
import { allowInboxKinds } from './inbox-kinds.js';

/**
 * A run may be the child of another one. Its actor knows whom to tell of its end, and what becomes of it when that one ends; its
 * run shows whose it is. Both are null of what was started from outside, and cost such a row nothing.
 */
export const startChildren = (schema: string) =>
  class StartChildren implements MigrationInterface {
    readonly name = 'ContinuumStartChildren1763596800012';

    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`
        alter table ${schema}.actors
          add column if not exists parent_id uuid,
          add column if not exists parent_run_id uuid,
          add column if not exists parent_command integer,
          add column if not exists parent_close text,
          add column if not exists lineage json
      `);
      await queryRunner.query(`
        create index if not exists actors_parent on ${schema}.actors (parent_run_id)
        where parent_run_id is not null
      `);
      await queryRunner.query(`alter table ${schema}.runs add column if not exists lineage json`);
      await queryRunner.query(allowHistoryTypes(schema, 12));
      await queryRunner.query(allowInboxKinds(schema, 12));
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(allowInboxKinds(schema, 11));
      await queryRunner.query(allowHistoryTypes(schema, 11));
      await queryRunner.query(`alter table ${schema}.runs drop column if exists lineage`);
      await queryRunner.query(`drop index if exists ${schema}.actors_parent`);
      await queryRunner.query(`
        alter table ${schema}.actors
          drop column if exists parent_id,
          drop column if exists parent_run_id,
          drop column if exists parent_command,
          drop column if exists parent_close,
          drop column if exists lineage
      `);
    }
  };
