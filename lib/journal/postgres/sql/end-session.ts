import { command } from '../statement.js';

/**
 * Ends a session. Waits for a claim that is under way, for that holds the row: so the statement that frees the session's
 * actors afterwards sees what was claimed.
 */
export const endSession = command<{ readonly id: string }, { readonly id: string }>(
  'end session',
  (schema) => `
delete from ${schema}.workers as worker
where worker.id = :id::uuid
returning worker.id
`,
);
