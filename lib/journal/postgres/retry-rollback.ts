import { JournalError } from '../errors.js';
import type { RetryRollbackAnswer, RetryRollbackRequest } from '../port/index.js';
import { isLeftUndone } from '../rules/left-undone.js';
import { uuidOrNil } from './array-literals.js';
import type { Database } from './connection.js';
import { factsColumn } from './operations.js';
import { lookAtEnd } from './sql/look-at-end.js';
import { reopenRun } from './sql/reopen-run.js';
import type { StatementRunner } from './statement.js';

/** How often it is tried where the run, or its workflow id, changes while it is looked at. */
const TRIES = 20;

/** Opens a run again for its rollback. Each try is a transaction: what was written for a run that has changed is rolled back. */
export async function retryRollback(
  database: Pick<Database, 'transaction'>,
  request: RetryRollbackRequest,
): Promise<RetryRollbackAnswer> {
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      const answer = await database.transaction((sql) => tryToReopen(sql, request));
      if (answer !== null) return answer;
    } catch (error) {
      if (!(error instanceof RunChanged)) throw error;
    }
  }
  throw new JournalError(
    `The workflow "${request.workflowId}" ends and begins so quickly that nobody could tell how it ended. Try again.`,
  );
}

/** `null`: whoever was in the way is gone. */
async function tryToReopen(
  sql: StatementRunner,
  request: RetryRollbackRequest,
): Promise<RetryRollbackAnswer | null> {
  const { namespace, workflowId, payload, reason, by = null } = request;
  const run = { namespace, workflowId, runId: uuidOrNil(request.runId) };
  const facts = factsColumn(reason === null ? {} : { reason });
  const [opened] = await sql.run(reopenRun, { ...run, payload, by, facts });
  if (opened?.reopened === null) throw new RunChanged();
  if (opened !== undefined) return { type: 'retried', actorId: opened.actor_id };
  const [found] = await sql.run(lookAtEnd, run);
  if (found === undefined) return { type: 'unknown' };
  if (found.state === 'running') return { type: 'open' };
  if (!isLeftUndone(found)) return { type: 'nothing left', state: found.state };
  return found.open_run === null ? null : { type: 'taken', runId: found.open_run };
}

/** Thrown to roll back what was written: the run was opened by somebody else meanwhile, and has ended again. */
class RunChanged extends Error {
  override readonly name: string = 'RunChanged';
}
