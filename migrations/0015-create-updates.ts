import type { MigrationInterface, QueryRunner } from 'typeorm';
import { allowHistoryTypes } from './history-types.js';
import { allowInboxKinds } from './inbox-kinds.js';

/**
 * Every update that was sent, and where its answer is: by this an id counts once, and whoever has it can ask for the answer.
 * It stays as long as there are runs of the workflow id. Room is left on its pages, so that an answer is written beside its row.
 */
export const createUpdates = (schema: string) =>
  class CreateUpdates implements MigrationInterface {
    readonly name = 'ContinuumCreateUpdates1763596800015';

    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`
        create table if not exists ${schema}.updates (
          namespace text not null,
          workflow_id text not null,
          update_id text not null,
          actor_id uuid not null,
          name text not null,
          run_id uuid,
          seq integer,
          refused text,
          failure json,
          at timestamp with time zone not null default now(),
          answered_at timestamp with time zone,
          constraint updates_pkey primary key (namespace, workflow_id, update_id)
        )
        with (fillfactor = 70)
      `);
      await queryRunner.query(`alter table ${schema}.inbox add column if not exists message_id text`);
      await queryRunner.query(allowInboxKinds(schema, 15));
      await queryRunner.query(allowHistoryTypes(schema, 15));
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(allowHistoryTypes(schema, 14));
      await queryRunner.query(allowInboxKinds(schema, 14));
      await queryRunner.query(`alter table ${schema}.inbox drop column if exists message_id`);
      await queryRunner.query(`drop table if exists ${schema}.updates`);
    }
  };
