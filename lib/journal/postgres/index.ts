export { type DataSource, dataSourceToken, isDataSource } from './data-source.js';
export type { MigrationMode, PostgresConnection, PostgresJournalOptions } from './options.js';
export * from './postgres-journal.js';
