import { setTimeout, clearTimeout } from 'node:timers';
import type { EncodedFailure } from '../core/index.js';
import type { JournalRetry, JournalWorkers, OverdueRun } from '../journal/index.js';

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
  /** In ms. */
  readonly #interval: number;
  readonly #journalRetry: JournalRetry;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

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
    this.#journalRetry = journalRetry;
  }

  /** The first look comes late: where a whole fleet starts, its other workers may still be on their way. */
  start(): void {
    this.#schedule(2 * this.#interval);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** One round: everything that is overdue now, a portion at a time. */
  async sweep(): Promise<void> {
    const request = { namespace: this.#namespace, failure: this.#failure, limit: AT_ONCE };
    try {
      for (let more = true; more && !this.#stopped;) {
        const answer = await this.#journalRetry.once('sweep', () => this.#journal.endOverdue(request));
        for (const run of answer.ended) this.#ended(run);
        if (answer.trouble !== null) throw answer.trouble;
        ({ more } = answer);
      }
    } catch (error) {
      this.#journalRetry.failed('sweep', error);
    }
  }

  #schedule(after: number): void {
    if (this.#stopped) return;
    // Workers that were started together should not all look at the same time.
    const wait = after * (0.75 + Math.random() / 2);
    this.#timer = setTimeout(() => {
      this.#running = this.sweep().finally(() => this.#schedule(this.#interval));
    }, wait).unref();
  }
}
