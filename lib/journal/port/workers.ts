import type { EncodedFailure, Instant, Rollback } from '../../core/index.js';
import type { ActorId, RunId, WorkerId } from '../ids.js';

/** Who is alive: sessions of workers, what they own, and what becomes of it when one dies. */
export interface JournalWorkers {
  /** Opens a worker's session. Runs of its namespace that are blocked under other builds become claimable at once. */
  register(session: WorkerSession): Promise<void>;
  /** Prolongs a session, and tells what its worker should know. */
  heartbeat(owner: WorkerId): Promise<HeartbeatAnswer>;
  /**
   * The worker takes no new runs any more: it is closing. Its session goes on, and what it holds stays its own; but nobody
   * counts on it for what is to come (`newer` of a {@link HeartbeatAnswer}). Nothing for a session that has ended.
   */
  leave(owner: WorkerId): Promise<void>;
  /** What a worker owns: all of it, or the actors with unread messages. */
  owned(owner: WorkerId, which: 'all' | 'unread'): Promise<readonly OwnedActor[]>;
  /**
   * Frees actors whose lease this worker has in the database, but not in memory, each only under this token. They become
   * claimable, and no turn counts as failed. A row that is locked is left as it is. Answers how many were freed.
   */
  giveBack(owner: WorkerId, actors: readonly OwnedActor[]): Promise<number>;
  /**
   * Ends a session and frees every actor it still holds; takeover is immediate. Rows that are locked come last, and are
   * waited for some seconds; what is still locked then is freed by a later rescue.
   */
  unregister(owner: WorkerId): Promise<void>;
  /**
   * Finds dead workers of a namespace (their session expired, or their process is known to be gone and missed two
   * heartbeats), marks them dead and frees the namespace's actors that they hold, also those that a late claim gave to a
   * session already dead. A freed actor counts as a failed turn; from the third on it is not claimable before a growing
   * delay. It also has one death more, and remembers whose: nothing else counts one. From the third death on it is a
   * suspect. One that two dead workers in a row held as their only suspect is blocked: for ten minutes at first, twice as
   * long each time, six hours at most. A worker of another build than those that died wakes it earlier, unless the builds of
   * those differ so much that they cannot be deployments. Answers which runs it has blocked, and why.
   */
  rescue(namespace: string): Promise<RescueAnswer>;
  /**
   * Ends runs whose time limit passed a minute ago, and that no live session could take since: as `timed_out`, without their
   * code. `rollback` tells whether something would have had to be undone. Their parents and children are told, as by any end. A
   * run that is leased, paused or rolls back is left alone, and so is one whose row somebody has locked.
   */
  endOverdue(request: OverdueRequest): Promise<OverdueAnswer>;
  /**
   * How a thread of this process marks the run whose code has stopped the event loop, since nothing else of the process can.
   * The rescue of the worker then knows which of its runs it was. `null` where no thread can do it: in memory no other process
   * could read the mark, and on Postgres a password that is a function cannot be given to a thread.
   */
  stuckMark(): StuckMark | null;
}

export interface WorkerSession {
  readonly id: WorkerId;
  /** It takes runs of this namespace only: another one may have workflows of the same names with other code. */
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
  /** The session was ended by a rescue: drop every run, and register again under a new id. */
  | { readonly type: 'dead' }
  | {
      readonly type: 'alive';
      /** The database's clock while it answered. */
      readonly now: Instant;
      /** How many actors the worker owns. */
      readonly owned: number;
      /** Those of them with unread messages. */
      readonly unread: readonly OwnedActor[];
      /**
       * Workflows of this worker, under the names of its session, of which others of its namespace have a newer version than
       * any that it has: the newest. Only of sessions that will last: not of one that is leaving, or has missed two heartbeats.
       */
      readonly newer: readonly { readonly name: string; readonly version: number }[];
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

export interface OverdueRequest {
  readonly namespace: string;
  /** What the runs end with. */
  readonly failure: EncodedFailure;
  /** So many at most. */
  readonly limit: number;
}

export interface OverdueAnswer {
  readonly ended: readonly OverdueRun[];
  /** There may be more of them. */
  readonly more: boolean;
  /** Why some of them could not be ended; `null` where all could. One that cannot be ended keeps no other from its end. */
  readonly trouble: Error | null;
}

/** A run that was ended because nobody serves it. */
export interface OverdueRun {
  readonly workflow: string;
  readonly workflowId: string;
  readonly runId: RunId;
  readonly rollback: Rollback;
}

/** What a thread can be given: text and plain data. */
export interface StuckMark {
  /** The body of a function `(run, data, require)` that returns a promise; `run` has `namespace`, `workflowId` and `runId`. */
  readonly program: string;
  readonly data: unknown;
}
