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
 * Notes of the worker that holds a run, which is this process, that it stands still in the run's code. Only a note:
 * whoever finds the worker dead counts it. A run that another worker has taken over meanwhile blames nobody.
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
