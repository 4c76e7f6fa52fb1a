import { command } from '../statement.js';

/**
 * A worker takes no new runs any more. It is said of each of its workflows, beside what the row tells of them: whoever asks
 * what its session has reads on as before.
 */
export const leaveWorker = command<{ readonly id: string }, { readonly id: string }>(
  'leave worker',
  (schema) => `
update ${schema}.workers as worker
set workflows = (
  select coalesce(json_agg(json_build_object('name', served.name, 'version', served.version, 'leaving', true)), '[]'::json)
  from json_to_recordset(worker.workflows) as served(name text, version int)
)
where worker.id = :id::uuid
  and worker.dead_at is null
returning worker.id
`,
);
