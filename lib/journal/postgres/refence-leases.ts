import { JournalError, type Unanswered } from '../errors.js';
import type { Lease, RefenceAnswer } from '../port/index.js';
import { numberArray, uuidArray, uuidOrNil } from './array-literals.js';
import { orUnanswered } from './portions.js';
import { areLeasesHeld } from './sql/are-leases-held.js';
import { type HistoryEnd, historyEnds } from './sql/history-ends.js';
import { MOVE_FENCES, type MovedFence } from './sql/move-fences.js';
import type { StatementRunner } from './statement.js';

/**
 * Moves the fences of leases first, and then, with a younger snapshot, reads where histories end. What was sent under
 * the old fence has either written what is read here, or writes nothing.
 *
 * A row that is locked may be so by the very statement in question: `waiting` runs a statement that waits for it, one
 * row at a time, so that nobody who holds a row here waits for another.
 */
export async function refence(
  sql: StatementRunner,
  leases: readonly Lease[],
  waiting: <T>(work: () => Promise<T>) => Promise<T>,
): Promise<readonly RefenceAnswer[]> {
  const moved = new Map<Lease, MovedFence>();
  const keep = (of: readonly Lease[], rows: readonly MovedFence[]): void => {
    for (const row of rows) moved.set(of[row.ordinal - 1] as Lease, row);
  };
  keep(leases, await sql.run(MOVE_FENCES['skip locked'], parametersOf(leases)));
  const unknown = new Map<Lease, Unanswered>();
  const left = leases.filter((lease) => !moved.has(lease));
  if (left.length > 0) {
    const held = await sql.run(areLeasesHeld, parametersOf(left));
    const locked = held.map(({ ordinal }) => left[ordinal - 1] as Lease);
    await Promise.all(
      locked.map(async (lease) => {
        const answer = await orUnanswered(async () => {
          keep([lease], await waiting(() => sql.run(MOVE_FENCES[''], parametersOf([lease]))));
          return null;
        });
        if (answer !== null) unknown.set(lease, answer);
      }),
    );
  }
  const ends = await sql.run(historyEnds, {
    runIds: uuidArray(leases.map((lease) => uuidOrNil(lease.runId))),
  });
  return leases.map((lease, i) => unknown.get(lease) ?? toAnswer(lease, moved.get(lease), ends[i]));
}

function parametersOf(leases: readonly Lease[]): {
  actorIds: string;
  runIds: string;
  owners: string;
  tokens: string;
} {
  return {
    actorIds: uuidArray(leases.map((lease) => uuidOrNil(lease.actorId))),
    runIds: uuidArray(leases.map((lease) => uuidOrNil(lease.runId))),
    owners: uuidArray(leases.map((lease) => uuidOrNil(lease.owner))),
    tokens: numberArray(leases.map((lease) => lease.token)),
  };
}

function toAnswer(lease: Lease, moved: MovedFence | undefined, end: HistoryEnd | undefined): RefenceAnswer {
  if (end === undefined) throw new JournalError(`Nothing was read about run ${lease.runId}.`);
  const { last_seq: lastSeq, state, token } = end;
  if (moved !== undefined) {
    return {
      type: 'held',
      lease: { ...lease, token: moved.token },
      lastSeq,
      inboxConsumed: moved.inbox_consumed,
    };
  }
  if (state === null || state === 'running') return { type: 'lost', lastSeq };
  return { type: 'closed', lastSeq, token: token ?? 0 };
}
