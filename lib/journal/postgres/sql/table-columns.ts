import { type NoValues, query } from '../statement.js';

/** Every column of every table of the schema. */
export const tableColumns = query<NoValues, { readonly relation: string; readonly attribute: string }>(
  'table columns',
  (schema) => `
select relation.relname::text as relation, attribute.attname::text as attribute
from pg_catalog.pg_class as relation
join pg_catalog.pg_attribute as attribute on attribute.attrelid = relation.oid
where relation.relnamespace = to_regnamespace('${schema}')
  and relation.relkind in ('r', 'p')
  and attribute.attnum > 0
  and not attribute.attisdropped
`,
);
