import type { HoldBack, StartAnswer, StartRequest } from '../port/index.js';
import { record } from './operations.js';
import { hasReplacedStart } from './sql/has-replaced-start.js';
import { holdStartBack } from './sql/hold-start-back.js';
import { lockActor } from './sql/lock-actor.js';
import { type ReplaceStart, replaceStart } from './sql/replace-start.js';
import { MAX_TRIES, startByPolicy, triedTooOften } from './start-runs.js';
import type { StatementRunner } from './statement.js';

/** Starts one run that only a transaction can start: by the policies that look at other runs, or held back. */
export const startAlone = (sql: StatementRunner, request: StartRequest): Promise<StartAnswer> =>
  request.debounce ? debounceStart(sql, request, request.debounce) : startByPolicy(sql, request);

/**
 * Starts a run that is held back for a while, or takes the place of one that is, inside a transaction. The row is locked first, and
 * then looked at again: whoever claims it is either seen, or finds it locked.
 */
async function debounceStart(
  sql: StatementRunner,
  request: StartRequest,
  { longest }: HoldBack,
): Promise<StartAnswer> {
  const { runId, namespace, workflowId } = request;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const [locked] = await sql.run(lockActor, { namespace, workflowId, runId: null, onlyActor: null });
    if (locked !== undefined && locked.run_id !== runId) {
      const [replaced] = await sql.run(replaceStart, replacement(locked.id, request));
      if (replaced !== undefined) {
        const { by } = request;
        const told = {
          namespace,
          workflowId,
          runId: replaced.run_id,
          verb: 'start',
          outcome: 'applied',
          facts: {},
        } as const;
        if (by != null) await record(sql, [{ ...told, by }]);
        return { type: 'debounced', runId: replaced.run_id };
      }
      // Its answer was lost, and then a worker has taken the run up.
      const did = await sql.run(hasReplacedStart, { id: locked.id, by: runId });
      if (did.length > 0) return { type: 'debounced', runId: locked.run_id };
    }
    const answer = await startByPolicy(sql, request);
    if (answer.type === 'started') await sql.run(holdStartBack, { id: runId, longest });
    // An open run that came in between may be one that is held back.
    if (answer.type === 'started' || locked !== undefined) return answer;
  }
  throw triedTooOften(request);
}

const replacement = (id: string, request: StartRequest): ReplaceStart => ({
  id,
  workflow: request.workflow,
  version: request.version,
  priority: request.priority,
  input: request.input,
  attributes: request.attributes === null ? null : JSON.stringify(request.attributes),
  period: request.startDelay ?? 0,
  runLimit: request.limits?.run ?? null,
  chainLimit: request.limits?.chain ?? null,
  start: request.runId,
  by: request.by ?? null,
});
