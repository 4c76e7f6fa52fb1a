import { command } from '../statement.js';

/** Locks an actor's row, `for update`, unless somebody else has it. Answers nothing then, nor where it is gone. */
export const lockIfFree = command<{ readonly id: string }, { readonly id: string }>(
  'lock if free',
  (schema) => `
select actor.id
from ${schema}.actors as actor
where actor.id = :id::uuid
for update skip locked
`,
);
