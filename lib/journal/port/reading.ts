import type {
  Encoded,
  FailureSummary,
  HistoryEntry,
  Instant,
  Lineage,
  UpdateAnswered,
} from '../../core/index.js';
import type { ActorId, RunId, WorkerId } from '../ids.js';
import type { CheckedBy, MessageKind } from './sending.js';
import type { ClosedState, UpdateRefusal } from './turn.js';

/** How runs are, and how they ended. It takes no locks: what it tells may have changed a moment later. */
export interface JournalReading {
  /** Reads history after `historyAfter` and inbox after `inboxAfter`, each in order. */
  load(requests: readonly LoadRequest[]): Promise<readonly Loaded[]>;
  /** Describes runs: of a workflow id its latest run, or the one named. `null` for one that is not known. */
  describe(refs: readonly RunRef[]): Promise<readonly (RunDescription | null)[]>;
  /** How runs ended: the description and the last entry; `null` while they run. Throws nothing for unknown runs: `null` too. */
  outcomes(runIds: readonly RunId[]): Promise<readonly (RunOutcome | null)[]>;
  /** What updates came to. Throws nothing for unknown ones. */
  answers(updates: readonly UpdateRef[]): Promise<readonly UpdateAnswer[]>;
  /** A page of runs by the filter, newest first unless told otherwise; pages follow `cursor` (keyset). */
  list(query: ListQuery): Promise<RunPage>;
  count(filter: RunFilter): Promise<number>;
  /**
   * Whether a live worker takes runs of these workflows. One that died without a word counts until its session ends; one
   * that is away for a moment does as well.
   */
  served(workflows: readonly ServedWorkflow[]): Promise<readonly boolean[]>;
  /** The workflows of open runs of a namespace that no live worker takes: each once, in the order of their names. */
  unserved(namespace: string): Promise<readonly Pick<ServedWorkflow, 'workflow' | 'version'>[]>;
}

export interface LoadRequest {
  readonly actorId: ActorId;
  readonly runId: RunId;
  /** `null` reads no history. */
  readonly historyAfter: number | null;
  /** The last entry to be read. Defaults to the end of the history. */
  readonly historyThrough?: number;
  /** `null` reads no inbox. */
  readonly inboxAfter: number | null;
}

export interface Loaded {
  /** Entry `i` has the sequence number `historyAfter + 1 + i`. */
  readonly history: readonly HistoryEntry[];
  readonly messages: readonly InboxMessage[];
}

export interface InboxMessage {
  readonly n: number;
  /**
   * `child_start`, which the commit of the parent writes, tells whether a child was started. `callback_result` tells how a
   * callback was settled, or, written by the commit that would have opened it, that its key was taken. `rollback_retry`, the first one
   * of a run that was opened again, asks for its rollback.
   */
  readonly kind: 'start' | 'child_start' | 'callback_result' | 'rollback_retry' | MessageKind;
  /** Of a `start` that continues another run: the id of that run. */
  readonly name: string | null;
  readonly payload: Encoded | null;
  /** The one run that it is for, where only that run can make anything of it. For every other run it means nothing. */
  readonly forRun?: RunId | undefined;
  /** As of {@link Message}. */
  readonly checkedBy?: CheckedBy | undefined;
  /** The id of an update; absent of every other message. */
  readonly updateId?: string | undefined;
  /** Who asked for it, where that was said. */
  readonly by?: string | undefined;
  readonly at: Instant;
  /** Of a start: the attributes that the run has. */
  readonly attributes?: Readonly<Record<string, unknown>>;
}

export type RunState = 'running' | ClosedState | 'continued' | 'terminated';

export interface RunRef {
  readonly namespace: string;
  readonly workflowId: string;
  readonly runId: RunId | null;
}

