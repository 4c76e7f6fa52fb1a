import type { MigrationInterface } from 'typeorm';
import { createActors } from './0001-create-actors.js';
import { createRuns } from './0002-create-runs.js';
import { createHistory } from './0003-create-history.js';
import { createInbox } from './0004-create-inbox.js';
import { createWorkers } from './0005-create-workers.js';

/** What TypeORM takes as a migration. */
export type MigrationClass = new () => MigrationInterface;

/**
 * The migrations of Continuum's tables for a schema of your choice, for the `migrations` of your own DataSource.
 *
 * A released migration never changes; every new version of the tables comes as one more of them. They may be run by
 * your DataSource and by the journal alike: what is there already stays as it is.
 *
 * @example
 * new DataSource({ ...options, migrations: [...continuumMigrations('workflows'), ...myMigrations] });
 *
 * @param schema Defaults to `continuum`.
 */
export function continuumMigrations(schema = 'continuum'): MigrationClass[] {
  // It stands in the SQL as it is.
  if (!/^[a-z_][a-z0-9_]{0,49}$/.test(schema)) {
    throw new TypeError(
      `The schema's name has lower-case letters, digits and underscores only, at most 50 of them; "${schema}" does not fit.`,
    );
  }
  return [createActors, createRuns, createHistory, createInbox, createWorkers].map((migration) =>
    migration(schema),
  );
}

/** {@link continuumMigrations} for the schema `continuum`. */
export const CONTINUUM_MIGRATIONS: MigrationClass[] = continuumMigrations();
