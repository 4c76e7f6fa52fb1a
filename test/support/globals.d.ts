import type { PostgresServer } from '../../tools/postgres.mjs';

declare global {
  /** The server of this test run, while it has its own. */
  var continuumPostgres: PostgresServer | undefined;
}
