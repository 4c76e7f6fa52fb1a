import type { TerminateAnswer, TerminateRequest } from '../port/index.js';
import { uuidOrNil } from './array-literals.js';
import { record } from './operations.js';
import { toColumns } from './row-mapping.js';
import { isRunKnown } from './sql/is-run-known.js';
import { lockActor } from './sql/lock-actor.js';
import { type Ending, endActor } from './sql/end-actor.js';
import type { StatementRunner } from './statement.js';

/** Terminates one run, inside a transaction: two statements, of which the second sees what the first has waited for. */
export async function terminateRun(
  sql: StatementRunner,
  request: TerminateRequest,
): Promise<TerminateAnswer> {
  const { namespace, workflowId, reason, by = null } = request;
  const runId = request.runId === null ? null : uuidOrNil(request.runId);
  const onlyActor = request.actorId == null ? null : uuidOrNil(request.actorId);
  const [locked] = await sql.run(lockActor, { namespace, workflowId, runId, onlyActor });
  if (locked !== undefined) {
    await sql.run(endActor, terminationOf(locked.id, reason, by));
    if (by !== null) {
      const facts = reason === null ? {} : { reason };
      const about = { namespace, workflowId, runId: locked.run_id, verb: 'terminate', by } as const;
      await record(sql, [{ ...about, outcome: 'applied', facts }]);
    }
    return { type: 'terminated', runId: locked.run_id };
  }
  const found = await sql.run(isRunKnown, { namespace, workflowId, runId });
  return { type: 'not running', known: found.length > 0 };
}

/** The end of an actor's run that is terminated. */
export const terminationOf = (actorId: string, reason: string | null, by: string | null = null): Ending => ({
  actorId,
  state: 'terminated',
  type: 'run_terminated',
  payload: null,
  facts: toColumns({ type: 'run_terminated', at: 0, reason, ...(by !== null && { by }) }).facts,
  told: JSON.stringify(reason),
});
