import type { Instant } from '../../core/index.js';
import type { ActorId, RunId, WorkerId } from '../ids.js';

/** Who is alive: sessions of workers, what they own, and what becomes of it when one dies. */
export interface JournalWorkers {
  /** Opens a worker's session. Runs of its namespace that are blocked under other builds become claimable at once. */
  register(session: WorkerSession): Promise<void>;
  /** Prolongs a session, and tells what its worker should know. */
  heartbeat(owner: WorkerId): Promise<HeartbeatAnswer>;
  /** What a worker owns: all of it, or the actors with unread messages. */
  owned(owner: WorkerId, which: 'all' | 'unread'): Promise<readonly OwnedActor[]>;
  /**
   * Frees actors that their owner was given and does not know of, each only under this token: they become claimable, and
   * nothing counts as failed. A row that somebody else holds is left as it is. Answers how many were freed.
   */
  giveBack(owner: WorkerId, actors: readonly OwnedActor[]): Promise<number>;
  /**
   * Ends a session and frees every actor it still holds; takeover is immediate. Waits some seconds for whoever holds a row,
   * when all others are free.
   */
  unregister(owner: WorkerId): Promise<void>;
  /**
   * Finds dead workers of a namespace (their session expired, or their process is known to be gone and missed two
   * heartbeats), marks them dead and frees the namespace's actors that they hold, also those that a late claim gave to a
   * session already dead. A freed actor counts as a failed turn; from the third on it is not claimable before a growing
   * delay. It also has one death more, and remembers whose: nothing else counts one. From the third death on it is a
   * suspect. One that two dead workers in a row held as their only suspect is blocked: for ten minutes at first, twice as
   * long each time, six hours at most, or until a worker of another build than those that died comes; not so where nearly
   * each of them was of a build of its own. Answers which ones it has blocked, and why.
   */
  rescue(namespace: string): Promise<RescueAnswer>;
  /**
   * How a thread of this process marks the run whose code has stopped the event loop: nothing else of the process could.
   * Whoever rescues the worker then knows which of its runs it was. `null` where no thread can: in memory there is
   * nobody left who could look, and on Postgres a password that is a function cannot be handed to a thread.
   */
  stuckMark(): StuckMark | null;
}

export interface WorkerSession {
  readonly id: WorkerId;
  /** Whose runs it takes. Its own: another namespace may have workflows of the same names that are other code. */
  readonly namespace: string;
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  /** What is deployed; runs blocked under another build are tried again. */
  readonly buildId: string;
  readonly workflows: readonly { readonly name: string; readonly version: number }[];
  /** How long the session lives without a heartbeat, and with it the leases of its worker, in ms. */
  readonly leaseTimeout: number;
  /** How often it will prolong itself, in ms. */
  readonly heartbeatInterval: number;
}

export type HeartbeatAnswer =
  /** The session was ended by a rescuer: drop every run and register anew. */
  | { readonly type: 'dead' }
  | {
      readonly type: 'alive';
      /** The database's clock while it answered. */
      readonly now: Instant;
      /** How many actors the worker owns. */
      readonly owned: number;
      /** Those of them with unread messages. */
      readonly unread: readonly OwnedActor[];
    };

export interface OwnedActor {
  readonly actorId: ActorId;
  /** Of the lease. */
  readonly token: number;
  readonly inboxSeq: number;
}

export interface RescueAnswer {
  readonly deadWorkers: readonly WorkerId[];
  readonly freedActors: number;
  /** Those of them that were blocked by it. */
  readonly blocked: readonly BlockedRun[];
}

/** A run that is blocked because workers died with it. */
export interface BlockedRun {
  readonly workflow: string;
  readonly workflowId: string;
  readonly runId: RunId;
  readonly reason: string;
}

/** What a thread can be given: text and plain data. */
export interface StuckMark {
  /** The body of a function `(run, data, require)` that returns a promise; `run` has `namespace`, `workflowId` and `runId`. */
  readonly program: string;
  readonly data: unknown;
}
