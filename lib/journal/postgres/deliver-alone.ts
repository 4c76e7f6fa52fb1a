import { ContentionError } from '../errors.js';
import { actorOf } from '../ids.js';
import type { RunId } from '../ids.js';
import type { Delivery, OutgoingStart } from '../port/index.js';
import { PARENT_CLOSED, newsOfStart, startWithSignal } from '../rules/letters.js';
import { numberArray, textArray, uuidArray } from './array-literals.js';
import type { Database } from './connection.js';
import { endActor } from './sql/end-actor.js';
import { lockLetter } from './sql/lock-letter.js';
import { lockStartLetter } from './sql/lock-start-letter.js';
import { replyToSenders } from './sql/reply-to-senders.js';
import { settleOutbox } from './sql/settle-outbox.js';
import type { OutboxRow, StartRow, TerminationRow } from './sql/take-outbox.js';
import { startWith } from './start-with.js';
import type { StatementRunner } from './statement.js';
import { terminationOf } from './terminate-runs.js';

/** When what is for a locked run is tried again, in ms. */
const HELD_DELAY = 100;
/** How long a start waits for somebody's open transaction that has started the same workflow id, before it is put off. */
const PATIENCE = '100ms';

/** What came of a delivery so far. */
export interface Sorted {
  readonly done: number[];
  readonly held: number[];
  readonly reached: Delivery['reached'][number][];
  readonly ended: RunId[];
  /** A sender is told something, by the outbox. */
  replied: boolean;
}

/** What ends or starts a run: each in a transaction of its own. */
export type AloneRow = TerminationRow | StartRow;

export interface Reply {
  readonly source: string;
  readonly name: string;
}

export const pairOf = ({ source, workflow_id }: OutboxRow): string => `${source} ${workflow_id}`;

/** In the order of sending: what comes behind one that has to wait, waits too. */
export async function deliverAlone(
  database: Database,
  namespace: string,
  letters: readonly AloneRow[],
  sorted: Sorted,
): Promise<void> {
  const waiting = new Set<string>();
  for (const letter of letters) {
    const comeOf = waiting.has(pairOf(letter)) ? HELD : await deliverOne(database, namespace, letter, sorted);
    if (comeOf === 'done') {
      sorted.done.push(letter.id);
      continue;
    }
    waiting.add(pairOf(letter));
    if (comeOf === 'another worker has it') continue;
    sorted.held.push(letter.id);
    await unlessHeld(() => settle(database, { done: [], held: [letter.id] }));
  }
}

type ComeOf = 'done' | 'another worker has it' | typeof HELD;

/** Somebody may hold another row of the target, that of `runs` for instance. What else is due must not wait for them. */
const deliverOne = (
  database: Database,
  namespace: string,
  letter: AloneRow,
  sorted: Sorted,
): Promise<ComeOf> =>
  unlessHeld(async () => {
    // Only what was committed counts.
    const tell: (() => void)[] = [];
    const comeOf = await database.transaction((sql) =>
      letter.kind === 'terminate'
        ? terminate(sql, letter, (runId) => tell.push(() => sorted.ended.push(runId)))
        : start(sql, namespace, letter, {
            reached: (one) => tell.push(() => sorted.reached.push(one)),
            replied: () => tell.push(() => (sorted.replied = true)),
          }),
    );
    for (const one of tell) one();
    return comeOf;
  });

const HELD = Symbol('a lock was not given in time');

async function unlessHeld<T>(work: () => Promise<T>): Promise<T | typeof HELD> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ContentionError) return HELD;
    throw error;
  }
}

async function terminate(
  sql: StatementRunner,
  { id }: TerminationRow,
  ended: (runId: RunId) => void,
): Promise<ComeOf> {
  const [target] = await sql.run(lockLetter, { id });
  if (target === undefined) return 'another worker has it';
  if (target.held) return HELD;
  if (target.id !== null) await sql.run(endActor, terminationOf(target.id, PARENT_CLOSED));
  if (target.run_id !== null) ended(target.run_id);
  await settle(sql, { done: [id], held: [] });
  return 'done';
}

interface StartNews {
  readonly reached: (one: Delivery['reached'][number]) => void;
  readonly replied: () => void;
}

/** The run, its signal and the end of the letter are one write: so none of them is there twice. */
async function start(
  sql: StatementRunner,
  namespace: string,
  { id, source, workflow_id: workflowId, name, payload, start: asked, reply: whom }: StartRow,
  news: StartNews,
): Promise<ComeOf> {
  const [lock] = await sql.run(lockStartLetter, { id, patience: PATIENCE });
  if (lock === undefined) return 'another worker has it';
  if (lock.held) return HELD;
  // The cast: the turn that sent it has written it.
  const outgoing = JSON.parse(asked) as OutgoingStart;
  const answer = await startWith(sql, startWithSignal({ namespace, workflowId, name, payload }, outgoing));
  if (answer.type === 'sent') news.reached({ actorId: answer.sent.actorId, owner: answer.sent.owner });
  if (answer.type === 'started') news.reached({ actorId: actorOf(answer.runId), owner: null });
  if (whom !== null) {
    await reply(sql, [{ source, name: `${whom}:${newsOfStart(answer)}` }]);
    news.replied();
  }
  await settle(sql, { done: [id], held: [] });
  return 'done';
}

/** Tells senders what became of what they have sent. */
export async function reply(sql: StatementRunner, replies: readonly Reply[]): Promise<void> {
  await sql.run(replyToSenders, {
    sources: uuidArray(replies.map(({ source }) => source)),
    names: textArray(replies.map(({ name }) => name)),
  });
}

export async function settle(
  sql: StatementRunner,
  { done, held }: Pick<Sorted, 'done' | 'held'>,
): Promise<void> {
  await sql.run(settleOutbox, { done: numberArray(done), held: numberArray(held), delay: HELD_DELAY });
}
