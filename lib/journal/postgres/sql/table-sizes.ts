import { type NoValues, query } from '../statement.js';

/** How many pages the tables have that plans reach into, in one order. */
export const tableSizes = query<NoValues, { readonly pages: number }>(
  'table sizes',
  (schema) => `
select pg_relation_size(format('${schema}.%I', relation)) / current_setting('block_size')::bigint as pages
from unnest(array['actors', 'runs', 'history', 'inbox', 'message_ids']) with ordinality as relations(relation, ordinal)
order by ordinal
`,
);
