import { actorOf } from '../ids.js';
import type { ActorId, RunId } from '../ids.js';
import type { Delivery, OutgoingStart, SendAnswer } from '../port/index.js';
import type { MessageNews } from '../rules/letters.js';
import { PARENT_CLOSED, letterName, newsOfStart, startWithSignal } from '../rules/letters.js';
import type { Actor, InMemoryStore, Letter } from './in-memory-store.js';
import { childrenOf, sendOut } from './outbox.js';
import { sendMessage } from './send-message.js';
import { terminateActor } from './start-runs.js';
import { startWith, startWithNeeds } from './start-with.js';

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
      if (letter.start) return deliverStart(store, letter, letter.start, reached);
      const answer = sendMessage(store, letter.message);
      if (answer.type === 'accepted') reached.push({ actorId: answer.actorId, owner: answer.owner });
      if (answer.type === 'again') return false;
      replyTo(store, letter, newsOf(answer));
      return true;
    }
    case 'terminate': {
      const actor = letter.actorId === null ? undefined : store.actors.get(letter.actorId);
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
        const send = { kind, workflowId, actorId } as const;
        sendOut(store, { ...child, ...source }, [send]);
      }
      return true;
    }
    default:
      return letter satisfies never;
  }
}

/** A signal that starts a run where none is open. `false`: the target is locked. */
function deliverStart(
  store: InMemoryStore,
  letter: MessageLetter,
  start: OutgoingStart,
  reached: { actorId: ActorId; owner: Actor['owner'] }[],
): boolean {
  const request = startWithSignal(letter.message, start);
  if (startWithNeeds(store, request).some(({ lock }) => lock.held)) return false;
  const answer = startWith(store, request);
  if (answer.type === 'sent') reached.push({ actorId: answer.sent.actorId, owner: answer.sent.owner });
  if (answer.type === 'started') reached.push({ actorId: actorOf(answer.runId), owner: null });
  replyTo(store, letter, newsOfStart(answer));
  return true;
}

type MessageLetter = Extract<Letter, { type: 'message' }>;

const newsOf = (answer: SendAnswer): MessageNews =>
  answer.type !== 'not running' ? 'delivered' : answer.known ? 'not running' : 'not found';

/** Tells the sender what became of it, if it is there still and asks. */
function replyTo(store: InMemoryStore, { source, reply }: MessageLetter, news: MessageNews): void {
  const sender = store.actors.get(source);
  if (sender === undefined || reply === null) return;
  const { id: actorId, namespace, workflowId } = sender;
  const message = {
    namespace,
    workflowId,
    actorId,
    runId: null,
    kind: 'message_result',
    name: letterName({ ...reply, news }),
    payload: null,
    dedupeId: null,
  } as const;
  store.outbox = [...store.outbox, { type: 'message', source, message, reply: null }];
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
