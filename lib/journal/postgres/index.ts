/**
 * The journal on PostgreSQL. `postgres-journal.ts` has the verbs, `sql/` one file for each statement, `entities/` the tables as
 * TypeORM sees them. docs/internals/journal.md tells which statement locks what, and why.
 */
export { type DataSource, dataSourceToken, isDataSource } from './data-source.js';
export type { MigrationMode, PostgresConnection, PostgresJournalOptions } from './options.js';
export * from './postgres-journal.js';
