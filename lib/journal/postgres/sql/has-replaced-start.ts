import { query } from '../statement.js';

/** Whether this start has taken the place of another one, and was the last to do so. */
export const hasReplacedStart = query<{ readonly id: string; readonly by: string }, { readonly id: string }>(
  'has replaced start',
  (schema) => `
select actor.id
from ${schema}.actors as actor
where actor.id = :id::uuid
  and actor.debounced_by = :by::uuid
`,
);
