import { Batcher, pause } from '../engine/index.js';
import { JournalUnavailableError } from '../journal/index.js';
import type { Journal, StartAnswer, StartRequest } from '../journal/index.js';

/** How often a start is repeated whose answer got lost, and how long to wait in between, in ms. */
const TRIES = 5;
const WAIT = 200;

/** Starts in batches. A start whose answer got lost is repeated: the journal recognises it by its run id. */
export const startBatcher = (journal: Journal): Batcher<StartRequest, StartAnswer> =>
  new Batcher((requests) => startPersistently(journal, requests), { size: bytesOf });

async function startPersistently(
  journal: Journal,
  requests: readonly StartRequest[],
): Promise<readonly StartAnswer[]> {
  let doubt: JournalUnavailableError | undefined;
  for (let tries = 1; ; tries++) {
    try {
      return await journal.start(requests);
    } catch (error) {
      if (!(error instanceof JournalUnavailableError)) throw error;
      // Once the answer of a try is lost, no failure of a later one says that nothing was started.
      if (error.ambiguous) doubt ??= error;
      if (!doubt || tries === TRIES) throw doubt ?? error;
      await pause(WAIT * tries);
    }
  }
}

/** About what a start weighs on the wire. The entries of its first turn repeat the input at most. */
const bytesOf = (request: StartRequest): number => 200 + request.input.length * (request.first ? 2 : 1);
