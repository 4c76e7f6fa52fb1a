import type {
  ChooseSuccessor,
  Codec,
  HistorySize,
  Instant,
  RunContinued,
  TerminalEntry,
  Mistakes,
} from '../../core/index.js';
import type {
  ActorId,
  ClosedState,
  JournalHolding,
  Lease,
  Loaded,
  LoadRequest,
  Message,
  JournalRetry,
  UpdateAnswer,
} from '../../journal/index.js';
import type { Observer, RunFacts } from '../../observability/index.js';
import type { ActivityExecutor } from '../activities/activity-executor.js';
import type { NextRun } from './continuation.js';
import type { AsyncScope } from '../process/async-scope.js';
import type { DatabaseClock } from '../worker/database-clock.js';
import type { GroupCommitter } from '../commit/group-committer.js';
import type { Mismatches } from '../replay-check/fold-comparison.js';
import type { WindowScheduler } from '../process/window-scheduler.js';
import type { RunId } from '../../journal/index.js';

/** What resident runs share. */
export interface RunHost {
  readonly journal: JournalHolding;
  readonly committer: GroupCommitter;
  readonly executor: ActivityExecutor;
  readonly scheduler: WindowScheduler;
  readonly scope: AsyncScope;
  readonly clock: DatabaseClock;
  readonly codec: Codec;
  readonly observer: Observer;
  readonly settings: ResidencySettings;
  readonly journalRetry: JournalRetry;
  readonly mismatches: Mismatches;
  /** Whom a run continues as. */
  readonly chooseSuccessor: ChooseSuccessor;
  /** Whether this process has the workflow in this version. */
  serves(workflow: string, version: number): boolean;
  /** Reads and sends, in batches. They wait while the journal cannot be reached. */
  load(request: LoadRequest): Promise<Loaded>;
  send(message: Message): Promise<void>;
  /** Answers of updates are committed: who waits for them in this process need not ask the journal. */
  answered(run: ResidentFacts, actorId: ActorId, answers: readonly SettledUpdate[]): void;
  /** The journal has got something for other runs: a child that can be claimed, or a message that can be delivered. */
  sent(what: 'child' | 'message'): void;
  /** The run was dropped here, but its lease is still this worker's: it has to be given back. */
  stranded(lease: Lease): void;
}

/** What an update came to. */
export interface SettledUpdate {
  readonly updateId: string;
  readonly answer: Extract<UpdateAnswer, { type: 'answered' | 'refused' }>;
}

export interface ResidencySettings {
  /** A retry further away than this, in ms, is parked: it does not keep the run in memory. Timers never do. */
  readonly parkAfter: number;
  /** `always replay` drops the memory before every turn: for tests (F30). */
  readonly residency: 'sticky' | 'always replay';
  /** Whether each turn is folded a second time before it is committed, and compared (F30). */
  readonly replayCheck: boolean;
  /** From where on runs are told to continue as new, where it is not the usual. */
  readonly continueAfter?: HistorySize | undefined;
  /** How large a history may become. Defaults to 50,000 entries, and 50 MB. */
  readonly largestHistory?: HistorySize | undefined;
  /** What becomes of a run with an uncaught error of JavaScript itself, where its workflow does not say. Defaults to `'fail'`. */
  readonly mistakes?: Mistakes;
}

export interface ResidentFacts extends RunFacts {
  readonly runId: RunId;
  readonly namespace: string;
}

/** How a run left the memory. */
export type Departure =
  | {
      readonly type: 'closed';
      readonly state: ClosedState;
      readonly last: Exclude<TerminalEntry, RunContinued>;
    }
  /** It goes on as `next`; `null`: for another worker to claim. */
  | { readonly type: 'continued'; readonly last: RunContinued; readonly next: NextRun | null }
  | { readonly type: 'released'; readonly wakeAt: Instant | null; readonly unread: boolean }
  | { readonly type: 'blocked'; readonly delay: number }
  | { readonly type: 'lost' };
