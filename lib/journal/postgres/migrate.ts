import { DataSource } from 'typeorm';
import { type JournalError, JournalUnavailableError, SchemaError } from '../errors.js';
import { withSettings } from './connection-options.js';
import type { Database } from './connection.js';
import { translateError } from './error-translation.js';
import type { MigrationMode } from './options.js';
import { tableColumns } from './sql/table-columns.js';

/** Brings the schema up to date, or looks whether it is. Throws {@link SchemaError} where it is not in the end. */
export async function migrate(database: Database, mode: MigrationMode): Promise<void> {
  if (mode === 'none') return;
  const missing = await missingIn(database);
  if (missing.length === 0) return;
  if (mode === 'verify') throw incomplete(database, missing);
  await runMigrations(database);
  const stillMissing = await missingIn(database);
  if (stillMissing.length > 0) throw incomplete(database, stillMissing);
}

/** Tables, and columns of tables, that this version uses. What is there beyond them belongs to a newer version. */
async function missingIn(database: Database): Promise<readonly string[]> {
  const rows = await database.run(tableColumns, {});
  const columns = new Set(rows.map(({ relation, attribute }) => `${relation}.${attribute}`));
  const tables = new Set(rows.map(({ relation }) => relation));
  return database.dataSource.entityMetadatas.flatMap(({ tableName, columns: wanted }) =>
    tables.has(tableName)
      ? wanted
          .map(({ databaseName }) => `${tableName}.${databaseName}`)
          .filter((column) => !columns.has(column))
          .map((column) => `column ${column}`)
      : [`table ${tableName}`],
  );
}

function incomplete(database: Database, missing: readonly string[]): SchemaError {
  return new SchemaError(
    `The schema "${database.schema}" in ${database.address} is not what this version needs; it lacks ${missing.join(', ')}. ` +
      `Open the journal with migrations: 'run', or add continuumMigrations('${database.schema}') of ` +
      `nestjs-continuum/migrations to the migrations of your DataSource and run them.`,
  );
}

/** Instances that start at once take turns: TypeORM's own bookkeeping is not safe for two of them. */
const MIGRATION_LOCK = 'select pg_advisory_lock(hashtextextended($1, 0))';
/** Another instance may be building indexes on large tables meanwhile. */
const PATIENCE = '10min';
/** A table that is busy is not waited for long: everybody else would queue behind us. */
const LOCK_TIMEOUT = '3s';

async function runMigrations(database: Database): Promise<void> {
  // Connections of their own, one for the lock and one for the work, which may take longer than a statement may.
  const settings = {
    statement_timeout: 0,
    idle_in_transaction_session_timeout: 0,
    lock_timeout: LOCK_TIMEOUT,
  };
  const pool = { max: 2, query_timeout: 0 };
  const dataSource = new DataSource(withSettings(database.dataSource.options, settings, pool));
  try {
    await dataSource.initialize();
    const guard = dataSource.createQueryRunner();
    await guard.query(`set lock_timeout = '${PATIENCE}'`);
    await guard.query(MIGRATION_LOCK, [`continuum migrations of ${database.schema}`]);
    // TypeORM keeps its list of applied migrations in the schema, and so wants it first.
    if (!(await guard.hasSchema(database.schema))) await guard.query(`create schema ${database.schema}`);
    await dataSource.runMigrations({ transaction: 'each' });
    await guard.release();
  } catch (error) {
    throw notMigrated(error, database);
  } finally {
    // With the connection goes the lock.
    if (dataSource.isInitialized) await dataSource.destroy();
  }
}

function notMigrated(error: unknown, database: Database): JournalError {
  const translated = translateError(error, 'read', database.address);
  if (translated instanceof SchemaError || translated instanceof JournalUnavailableError) return translated;
  return new SchemaError(`The schema "${database.schema}" could not be migrated. ${translated.message}`, {
    cause: error,
  });
}
