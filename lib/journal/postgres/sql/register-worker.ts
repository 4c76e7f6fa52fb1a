import { command } from '../statement.js';

/** Opens a session, or opens it again as long as nobody has ended it. Answers nothing for one that was ended. */
export const registerWorker = command<
  {
    readonly id: string;
    readonly namespace: string;
    readonly name: string;
    readonly host: string;
    readonly pid: number;
    readonly buildId: string;
    readonly workflows: string;
    readonly leaseTimeout: number;
    readonly heartbeatInterval: number;
    readonly lockKey: string | null;
  },
  { readonly id: string }
>(
  'register worker',
  (schema) => `
insert into ${schema}.workers as worker (
  id, namespace, name, host, pid, build_id, workflows,
  ttl, heartbeat_interval, lock_key,
  started_at, heartbeat_at, expires_at
)
values (
  :id::uuid, :namespace, :name, :host, :pid::int, :buildId, :workflows::json,
  :leaseTimeout::float8 * interval '1 millisecond', :heartbeatInterval::float8 * interval '1 millisecond', :lockKey::bigint,
  clock_timestamp(), clock_timestamp(), clock_timestamp() + :leaseTimeout::float8 * interval '1 millisecond'
)
on conflict (id) do update
set namespace = excluded.namespace,
    build_id = excluded.build_id,
    workflows = excluded.workflows,
    ttl = excluded.ttl,
    heartbeat_interval = excluded.heartbeat_interval,
    lock_key = excluded.lock_key,
    heartbeat_at = excluded.heartbeat_at,
    expires_at = excluded.expires_at
where worker.dead_at is null
returning id
`,
);
