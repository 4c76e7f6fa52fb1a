import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Workers that died while they held a run: how many since it last showed that it goes on, and who the latest were. */
export const countDeaths = (schema: string) =>
  class CountDeaths implements MigrationInterface {
    readonly name = 'ContinuumCountDeaths1763596800008';

    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`
        alter table ${schema}.actors
        add column if not exists deaths integer not null default 0,
        add column if not exists killed jsonb
      `);
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`
        alter table ${schema}.actors
        drop column if exists deaths,
        drop column if exists killed
      `);
    }
  };
