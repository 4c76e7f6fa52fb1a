import type { ActorId, RunId } from '../ids.js';
import type { Delivery } from '../port/index.js';
import { PARENT_CLOSED } from '../rules/child-messages.js';
import type { Actor, InMemoryStore, Letter } from './in-memory-store.js';
import { childrenOf, sendOut } from './outbox.js';
import { sendMessage } from './send-message.js';
import { terminateActor } from './start-runs.js';

/** Delivers in the order of sending. What is for an actor that is locked stays, and with it what its sender sends there later. */
export function deliverLetters(store: InMemoryStore, namespace: string, limit: number): Delivery {
  const reached: { actorId: ActorId; owner: Actor['owner'] }[] = [];
  const ended: RunId[] = [];
  const held = new Set<string>();
  let done = 0;
  const letters = store.outbox.filter((letter) => namespaceOf(letter) === namespace);
  for (const letter of letters) {
    // What is held does not count: it would keep what is behind it from being looked at.
    if (done === limit) break;
    const pair = pairOf(letter);
    if (held.has(pair)) continue;
    const delivered = deliverLetter(store, letter, reached, ended);
    if (!delivered) held.add(pair);
    if (!delivered) continue;
    done++;
    store.outbox = store.outbox.filter((other) => other !== letter);
  }
  const left = store.outbox.some((letter) => namespaceOf(letter) === namespace);
  return { done, reached, ended, held: held.size > 0, more: done > 0 && left };
}

/** `false`: the target is locked. */
function deliverLetter(
  store: InMemoryStore,
  letter: Letter,
  reached: { actorId: ActorId; owner: Actor['owner'] }[],
  ended: RunId[],
): boolean {
  switch (letter.type) {
    case 'message': {
      const answer = sendMessage(store, letter.message);
      if (answer.type === 'accepted') reached.push({ actorId: answer.actorId, owner: answer.owner });
      return answer.type !== 'again';
    }
    case 'terminate': {
      const actor = store.actors.get(letter.actorId);
      if (actor?.lock.held === true) return false;
      if (actor === undefined) return true;
      ended.push(actor.runId);
      terminateActor(store, actor, PARENT_CLOSED);
      return true;
    }
    case 'parent closed': {
      for (const child of childrenOf(store, letter.runId)) {
        const kind = child.parentClose === 'terminate' ? 'terminate' : 'cancel';
        child.parentClose = null;
        const source = { id: letter.source, namespace: letter.namespace } as const;
        const { workflowId, id: actorId } = child;
        sendOut(store, { ...child, ...source }, [{ kind, workflowId, actorId }]);
      }
      return true;
    }
    default:
      return letter satisfies never;
  }
}

const namespaceOf = (letter: Letter): string =>
  letter.type === 'message' ? letter.message.namespace : letter.namespace;

/** Who sends to whom: of one pair nothing overtakes anything. */
function pairOf(letter: Letter): string {
  const target =
    letter.type === 'message'
      ? letter.message.workflowId
      : letter.type === 'terminate'
        ? letter.workflowId
        : null;
  return JSON.stringify([letter.source, target]);
}
