import type { Message, SendAnswer } from '../port/index.js';
import { factsOfMessage, isAsked } from '../rules/operations.js';
import { type Actor, type InMemoryStore, floored } from './in-memory-store.js';
import { record } from './operations.js';

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
  if (wasSent(store, message)) return { type: 'duplicate' };
  if (actor === undefined || (actor.closing && !isEndOfWork(message))) {
    const runs = store.runsOf(namespace, workflowId);
    return {
      type: 'not running',
      known: runs.some((run) => message.runId === null || run.id === message.runId),
      ...(actor?.closing && { closing: true }),
    };
  }
  const updateId = idOfUpdate(message);
  if (updateId !== undefined) store.addUpdate(actor, updateId, message.name ?? '');
  else if (dedupeId !== null) store.rememberMessage(namespace, workflowId, dedupeId);
  const forRun = message.kind === 'activity_result' ? actor.runId : undefined;
  const n = store.deliver(actor, { ...message, forRun, updateId });
  if (isAsked(message)) {
    const { kind: verb, by } = message;
    const facts = factsOfMessage(message);
    record(store, { namespace, workflowId, runId: actor.runId, verb, by, outcome: 'applied', facts });
  }
  // A run that has not begun need not wait for its time to be cancelled.
  const hasNotBegun = actor.owner === null && actor.inboxConsumed === 0 && actor.failedTurns === 0;
  if (message.kind === 'cancel' && hasNotBegun) actor.notBefore = null;
  if (actor.owner === null)
    actor.wakeAt = floored(Math.min(actor.wakeAt ?? Infinity, store.now()), actor.notBefore);
  return { type: 'accepted', actorId: actor.id, n, owner: actor.owner };
}

/** An update is known by its own table, whatever other messages have had its id. */
export function wasSent(store: InMemoryStore, message: Message): boolean {
  const { namespace, workflowId, dedupeId } = message;
  if (dedupeId === null) return false;
  return message.kind === 'update'
    ? store.updateOf(namespace, workflowId, dedupeId) !== undefined
    : store.knowsMessage(namespace, workflowId, dedupeId);
}

const idOfUpdate = ({ kind, dedupeId }: Message): string | undefined =>
  kind === 'update' ? (dedupeId ?? undefined) : undefined;

/** A run that rolls back still takes the results of its own activities, and the ends of its children. */
const isEndOfWork = ({ kind }: Message): boolean =>
  kind === 'activity_result' || kind === 'child_end' || kind === 'message_result';
