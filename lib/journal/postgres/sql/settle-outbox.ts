import { command } from '../statement.js';

/** Removes what was delivered, and puts off what was not. The transaction has it locked. */
export const settleOutbox = command<
  { readonly done: string; readonly held: string; readonly delay: number },
  { readonly id: number }
>(
  'settle outbox',
  (schema) => `
with delivered as (
  delete from ${schema}.outbox as letter
  using unnest(:done::bigint[]) as done(id)
  cross join lateral (
    select found.ctid as place
    from ${schema}.outbox as found
    where found.id = done.id
    limit 1
  ) as found
  where letter.ctid = found.place
)
update ${schema}.outbox as letter
set due_at = clock_timestamp() + :delay * interval '1 millisecond'
from unnest(:held::bigint[]) as held(id)
cross join lateral (
  select found.ctid as place
  from ${schema}.outbox as found
  where found.id = held.id
  limit 1
) as found
where letter.ctid = found.place
returning letter.id::float8 as id
`,
);
