import { command } from '../statement.js';
import { knownCallback } from './known-callback.js';
import type { FindCallback, KnownCallback } from './known-callback.js';

/** Finds a callback, and waits for the row of its actor and locks it: a statement that begins after it sees whether it is settled. */
export const lockCallback = command<FindCallback, KnownCallback>(
  'lock callback',
  (schema) => `
with known as materialized (${knownCallback(schema)})
select known.run_id, known.command, known.workflow_id, known.open, known.settled, known.same
from known
left join lateral (
  select actor.id
  from ${schema}.actors as actor
  where actor.id = known.actor_id
  for no key update
) as actor on true
`,
);
