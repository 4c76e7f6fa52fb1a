import { setTimeout, clearTimeout } from 'node:timers';
import { inRootContext } from '../concurrency/index.js';
import { toError } from '../core/index.js';
import type { Instant } from '../core/index.js';
import { wantedAt } from '../engine/index.js';
import type { Engine } from '../engine/index.js';
import { isOutage } from '../journal/index.js';
import type { Claim, JournalHolding, JournalReading, Loaded, JournalRetry } from '../journal/index.js';
import type { Wakeup } from '../wakeup/index.js';
import { SuspectDispatcher } from './suspect-dispatcher.js';

/** How often to look while there is work, and at most when there is none. In ms. */
const BUSY_POLL = 1_000;
const IDLE_POLL = 5_000;
const CLAIMED_AT_ONCE = 50;
/** How many runs that left here are remembered with the time at which they are due. The polls find the others. */
const MOST_WANTED = 1_000;

/**
 * Claims due runs while the engine has free slots: when a hint says so, when a run that left wants to be taken up
 * again, when a slot comes free, and by polling, which finds what all the others miss.
 */
export class RunDispatcher {
  readonly #journal: JournalHolding & JournalReading;
  readonly #engine: Engine;
  readonly #wakeup: Wakeup;
  readonly #journalRetry: JournalRetry;
  readonly #suspects: SuspectDispatcher;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #looking: Promise<void> | undefined;
  #again = false;
  #stopped = false;
  #idleLooks = 0;
  /** When runs that left here want to be taken up again, the earliest first. */
  readonly #wanted: Instant[] = [];
  #unlisten: (() => void)[] = [];

  constructor(
    journal: JournalHolding & JournalReading,
    engine: Engine,
    wakeup: Wakeup,
    journalRetry: JournalRetry,
  ) {
    this.#journal = journal;
    this.#engine = engine;
    this.#wakeup = wakeup;
    this.#journalRetry = journalRetry;
    this.#suspects = new SuspectDispatcher(journal, engine, journalRetry, {
      isStopped: () => this.#stopped,
      holds: (claim) => this.#holds(claim),
      take: (claims) => this.#take(claims),
      giveBack: (claims) => this.#giveBack(claims),
    });
  }

  start(): void {
    this.#unlisten = [
      this.#wakeup.listen((hint) => {
        if (hint.type === 'run ready') this.look();
      }),
      this.#engine.runs.listen((_, departure) => {
        const at = wantedAt(departure, this.#engine.clock.now());
        if (at !== null) this.#expect(at);
        // A slot is free again. The last look saw whether there were more due runs than slots.
        if (this.#starved) this.look();
      }),
    ];
    this.look();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const unlisten of this.#unlisten.splice(0)) unlisten();
    clearTimeout(this.#timer);
    await this.#looking;
  }

  /** Looks for due runs now. */
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

  /** There was more than there were slots for. */
  #starved = false;

  async #lookAll(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false;
      if (!this.#engine.accepting || this.#engine.served.length === 0) return;
      await this.#suspects.look();
      const limit = Math.min(this.#engine.runs.free, CLAIMED_AT_ONCE);
      this.#starved = limit === 0;
      if (limit === 0 || !this.#engine.accepting || this.#stopped) return;
      const claimed = await this.#engine.claiming(() => this.#claimAndTake(limit));
      this.#idleLooks = claimed === 0 ? this.#idleLooks + 1 : 0;
      if (claimed === limit) this.#again = true;
    }
  }

  /** How many were claimed. */
  async #claimAndTake(limit: number): Promise<number> {
    const claims = await this.#claim(limit);
    if (claims.length === 0) return 0;
    if (this.#stopped) await this.#giveBack(claims);
    else await this.#take(claims);
    return claims.length;
  }

  async #claim(limit: number): Promise<readonly Claim[]> {
    const { session, served: workflows } = this.#engine;
    try {
      return await this.#journalRetry.once('claim', () =>
        this.#journal.claim({ owner: session.id, namespace: session.namespace, workflows, limit }),
      );
    } catch (error) {
      // Whether anything was claimed is not known. If so, the lease audit finds those leases after the next heartbeats.
      this.#journalRetry.failed('claim', error);
      return [];
    }
  }

  async #take(claims: readonly Claim[]): Promise<void> {
    const { runs } = this.#engine;
    let loaded: readonly Loaded[] | undefined;
    try {
      loaded = await this.#load(claims);
    } catch (error) {
      // If one of them cannot be read, the others must still go on: each is taken by itself.
      if (claims.length > 1) for (const claim of claims) await this.#take([claim]);
      else if (this.#stopped) await this.#giveBack(claims);
      else if (this.#holds(claims[0]!)) runs.refuse(claims[0]!, toError(error));
      return;
    }
    if (loaded) loaded.forEach((found, i) => runs.take(claims[i]!, found));
    else if (this.#stopped) await this.#giveBack(claims);
  }

  /** Gives back claims that came after the stop. Otherwise nobody else could claim them while the session lives. */
  async #giveBack(claims: readonly Claim[]): Promise<void> {
    const { session, runs } = this.#engine;
    await runs.giveBack(claims.filter(({ lease }) => session.open && session.id === lease.owner));
  }

  /** Waits while the journal cannot be reached; `undefined` when the claims cannot be taken up any more. */
  async #load(claims: readonly Claim[]): Promise<readonly Loaded[] | undefined> {
    const requests = claims.map(({ lease, inboxConsumed }) => ({
      actorId: lease.actorId,
      runId: lease.runId,
      historyAfter: 0,
      inboxAfter: inboxConsumed,
    }));
    try {
      const loaded = await this.#journalRetry.through('load', () => this.#journal.load(requests), {
        again: (error) => isOutage(error) && this.#holds(claims[0]!),
      });
      return this.#holds(claims[0]!) ? loaded : undefined;
    } catch (error) {
      if (!isOutage(error)) throw error;
      return undefined;
    }
  }

  /** What was claimed for this session can still be taken up; otherwise the end of the session frees it. */
  #holds({ lease }: Claim): boolean {
    const { session } = this.#engine;
    return !this.#stopped && session.open && session.id === lease.owner;
  }

  #expect(at: Instant): void {
    const before = this.#wanted.findLastIndex((wanted) => wanted <= at);
    this.#wanted.splice(before + 1, 0, at);
    if (this.#wanted.length > MOST_WANTED) this.#wanted.pop();
    this.#sleep();
  }

  /** Until the next poll, or the first wanted time before it. */
  #sleep(): void {
    if (this.#stopped) return;
    const now = this.#engine.clock.now();
    const poll = Math.min(BUSY_POLL * (1 + this.#idleLooks / 10), IDLE_POLL);
    const [next] = this.#wanted;
    const wait = next === undefined ? poll : Math.min(poll, this.#engine.clock.until(next));
    if (now + wait >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = now + wait;
    this.#timer = setTimeout(() => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.#forget(this.#engine.clock.safelyPast());
      this.look();
    }, wait).unref();
  }

  #forget(now: Instant): void {
    const past = this.#wanted.findLastIndex((wanted) => wanted <= now);
    this.#wanted.splice(0, past + 1);
  }
}
