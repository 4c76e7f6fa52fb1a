import { hostname } from 'node:os';
import { performance } from 'node:perf_hooks';
import { clearInterval, clearTimeout, setInterval, setTimeout } from 'node:timers';
import { TimeLimit } from '../../concurrency/index.js';
import type { HeartbeatAnswer, JournalWorkers, JournalRetry, WorkerId } from '../../journal/index.js';
import type { Observer } from '../../observability/index.js';
import type { DatabaseClock } from './database-clock.js';
import { newWorkerId } from '../ids.js';

export interface SessionKeeperOptions {
  readonly namespace: string;
  readonly name: string;
  readonly buildId: string;
  readonly workflows: readonly { readonly name: string; readonly version: number }[];
  /** In ms. */
  readonly leaseTimeout: number;
  /** In ms. */
  readonly heartbeatInterval: number;
}

export interface SessionListener {
  /** What the database tells about our actors. */
  beat(answer: Extract<HeartbeatAnswer, { type: 'alive' }>): void;
  /** The session is over: nothing that was held is ours any more. */
  lost(): void;
  /** A new session has followed one that was lost. */
  reopened(): void;
}

/** How long the end of a session that was lost is waited for before the next one begins, in ms. */
const FAREWELL = 1_000;
/** So many heartbeats without a break show that the journal can be reached. */
const STEADY = 3;

type State = 'new' | 'open' | 'lost' | 'closed';

/**
 * Keeps a worker's session alive: one row, prolonged by a heartbeat. When it was not prolonged in time, other workers may take its runs. So
 * a worker whose heartbeat got no answer in time lets go of them before that, by its own clock: it needs no answer from the
 * database to know.
 */
export class SessionKeeper {
  readonly #journal: JournalWorkers;
  readonly #clock: DatabaseClock;
  readonly #observer: Observer;
  readonly #options: SessionKeeperOptions;
  readonly #listener: SessionListener;
  readonly #journalRetry: JournalRetry;
  #id: WorkerId = newWorkerId();
  #state: State = 'new';
  /** The session was lost because this process stood still, not because the journal could not be reached. */
  #stalled = false;
  /** It takes no new runs any more; whether the journal knows that. */
  #leaving = false;
  #toldLeaving = false;
  /** Heartbeats answered since one was not. */
  #steadyBeats = STEADY;
  #prolongedAt = 0;
  #ticker: NodeJS.Timeout | undefined;
  #expiry: NodeJS.Timeout | undefined;
  /** The question that is waited for, and all that have no answer yet. */
  #asked: { readonly at: number } | null = null;
  readonly #unanswered = new Set<Promise<void>>();

  constructor(
    journal: JournalWorkers,
    clock: DatabaseClock,
    observer: Observer,
    options: SessionKeeperOptions,
    listener: SessionListener,
    journalRetry: JournalRetry,
  ) {
    this.#journal = journal;
    this.#clock = clock;
    this.#observer = observer;
    this.#options = options;
    this.#listener = listener;
    this.#journalRetry = journalRetry;
  }

  get id(): WorkerId {
    return this.#id;
  }
  get namespace(): string {
    return this.#options.namespace;
  }
  get open(): boolean {
    return this.#state === 'open';
  }

  /**
   * The journal could be reached for some heartbeats without a break. Otherwise this worker cannot tell others that are
   * dead from others that, like itself, were not heard for a while.
   */
  get isSteady(): boolean {
    const silence = performance.now() - this.#prolongedAt;
    return this.open && this.#steadyBeats >= STEADY && silence <= 2 * this.#options.heartbeatInterval;
  }

  async start(): Promise<void> {
    await this.#register('new');
    this.#ticker = setInterval(() => this.#tick(), this.#options.heartbeatInterval).unref();
    await this.#beat();
  }

