import type { DataSource, DataSourceOptions } from 'typeorm';
import { JournalError } from '../errors.js';

/** TypeORM's options for a Postgres connection. */
export type PostgresConnection = Extract<DataSourceOptions, { readonly type: 'postgres' }>;

/** Exactly one of `dataSource` and `connection` is given. */
export interface PostgresJournalOptions {
  /** The application's DataSource. The journal copies its connection options and keeps a pool of its own. */
  readonly dataSource?: DataSource | undefined;
  /** TypeORM's options of a Postgres connection, where there is no DataSource to copy them from. */
  readonly connection?: PostgresConnection | undefined;
  /** The schema of the journal's tables: lower-case letters, digits and underscores. Defaults to `continuum`. */
  readonly schema?: string | undefined;
  /**
   * `run` brings the schema up to date when the journal opens; `verify` only looks, and throws a `SchemaError` that
   * says what is missing; `none` trusts. Defaults to `run`.
   */
  readonly migrations?: MigrationMode | undefined;
  /** How many connections the journal keeps, beside the one it listens on. Defaults to 4. */
  readonly poolSize?: number | undefined;
}

export type MigrationMode = 'run' | 'verify' | 'none';

export interface ResolvedOptions {
  readonly connection: PostgresConnection;
  readonly schema: string;
  readonly migrations: MigrationMode;
  readonly poolSize: number;
}

/** Throws {@link JournalError} for options that cannot work. */
export function resolveOptions(options: PostgresJournalOptions): ResolvedOptions {
  const { dataSource, connection, schema = 'continuum', migrations = 'run', poolSize = 4 } = options;
  if ((dataSource === undefined) === (connection === undefined)) {
    throw new JournalError(
      'PostgresJournal takes either a dataSource or a connection. Give it exactly one of them.',
    );
  }
  // It stands in SQL text as it is, and with a prefix it names the channel of the hints.
  if (!/^[a-z_][a-z0-9_]{0,49}$/.test(schema)) {
    throw new JournalError(
      `The schema's name has lower-case letters, digits and underscores only, at most 50 of them; "${schema}" does not fit.`,
    );
  }
  if (!Number.isInteger(poolSize) || poolSize < 1) {
    throw new JournalError(`poolSize is a whole number of at least 1; it is ${poolSize}.`);
  }
  return { connection: connection ?? postgresOptions(dataSource?.options), schema, migrations, poolSize };
}

function postgresOptions(options: DataSourceOptions | undefined): PostgresConnection {
  if (options?.type === 'postgres') return options;
  throw new JournalError(
    `Continuum's journal needs a DataSource of type "postgres"; the given one is of type "${options?.type}".`,
  );
}
