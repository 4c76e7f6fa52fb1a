import { type NoValues, query } from '../statement.js';

/**
 * Which database a connection is in: an expression that can be asked for on any connection. New clusters, and copies of one
 * another, have databases of the same name and number, so those do not tell. When the server was started does, to the
 * microsecond, and every role may ask for it.
 */
export const DATABASE_IDENTITY = `
  current_database() || ' '
  || (select oid from pg_catalog.pg_database where datname = current_database()) || ' '
  || (date_part('epoch', pg_postmaster_start_time()) * 1000000)::bigint`;

/** Which database the journal's own connections are in. */
export const databaseIdentity = query<NoValues, { readonly identity: string }>(
  'database identity',
  () => `select ${DATABASE_IDENTITY} as identity`,
);
