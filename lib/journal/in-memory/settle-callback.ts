import type { CallbackAnswer, CallbackSettlement } from '../port/index.js';
import { letterName } from '../rules/letters.js';
import { factsOfSettlement, verbOf } from '../rules/operations.js';
import type { Actor, InMemoryStore } from './in-memory-store.js';
import { floored } from './in-memory-store.js';
import { record } from './operations.js';

/** The actor whose row has to be free for it. */
export function settlementTarget(store: InMemoryStore, request: CallbackSettlement): Actor | undefined {
  const { namespace, callback, dedupeId } = request;
  const found = store.callbacks.find(namespace, callback, dedupeId);
  return found && store.actors.get(found.actorId);
}

export function settleOne(store: InMemoryStore, request: CallbackSettlement): CallbackAnswer {
  const { namespace, callback, news, payload, checkedBy, dedupeId, by } = request;
  const found = store.callbacks.find(namespace, callback, dedupeId);
  if (found === undefined) return { type: 'unknown' };
  const { runId, command, messageId } = found;
  const of = { workflowId: store.runs.get(runId)?.workflowId ?? '', runId };
  if (messageId !== null) return { type: 'unchanged', same: messageId === dedupeId, of };
  const actor = store.actors.get(found.actorId);
  if (!found.open || actor?.runId !== runId || actor.closing) return { type: 'not pending', of };
  found.open = false;
  found.messageId = dedupeId;
  const name = letterName({ runId, command, news });
  const n = store.deliver(actor, { kind: 'callback_result', name, payload, checkedBy, by });
  if (by != null) {
    const facts = factsOfSettlement(request);
    record(store, { namespace, ...of, verb: verbOf(request), by, outcome: 'applied', facts });
  }
  if (actor.owner === null)
    actor.wakeAt = floored(Math.min(actor.wakeAt ?? Infinity, store.now()), actor.notBefore);
  return { type: 'accepted', actorId: actor.id, n, owner: actor.owner };
}
