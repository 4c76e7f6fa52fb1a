import { createActors } from './0001-create-actors.js';
import { createRuns } from './0002-create-runs.js';
import { createHistory } from './0003-create-history.js';
import { createInbox } from './0004-create-inbox.js';
import { createWorkers } from './0005-create-workers.js';
import { createSchemaVersion } from './0006-create-schema-version.js';
import { claimByNamespace } from './0007-claim-by-namespace.js';
import { countDeaths } from './0008-count-deaths.js';
import { checkSignals } from './0009-check-signals.js';
import { markStuckRuns } from './0010-mark-stuck-runs.js';
import { findSuspects } from './0011-find-suspects.js';
import { startChildren } from './0012-start-children.js';
import { createOutbox } from './0013-create-outbox.js';
import { continueRuns } from './0014-continue-runs.js';
import { createUpdates } from './0015-create-updates.js';
import { recordOperations } from './0016-record-operations.js';
import { recordPatches } from './0017-record-patches.js';
import { showRuns } from './0018-show-runs.js';
import { timeLimits } from './0019-time-limits.js';
import { reachOthers } from './0020-reach-others.js';
import { openCallbacks } from './0021-open-callbacks.js';
import { endOverdue } from './0022-end-overdue.js';
import { orderOutbox } from './0023-order-outbox.js';
import { retryRollbacks } from './0025-retry-rollbacks.js';
import { startBySignal } from './0026-start-by-signal.js';
import { debounceStarts } from './0027-debounce-starts.js';
import { type MigrationClass, withVersion } from './schema-version.js';

export type { MigrationClass };

/** In the order they run in. The version of the schema is the number of the last one: there is nothing else to edit. */
const MIGRATIONS: readonly ((schema: string) => MigrationClass)[] = [
  createActors,
  createRuns,
  createHistory,
  createInbox,
  createWorkers,
  createSchemaVersion,
  claimByNamespace,
  countDeaths,
  checkSignals,
  markStuckRuns,
  findSuspects,
  startChildren,
  createOutbox,
  continueRuns,
  createUpdates,
  recordOperations,
  recordPatches,
  showRuns,
  timeLimits,
  reachOthers,
  openCallbacks,
  endOverdue,
  orderOutbox,
  retryRollbacks,
  startBySignal,
  debounceStarts,
];

/**
 * The migrations of Continuum's tables for a schema of your choice, for the `migrations` of your own DataSource.
 *
 * A released migration never changes; every new version of the tables comes as one more of them. They may be run by
 * your DataSource and by the journal alike: what is there already stays as it is.
 *
 * ```ts
 * new DataSource({ ...options, migrations: [...continuumMigrations('workflows'), ...myMigrations] });
 * ```
 *
 * @param schema Defaults to `continuum`.
 */
export function continuumMigrations(schema = 'continuum'): MigrationClass[] {
  // It stands in the SQL between quotation marks, for it may be a word of SQL (`order`, `user`).
  if (!/^[a-z_][a-z0-9_]{0,49}$/.test(schema)) {
    throw new TypeError(
      `The schema's name has lower-case letters, digits and underscores only, at most 50 of them; "${schema}" does not fit.`,
    );
  }
  const quoted = `"${schema}"`;
  return MIGRATIONS.map((migration) => withVersion(quoted, migration(quoted)));
}

/** {@link continuumMigrations} for the schema `continuum`. */
export const CONTINUUM_MIGRATIONS: MigrationClass[] = continuumMigrations();
