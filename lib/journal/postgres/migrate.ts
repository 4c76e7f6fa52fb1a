import { DataSource } from 'typeorm';
import { type JournalError, JournalUnavailableError, SchemaError } from '../errors.js';
import { withSettings } from './connection-options.js';
import type { Database } from './connection.js';
import { translateError } from './error-translation.js';
import type { MigrationMode } from './options.js';
import { schemaVersion } from './sql/schema-version.js';
import { tableColumns } from './sql/table-columns.js';

/** Brings the schema up to date, or looks whether it is. Throws {@link SchemaError} where it is not in the end. */
export async function migrate(database: Database, mode: MigrationMode): Promise<void> {
  if (mode === 'none') return;
  const before = await lookAt(database);
  if (isUpToDate(before, database)) return;
  if (before.foreign.length > 0) throw foreignTables(database, before);
  if (mode === 'verify') throw outOfDate(database, before);
  await runMigrations(database);
  const after = await lookAt(database);
  if (!isUpToDate(after, database)) throw outOfDate(database, after);
}

/** What is in the schema, compared with what this version uses. */
interface Findings {
  /** The number of the newest migration that was run; null before there were versions. */
  readonly version: number | null;
  /** Tables, and columns of tables, that this version uses. */
  readonly missing: readonly string[];
  /** Tables that have a name of ours and were not made by us. */
  readonly foreign: readonly string[];
}

/**
 * A newer schema will do: migrations only add (docs/operations.md), so code goes on that is older than the schema, and
 * what is there beyond its own tables and columns belongs to a newer version.
 */
function isUpToDate({ version, missing }: Findings, database: Database): boolean {
  return missing.length === 0 && version !== null && version >= database.schemaVersion;
}

async function lookAt(database: Database): Promise<Findings> {
  const tables = await tablesOf(database);
  const missing: string[] = [];
  const foreign: string[] = [];
  for (const { tableName, columns } of database.dataSource.entityMetadatas) {
    const present = tables.get(tableName);
    if (present === undefined) {
      missing.push(`table ${tableName}`);
      continue;
    }
    const absent = columns.filter(({ databaseName }) => !present.has(databaseName));
    missing.push(...absent.map(({ databaseName }) => `column ${tableName}.${databaseName}`));
    // Migrations only add columns that may be null or have a default: the others are there from the first day.
    const stranger = absent.find((column) => !column.isNullable && column.default === undefined);
    if (stranger !== undefined) foreign.push(`${tableName} (it has no ${stranger.databaseName})`);
  }
  for (const [table, columns] of BOOKKEEPING) {
    const present = tables.get(table);
    const absent = present && columns.find((column) => !present.has(column));
    if (absent !== undefined) foreign.push(`${table} (it has no ${absent})`);
  }
  const versioned = tables.get('schema_version')?.has('version') === true;
  const [row] = versioned ? await database.run(schemaVersion, {}) : [];
  return { version: row?.version ?? null, missing, foreign };
}

/** Tables that no entity maps. */
const BOOKKEEPING: ReadonlyMap<string, readonly string[]> = new Map([
  ['migrations', ['id', 'timestamp', 'name']],
  ['schema_version', ['single', 'version']],
]);

async function tablesOf(database: Database): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const tables = new Map<string, Set<string>>();
  for (const { relation, attribute } of await database.run(tableColumns, {})) {
    const columns = tables.get(relation);
    if (columns === undefined) tables.set(relation, new Set([attribute]));
    else columns.add(attribute);
  }
  return tables;
}

function outOfDate(database: Database, { version, missing }: Findings): SchemaError {
  const facts = [
    ...(version !== null && version >= database.schemaVersion
      ? []
      : [`it is at version ${version ?? 'none'}, and version ${database.schemaVersion} is needed`]),
    ...(missing.length === 0 ? [] : [`it lacks ${missing.join(', ')}`]),
  ];
  return new SchemaError(
    `The schema "${database.schema}" in ${database.address} is not what this version of Continuum needs: ${facts.join('; ')}. ` +
      `Open the journal with migrations: 'run', or add continuumMigrations('${database.schema}') of ` +
      `nestjs-continuum/migrations to the migrations of your DataSource and run them.`,
  );
}

function foreignTables(database: Database, { foreign }: Findings): SchemaError {
  return new SchemaError(
    `The schema "${database.schema}" in ${database.address} has tables that were not made by Continuum, under names that ` +
      `it needs: ${foreign.join(', ')}. Nothing was changed. Give Continuum a schema of its own: the option "schema".`,
  );
}

/** Instances that start at once take turns: TypeORM's own bookkeeping is not safe for two of them. */
const MIGRATION_LOCK = 'select pg_advisory_lock(hashtextextended($1, 0))';
/** Another instance may be building indexes on large tables meanwhile. */
const MIGRATION_LOCK_TIMEOUT = '10min';
/** How long a migration waits for a table. Not long: every other statement on that table would have to wait for the migration. */
const LOCK_TIMEOUT = '3s';

async function runMigrations(database: Database): Promise<void> {
  // Connections of their own, one for the lock and one for the work, which may take longer than a statement may.
  const settings = {
    statement_timeout: '0',
    idle_in_transaction_session_timeout: '0',
    lock_timeout: LOCK_TIMEOUT,
  };
  const pool = { max: 2, query_timeout: 0 };
  const dataSource = new DataSource(withSettings(database.dataSource.options, settings, pool));
  try {
    await dataSource.initialize();
    const guard = dataSource.createQueryRunner();
    await guard.query(`set lock_timeout = '${MIGRATION_LOCK_TIMEOUT}'`);
    await guard.query(MIGRATION_LOCK, [`continuum migrations of ${database.schema}`]);
    // TypeORM keeps its list of applied migrations in the schema, and so wants it first.
    if (!(await guard.hasSchema(database.schema)))
      await guard.query(`create schema ${database.quotedSchema}`);
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
