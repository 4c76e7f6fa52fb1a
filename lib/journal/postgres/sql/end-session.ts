import { command } from '../statement.js';

/**
 * Ends a session. Waits for a claim that is under way, for that holds the row: so the statement that frees the session's
 * actors afterwards sees what was claimed. The row stays for a while: by it is known that a workflow was served until now.
 */
export const endSession = command<{ readonly id: string }, { readonly id: string }>(
  'end session',
  (schema) => `
with session as materialized (
  select worker.id
  from ${schema}.workers as worker
  where worker.id = :id::uuid
  for update
)
update ${schema}.workers as worker
set ended = true,
    dead_at = coalesce(worker.dead_at, clock_timestamp())
from session
where worker.id = session.id
returning worker.id
`,
);
