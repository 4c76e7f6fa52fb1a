import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The inbox holds what was sent to an actor and is not consumed yet. Message ids stay as long as there are runs of the
 * workflow id: a message that is sent again counts once over all of them.
 */
export const createInbox = (schema: string) =>
  class CreateInbox implements MigrationInterface {
    readonly name = 'ContinuumCreateInbox1763596800004';

    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`
        create table if not exists ${schema}.inbox (
          actor_id uuid not null,
          n bigint not null,
          kind text not null,
          name text,
          payload json,
          at timestamp with time zone not null,
          constraint inbox_pkey primary key (actor_id, n),
          constraint inbox_kind check (kind in ('start', 'signal', 'cancel', 'activity_result'))
        )
        with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 0.05)
      `);
      await queryRunner.query(`
        create table if not exists ${schema}.message_ids (
          namespace text not null,
          workflow_id text not null,
          message_id text not null,
          at timestamp with time zone not null default now(),
          constraint message_ids_pkey primary key (namespace, workflow_id, message_id)
        )
      `);
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`drop table if exists ${schema}.message_ids`);
      await queryRunner.query(`drop table if exists ${schema}.inbox`);
    }
  };
