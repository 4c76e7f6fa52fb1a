import type { CallbackAnswer, CallbackSettlement } from '../port/index.js';
import { letterName } from '../rules/letters.js';
import type { Actor, InMemoryStore } from './in-memory-store.js';
import { floored } from './in-memory-store.js';

/** The actor whose row has to be free for it. */
export function settlementTarget(store: InMemoryStore, request: CallbackSettlement): Actor | undefined {
  const { namespace, callback, dedupeId } = request;
  const found = store.callbacks.find(namespace, callback, dedupeId);
  return found && store.actors.get(found.actorId);
}

export function settleOne(store: InMemoryStore, request: CallbackSettlement): CallbackAnswer {
  const { namespace, callback, news, payload, checkedBy, dedupeId } = request;
  const found = store.callbacks.find(namespace, callback, dedupeId);
  if (found === undefined) return { type: 'unknown' };
  if (found.messageId !== null) return { type: 'unchanged', same: found.messageId === dedupeId };
  const actor = store.actors.get(found.actorId);
  if (!found.open || actor?.runId !== found.runId || actor.closing) return { type: 'not pending' };
  found.open = false;
  found.messageId = dedupeId;
  const name = letterName({ runId: found.runId, command: found.command, news });
  const n = store.deliver(actor, { kind: 'callback_result', name, payload, checkedBy });
  if (actor.owner === null)
    actor.wakeAt = floored(Math.min(actor.wakeAt ?? Infinity, store.now()), actor.notBefore);
  return { type: 'accepted', actorId: actor.id, n, owner: actor.owner };
}
