import { type NoValues, query } from '../statement.js';
import { PLANNED_TABLES, type PlannedTable } from './analyze-table.js';

export interface TableSize {
  readonly relation: PlannedTable;
  readonly pages: number;
  /** Vacuum or analyze has found no row in it, though it had pages. */
  readonly counted_as_empty: boolean;
}

/** How large the tables are that plans reach into, in one order. */
export const tableSizes = query<NoValues, TableSize>(
  'table sizes',
  (schema) => `
select
  relations.relation,
  pg_relation_size(class.oid) / current_setting('block_size')::bigint as pages,
  class.reltuples = 0 and class.relpages > 0 as counted_as_empty
from unnest(array[${PLANNED_TABLES.map((table) => `'${table}'`).join(', ')}]) with ordinality as relations(relation, ordinal)
join pg_catalog.pg_class as class on class.oid = format('${schema}.%I', relations.relation)::regclass
order by relations.ordinal
`,
);
