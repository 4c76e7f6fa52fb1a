import { command } from '../statement.js';

/** Deletes sessions that have been dead for a day, until when they tell what happened, and those that were ended an hour ago. */
export const forgetDeadWorkers = command<{ readonly namespace: string }, { readonly id: string }>(
  'forget dead workers',
  (schema) => `
delete from ${schema}.workers as worker
where worker.dead_at < now() - case when worker.ended then interval '1 hour' else interval '1 day' end
  and (worker.namespace is null or worker.namespace = :namespace)
returning worker.id
`,
);
