import { query } from '../statement.js';
import { knownCallback } from './known-callback.js';
import type { FindCallback, KnownCallback } from './known-callback.js';

/** How a callback is by now, without a lock. */
export const findCallback = query<FindCallback, KnownCallback>(
  'find callback',
  (schema) => `
select known.run_id, known.command, known.workflow_id, known.open, known.settled, known.same
from (${knownCallback(schema)}) as known
`,
);
