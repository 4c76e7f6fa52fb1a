import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Runs that nobody serves are ended when their time limit has passed. They are found by the index over those that a worker could
 * take; and a session that was ended in order is kept for a while, because a run was served as long as it lived.
 *
 * Of children only those that their parent's end concerns are looked up by their parent.
 */
export const endOverdue = (schema: string) =>
  class EndOverdue implements MigrationInterface {
    readonly name = 'ContinuumEndOverdue1763596800022';

    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`
        alter table ${schema}.workers add column if not exists ended boolean not null default false`);
      await queryRunner.query(`
        create index if not exists actors_overdue on ${schema}.actors (namespace, deadline_at)
        where deadline_at is not null and lease_owner is null and paused_at is null and not closing`);
      await queryRunner.query(`
        create index if not exists actors_following on ${schema}.actors (parent_run_id)
        where parent_close in ('cancel', 'terminate')`);
      await queryRunner.query(`drop index if exists ${schema}.actors_deadline`);
      await queryRunner.query(`drop index if exists ${schema}.actors_parent`);
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`
        create index if not exists actors_parent on ${schema}.actors (parent_run_id)
        where parent_run_id is not null`);
      await queryRunner.query(`
        create index if not exists actors_deadline on ${schema}.actors (deadline_at)
        where deadline_at is not null`);
      await queryRunner.query(`drop index if exists ${schema}.actors_following`);
      await queryRunner.query(`drop index if exists ${schema}.actors_overdue`);
      // Without the column an ended session would count as one that has died.
      await queryRunner.query(`delete from ${schema}.workers where ended`);
      await queryRunner.query(`alter table ${schema}.workers drop column if exists ended`);
    }
  };
