import type { CommandId, Encoded } from '../../core/index.js';
import type { Unanswered } from '../errors.js';
import type { ActorId, RunId, WorkerId } from '../ids.js';
import type { CheckedBy } from './sending.js';

/** What becomes of the callbacks that runs have opened ({@link Turn.opens}). */
export interface JournalCallbacks {
  /**
   * Settles callbacks, each once: the first settlement counts, and is in the inbox of the run from then on. Waits some seconds
   * for a locked row. Each request waits for its own row only.
   */
  settleCallbacks(requests: readonly CallbackSettlement[]): Promise<readonly CallbackAnswer[]>;
}

export interface CallbackSettlement {
  readonly namespace: string;
  readonly callback: CallbackRef;
  readonly news: 'completed' | 'failed';
  /** What it was completed or failed with, as encoded text. */
  readonly payload: Encoded;
  /** Absent: no schema has seen the payload. */
  readonly checkedBy?: CheckedBy | undefined;
  /** What settled a callback with this key before settles no later one. */
  readonly dedupeId: string;
  /** Who settles it, for the history and the table of operations. Defaults to nobody. */
  readonly by?: string | null | undefined;
}

export type CallbackRef =
  | { readonly by: 'key'; readonly key: string }
  /** The run that has opened it, and the command by which it did. */
  | { readonly by: 'command'; readonly runId: RunId; readonly command: CommandId };

export type CallbackAnswer =
  | Unanswered
  | {
      readonly type: 'accepted';
      readonly actorId: ActorId;
      readonly n: number;
      readonly owner: WorkerId | null;
    }
  /** It was settled before: `same` by a settlement with this dedupe id. */
  | { readonly type: 'unchanged'; readonly same: boolean; readonly of: CallbackOwner }
  /** It is over without having been settled: it was withdrawn, or its run rolls back or has ended. */
  | { readonly type: 'not pending'; readonly of: CallbackOwner }
  /** There is none, or none yet. */
  | { readonly type: 'unknown' };

/** The run that has opened a callback. */
export interface CallbackOwner {
  readonly workflowId: string;
  readonly runId: RunId;
}
