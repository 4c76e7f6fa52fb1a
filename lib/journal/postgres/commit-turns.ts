import { storableText } from '../../core/index.js';
import type { ShownChange } from '../../core/index.js';
import { ContentionError, hasWrittenNothing, JournalUnavailableError } from '../errors.js';
import type { CommitAnswer, InboxMessage, Lease, Turn, TurnOutcome, UpdateRefusal } from '../port/index.js';
import { refuseOthersTurn } from '../rules/malformed-turns.js';
import { flagArray, NOWHERE, numberArray, textArray, uuidArray, uuidOrNil } from './array-literals.js';
import { reachParameters } from './child-arrays.js';
import { EntryArrays } from './entry-arrays.js';
import { loadInboxes } from './load-runs.js';
import { APPEND_TURNS } from './sql/append-turns.js';
import type { JudgedTurn, JudgeTurns } from './sql/judged-turns.js';
import { lockLease } from './sql/lock-lease.js';
import { REACH_TURNS } from './sql/reach-turns.js';
import { SETTLE_TURNS, type SettleTurns } from './sql/settle-turns.js';
import type { Lock, StatementRunner } from './statement.js';
import { UpdateAnswers } from './update-answers.js';

/** Applies turns of one owner, in one statement. */
export async function commitTurns(
  sql: StatementRunner,
  turns: readonly Turn[],
  lock: Lock,
): Promise<readonly CommitAnswer[]> {
  const judged = judgeParameters(turns);
  const [row] =
    judged.answers === null && turns.every(goesOn)
      ? await sql.run(APPEND_TURNS[lock], judged.values)
      : turns.some(reachesOut)
        ? await sql.run(REACH_TURNS[lock], { ...settleParameters(turns, judged), ...reachParameters(turns) })
        : await sql.run(SETTLE_TURNS[lock], settleParameters(turns, judged));
  // What is not told of a turn means that it has applied. So nothing is taken for granted about how many were told of.
  if (row?.judged !== turns.length) {
    throw new JournalUnavailableError(
      `The commit of ${turns.length} turns was answered with what became of ${row?.judged ?? 0}.`,
      true,
    );
  }
  const answers = turns.map((turn): CommitAnswer => applied(turn, turn.consumedThrough));
  // The cast: the statement puts them together so.
  const others = row.others === null ? [] : (JSON.parse(row.others) as readonly JudgedTurn[]);
  for (const other of others) answers[other.place - 1] = toAnswer(turns[other.place - 1]!, other);
  return answers;
}

/**
 * As {@link commitTurns}. A child may have to wait for an open transaction that has started its workflow id: its parent's turn is
 * then busy. So it is with the key of a callback. Turns that start and open nothing go first, and the others by halves, so that as few as possible wait along with it.
 */
export async function commitApart(
  sql: StatementRunner,
  turns: readonly Turn[],
  lock: Lock,
): Promise<readonly CommitAnswer[]> {
  try {
    return await commitTurns(sql, turns, lock);
  } catch (error) {
    if (!(error instanceof ContentionError) || !turns.some(mayWait)) throw error;
    if (turns.length === 1) return [{ type: 'busy' }];
  }
  const plain = turns.filter((turn) => !mayWait(turn));
  const middle = turns.length >> 1;
  if (plain.length === 0) return await commitParts(sql, [turns.slice(0, middle), turns.slice(middle)], lock);
  const answers = await commitParts(sql, [plain, turns.filter(mayWait)], lock);
  let [next, nextWaiting] = [0, plain.length];
  return turns.map((turn) => answers[mayWait(turn) ? nextWaiting++ : next++]!);
}

