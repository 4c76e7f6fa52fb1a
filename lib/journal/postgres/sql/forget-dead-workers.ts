import { command } from '../statement.js';

/** Deletes sessions that have been dead for a day. Until then they tell what happened. */
export const forgetDeadWorkers = command<{ readonly namespace: string }, { readonly id: string }>(
  'forget dead workers',
  (schema) => `
delete from ${schema}.workers as worker
where worker.dead_at < now() - interval '1 day'
  and (worker.namespace is null or worker.namespace = :namespace)
returning worker.id
`,
);
