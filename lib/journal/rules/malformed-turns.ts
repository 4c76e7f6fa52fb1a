import { JournalError } from '../errors.js';
import type { Lease, Turn } from '../port/index.js';
import { requireUuid } from './ids.js';

/** Throws {@link JournalError} for a batch that no holder may commit, before anything is written. */
export function refuseMalformed(turns: readonly Turn[]): void {
  if (new Set(turns.map((turn) => turn.lease.actorId)).size < turns.length) {
    throw new JournalError('A batch has at most one turn per actor.');
  }
  if (turns.some((turn) => turn.lease.owner !== turns[0]!.lease.owner)) {
    throw new JournalError('The turns of a batch are all of one owner.');
  }
  for (const { outcome } of turns)
    if (outcome.type === 'continue') requireUuid('run id', outcome.successor.runId);
  const malformed = turns.find((turn) => turn.outcome.type === 'block' && turn.entries.length > 0);
  if (malformed !== undefined) {
    throw new JournalError(
      `A failed turn records no entries; that of run ${malformed.lease.runId} has some.`,
    );
  }
}

/** Throws {@link JournalError} where what was made while an actor was locked is no turn of that actor, or is malformed. */
export function refuseOthersTurn(turn: Turn, { actorId }: Pick<Lease, 'actorId'>): void {
  if (turn.lease.actorId !== actorId) {
    throw new JournalError(`The turn is of actor ${turn.lease.actorId}, and locked is ${actorId}.`);
  }
  refuseMalformed([turn]);
}
