import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The version of the schema: one row, which each migration raises (see schema-version.ts). */
export const createSchemaVersion = (schema: string) =>
  class CreateSchemaVersion implements MigrationInterface {
    readonly name = 'ContinuumCreateSchemaVersion1763596800006';

    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`
        create table if not exists ${schema}.schema_version (
          single boolean constraint schema_version_pkey primary key default true,
          version integer not null,
          constraint schema_version_single check (single)
        )
      `);
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`drop table if exists ${schema}.schema_version`);
    }
  };
