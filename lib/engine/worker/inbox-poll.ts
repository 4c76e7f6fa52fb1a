import type { JournalWorkers } from '../../journal/index.js';
import { inRootContext } from '../../concurrency/index.js';
import { pause } from '../../concurrency/index.js';
import type { ResidentRuns } from '../run/resident-runs.js';
import type { SessionKeeper } from './session-keeper.js';

/** The pause after a question: four times as long as it took, but at least 50 ms and at most a second. In ms. */
const REST = 50;
const SHARE = 4;
const LONGEST_REST = 1_000;

/**
 * Asks once which runs of this worker have unread messages, when there were too many hints to name them (`*`). Hints
 * that come meanwhile share the next question, and there is a pause after each, so that the journal has time for others.
 */
export class InboxPoll {
  readonly #journal: JournalWorkers;
  readonly #runs: ResidentRuns;
  readonly #session: SessionKeeper;
  #again = false;
  #going = false;
  #ended = false;

  constructor(journal: JournalWorkers, runs: ResidentRuns, session: SessionKeeper) {
    this.#journal = journal;
    this.#runs = runs;
    this.#session = session;
  }

  look(): void {
    this.#again = true;
    if (this.#going || this.#ended) return;
    this.#going = true;
    void inRootContext(() => this.#goRound());
  }

  end(): void {
    this.#ended = true;
  }

  async #goRound(): Promise<void> {
    while (this.#again && !this.#ended && this.#session.open && this.#runs.size > 0) {
      this.#again = false;
      const began = performance.now();
      await this.#ask();
      await pause(Math.min(Math.max(REST, SHARE * (performance.now() - began)), LONGEST_REST));
    }
    this.#going = false;
  }

  async #ask(): Promise<void> {
    try {
      for (const { actorId, inboxSeq } of await this.#journal.owned(this.#session.id, 'unread')) {
        this.#runs.get(actorId)?.mailArrived(inboxSeq);
      }
    } catch {
      // As if the hint had been lost: the next heartbeat tells the same.
    }
  }
}
