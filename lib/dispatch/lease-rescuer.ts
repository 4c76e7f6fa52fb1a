import type { JournalWorkers, JournalRetry } from '../journal/index.js';
import type { Observer } from '../observability/index.js';
import type { Wakeup } from '../wakeup/index.js';
import { RepeatedLook } from './repeated-look.js';

/** Finds dead workers of a namespace and frees their runs. Every worker does so; the journal lets only one of them free each run. */
export class LeaseRescuer {
  readonly #journal: JournalWorkers;
  readonly #namespace: string;
  readonly #wakeup: Wakeup;
  readonly #observer: Observer;
  readonly #canTell: () => boolean;
  readonly #journalRetry: JournalRetry;
  readonly #looks: RepeatedLook;

  /** @param canTell whether this worker has heard from the journal lately: if not, silent workers may be alive as it is itself */
  constructor(
    journal: JournalWorkers,
    namespace: string,
    wakeup: Wakeup,
    observer: Observer,
    interval: number,
    canTell: () => boolean,
    journalRetry: JournalRetry,
  ) {
    this.#journal = journal;
    this.#namespace = namespace;
    this.#wakeup = wakeup;
    this.#observer = observer;
    this.#looks = new RepeatedLook(() => this.rescue(), interval);
    this.#canTell = canTell;
    this.#journalRetry = journalRetry;
  }

  start(): void {
    this.#looks.start();
  }

  stop(): Promise<void> {
    return this.#looks.stop();
  }

  /** One look. Frees nothing of workers that are alive. */
  async rescue(): Promise<void> {
    if (!this.#canTell()) return;
    try {
      const { deadWorkers, freedActors, blocked } = await this.#journalRetry.once('rescue', () =>
        this.#journal.rescue(this.#namespace),
      );
      if (deadWorkers.length > 0 || freedActors > 0)
        this.#observer.notice({ type: 'workers rescued', deadWorkers, freedActors });
      for (const { reason, ...run } of blocked) this.#observer.notice({ type: 'run blocked', run, reason });
      if (freedActors > 0) this.#wakeup.tell({ type: 'run ready' });
    } catch (error) {
      this.#journalRetry.failed('rescue', error);
    }
  }
}
