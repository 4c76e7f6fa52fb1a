import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What TypeORM takes as a migration. */
export type MigrationClass = new () => MigrationInterface;

/** The number of a migration is what its timestamp has beyond this one. */
const BEFORE_THE_FIRST = 1_763_596_800_000;

/** The version of the schema that a list of migrations leads to: the number of its newest one. */
export function schemaVersionOf(migrations: readonly MigrationClass[]): number {
  return Math.max(0, ...migrations.map((Migration) => numberOf(new Migration())));
}

function numberOf({ name = '' }: MigrationInterface): number {
  const timestamp = Number(/\d{13}$/.exec(name)?.[0]);
  if (timestamp > BEFORE_THE_FIRST) return timestamp - BEFORE_THE_FIRST;
  throw new Error(
    `A migration's name ends in ${BEFORE_THE_FIRST} plus its number; "${name}" does not. Rename it.`,
  );
}

/**
 * A migration that leaves its number in the database, whoever runs it, up and down. The database then knows its version
 * wherever the list of applied migrations is kept.
 */
export function withVersion(schema: string, Migration: MigrationClass): MigrationClass {
  return class extends Migration {
    override async up(queryRunner: QueryRunner): Promise<void> {
      await super.up(queryRunner);
      if (!(await hasVersion(schema, queryRunner))) return;
      // The application and the journal may both run it: what a newer one has left stays.
      await queryRunner.query(`
        insert into ${schema}.schema_version as known (version) values (${numberOf(this)})
        on conflict (single) do update set version = greatest(known.version, excluded.version)
      `);
    }

    override async down(queryRunner: QueryRunner): Promise<void> {
      await super.down(queryRunner);
      if (!(await hasVersion(schema, queryRunner))) return;
      await queryRunner.query(`update ${schema}.schema_version set version = ${numberOf(this) - 1}`);
    }
  };
}

/** The first migrations know of no version. */
async function hasVersion(schema: string, queryRunner: QueryRunner): Promise<boolean> {
  const [row] = (await queryRunner.query(
    `select to_regclass('${schema}.schema_version')::text as relation`,
  )) as { readonly relation: string | null }[]; // The cast: a query's answer is what it selects.
  return row?.relation != null;
}
