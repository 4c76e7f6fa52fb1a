import { command } from '../statement.js';

/** Waits for the row of an actor whose lease is still this one, and locks it. */
export const lockLease = command<
  { readonly actorId: string; readonly runId: string; readonly owner: string; readonly token: number },
  { readonly id: string }
>(
  'lock lease',
  (schema) => `
select actor.id
from ${schema}.actors as actor
where actor.id = :actorId::uuid
  and actor.run_id = :runId::uuid
  and (actor.lease_owner = :owner::uuid) is true
  and actor.lease_token = :token
for no key update
`,
);
