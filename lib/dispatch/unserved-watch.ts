import type { JournalReading, JournalRetry } from '../journal/index.js';
import type { Observer } from '../observability/index.js';
import { RepeatedLook } from './repeated-look.js';

/** Tells of open runs that no live worker takes, once for each workflow and version: they wait until one with it comes. */
export class UnservedWatch {
  readonly #journal: Pick<JournalReading, 'unserved'>;
  readonly #namespace: string;
  readonly #observer: Observer;
  readonly #journalRetry: JournalRetry;
  readonly #told = new Set<string>();
  readonly #looks: RepeatedLook;

  constructor(
    journal: Pick<JournalReading, 'unserved'>,
    namespace: string,
    observer: Observer,
    interval: number,
    journalRetry: JournalRetry,
  ) {
    this.#journal = journal;
    this.#namespace = namespace;
    this.#observer = observer;
    this.#looks = new RepeatedLook(() => this.look(), interval);
    this.#journalRetry = journalRetry;
  }

  start(): void {
    this.#looks.start();
  }

  stop(): Promise<void> {
    return this.#looks.stop();
  }

  /** One look. */
  async look(): Promise<void> {
    try {
      const found = await this.#journalRetry.once('unserved', () => this.#journal.unserved(this.#namespace));
      for (const { workflow, version } of found) {
        const key = `${version}:${workflow}`;
        if (this.#told.has(key)) continue;
        this.#told.add(key);
        this.#observer.notice({ type: 'workflow not served', workflow, version });
      }
    } catch (error) {
      this.#journalRetry.failed('unserved', error);
    }
  }
}
