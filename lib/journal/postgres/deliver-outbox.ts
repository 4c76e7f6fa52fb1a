import { ContentionError, type Unanswered } from '../errors.js';
import type { Delivery, Message, SendAnswer } from '../port/index.js';
import { type MessageNews, PARENT_CLOSED } from '../rules/letters.js';
import type { RunId } from '../ids.js';
import { numberArray, textArray, uuidArray } from './array-literals.js';
import type { Database } from './connection.js';
import { sendMessages } from './send-messages.js';
import { closeChildren } from './sql/close-children.js';
import { endActor } from './sql/end-actor.js';
import { lockLetter, type TerminationTarget } from './sql/lock-letter.js';
import { replyToSenders } from './sql/reply-to-senders.js';
import { settleOutbox } from './sql/settle-outbox.js';
import {
  type MessageRow,
  type OutboxRow,
  type ParentClosedRow,
  type TerminationRow,
  takeOutbox,
} from './sql/take-outbox.js';
import type { StatementRunner } from './statement.js';
import { terminationOf } from './terminate-runs.js';

/** So many children of a run that has ended are told at a time. */
const CHILDREN_AT_ONCE = 100;
/** When what is for a locked run is tried again, in ms. */
const HELD_DELAY = 100;

interface Sorted {
  readonly done: number[];
  readonly held: number[];
  readonly reached: Delivery['reached'][number][];
}

/**
 * Delivers what is due, in one transaction: what is delivered and what is taken out are one write. Rows of targets are locked
 * with `skip locked` only. Terminations come after it, each in a transaction of its own: they do more, and one that fails leaves
 * the others as they are.
 */
export async function deliver(database: Database, namespace: string, limit: number): Promise<Delivery> {
  const sorted: Sorted = { done: [], held: [], reached: [] };
  let terminations: readonly TerminationRow[] = [];
  let more = false;
  await database.transaction(async (sql) => {
    const taken = await sql.run(takeOutbox, { namespace, limit });
    if (taken.length === 0) return;
    sorted.held.push(...taken.filter(({ blocked }) => blocked).map(({ id }) => id));
    const free = taken.filter(({ blocked }) => !blocked);
    const late = behindTerminations(free);
    const letters = free.filter(({ id }) => !late.has(id));
    // The end of a run sends to its children.
    more = taken.length === limit || letters.some(({ kind }) => kind === 'parent_closed');
    // What is answered to its sender goes the same way.
    if (await deliverMessages(sql, namespace, letters.filter(isMessage), sorted)) more = true;
    for (const letter of letters)
      if (letter.kind === 'parent_closed') await tellChildren(sql, namespace, letter, sorted);
    // What its sender has sent there before must arrive first.
    const behind = new Set(taken.filter(({ id }) => sorted.held.includes(id)).map(pairOf));
    const ends = letters.filter(isTermination);
    sorted.held.push(...ends.filter((letter) => behind.has(pairOf(letter))).map(({ id }) => id));
    terminations = ends.filter((letter) => !behind.has(pairOf(letter)));
    sorted.held.push(...late);
    await settle(sql, sorted);
  });
  const ended: RunId[] = [];
  for (const letter of terminations) await deliverTermination(database, letter, sorted, ended);
  const { reached, done, held } = sorted;
  // A run that is ended tells its parent and its children. What is held is put off: so looking again ends.
  return { done: done.length, reached, ended, held: held.length > 0, more: more || ended.length > 0 };
}

/** What would overtake a termination that was sent before it, because that is delivered after the messages. */
function behindTerminations(letters: readonly OutboxRow[]): ReadonlySet<number> {
  const ending = new Set<string>();
  const late = new Set<number>();
  for (const letter of letters) {
    if (ending.has(pairOf(letter))) late.add(letter.id);
    else if (letter.kind === 'terminate') ending.add(pairOf(letter));
  }
  return late;
}

const isTermination = (letter: OutboxRow): letter is TerminationRow => letter.kind === 'terminate';
const isMessage = (letter: OutboxRow): letter is MessageRow =>
  letter.kind !== 'terminate' && letter.kind !== 'parent_closed';

const newsOf = (answer: Exclude<SendAnswer, Unanswered>): MessageNews =>
  answer.type !== 'not running' ? 'delivered' : answer.known ? 'not running' : 'not found';

const pairOf = ({ source, workflow_id }: OutboxRow): string => `${source} ${workflow_id}`;

async function settle(sql: StatementRunner, { done, held }: Pick<Sorted, 'done' | 'held'>): Promise<void> {
  await sql.run(settleOutbox, { done: numberArray(done), held: numberArray(held), delay: HELD_DELAY });
}

async function deliverMessages(
  sql: StatementRunner,
  namespace: string,
  letters: readonly MessageRow[],
  { done, held, reached }: Sorted,
): Promise<boolean> {
  if (letters.length === 0) return false;
  const replies: { readonly source: string; readonly name: string }[] = [];
  const answers = await sendMessages(
    sql,
    letters.map((letter) => toMessage(namespace, letter)),
    'skip locked',
  );
  answers.forEach((answer, i) => {
    const { id, source, reply } = letters[i]!;
    if (answer.type === 'unanswered') throw answer.error;
    if (answer.type === 'again') held.push(id);
    else done.push(id);
    if (answer.type === 'accepted') reached.push({ actorId: answer.actorId, owner: answer.owner });
    if (reply !== null && answer.type !== 'again')
      replies.push({ source, name: `${reply}:${newsOf(answer)}` });
  });
  if (replies.length === 0) return false;
  await sql.run(replyToSenders, {
    sources: uuidArray(replies.map(({ source }) => source)),
    names: textArray(replies.map(({ name }) => name)),
  });
  return true;
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

async function deliverTermination(
  database: Database,
  { id }: TerminationRow,
  { done, held }: Sorted,
  ended: RunId[],
): Promise<void> {
  const target = await endOf(database, id);
  if (target === undefined) return;
  (target.held ? held : done).push(id);
  if (target.run_id !== null) ended.push(target.run_id);
}

/** `undefined`: another worker has the letter. */
async function endOf(database: Database, id: number): Promise<TerminationTarget | undefined> {
  // Somebody may hold another row of the target, that of `runs` for instance. What else is due must not wait for them.
  const ended = await unlessHeld(() => database.transaction((sql) => terminate(sql, id)));
  if (ended !== HELD) return ended;
  const putOff = await unlessHeld(() => settle(database, { done: [], held: [id] }));
  return putOff === HELD ? undefined : { id: null, run_id: null, held: true };
}

const HELD = Symbol('a lock was not given in time');

async function unlessHeld<T>(work: () => Promise<T>): Promise<T | typeof HELD> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ContentionError) return HELD;
    throw error;
  }
}

async function terminate(sql: StatementRunner, id: number): Promise<TerminationTarget | undefined> {
  const [target] = await sql.run(lockLetter, { id });
  if (target === undefined) return undefined;
  if (target.id !== null) {
    await sql.run(endActor, terminationOf(target.id, PARENT_CLOSED));
  }
  await settle(sql, target.held ? { done: [], held: [id] } : { done: [id], held: [] });
  return target;
}
