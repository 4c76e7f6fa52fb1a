import type { MigrationInterface, QueryRunner } from 'typeorm';
import { allowHistoryTypes } from './history-types.js';
import { allowInboxKinds } from './inbox-kinds.js';

/**
 * Callbacks that runs have opened, by the command that did. By this whoever has a key finds the run, and each is settled once.
 * They stay when they are over, so that whoever comes late is told what became of them.
 */
export const openCallbacks = (schema: string) =>
  class OpenCallbacks implements MigrationInterface {
    readonly name = 'ContinuumOpenCallbacks1763596800021';

    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`
        create table if not exists ${schema}.callbacks (
          run_id uuid not null,
          command integer not null,
          actor_id uuid not null,
          namespace text not null,
          key text,
          opened_at timestamp with time zone not null default now(),
          over_at timestamp with time zone,
          message_id text,
          constraint callbacks_pkey primary key (run_id, command)
        )
      `);
      // One open callback has a key at a time.
      await queryRunner.query(`
        create unique index if not exists callbacks_open on ${schema}.callbacks (namespace, key)
          where over_at is null and key is not null
      `);
      await queryRunner.query(`
        create index if not exists callbacks_key on ${schema}.callbacks (namespace, key)
          where key is not null
      `);
      await queryRunner.query(allowInboxKinds(schema, 21));
      await queryRunner.query(allowHistoryTypes(schema, 21));
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(allowHistoryTypes(schema, 20));
      await queryRunner.query(allowInboxKinds(schema, 20));
      await queryRunner.query(`drop table if exists ${schema}.callbacks`);
    }
  };
