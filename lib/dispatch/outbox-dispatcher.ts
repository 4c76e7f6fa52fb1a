import { performance } from 'node:perf_hooks';
import { setTimeout, clearTimeout } from 'node:timers';
import { inRootContext } from '../concurrency/index.js';
import type { Delivery, JournalOutbox, JournalRetry } from '../journal/index.js';
import type { Wakeup } from '../wakeup/index.js';
import { OutboxPace } from './outbox-pace.js';

/** So much is delivered at a time. */
const AT_ONCE = 100;
/**
 * Delivers what runs of a namespace send to each other: when one of this process has sent something, and by polling, which finds
 * what a process that died has left. Every worker does so; the journal gives each of them something else.
 */
export class OutboxDispatcher {
  readonly #journal: JournalOutbox;
  readonly #namespace: string;
  readonly #wakeup: Wakeup;
  readonly #journalRetry: JournalRetry;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #again = false;
  #stopped = false;
  readonly #pace = new OutboxPace();
  #unlisten: (() => void) | undefined;

  constructor(journal: JournalOutbox, namespace: string, wakeup: Wakeup, journalRetry: JournalRetry) {
    this.#journal = journal;
    this.#namespace = namespace;
    this.#wakeup = wakeup;
    this.#journalRetry = journalRetry;
  }

  start(): void {
    this.#unlisten = this.#wakeup.listen((hint) => {
      if (hint.type === 'messages to deliver') this.look();
    });
    this.look();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unlisten?.();
    clearTimeout(this.#timer);
    await this.#looking;
  }

  /** Delivers what is due now. */
  look(): void {
    if (this.#stopped) return;
    this.#again = true;
    this.#looking ??= inRootContext(() =>
      this.#lookAll().finally(() => {
        this.#looking = undefined;
        if (this.#again) this.look();
        else this.#sleep();
      }),
    );
  }

  async #lookAll(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false;
      const began = performance.now();
      const delivery = await this.#deliver();
      if (delivery === null) return this.#pace.failed();
      this.#tell(delivery);
      this.#pace.looked(delivery, began, performance.now());
      if (delivery.more) this.#again = true;
    }
  }

  async #deliver(): Promise<Delivery | null> {
    try {
      return await this.#journalRetry.once('deliver', () => this.#journal.deliver(this.#namespace, AT_ONCE));
    } catch (error) {
      this.#journalRetry.failed('deliver', error);
      return null;
    }
  }

  #tell({ reached, ended }: Delivery): void {
    for (const { actorId, owner } of reached) {
      if (owner !== null) this.#wakeup.tell({ type: 'message arrived', actorId });
    }
    if (reached.some(({ owner }) => owner === null)) this.#wakeup.tell({ type: 'run ready' });
    for (const runId of ended) this.#wakeup.tell({ type: 'run closed', runId });
  }

  #sleep(): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.look(), this.#pace.wait(performance.now())).unref();
  }
}
