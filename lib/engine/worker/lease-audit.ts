import type {
  ActorId,
  HeartbeatAnswer,
  JournalWorkers,
  Lease,
  OwnedActor,
  JournalRetry,
  WorkerId,
} from '../../journal/index.js';
import { inRootContext } from '../../concurrency/index.js';
import type { Observer } from '../../observability/index.js';
import type { ResidentRuns } from '../run/resident-runs.js';
import type { SessionKeeper } from './session-keeper.js';

/** Every so many heartbeats all that is owned is read, even if the numbers agree: a stray lease may make up for a run whose lease was lost. */
const LOOK_EVERY = 10;
/** So many rows are locked at a time. */
const PORTION = 500;

export interface AuditedEngine {
  readonly journal: JournalWorkers;
  readonly runs: ResidentRuns;
  readonly session: SessionKeeper;
  readonly observer: Observer;
  readonly journalRetry: JournalRetry;
  /** Called when leases were given back: their runs can be claimed. */
  readonly freed: () => void;
}

/**
 * Finds leases that the database has given to this worker and that nobody here holds, and gives them back. Such a run
 * was claimed or born while its answer got lost, its start was told to have failed, or it could not be given back; nobody
 * else may take it up as long as the session lives. The other runs of this worker notice nothing.
 *
 * It costs one number with each heartbeat. All that is owned is read only when that number is larger than what is held here,
 * when an unheld lease was seen, and now and then.
 */
export class LeaseAudit {
  readonly #engine: AuditedEngine;
  #claimsBegun = 0;
  #claimsEnded = 0;
  #sighted = new Map<ActorId, Sighting>();
  #beats = 0;
  #failed = false;
  #looking = false;
  #ended = false;

  constructor(engine: AuditedEngine) {
    this.#engine = engine;
  }

  /** While a claim is under way, leases that nobody holds here may be on their way to be taken up. Claims are made one after the other. */
  async duringClaim<T>(claim: () => Promise<T>): Promise<T> {
    this.#claimsBegun++;
    try {
      return await claim();
    } finally {
      this.#claimsEnded++;
    }
  }

  /** With every heartbeat. */
  heard({ owned }: Extract<HeartbeatAnswer, { type: 'alive' }>): void {
    const { runs, session } = this.#engine;
    this.#beats = (this.#beats + 1) % LOOK_EVERY;
    const suspicious = owned > runs.size || this.#sighted.size > 0;
    if (this.#looking || !(suspicious || this.#failed || this.#beats === 0)) return;
    this.#looking = true;
    void inRootContext(() => this.#look(session.id));
  }

  /**
   * A run was dropped here, but its lease could not be given back. The next heartbeats give it back. Not at once: a run that
   * fails like this each time would be claimed and dropped without a pause.
   */
  sight({ owner, actorId, token }: Lease): void {
    if (owner !== this.#engine.session.id) return;
    this.#sighted.set(actorId, { token, claimsBegun: this.#claimsBegun });
  }

  /** Of another session. */
  forget(): void {
    this.#sighted.clear();
  }

  end(): void {
    this.#ended = true;
  }

  async #look(owner: WorkerId): Promise<void> {
    const { journal, runs, session, observer, journalRetry, freed } = this.#engine;
    try {
      this.#failed = false;
      const owned = await journalRetry.once('looking for leases that nobody holds', () =>
        journal.owned(owner, 'all'),
      );
      if (this.#ended || session.id !== owner) return;
      const forgotten = this.#forgottenOf(owned.filter(({ actorId }) => !runs.get(actorId)));
      for (let from = 0; from < forgotten.length; from += PORTION) {
        const portion = forgotten.slice(from, from + PORTION);
        const count = await journalRetry.once('looking for leases that nobody holds', () =>
          journal.giveBack(owner, portion),
        );
        if (count > 0) {
          observer.notice({ type: 'unheld leases given back', workerId: owner, count });
          freed();
        }
      }
    } catch (error) {
      // The next heartbeat looks again.
      this.#failed = true;
      if (!this.#ended) journalRetry.failed('looking for leases that nobody holds', error);
    } finally {
      this.#looking = false;
    }
  }

  /**
   * Leases that nobody here will hold any more: seen unheld before, under the same token, and no claim that began before that is still
   * under way. A start cannot look like that: its run is held here before the start is sent.
   */
  #forgottenOf(unheld: readonly OwnedActor[]): readonly OwnedActor[] {
    const before = this.#sighted;
    this.#sighted = new Map();
    return unheld.filter(({ actorId, token }) => {
      const earlier = before.get(actorId);
      const known = earlier?.token === token ? earlier : { token, claimsBegun: this.#claimsBegun };
      this.#sighted.set(actorId, known);
      return known === earlier && this.#claimsEnded >= known.claimsBegun;
    });
  }
}

interface Sighting {
  readonly token: number;
  /** How many claims had begun by then. */
  readonly claimsBegun: number;
}
