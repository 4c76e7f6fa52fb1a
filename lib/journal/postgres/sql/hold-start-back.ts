import { command } from '../statement.js';

/** Marks a run that this transaction has started: later starts of its workflow id may take its place while nobody has begun it. */
export const holdStartBack = command<
  { readonly id: string; readonly longest: number | null },
  { readonly id: string }
>(
  'hold start back',
  (schema) => `
update ${schema}.actors as actor
set debounced_by = actor.run_id,
    debounced_until = date_trunc('milliseconds', now()) + :longest::float8 * interval '1 millisecond'
where actor.id = :id::uuid
  and actor.debounced_by is null
  and actor.lease_token = 0
returning actor.id
`,
);