export interface RunDescription {
  readonly namespace: string;
  readonly workflowId: string;
  readonly runId: RunId;
  readonly actorId: ActorId;
  readonly workflow: string;
  readonly version: number;
  readonly state: RunState;
  readonly startedAt: Instant;
  readonly closedAt: Instant | null;
  /** Of a run that continued as another one: that one. */
  readonly continuedTo: RunId | null;
  /** When its time limit ends: its own or that of its chain, whichever comes first; `null` for none. */
  readonly deadlineAt: Instant | null;
  /** Of an open run: nobody takes it up before. Its `startAt`, or the end of the pause after a failed turn. */
  readonly notBefore: Instant | null;
  readonly attributes: Readonly<Record<string, unknown>> | null;
  /** What the run last told people by `ctx.setDetails`. */
  readonly details: string | null;
  /** Of a child: which run has started it, and which one stands at the top. `null` of a run that was started from outside. */
  readonly lineage: Lineage | null;
  /** Of an open run that is blocked, which means that it cannot go on: why, since when, and how many turns failed. */
  readonly blocked: { readonly reason: string; readonly since: Instant; readonly failedTurns: number } | null;
  /** Of a run that failed: what failed it. `null` of every other. */
  readonly failure: FailureSummary | null;
  /**
   * Of an open run that workers died with, one after the other, before it went on: how many, and the latest of them,
   * the last one first. The run may be why, or may only have been there.
   */
  readonly deaths: { readonly count: number; readonly workers: readonly WorkerDeath[] } | null;
  /**
   * Of an open run: how many messages its workflow id got so far, how many of them are consumed, and which worker has the
   * run in memory to consume them.
   */
  readonly inbox: {
    readonly arrived: number;
    readonly consumed: number;
    readonly owner: WorkerId | null;
  } | null;
}

/** A worker that died, or was not heard of for so long that its runs were taken over. */
export interface WorkerDeath {
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  readonly buildId: string;
  /** When it was found dead. */
  readonly at: Instant;
  /** Whether its watchdog saw that it stood still in the code of this very run. */
  readonly stuck: boolean;
}

/** A workflow, of which is asked whether any worker takes its runs. */
export type ServedWorkflow = Pick<RunDescription, 'namespace' | 'workflow' | 'version'>;

export interface RunOutcome {
  readonly run: RunDescription;
  readonly last: HistoryEntry;
}

/** An update that was sent. */
export interface UpdateRef {
  readonly namespace: string;
  readonly workflowId: string;
  readonly updateId: string;
}

export type UpdateAnswer =
  /** By the `update_answered` of a history. */
  | { readonly type: 'answered'; readonly entry: UpdateAnswered }
  /** By the commit that consumed it: {@link Turn.refusals}. */
  | { readonly type: 'refused'; readonly refusal: UpdateRefusal }
  /** It has no answer, and its run goes on. */
  | { readonly type: 'open' }
  /** It has no answer, and gets none: its run was closed without one, as by `terminate`. */
  | { readonly type: 'gone' }
  /** No such update was sent. */
  | { readonly type: 'unknown' };

export interface RunFilter {
  readonly namespace: string;
  /** The name that a run is stored with: this one, or one of these. */
  readonly workflow?: string | readonly string[] | undefined;
  readonly workflowId?: string | undefined;
  readonly state?: RunState | readonly RunState[] | undefined;
  /** `false`: of the open ones, those that no live worker takes. */
  readonly served?: false | undefined;
  readonly startedAfter?: Instant | undefined;
  readonly startedBefore?: Instant | undefined;
  /** Each of these attributes has this value. */
  readonly attributes?: Readonly<Record<string, unknown>> | undefined;
  /** Each of these holds as well. */
  readonly conditions?: readonly AttributeCondition[] | undefined;
}

/**
 * What an attribute has to be. Numbers are compared with numbers, and texts with texts, by their code points; a value of another
 * kind never fits.
 */
export type AttributeCondition =
  /** One of these values. */
  | { readonly name: string; readonly is: 'in'; readonly values: readonly unknown[] }
  | {
      readonly name: string;
      readonly is: '>' | '>=' | '<' | '<=';
      readonly value: string | number;
    };

export interface ListQuery {
  readonly filter: RunFilter;
  readonly order: 'newest' | 'oldest';
  readonly cursor: string | null;
  /** 1 to 1,000. */
  readonly limit: number;
}

export interface RunPage {
  readonly runs: readonly RunDescription[];
  /** Of the next page; `null` on the last one. */
  readonly next: string | null;
}
