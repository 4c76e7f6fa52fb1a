import { setTimeout, clearTimeout } from 'node:timers';
import type { JournalReading, JournalRetry } from '../journal/index.js';
import type { Observer } from '../observability/index.js';

/** Tells of open runs that no live worker takes, once for each workflow and version: they wait until one with it comes. */
export class UnservedWatch {
  readonly #journal: Pick<JournalReading, 'unserved'>;
  readonly #namespace: string;
  readonly #observer: Observer;
  /** In ms. */
  readonly #interval: number;
  readonly #journalRetry: JournalRetry;
  readonly #told = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

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
    this.#interval = interval;
    this.#journalRetry = journalRetry;
  }

  start(): void {
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
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

  #schedule(): void {
    if (this.#stopped) return;
    // Workers that were started together should not all look at the same time.
    const wait = this.#interval * (0.75 + Math.random() / 2);
    this.#timer = setTimeout(() => {
      this.#running = this.look().finally(() => this.#schedule());
    }, wait).unref();
  }
}
