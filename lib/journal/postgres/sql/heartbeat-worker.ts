import { command } from '../statement.js';

/** Prolongs a session that nobody has ended. It clears `stuck_in`: a worker that sends a heartbeat does not stand still. */
export const heartbeatWorker = command<{ readonly id: string }, { readonly now: number }>(
  'heartbeat worker',
  (schema) => `
update ${schema}.workers as worker
set heartbeat_at = clock_timestamp(),
    expires_at = clock_timestamp() + worker.ttl,
    stuck_in = null
where worker.id = :id::uuid
  and worker.dead_at is null
returning date_part('epoch', clock_timestamp()) * 1000 as now
`,
);
