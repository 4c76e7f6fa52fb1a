import type { Lineage } from '../../core/index.js';
import type { Unanswered } from '../errors.js';
import type { WorkerId } from '../ids.js';
import type { Deadlines } from './deadlines.js';
import type { InboxMessage } from './reading.js';
import type { CommitAnswer, Lease, Turn } from './turn.js';

/** What the holder of a run does: it claims the lease, reads, and writes one turn after the other until it gives the lease back. */
export interface JournalHolding {
  /**
   * Leases up to `limit` due actors of these workflows in one namespace to a live worker, by priority, then by how long
   * they are due. Suspects are not among them.
   */
  claim(request: ClaimRequest): Promise<readonly Claim[]>;

  /**
   * Leases due suspects to a live worker: runs that three workers or more died with, one after the other. It gives the one
   * that has been due the longest, alone, once that is for `waited` ms; or, if it died together with more than eight suspects,
   * an eighth of them. A worker that gets one alone should take it up with nothing else in memory. It makes room after the
   * claim: the lease keeps other workers from making room for the same one.
   */
  claimSuspects(request: SuspectRequest): Promise<readonly Claim[]>;

  /**
   * Applies turns, at most one per actor, all of one owner. `wait`: as for {@link JournalSending.send}, instead of `busy`.
   * Throws {@link JournalUnavailableError} with `ambiguous: true` when the connection died after the write was sent:
   * then {@link refence} tells what became of it.
   */
  commit(turns: readonly Turn[], options?: { wait?: boolean }): Promise<readonly CommitAnswer[]>;

  /**
   * Takes a deciding turn while the actor is locked, so that no message can arrive in between (F17): `take` gets the
   * inbox after `inboxAfter` and makes the turn. Throws what `take` throws, with nothing written; so it throws
   * a ContentionError while somebody's open transaction has started the workflow id of a child of the turn.
   */
  commitLocked(
    lease: Lease,
    inboxAfter: number,
    take: (messages: readonly InboxMessage[]) => Promise<Turn>,
  ): Promise<CommitAnswer>;

  /**
   * After an ambiguous failure: moves the fence of each lease that is still held, so that bytes still on their way
   * write nothing, and then reads where history ends.
   */
  refence(leases: readonly Lease[]): Promise<readonly RefenceAnswer[]>;
}

export interface ClaimRequest {
  readonly owner: WorkerId;
  readonly namespace: string;
  readonly workflows: readonly { readonly name: string; readonly version: number }[];
  readonly limit: number;
}

export interface SuspectRequest extends ClaimRequest {
  /** For how long a suspect that is given alone must have been due, in ms. A worker that holds runs leaves it to others for a while. */
  readonly waited: number;
}

export interface Claim {
  readonly lease: Lease;
  readonly namespace: string;
  readonly workflowId: string;
  readonly workflow: string;
  readonly version: number;
  readonly inboxSeq: number;
  readonly inboxConsumed: number;
  /** How many turns failed, or were lost with their worker, since one applied. */
  readonly failedTurns: number;
  /** How many workers died while they held it, since a turn with {@link Turn.clearsDeaths} applied. */
  readonly deaths: number;
  /** Whose child it is; `null` of one that was started from outside. */
  readonly lineage: Lineage | null;
  readonly deadlines: Deadlines;
}

export type RefenceAnswer =
  /** The row is locked: ask again. If the error is ambiguous, the fence may have been moved. */
  | Unanswered
  /** Still held, under a new token. */
  | { readonly type: 'held'; readonly lease: Lease; readonly lastSeq: number; readonly inboxConsumed: number }
  /** Not held any more, but the run goes on elsewhere or unleased; history ended here when it was read. */
  | { readonly type: 'lost'; readonly lastSeq: number }
  /** The run is closed; `lastSeq` and the token it was closed under tell whether by this holder. */
  | { readonly type: 'closed'; readonly lastSeq: number; readonly token: number };
