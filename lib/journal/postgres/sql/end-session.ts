import { command } from '../statement.js';

/** Ends a session. Waits for a claim in flight, which holds its row, and which so is seen by what comes next. */
export const endSession = command<{ readonly id: string }, { readonly id: string }>(
  'end session',
  (schema) => `
delete from ${schema}.workers as worker
where worker.id = :id::uuid
returning worker.id
`,
);
