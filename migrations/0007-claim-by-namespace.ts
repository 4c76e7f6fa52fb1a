import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Workers take the runs of their own namespace only, and claims find them by it. The index of claims that do not ask for
 * a namespace goes: nearly every write would keep both.
 */
export const claimByNamespace = (schema: string) =>
  class ClaimByNamespace implements MigrationInterface {
    readonly name = 'ContinuumClaimByNamespace1763596800007';

    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`alter table ${schema}.workers add column if not exists namespace text`);
      await queryRunner.query(`
        create index if not exists actors_due on ${schema}.actors (namespace, workflow, version, priority, wake_at)
        where lease_owner is null and paused_at is null
      `);
      await queryRunner.query(`drop index if exists ${schema}.actors_claim`);
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`
        create index if not exists actors_claim on ${schema}.actors (workflow, version, priority, wake_at)
        where lease_owner is null and paused_at is null
      `);
      await queryRunner.query(`drop index if exists ${schema}.actors_due`);
      await queryRunner.query(`alter table ${schema}.workers drop column if exists namespace`);
    }
  };
