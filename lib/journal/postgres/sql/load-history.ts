import type { HistoryRow } from '../row-mapping.js';
import { query } from '../statement.js';

/** Reads the histories of runs, each after one number and up to another one, in order. */
export const loadHistory = query<
  { readonly runIds: string; readonly after: string; readonly through: string },
  HistoryRow & { readonly ordinal: number }
>(
  'load history',
  (schema) => `
select
  request.ordinal, entry.seq, entry.type, entry.command_id, entry.name, entry.payload, entry.facts,
  date_part('epoch', entry.at) * 1000 as at
from unnest(:runIds::uuid[], :after::int[], :through::int[]) with ordinality as request(run_id, after, through, ordinal)
cross join lateral (
  select entry.seq, entry.type, entry.command_id, entry.name, entry.payload, entry.facts, entry.at
  from ${schema}.history as entry
  where entry.run_id = request.run_id
    and entry.seq > request.after
    and entry.seq <= request.through
  order by entry.seq
) as entry
`,
);