/** Each part is a write by itself: what one of them was answered stays true when a later one fails, whose turns come again. */
async function commitParts(
  sql: StatementRunner,
  parts: readonly (readonly Turn[])[],
  lock: Lock,
): Promise<readonly CommitAnswer[]> {
  const answers: CommitAnswer[] = [];
  for (const part of parts) {
    try {
      answers.push(...(await commitApart(sql, part, lock)));
    } catch (error) {
      if (answers.length === 0 || !hasWrittenNothing(error)) throw error;
      answers.push(...part.map((): CommitAnswer => ({ type: 'busy' })));
    }
  }
  return answers;
}

/** Takes a turn while its actor is locked, inside a transaction. */
export async function commitLocked(
  sql: StatementRunner,
  lease: Lease,
  inboxAfter: number,
  take: (messages: readonly InboxMessage[]) => Promise<Turn>,
): Promise<CommitAnswer> {
  const { owner, actorId, runId, token } = lease;
  const ids = { actorId: uuidOrNil(actorId), runId: uuidOrNil(runId), owner: uuidOrNil(owner) };
  const held = await sql.run(lockLease, { ...ids, token });
  if (held.length === 0) return { type: 'lost' };
  const inbox = { actorId, inboxAfter };
  const turn = await take((await loadInboxes(sql, [inbox])).get(inbox) ?? []);
  refuseOthersTurn(turn, lease);
  const [answer] = await commitTurns(sql, [turn], '');
  return answer ?? { type: 'lost' };
}

/** The holder keeps the lease, and nothing is decided or shown. */
const goesOn = (turn: Turn): boolean =>
  turn.outcome.type === 'keep' && turn.clearsDeaths !== true && !turn.shows && !reachesOut(turn);

/** It does something to other runs or to its callbacks, or may have to. */
const reachesOut = (turn: Turn): boolean =>
  startsChildren(turn) ||
  (turn.sends !== undefined && turn.sends.length > 0) ||
  turn.tellsParent === true ||
  turn.closesChildren === true ||
  opensCallbacks(turn) ||
  (turn.withdraws !== undefined && turn.withdraws.length > 0) ||
  turn.endsCallbacks === true;
/** It inserts what another transaction may have inserted, too, and waits for the end of that. */
const mayWait = (turn: Turn): boolean => startsChildren(turn) || opensCallbacks(turn);
const opensCallbacks = ({ opens }: Turn): boolean => opens !== undefined && opens.length > 0;
const startsChildren = ({ children }: Turn): boolean => children !== undefined && children.length > 0;

interface JudgeParameters {
  readonly values: JudgeTurns;
  /** Of updates; `null`: there are none, as in nearly every batch. */
  readonly answers: UpdateAnswers | null;
}

function judgeParameters(turns: readonly Turn[]): JudgeParameters {
  const entries = new EntryArrays();
  let answers: UpdateAnswers | null = null;
  const entryTurns: number[] = [];
  turns.forEach((turn, i) => {
    let seq = turn.previousSeq;
    for (const entry of turn.entries) {
      entryTurns.push(i + 1);
      entries.add(++seq, entry);
      if (entry.type === 'update_answered') (answers ??= new UpdateAnswers()).answered(i, seq, entry);
    }
    for (const refusal of turn.refusals ?? NONE) (answers ??= new UpdateAnswers()).refused(i, refusal);
  });
  const values = {
    owner: uuidOrNil(turns[0]?.lease.owner ?? ''),
    actorIds: uuidArray(turns.map((turn) => uuidOrNil(turn.lease.actorId))),
    runIds: uuidArray(turns.map((turn) => uuidOrNil(turn.lease.runId))),
    tokens: numberArray(turns.map((turn) => turn.lease.token)),
    previousSeqs: numberArray(turns.map((turn) => turn.previousSeq)),
    consumed: numberArray(turns.map((turn) => turn.consumedThrough)),
    decides: flagArray(turns.map((turn) => turn.decides)),
    closes: flagArray(turns.map((turn) => turn.outcome.type === 'close')),
    firedUpTo: turns.some((turn) => turn.firedUpTo !== null)
      ? numberArray(turns.map((turn) => turn.firedUpTo))
      : NOWHERE,
    entryTurns: numberArray(entryTurns),
    ...entries.parameters,
  };
  return { values, answers };
}

