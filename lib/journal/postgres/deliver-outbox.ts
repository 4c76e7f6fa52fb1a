import type { Unanswered } from '../errors.js';
import type { Delivery, Message, SendAnswer } from '../port/index.js';
import type { MessageNews } from '../rules/letters.js';
import type { Database } from './connection.js';
import {
  type AloneRow,
  type Reply,
  type Sorted,
  deliverAlone,
  pairOf,
  reply,
  settle,
} from './deliver-alone.js';
import { sendMessages } from './send-messages.js';
import { closeChildren } from './sql/close-children.js';
import { type MessageRow, type OutboxRow, type ParentClosedRow, takeOutbox } from './sql/take-outbox.js';
import type { StatementRunner } from './statement.js';

/** So many children of a run that has ended are told at a time. */
const CHILDREN_AT_ONCE = 100;

/**
 * Delivers what is due, in one transaction: what is delivered and what is taken out are one write. Rows of targets are locked
 * with `skip locked` only. What ends or starts a run comes after it, each in a transaction of its own: it does more, and one
 * that fails leaves the others as they are.
 */
export async function deliver(database: Database, namespace: string, limit: number): Promise<Delivery> {
  const sorted: Sorted = { done: [], held: [], reached: [], ended: [], replied: false };
  let alone: readonly AloneRow[] = [];
  let more = false;
  await database.transaction(async (sql) => {
    const taken = await sql.run(takeOutbox, { namespace, limit });
    if (taken.length === 0) return;
    sorted.held.push(...taken.filter(({ blocked }) => blocked).map(({ id }) => id));
    const free = taken.filter(({ blocked }) => !blocked);
    const late = behindAlone(free);
    const letters = free.filter(({ id }) => !late.has(id));
    // The end of a run sends to its children.
    more = taken.length === limit || letters.some(({ kind }) => kind === 'parent_closed');
    // What is answered to its sender goes the same way.
    if (await deliverMessages(sql, namespace, letters.filter(isMessage), sorted)) more = true;
    for (const letter of letters)
      if (letter.kind === 'parent_closed') await tellChildren(sql, namespace, letter, sorted);
    // What its sender has sent there before must arrive first.
    const behind = new Set(taken.filter(({ id }) => sorted.held.includes(id)).map(pairOf));
    const last = letters.filter(isAlone);
    sorted.held.push(...last.filter((letter) => behind.has(pairOf(letter))).map(({ id }) => id));
    alone = last.filter((letter) => !behind.has(pairOf(letter)));
    sorted.held.push(...late);
    await settle(sql, sorted);
  });
  await deliverAlone(database, namespace, alone, sorted);
  const { reached, done, held, ended, replied } = sorted;
  if (replied || ended.length > 0) more = true;
  // A run that is ended tells its parent and its children. What is held is put off: so looking again ends.
  return { done: done.length, reached, ended, held: held.length > 0, more };
}

/** What would overtake something that was sent before it and is delivered alone, after the messages. */
function behindAlone(letters: readonly OutboxRow[]): ReadonlySet<number> {
  const alone = new Set<string>();
  const broken = new Set<string>();
  const late = new Set<number>();
  for (const letter of letters) {
    const pair = pairOf(letter);
    if (!isAlone(letter) && alone.has(pair)) broken.add(pair);
    if (broken.has(pair)) late.add(letter.id);
    else if (isAlone(letter)) alone.add(pair);
  }
  return late;
}

const isAlone = (letter: OutboxRow): letter is AloneRow =>
  letter.kind === 'terminate' || letter.kind === 'signal_with_start';
const isMessage = (letter: OutboxRow): letter is MessageRow =>
  !isAlone(letter) && letter.kind !== 'parent_closed';

const newsOf = (answer: Exclude<SendAnswer, Unanswered>): MessageNews =>
  answer.type !== 'not running' ? 'delivered' : answer.known ? 'not running' : 'not found';

async function deliverMessages(
  sql: StatementRunner,
  namespace: string,
  letters: readonly MessageRow[],
  { done, held, reached }: Sorted,
): Promise<boolean> {
  if (letters.length === 0) return false;
  const replies: Reply[] = [];
  const answers = await sendMessages(
    sql,
    letters.map((letter) => toMessage(namespace, letter)),
    'skip locked',
  );
  answers.forEach((answer, i) => {
    const { id, source, reply: asked } = letters[i]!;
    if (answer.type === 'unanswered') throw answer.error;
    if (answer.type === 'again') held.push(id);
    else done.push(id);
    if (answer.type === 'accepted') reached.push({ actorId: answer.actorId, owner: answer.owner });
    if (asked !== null && answer.type !== 'again')
      replies.push({ source, name: `${asked}:${newsOf(answer)}` });
  });
  if (replies.length > 0) await reply(sql, replies);
  return replies.length > 0;
}

function toMessage(
  namespace: string,
  { kind, workflow_id: workflowId, actor_id: actorId, run_id: runId, name, payload }: MessageRow,
): Message {
  return { namespace, workflowId, runId, actorId: actorId ?? undefined, kind, name, payload, dedupeId: null };
}

/** The children of a run that has ended, a portion at a time: the letter stays until none is left. */
async function tellChildren(
  sql: StatementRunner,
  namespace: string,
  { id, source, run_id: runId }: ParentClosedRow,
  { done, held }: Sorted,
): Promise<void> {
  const [told] = await sql.run(closeChildren, {
    namespace,
    source,
    runId,
    limit: CHILDREN_AT_ONCE,
  });
  if (told?.left !== true) done.push(id);
  else if (told.marked === 0) held.push(id);
}
