import { Batcher } from '../engine/index.js';
import { JournalUnavailableError } from '../journal/index.js';
import type { Journal, Persistence, StartAnswer, StartRequest } from '../journal/index.js';

/** How often a start is repeated whose answer got lost. */
const TRIES = 6;

/** Starts in batches. A start whose answer got lost is repeated: the journal recognises it by its run id. */
export const startBatcher = (
  journal: Journal,
  persistence: Persistence,
): Batcher<StartRequest, StartAnswer> =>
  new Batcher((requests) => startPersistently(journal, persistence, requests), { size: bytesOf });

async function startPersistently(
  journal: Journal,
  persistence: Persistence,
  requests: readonly StartRequest[],
): Promise<readonly StartAnswer[]> {
  let doubt: JournalUnavailableError | undefined;
  let tries = 0;
  const again = (error: Error): boolean => {
    if (!(error instanceof JournalUnavailableError)) return false;
    if (error.ambiguous) doubt ??= error;
    return doubt !== undefined && ++tries < TRIES;
  };
  try {
    return await persistence.through('start', () => journal.start(requests), { again });
  } catch (error) {
    // Once the answer of a try is lost, no failure of a later one says that nothing was started.
    throw error instanceof JournalUnavailableError ? (doubt ?? error) : error;
  }
}

/** About what a start weighs on the wire. The entries of its first turn repeat the input at most. */
const bytesOf = (request: StartRequest): number => 200 + request.input.length * (request.first ? 2 : 1);