const NONE: readonly UpdateRefusal[] = [];

function settleParameters(turns: readonly Turn[], { values, answers }: JudgeParameters): SettleTurns {
  const outcomes = turns.map((turn) => turn.outcome);
  return {
    ...values,
    outcomes: textArray(outcomes.map((outcome) => outcome.type)),
    wakeTimes: numberArray(outcomes.map((outcome) => (outcome.type === 'release' ? outcome.wakeAt : null))),
    reasons: textArray(
      outcomes.map((outcome) => (outcome.type === 'block' ? storableText(outcome.reason) : null)),
    ),
    delays: numberArray(outcomes.map((outcome) => (outcome.type === 'block' ? outcome.delay : null))),
    states: textArray(outcomes.map(stateOf)),
    lastSeqs: numberArray(turns.map((turn) => turn.previousSeq + turn.entries.length)),
    appends: flagArray(turns.map((turn) => turn.entries.length > 0)),
    clears: flagArray(turns.map((turn) => turn.clearsDeaths === true)),
    shows: turns.some(({ shows }) => shows)
      ? textArray(turns.map(({ shows }) => (shows ? JSON.stringify(shownOf(shows)) : null)))
      : NOWHERE,
    ...successorsOf(outcomes),
    ...(answers ?? new UpdateAnswers()).parameters,
  };
}

/** In two parts, as `jsonb` sets and removes. Details are there where they change. */
function shownOf({ attributes, details }: ShownChange): unknown {
  const all = Object.entries(attributes);
  return {
    set: Object.fromEntries(all.filter(([, value]) => value !== null)),
    unset: all.flatMap(([name, value]) => (value === null ? [name] : [])),
    ...(details === undefined ? {} : { details }),
  };
}

const stateOf = (outcome: TurnOutcome): string | null =>
  outcome.type === 'close' ? outcome.state : outcome.type === 'continue' ? 'continued' : null;

function successorsOf(
  outcomes: readonly TurnOutcome[],
): Pick<SettleTurns, 'successors' | 'workflows' | 'versions' | 'starts' | 'kept' | 'runLimits'> {
  if (!outcomes.some(({ type }) => type === 'continue'))
    return {
      successors: NOWHERE,
      workflows: NOWHERE,
      versions: NOWHERE,
      starts: NOWHERE,
      kept: NOWHERE,
      runLimits: NOWHERE,
    };
  const successors = outcomes.map((outcome) => (outcome.type === 'continue' ? outcome.successor : null));
  return {
    successors: textArray(successors.map((successor) => successor && uuidOrNil(successor.runId))),
    workflows: textArray(successors.map((successor) => successor && successor.workflow)),
    versions: numberArray(successors.map((successor) => successor && successor.version)),
    starts: textArray(successors.map((successor) => successor && successor.start)),
    kept: flagArray(successors.map((successor) => successor?.kept === true)),
    runLimits: numberArray(successors.map((successor) => successor?.runLimit ?? null)),
  };
}

const applied = (turn: Turn, inboxSeq: number): CommitAnswer => ({
  type: 'applied',
  inboxSeq: turn.outcome.type === 'close' ? 0 : inboxSeq,
});

function toAnswer(turn: Turn, { answer, inboxSeq, ahead }: JudgedTurn): CommitAnswer {
  switch (answer) {
    case 'applied':
      return applied(turn, inboxSeq ?? 0);
    case 'signals unread':
      return { type: 'signals unread', inboxSeq: inboxSeq ?? 0 };
    case 'not due':
      return { type: 'not due', ahead: Math.ceil(ahead ?? 0) };
    case 'busy':
    case 'lost':
    case 'history lost':
      return { type: answer };
    default:
      return answer satisfies never;
  }
}