  /** Others do not count on this worker any more. Its session goes on; what cannot be told now is told with the next heartbeat. */
  leave(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    if (this.#state === 'open') this.#ask(() => this.#beat());
  }

  async stop(): Promise<void> {
    if (this.#state === 'closed' || this.#state === 'new') return;
    await this.abandon();
    try {
      await this.#journalRetry.once('the end of the session', () => this.#journal.unregister(this.#id));
    } catch (error) {
      // It expires by itself.
      this.#journalRetry.failed('the end of the session', error);
    }
  }

  /** Prolongs itself no more, and says nothing: as a killed process. */
  async abandon(): Promise<void> {
    this.#state = 'closed';
    clearInterval(this.#ticker);
    clearTimeout(this.#expiry);
    await Promise.all(this.#unanswered);
  }

  #tick(): void {
    if (this.#state === 'open') this.#ask(() => this.#beat());
    else if (this.#state === 'lost') this.#ask(() => this.#revive());
  }

  /** One question at a time. One that has no answer for longer than a session lives is not waited for: its connection hangs. */
  #ask(question: () => Promise<void>): void {
    const asked = { at: performance.now() };
    if (this.#asked && asked.at - this.#asked.at < this.#options.leaseTimeout) return;
    this.#asked = asked;
    const answered = question().finally(() => {
      this.#unanswered.delete(answered);
      if (this.#asked === asked) this.#asked = null;
    });
    this.#unanswered.add(answered);
  }

  async #beat(): Promise<void> {
    const id = this.#id;
    const sentAt = performance.now();
    try {
      const answer = await this.#journalRetry.once('heartbeat', () => this.#journal.heartbeat(id));
      // An answer may be about a session that is given up by now.
      if (this.#state !== 'open' || this.#id !== id) return;
      if (answer.type === 'dead') {
        this.#lose('declared dead by another worker');
        return;
      }
      // Prolonged when it was asked for, not when it was heard of.
      this.#prolonged(sentAt);
      this.#steadyBeats++;
      this.#clock.sync(answer.now, sentAt, performance.now());
      this.#listener.beat(answer);
      if (this.#leaving && !this.#toldLeaving) await this.#tellLeaving(id);
    } catch (error) {
      this.#steadyBeats = 0;
      this.#journalRetry.failed('heartbeat', error);
    }
  }

  async #tellLeaving(id: WorkerId): Promise<void> {
    await this.#journalRetry.once('the leave of a worker', () => this.#journal.leave(id));
    this.#toldLeaving = true;
  }

  #prolonged(at: number): void {
    this.#prolongedAt = at;
    const end = at + this.#options.leaseTimeout;
    clearTimeout(this.#expiry);
    this.#expiry = setTimeout(() => this.#expire(end), end - performance.now()).unref();
  }

  #expire(end: number): void {
    this.#stalled = performance.now() - end > this.#options.heartbeatInterval;
    this.#lose('no heartbeat in time');
  }

  #lose(reason: string): void {
    this.#state = 'lost';
    this.#steadyBeats = 0;
    clearTimeout(this.#expiry);
    this.#observer.notice({ type: 'worker lost', workerId: this.#id, reason });
    this.#listener.lost();
    // Questions about the old session need not be waited for.
    this.#asked = null;
    this.#ask(() => this.#revive());
  }

  /** Tried again with every tick. */
  async #revive(): Promise<void> {
    try {
      // If this process stood still, one of its runs may be why. Then the old session must not end in order: whoever rescues
      // it counts a death for its runs. The wait is short: rows that somebody has locked are freed later.

      if (!this.#stalled) await new TimeLimit(FAREWELL).meet(this.#journal.unregister(this.#id));
      const registered = await this.#journalRetry.once('registration', () => this.#register('lost'));
      if (registered) this.#listener.reopened();
    } catch (error) {
      this.#journalRetry.failed('registration', error);
    }
  }

  /** Opens a session. `false` when the worker was stopped meanwhile, or has another one already. */
  async #register(from: State): Promise<boolean> {
    const { namespace, name, buildId, workflows, leaseTimeout, heartbeatInterval } = this.#options;
    const id = newWorkerId();
    const sentAt = performance.now();
    await this.#journal.register({
      id,
      namespace,
      name,
      host: hostname(),
      pid: process.pid,
      buildId,
      workflows,
      leaseTimeout,
      heartbeatInterval,
    });
    if (this.#state !== from) {
      await this.#journal.unregister(id);
      return false;
    }
    this.#id = id;
    this.#toldLeaving = false;
    this.#state = 'open';
    this.#stalled = false;
    this.#prolonged(sentAt);
    this.#observer.notice({ type: 'worker registered', workerId: id });
    return true;
  }
}
