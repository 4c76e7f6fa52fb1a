import { command } from '../statement.js';

interface MarkStuck {
  readonly [name: string]: string | number;
  readonly namespace: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly host: string;
  readonly pid: number;
}

/**
 * Notes in the session of this process that its event loop stands still in the code of a run. It counts only when the worker
 * is found dead. If another worker has taken the run over meanwhile, nothing is noted.
 */
export const markStuck = command<MarkStuck, { readonly id: string }>(
  'mark stuck',
  (schema) => `
update ${schema}.workers as worker
set stuck_in = actor.run_id
from ${schema}.actors as actor
where actor.namespace = :namespace
  and actor.workflow_id = :workflowId
  and actor.run_id = :runId::uuid
  and worker.id = actor.lease_owner
  and worker.host = :host
  and worker.pid = :pid::int
returning worker.id
`,
);
