import { storableText } from '../../core/index.js';
import { JournalError } from '../errors.js';
import type { CommitAnswer, InboxMessage, Lease, Turn } from '../port/index.js';
import { refuseOthersTurn } from '../rules/malformed-turns.js';
import { booleanArray, numberArray, textArray, uuidArray, uuidOrNil } from './array-literals.js';
import { EntryArrays } from './entry-arrays.js';
import { loadInboxes } from './load-runs.js';
import { APPEND_TURNS } from './sql/append-turns.js';
import type { JudgedTurn, JudgeTurns } from './sql/judged-turns.js';
import { lockLease } from './sql/lock-lease.js';
import { SETTLE_TURNS, type SettleTurns } from './sql/settle-turns.js';
import type { Lock, StatementRunner } from './statement.js';

/** Applies turns of one owner, in one statement. */
export async function commitTurns(
  sql: StatementRunner,
  turns: readonly Turn[],
  lock: Lock,
): Promise<readonly CommitAnswer[]> {
  const rows = turns.every(goesOn)
    ? await sql.run(APPEND_TURNS[lock], judgeParameters(turns))
    : await sql.run(SETTLE_TURNS[lock], settleParameters(turns));
  return turns.map((turn, i) => toAnswer(turn, rows[i]));
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

/** The holder keeps the lease, and nothing else is decided. */
const goesOn = (turn: Turn): boolean => turn.outcome.type === 'keep' && turn.clearsDeaths !== true;

function judgeParameters(turns: readonly Turn[]): JudgeTurns {
  const entries = new EntryArrays();
  const entryTurns: number[] = [];
  turns.forEach((turn, i) =>
    turn.entries.forEach((entry, k) => {
      entryTurns.push(i + 1);
      entries.add(turn.previousSeq + 1 + k, entry);
    }),
  );
  return {
    owner: uuidOrNil(turns[0]?.lease.owner ?? ''),
    actorIds: uuidArray(turns.map((turn) => uuidOrNil(turn.lease.actorId))),
    runIds: uuidArray(turns.map((turn) => uuidOrNil(turn.lease.runId))),
    tokens: numberArray(turns.map((turn) => turn.lease.token)),
    previousSeqs: numberArray(turns.map((turn) => turn.previousSeq)),
    consumed: numberArray(turns.map((turn) => turn.consumedThrough)),
    decides: booleanArray(turns.map((turn) => turn.decides)),
    closes: booleanArray(turns.map((turn) => turn.outcome.type === 'close')),
    firedUpTo: numberArray(turns.map((turn) => turn.firedUpTo)),
    entryTurns: numberArray(entryTurns),
    ...entries.parameters,
  };
}

function settleParameters(turns: readonly Turn[]): SettleTurns {
  const outcomes = turns.map((turn) => turn.outcome);
  return {
    ...judgeParameters(turns),
    outcomes: textArray(outcomes.map((outcome) => outcome.type)),
    wakeTimes: numberArray(outcomes.map((outcome) => (outcome.type === 'release' ? outcome.wakeAt : null))),
    reasons: textArray(
      outcomes.map((outcome) => (outcome.type === 'block' ? storableText(outcome.reason) : null)),
    ),
    delays: numberArray(outcomes.map((outcome) => (outcome.type === 'block' ? outcome.delay : null))),
    states: textArray(outcomes.map((outcome) => (outcome.type === 'close' ? outcome.state : null))),
    lastSeqs: numberArray(turns.map((turn) => turn.previousSeq + turn.entries.length)),
    appends: booleanArray(turns.map((turn) => turn.entries.length > 0)),
    clears: booleanArray(turns.map((turn) => turn.clearsDeaths === true)),
  };
}

function toAnswer(turn: Turn, row: JudgedTurn | undefined): CommitAnswer {
  if (row === undefined) {
    throw new JournalError(`The commit gave no answer for run ${turn.lease.runId}.`, { ambiguous: true });
  }
  const { answer } = row;
  const inboxSeq = row.inbox_seq ?? 0;
  switch (answer) {
    case 'applied':
      return { type: 'applied', inboxSeq: turn.outcome.type === 'close' ? 0 : inboxSeq };
    case 'signals unread':
      return { type: 'signals unread', inboxSeq };
    case 'not due':
      return { type: 'not due', ahead: Math.ceil(row.ahead ?? 0) };
    case 'busy':
    case 'lost':
    case 'history lost':
      return { type: answer };
    default:
      return answer satisfies never;
  }
}
