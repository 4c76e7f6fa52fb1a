import type { Engine } from '../engine/index.js';
import { unrefPause } from '../concurrency/index.js';
import { DEATHS_OF_A_SUSPECT, delayOf } from '../journal/index.js';
import type { Claim, GrowingDelay, JournalHolding, JournalRetry } from '../journal/index.js';

// In ms.
/** How often to look. */
const LOOK_EVERY = 1_000;
/** For how long a worker that holds runs leaves a suspect to workers that hold none. Those take it up as soon as they look. */
const LEFT_TO_IDLE_WORKERS = 5_000;
/** After that it gives back what it holds, and waits this long for activities under way. */
const LETTING_GO = 10_000;
/** For how long a suspect is kept alone at most, by the number of deaths. */
const WATCH: GrowingDelay = { from: DEATHS_OF_A_SUSPECT, first: 5_000, longest: 60_000 };
/** How often to look whether it has gone on. */
const GLANCE = 100;

/** What the dispatcher does with claims, its own and those of suspects. */
export interface Taker {
  isStopped(): boolean;
  /** Whether these claims can still be taken up. */
  holds(claim: Claim): boolean;
  take(claims: readonly Claim[]): Promise<void>;
  giveBack(claims: readonly Claim[]): Promise<void>;
}

/**
 * Takes up suspects: runs that three workers or more died with, one after the other. Each is alone in this process until it
 * has gone on. So it takes no other run with it, and if the process dies again it is known to be the cause. Suspects that died
 * in a large crowd come in groups, beside what is held: most of them only happened to be there, and should not wait for each
 * other.
 *
 * Where every worker holds runs, one of them makes room for a suspect. It claims the suspect first, so that no other worker
 * makes room for the same one. It gives back what it holds, as in a shutdown, but interrupts nothing: an activity that takes
 * longer stays in the process with the suspect. Meanwhile this worker claims nothing else, for {@link LETTING_GO} and the
 * watch at most. For as long again it claims as usual: a suspect that goes on at once hardly holds anybody up.
 */
export class SuspectDispatcher {
  readonly #journal: JournalHolding;
  readonly #engine: Engine;
  readonly #journalRetry: JournalRetry;
  readonly #taker: Taker;
  #nextLook = 0;
  #restsUntil = 0;

  constructor(journal: JournalHolding, engine: Engine, journalRetry: JournalRetry, taker: Taker) {
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

  /** Answers with the suspect that was taken up alone, if one was. */
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
    const { session, served: workflows, runs } = this.#engine;
    // At least one, even if no slot is free: room is made for it.
    const limit = Math.max(1, runs.free);
    const waited = runs.size === 0 ? 0 : LEFT_TO_IDLE_WORKERS;
    const request = { owner: session.id, namespace: session.namespace, workflows, limit, waited };
    try {
      return await this.#journalRetry.once('claim', () => this.#journal.claimSuspects(request));
    } catch (error) {
      // As for every claim: the lease audit finds what it may have brought.
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
    await this.#until(delayOf(WATCH, deaths), () => !(runs.get(lease.actorId)?.isSuspect ?? false));
  }

  async #until(longest: number, isSo: () => boolean): Promise<void> {
    const end = performance.now() + longest;
    while (!isSo() && !this.#taker.isStopped() && performance.now() < end) await unrefPause(GLANCE);
  }
}
