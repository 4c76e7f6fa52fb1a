import type { TerminateAnswer, TerminateRequest } from '../port/index.js';
import { uuidOrNil } from './array-literals.js';
import { toColumns } from './row-mapping.js';
import { isRunKnown } from './sql/is-run-known.js';
import { lockActor } from './sql/lock-actor.js';
import { terminateActor } from './sql/terminate-actor.js';
import type { StatementRunner } from './statement.js';

/** Terminates one run, inside a transaction: two statements, of which the second sees what the first has waited for. */
export async function terminateRun(
  sql: StatementRunner,
  request: TerminateRequest,
): Promise<TerminateAnswer> {
  const { namespace, workflowId, reason } = request;
  const runId = request.runId === null ? null : uuidOrNil(request.runId);
  const onlyActor = request.actorId == null ? null : uuidOrNil(request.actorId);
  const [locked] = await sql.run(lockActor, { namespace, workflowId, runId, onlyActor });
  if (locked !== undefined) {
    const { facts } = toColumns({ type: 'run_terminated', at: 0, reason });
    await sql.run(terminateActor, { actorId: locked.id, facts });
    return { type: 'terminated', runId: locked.run_id };
  }
  const found = await sql.run(isRunKnown, { namespace, workflowId, runId });
  return { type: 'not running', known: found.length > 0 };
}
