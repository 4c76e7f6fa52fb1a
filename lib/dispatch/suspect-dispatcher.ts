import type { Engine } from '../engine/index.js';
import { unrefPause } from '../concurrency/index.js';
import type { Claim, Journal, JournalRetry } from '../journal/index.js';

// In ms.
/** How often to look. */
const LOOK_EVERY = 1_000;
/** A worker that holds nothing takes a suspect up when it looks. One that is at work leaves it to such a one for so long. */
const PATIENCE = 5_000;
/** Then it lets go of what it holds, and waits so long for activities under way. */
const LETTING_GO = 10_000;
/** A suspect is alone until it goes on, and for so long at most: after three deaths, twice as long after each further one. */
const FIRST_WATCH = 5_000;
const LONGEST_WATCH = 60_000;
/** How often to see whether that has come. */
const GLANCE = 100;

/** What the dispatcher does with claims, whoever made them. */
export interface Taker {
  isStopped(): boolean;
  /** Whether these claims can still be taken up. */
  holds(claim: Claim): boolean;
  take(claims: readonly Claim[]): Promise<void>;
  giveBack(claims: readonly Claim[]): Promise<void>;
}

/**
 * Takes up suspects: runs that three workers or more died with, one after the other. Each is alone in this process until
 * it has gone on, so that it takes nobody with it, and is known if it kills again. Those that died in a large crowd come in
 * groups, beside what is held: most of them only were there, and must not wait for each other.
 *
 * Where every worker is at work, one of them makes itself free for one suspect: it has claimed it before, so no other does.
 * It gives back what it holds as in a shutdown, but interrupts nothing: what takes longer stays, and is with the suspect.
 * Nothing else is claimed meanwhile, for {@link LETTING_GO} and the watch at most; then for as long again it is: a suspect
 * that goes on at once hardly holds anybody up, and many such come through one after the other.
 */
export class SuspectDispatcher {
  readonly #journal: Journal;
  readonly #engine: Engine;
  readonly #journalRetry: JournalRetry;
  readonly #taker: Taker;
  #nextLook = 0;
  #restsUntil = 0;

  constructor(journal: Journal, engine: Engine, journalRetry: JournalRetry, taker: Taker) {
    this.#journal = journal;
    this.#engine = engine;
    this.#journalRetry = journalRetry;
    this.#taker = taker;
  }

  /** Resolves when others may be claimed again. */
  async look(): Promise<void> {
    const now = performance.now();
    const { runs } = this.#engine;
    if (now < this.#nextLook || (runs.size > 0 && now < this.#restsUntil)) return;
    this.#nextLook = now + LOOK_EVERY;
    const alone = await this.#engine.claiming(() => this.#claimAndTake());
    if (alone === undefined) return;
    try {
      await this.#watch(alone);
    } finally {
      runs.reopen();
      const end = performance.now();
      this.#restsUntil = end + (end - now);
    }
  }

  /** A suspect that was taken up alone. */
  async #claimAndTake(): Promise<Claim | undefined> {
    const claims = await this.#claim();
    const [first, ...others] = claims;
    if (first === undefined) return undefined;
    if (this.#taker.isStopped()) await this.#taker.giveBack(claims);
    else if (others.length > 0) await this.#taker.take(claims);
    else return this.#takeAlone(first);
    return undefined;
  }

  async #claim(): Promise<readonly Claim[]> {
    const { session, workflows, runs } = this.#engine;
    // One is taken whatever the slots are: room is made for it.
    const limit = Math.max(1, runs.free);
    const waited = runs.size === 0 ? 0 : PATIENCE;
    const request = { owner: session.id, namespace: session.namespace, workflows, limit, waited };
    try {
      return await this.#journalRetry.once('claim', () => this.#journal.claimSuspects(request));
    } catch (error) {
      // As for every claim: the engine hears of what it brought with the next heartbeats.
      this.#journalRetry.failed('claim', error);
      return [];
    }
  }

  async #takeAlone(claim: Claim): Promise<Claim> {
    const { runs } = this.#engine;
    runs.vacate();
    await this.#until(LETTING_GO, () => runs.size === 0 || !this.#taker.holds(claim));
    if (this.#taker.holds(claim)) await this.#taker.take([claim]);
    else if (this.#taker.isStopped()) await this.#taker.giveBack([claim]);
    return claim;
  }

  async #watch({ lease, deaths }: Claim): Promise<void> {
    const { runs } = this.#engine;
    const longest = Math.min(FIRST_WATCH * 2 ** (deaths - 3), LONGEST_WATCH);
    await this.#until(longest, () => !(runs.get(lease.actorId)?.isSuspect ?? false));
  }

  async #until(longest: number, isSo: () => boolean): Promise<void> {
    const end = performance.now() + longest;
    while (!isSo() && !this.#taker.isStopped() && performance.now() < end) await unrefPause(GLANCE);
  }
}
