import { storableText } from '../../core/index.js';
import type { EncodedFailure } from '../../core/index.js';
import { JournalError, JournalUnavailableError } from '../errors.js';
import type { ActorId } from '../ids.js';
import type { OverdueAnswer, OverdueRequest, OverdueRun } from '../port/index.js';
import { endingOf } from '../rules/overdue.js';
import type { Database } from './connection.js';
import { load } from './load-runs.js';
import { toColumns } from './row-mapping.js';
import { endActor } from './sql/end-actor.js';
import { lockIfFree } from './sql/lock-if-free.js';
import { overdueActor, overdueActors } from './sql/overdue-actors.js';
import type { StatementRunner } from './statement.js';

/** Ends runs that nobody serves, each in a transaction of its own: one that cannot be ended keeps no other from its end. */
export async function endOverdue(
  database: Database,
  { namespace: within, failure, limit }: OverdueRequest,
): Promise<OverdueAnswer> {
  const namespace = storableText(within);
  const found = await database.run(overdueActors, { namespace, limit });
  const ended: OverdueRun[] = [];
  let trouble: Error | null = null;
  for (const { id } of found) {
    try {
      const run = await database.transaction((sql) => endOne(sql, namespace, id, failure));
      if (run !== null) ended.push(run);
    } catch (error) {
      if (!(error instanceof JournalError)) throw error;
      trouble ??= error;
      // Nor would the others be answered.
      if (error instanceof JournalUnavailableError) break;
    }
  }
  return { ended, more: found.length === limit && ended.length > 0, trouble };
}

/**
 * Locks the row first, and then looks again: only a statement that begins after the lock sees what was written before it. `null`:
 * somebody else has the row, or has done something with it meanwhile.
 */
async function endOne(
  sql: StatementRunner,
  namespace: string,
  id: ActorId,
  failure: EncodedFailure,
): Promise<OverdueRun | null> {
  if ((await sql.run(lockIfFree, { id })).length === 0) return null;
  const [actor] = await sql.run(overdueActor, { namespace, id });
  if (actor === undefined) return null;
  const { run_id: runId, workflow, workflow_id: workflowId, inbox_consumed: inboxAfter } = actor;
  // It answers every request.
  const [loaded] = await load(sql, [{ actorId: id, runId, historyAfter: 0, inboxAfter }]);
  const { history, messages } = loaded!;
  const unread = messages.filter(({ kind }) => kind === 'signal').length;
  const entry = endingOf(history, 0, failure, unread);
  const { payload, facts } = toColumns(entry);
  const { type, rollback } = entry;
  await sql.run(endActor, { actorId: id, state: 'timed_out', type, payload, facts, told: failure });
  return { workflow, workflowId, runId, rollback };
}
