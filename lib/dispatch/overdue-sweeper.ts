import type { EncodedFailure } from '../core/index.js';
import type { JournalRetry, JournalWorkers, OverdueRun } from '../journal/index.js';
import { RepeatedLook } from './repeated-look.js';

/** So many runs are ended at a time. */
const AT_ONCE = 50;

/**
 * Ends runs of a namespace whose time limit has passed while no live worker could take them. Every worker does so; the journal lets
 * only one of them end each run.
 */
export class OverdueSweeper {
  readonly #journal: Pick<JournalWorkers, 'endOverdue'>;
  readonly #namespace: string;
  readonly #failure: EncodedFailure;
  readonly #ended: (run: OverdueRun) => void;
  readonly #journalRetry: JournalRetry;
  /** In ms. */
  readonly #interval: number;
  readonly #looks: RepeatedLook;

  /**
   * @param failure what such a run ends with
   * @param ended hears of each run that was ended by this worker
   */
  constructor(
    journal: Pick<JournalWorkers, 'endOverdue'>,
    namespace: string,
    failure: EncodedFailure,
    ended: (run: OverdueRun) => void,
    interval: number,
    journalRetry: JournalRetry,
  ) {
    this.#journal = journal;
    this.#namespace = namespace;
    this.#failure = failure;
    this.#ended = ended;
    this.#interval = interval;
    this.#looks = new RepeatedLook(() => this.sweep(), interval);
    this.#journalRetry = journalRetry;
  }

  /** The first look comes late: where a whole fleet starts, its other workers may still be on their way. */
  start(): void {
    this.#looks.start(2 * this.#interval);
  }

  stop(): Promise<void> {
    return this.#looks.stop();
  }

  /** One round: everything that is overdue now, a portion at a time. */
  async sweep(): Promise<void> {
    const request = { namespace: this.#namespace, failure: this.#failure, limit: AT_ONCE };
    try {
      for (let more = true; more && !this.#looks.stopped;) {
        const answer = await this.#journalRetry.once('sweep', () => this.#journal.endOverdue(request));
        for (const run of answer.ended) this.#ended(run);
        if (answer.trouble !== null) throw answer.trouble;
        ({ more } = answer);
      }
    } catch (error) {
      this.#journalRetry.failed('sweep', error);
    }
  }
}
