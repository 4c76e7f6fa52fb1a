import type { CallbackAnswer, CallbackSettlement } from '../port/index.js';
import { letterName } from '../rules/letters.js';
import { factsOfSettlement, verbOf } from '../rules/operations.js';
import { uuidOrNil } from './array-literals.js';
import { findCallback } from './sql/find-callback.js';
import type { FindCallback, KnownCallback } from './sql/known-callback.js';
import { lockCallback } from './sql/lock-callback.js';
import { settleCallback } from './sql/settle-callback.js';
import type { StatementRunner } from './statement.js';

/** Settles one callback, inside a transaction: what it comes to is decided while its run's actor is locked. */
export async function settleOne(
  sql: StatementRunner,
  settlement: CallbackSettlement,
): Promise<CallbackAnswer> {
  const named = findParameters(settlement);
  const [known] = await sql.run(lockCallback, named);
  if (known === undefined) return { type: 'unknown' };
  if (!known.open) return whyNot(known);
  const { news, payload, checkedBy = null, dedupeId: messageId, by = null } = settlement;
  const { run_id: runId, command } = known;
  const name = letterName({ runId, command, news });
  const [settled] = await sql.run(settleCallback, {
    runId,
    command,
    messageId,
    name,
    payload,
    checkedBy,
    by,
    verb: verbOf(settlement),
    facts: JSON.stringify(factsOfSettlement(settlement)),
  });
  if (settled !== undefined) {
    const { actor_id: actorId, n, owner } = settled;
    return { type: 'accepted', actorId, n, owner };
  }
  // Somebody else was quicker, or its run has ended.
  const [now] = await sql.run(findCallback, { ...named, key: null, runId, command });
  return whyNot(now);
}

function whyNot(now: KnownCallback | undefined): CallbackAnswer {
  if (now === undefined) return { type: 'unknown' };
  const of = { workflowId: now.workflow_id, runId: now.run_id };
  return now.settled ? { type: 'unchanged', same: now.same, of } : { type: 'not pending', of };
}

function findParameters({ namespace, callback, dedupeId: messageId }: CallbackSettlement): FindCallback {
  return callback.by === 'key'
    ? { namespace, key: callback.key, runId: null, command: null, messageId }
    : { namespace, key: null, runId: uuidOrNil(callback.runId), command: callback.command, messageId };
}
