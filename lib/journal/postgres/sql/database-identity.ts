import { type NoValues, query } from '../statement.js';

/**
 * Which database a connection is in: an expression, to be asked for on any connection. Clusters that were just made, or
 * copied from one another, have databases of one name and one number; no two servers were started in one microsecond,
 * and every role may ask when.
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
