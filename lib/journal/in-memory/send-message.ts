import type { Message, SendAnswer } from '../port/index.js';
import { type Actor, type InMemoryStore, floored } from './in-memory-store.js';

/** The open actor that a message is for. */
export function targetOf(store: InMemoryStore, message: Message): Actor | undefined {
  const open = store.openActor(message.namespace, message.workflowId);
  const isMeant =
    (message.runId === null || open?.runId === message.runId) &&
    (message.actorId == null || open?.id === message.actorId);
  return isMeant ? open : undefined;
}

export function sendMessage(store: InMemoryStore, message: Message): SendAnswer {
  const { namespace, workflowId, dedupeId } = message;
  const actor = targetOf(store, message);
  if (actor?.lock.held === true) return { type: 'again' };
  if (dedupeId !== null && store.knowsMessage(namespace, workflowId, dedupeId)) return { type: 'duplicate' };
  if (actor === undefined || (actor.closing && message.kind !== 'activity_result')) {
    const runs = store.runsOf(namespace, workflowId);
    return {
      type: 'not running',
      known: runs.some((run) => message.runId === null || run.id === message.runId),
    };
  }
  if (dedupeId !== null) store.rememberMessage(namespace, workflowId, dedupeId);
  const forRun = message.kind === 'activity_result' ? actor.runId : undefined;
  const n = store.deliver(actor, { ...message, forRun });
  // A run that has not begun need not wait for its time to be cancelled.
  const hasNotBegun = actor.owner === null && actor.inboxConsumed === 0 && actor.failedTurns === 0;
  if (message.kind === 'cancel' && hasNotBegun) actor.notBefore = null;
  if (actor.owner === null)
    actor.wakeAt = floored(Math.min(actor.wakeAt ?? Infinity, store.now()), actor.notBefore);
  return { type: 'accepted', actorId: actor.id, n, owner: actor.owner };
}
