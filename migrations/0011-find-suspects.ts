import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Runs that three workers in a row died with are claimed apart from all others. */
export const findSuspects = (schema: string) =>
  class FindSuspects implements MigrationInterface {
    readonly name = 'ContinuumFindSuspects1763596800011';

    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(
        `alter table ${schema}.actors add column if not exists crowd integer not null default 0`,
      );
      await queryRunner.query(`
        create index if not exists actors_suspect on ${schema}.actors (namespace, workflow, version, wake_at)
        where lease_owner is null and paused_at is null and deaths >= 3
      `);
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`drop index if exists ${schema}.actors_suspect`);
      await queryRunner.query(`alter table ${schema}.actors drop column if exists crowd`);
    }
  };
