// @ts-check
import { startPostgres } from '../../tools/postgres.mjs';

/** One server for all projects of a run; CONTINUUM_TEST_DATABASE_URL names another one. */
export default async function globalSetup() {
  if (process.env['CONTINUUM_TEST_DATABASE_URL']) return;
  const server = await startPostgres();
  globalThis.continuumPostgres = server;
  process.env['CONTINUUM_TEST_DATABASE_URL'] = server.url;
}
