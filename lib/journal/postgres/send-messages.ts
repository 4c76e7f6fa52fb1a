import { JournalError } from '../errors.js';
import type { Message, SendAnswer } from '../port/index.js';
import { factsOfMessage, isAsked } from '../rules/operations.js';
import { factsColumn } from './operations.js';
import { booleanArray, NOWHERE, numberArray, textArray, uuidOrNil } from './array-literals.js';
import { portionByPortion } from './portions.js';
import { SEND_ASKED, SEND_MESSAGES, type SendMessages, type SentMessage } from './sql/send-messages.js';
import type { Lock, StatementRunner } from './statement.js';

/** One statement takes so many messages: what it joins them with in memory grows with the square of them. */
export const MESSAGES_AT_ONCE = 200;

/**
 * Puts messages into inboxes, in one statement or in a few that follow each other. After a message that found its target
 * locked, no other one to that target is sent, even if the row is free by then: they would arrive in another order.
 */
export async function sendMessages(
  sql: StatementRunner,
  messages: readonly Message[],
  lock: Lock,
): Promise<readonly SendAnswer[]> {
  const held = new Set<string>();
  return await portionByPortion(portionsOf(messages), async (portion) => {
    const waits = portion.map((message) => held.has(targetOf(message)));
    const ready = portion.filter((_, i) => !waits[i]);
    const sent = (await sendTogether(sql, ready, lock)).values();
    return portion.map((message, i): SendAnswer => {
      const answer = waits[i] ? undefined : sent.next().value;
      if (answer?.type === 'again') held.add(targetOf(message));
      return answer ?? { type: 'again' };
    });
  });
}

/** The same within a caller's transaction, where no statement can follow one that has failed. */
export async function sendWithin(
  sql: StatementRunner,
  messages: readonly Message[],
  lock: Lock,
): Promise<readonly SendAnswer[]> {
  const answers: SendAnswer[] = [];
  for (const portion of portionsOf(messages)) answers.push(...(await sendTogether(sql, portion, lock)));
  return answers;
}

async function sendTogether(
  sql: StatementRunner,
  messages: readonly Message[],
  lock: Lock,
): Promise<readonly SendAnswer[]> {
  if (messages.length === 0) return [];
  const parameters = parametersOf(messages);
  const rows = await (messages.some(isAsked)
    ? sql.run(SEND_ASKED[lock], { ...parameters, ...askedParameters(messages) })
    : sql.run(SEND_MESSAGES[lock], parameters));
  return messages.map((message, i) => toAnswer(message, rows[i]));
}

function portionsOf(messages: readonly Message[]): readonly (readonly Message[])[] {
  const portions: (readonly Message[])[] = [];
  for (let from = 0; from < messages.length; from += MESSAGES_AT_ONCE)
    portions.push(messages.slice(from, from + MESSAGES_AT_ONCE));
  return portions;
}

const targetOf = ({ namespace, workflowId }: Message): string => JSON.stringify([namespace, workflowId]);

function parametersOf(messages: readonly Message[]): SendMessages {
  const keys = messages.map(targetOf);
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
    onlyActors: messages.some(({ actorId }) => actorId != null)
      ? textArray(messages.map(({ actorId }) => (actorId == null ? null : uuidOrNil(actorId))))
      : NOWHERE,
    kinds: textArray(messages.map((message) => message.kind)),
    names: textArray(messages.map((message) => message.name)),
    payloads: textArray(messages.map((message) => message.payload)),
    checks: textArray(messages.map(({ checkedBy }) => checkedBy ?? null)),
    dedupeIds: textArray(messages.map((message) => message.dedupeId)),
    repeated: booleanArray(
      messages.map(
        ({ kind, dedupeId }, i) =>
          dedupeId !== null && isRepeated(ids, `${keys[i]} ${kind === 'update'} ${dedupeId}`),
      ),
    ),
  };
}

function askedParameters(messages: readonly Message[]): Record<'bys' | 'facts', string> {
  return {
    bys: textArray(messages.map((message) => (isAsked(message) ? message.by : null))),
    facts: textArray(
      messages.map((message) => (isAsked(message) ? factsColumn(factsOfMessage(message)) : null)),
    ),
  };
}

function isRepeated(seen: Set<string>, id: string): boolean {
  return seen.size === seen.add(id).size;
}

function toAnswer(message: Message, row: SentMessage | undefined): SendAnswer {
  if (row === undefined) throw unreadable(`The ${message.kind} to "${message.workflowId}" got no answer.`);
  const { answer, actor_id, n, owner, known, closing } = row;
  switch (answer) {
    case 'accepted':
      if (actor_id === null || n === null) throw unreadable('A message was accepted without a number.');
      return { type: 'accepted', actorId: actor_id, n, owner };
    case 'not running':
      return { type: 'not running', known, ...(closing && { closing }) };
    case 'duplicate':
    case 'again':
      return { type: answer };
    default:
      return answer satisfies never;
  }
}

/** The statement was executed, but its answer makes no sense: what it did is not known. */
const unreadable = (message: string): JournalError => new JournalError(message, { ambiguous: true });
