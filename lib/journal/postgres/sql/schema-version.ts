import { type NoValues, query } from '../statement.js';

/** The number of the newest migration that was run. */
export const schemaVersion = query<NoValues, { readonly version: number }>(
  'schema version',
  (schema) => `
select version
from ${schema}.schema_version
`,
);
