import type { Instant } from '../../core/index.js';
import type { ActorId, Journal, Transaction, WorkerId } from '../../journal/index.js';

/**
 * What the contract suite needs of an adapter beside the port itself.
 *
 * Every test makes a harness of its own and disposes of it, so the journal in it must be empty. An adapter whose
 * set-up is expensive makes it once and empties its tables here.
 */
export interface JournalHarness {
  /** Opened, and without any run or worker. */
  readonly journal: Journal;
  /**
   * Another client of the same store, opened, as a second process would have it: with connections of its own.
   * `dispose` closes it.
   */
  second(): Promise<Journal>;
  /** What the store's clock shows: the one clock that leases, timers and orders go by. */
  now(): Promise<Instant>;
  /**
   * Lets `ms` pass for everything that is stored: a manual clock goes forward, or every stored time goes back
   * (due times, floors and deadlines of actors, due times of what is to be delivered, since when they are blocked, expiry and
   * heartbeat of sessions, start and end of runs). Instants that a test has computed before may so be stale: the suite computes them anew after it.
   */
  elapse(ms: number): Promise<void>;
  /**
   * The process of this worker is gone, at once and for good, without a goodbye: for Postgres the connection that
   * holds its session's lock dies. The suite registers such a worker through a {@link second} client and does not use
   * that client any more.
   */
  killWorker(owner: WorkerId): Promise<void>;
  /** Somebody else holds the actor's row, an application's open transaction for instance, until the answer is called. */
  holdActor(actorId: ActorId): Promise<() => Promise<void>>;
  /**
   * Where the adapter takes part in its callers' transactions: does `work` in one, and ends it as told. The
   * transaction's `onCommit` is the test's own, and is called after a commit only. Absent: the adapter refuses a
   * caller's transaction with a JournalError.
   */
  readonly transaction?: (
    work: (transaction: Transaction) => Promise<void>,
    end: 'commit' | 'roll back',
    onCommit?: () => void,
  ) => Promise<void>;
  /** Closes every client, and removes what was stored. */
  dispose(): Promise<void>;
}

export type MakeHarness = () => Promise<JournalHarness>;
