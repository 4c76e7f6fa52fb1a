import { JournalError } from '../errors.js';
import type { Message, SendAnswer } from '../journal.js';
import { booleanArray, numberArray, textArray, uuidOrNil } from './array-literals.js';
import { portionByPortion } from './patience.js';
import { SEND_MESSAGES, type SendMessages, type SentMessage } from './sql/send-messages.js';
import type { Lock, Session } from './statement.js';

/** One statement takes so many messages: what it joins them with in memory grows with the square of them. */
export const MESSAGES_AT_ONCE = 200;

/** Puts messages into inboxes, in one statement or in a few that follow each other. */
export async function sendMessages(
  session: Session,
  messages: readonly Message[],
  lock: Lock,
): Promise<readonly SendAnswer[]> {
  const portions: (readonly Message[])[] = [];
  for (let from = 0; from < messages.length; from += MESSAGES_AT_ONCE)
    portions.push(messages.slice(from, from + MESSAGES_AT_ONCE));
  return await portionByPortion(portions, async (portion) => {
    const rows = await session.run(SEND_MESSAGES[lock], parametersOf(portion));
    return portion.map((message, i) => toAnswer(message, rows[i]));
  });
}

function parametersOf(messages: readonly Message[]): SendMessages {
  const keys = messages.map(({ namespace, workflowId }) => JSON.stringify([namespace, workflowId]));
  const targets = [...new Set(keys)].toSorted();
  const places = new Map(targets.map((target, i) => [target, i + 1]));
  // The cast: these keys were made of such pairs.
  const pairs = targets.map(
    (target) => JSON.parse(target) as readonly [namespace: string, workflowId: string],
  );
  const ids = new Set<string>();
  return {
    namespaces: textArray(pairs.map(([namespace]) => namespace)),
    workflowIds: textArray(pairs.map(([, workflowId]) => workflowId)),
    targets: numberArray(keys.map((key) => places.get(key) ?? null)),
    runIds: textArray(messages.map(({ runId }) => (runId === null ? null : uuidOrNil(runId)))),
    kinds: textArray(messages.map((message) => message.kind)),
    names: textArray(messages.map((message) => message.name)),
    payloads: textArray(messages.map((message) => message.payload)),
    messageIds: textArray(messages.map((message) => message.messageId)),
    repeated: booleanArray(
      messages.map(({ messageId }, i) => messageId !== null && isRepeated(ids, `${keys[i]} ${messageId}`)),
    ),
  };
}

function isRepeated(seen: Set<string>, id: string): boolean {
  return seen.size === seen.add(id).size;
}

function toAnswer(message: Message, row: SentMessage | undefined): SendAnswer {
  if (row === undefined)
    throw new JournalError(`The ${message.kind} to "${message.workflowId}" got no answer.`);
  const { answer, actor_id, n, owner, known } = row;
  switch (answer) {
    case 'accepted':
      if (actor_id === null || n === null) throw new JournalError('A message was accepted without a number.');
      return { type: 'accepted', actorId: actor_id, n, owner };
    case 'not running':
      return { type: 'not running', known };
    case 'duplicate':
    case 'again':
      return { type: answer };
    default:
      return answer satisfies never;
  }
}
