import { Fold, isTerminal } from '../../core/index.js';
import type {
  ChooseSuccessor,
  Codec,
  DeadlinePassed,
  Encoded,
  FoldOptions,
  HistoryEntry,
  HistorySize,
  Mistakes,
  ReplayMismatchError,
  UpdateVerdict,
  WorkflowDefinition,
} from '../../core/index.js';
import type { AsyncScope } from '../process/async-scope.js';
import { callSite, markCallSite } from '../process/call-site.js';
import { OtherWorld, WORLDS } from '../replay-check/other-world.js';
import type { Mismatches } from '../replay-check/fold-comparison.js';
import { compareFolds } from '../replay-check/fold-comparison.js';
import type { ResidentFacts } from './run-host.js';
import type { PumpListener, WindowScheduler } from '../process/window-scheduler.js';

export interface RunFoldParts {
  readonly definition: WorkflowDefinition;
  readonly run: ResidentFacts;
  readonly codec: Codec;
  readonly scheduler: WindowScheduler;
  readonly scope: AsyncScope;
  /** Whether each turn is folded a second time and compared (F30). */
  readonly replayCheck: boolean;
  readonly mistakes: Mistakes;
  readonly mismatches: Mismatches;
  readonly chooseSuccessor: ChooseSuccessor;
  readonly largestHistory: HistorySize | undefined;
  /** The turn cannot go on; it may come up while nothing is delivered. */
  readonly onFault: () => void;
}

/** The fold of a resident run, and how much of it the journal has. */
export class RunFold {
  readonly #parts: RunFoldParts;
  #fold: Fold;
  #committed = 0;
  #decided = false;
  #withoutCode = false;
  #toldFloating: Set<unknown> | null = null;
  /** Kept for the second fold only. */
  #history: HistoryEntry[] | null;

  constructor(parts: RunFoldParts) {
    this.#parts = parts;
    this.#history = parts.replayCheck ? [] : null;
    this.#fold = this.#make(this.#first);
  }

  get current(): Fold {
    return this.#fold;
  }
  /** Where history ends in the journal. */
  get committed(): number {
    return this.#committed;
  }
  /** The rollback is driven from history alone: there is no object to ask. */
  get withoutCode(): boolean {
    return this.#withoutCode;
  }
  /** The turn under way decides the run, or ends it (F16): signals may refuse it (F17). */
  get decides(): boolean {
    return this.#fold.progress.closed !== null || (this.#fold.decided !== null && !this.#decided);
  }
  /** The run goes on as another one: what is unread is for that one to take, and refuses nothing (F17). */
  get continues(): boolean {
    return this.#fold.decided?.type === 'continued';
  }
  /** Nothing more may be fed to the turn under way. */
  get isFull(): boolean {
    return this.#fold.fault !== null || this.decides;
  }

  /** What promises that nobody awaits were rejected with, each told once (F24). */
  newlyFloating(): readonly unknown[] {
    const floating = this.#fold.floatingRejections;
    if (floating.length === 0) return floating;
    const told = (this.#toldFloating ??= new Set());
    const fresh = floating.filter((reason) => !told.has(reason));
    for (const reason of fresh) told.add(reason);
    return fresh;
  }

  /** Asks the object, as {@link Fold.query}. */
  query(name: string, args: readonly unknown[]): unknown {
    return this.#parts.scheduler.call(this.#parts.run, () => this.#fold.query(name, args));
  }

  /** Whether an update can be accepted, as {@link Fold.validate}. */
  validate(name: string, payload: Encoded): UpdateVerdict {
    return this.#parts.scheduler.call(this.#parts.run, () => this.#fold.validate(name, payload));
  }

  pump(): Promise<void> {
    return this.#parts.scheduler.pump(this.#fold, this.#parts.run);
  }
  pumpFor(listener: PumpListener): void {
    this.#parts.scheduler.pumpFor(listener, this.#fold, this.#parts.run);
  }

  /** Folds the journal's history anew. */
  async replay(history: readonly HistoryEntry[]): Promise<void> {
    // Before the replay, which may fail: the history ends there in any case.
    this.#committed = history.length;
    // From the recorded rollback on no code is needed (F22).
    this.#withoutCode = history.some((entry) => entry.type === 'rollback_started' || isUnfinished(entry));
    this.#fold.close();
    this.#fold = this.#make(this.#first);
    this.#fold.replay(history);
    await this.pump();
    this.#decided = this.#fold.decided !== null;
    if (this.#history) this.#history = [...history];
  }

  /**
   * Makes a fold without the code that goes on with a rollback of this history.
   *
   * @returns what it has to write; `null`: the history rolls back already, or has ended
   */
  force(
    history: readonly HistoryEntry[],
    passed: DeadlinePassed,
    error: Error,
  ): readonly HistoryEntry[] | null {
    if (history.some((entry) => entry.type === 'rollback_started' || isTerminal(entry))) return null;
    if (history.some((entry) => entry.type === 'deadline_passed')) return null;
    this.#committed = history.length;
    this.#withoutCode = true;
    this.#fold.close();
    this.#fold = this.#make(this.#first);
    this.#fold.replay(history);
    this.#fold.force(passed, error);
    if (this.#history) this.#history = [...history];
    return this.#fold.takeEmitted();
  }

  /** History ends there, and is not read. */
  skip(lastSeq: number): void {
    this.#committed = lastSeq;
  }

  /** The journal has what the fold emitted. */
  applied(entries: readonly HistoryEntry[]): void {
    this.#committed += entries.length;
    this.#history?.push(...entries);
    this.#decided = this.#fold.decided !== null;
  }

  /** Whether {@link mismatch} looks. */
  get isChecked(): boolean {
    return this.#history !== null;
  }

  /** Folds everything a second time and compares: finds what code reads that is not in the history (F30). */
  async mismatch(entries: readonly HistoryEntry[]): Promise<ReplayMismatchError | null> {
    if (this.#history === null || this.#withoutCode || this.#fold.fault) return null;
    const found = await this.#compare(this.#history, entries);
    if (found) this.#parts.mismatches.add(this.#parts.run.runId, found);
    return found;
  }

  /** What {@link mismatch} has found of this run before. It stays found: another try might pass by luck. */
  get mismatched(): ReplayMismatchError | null {
    return this.#withoutCode ? null : this.#parts.mismatches.of(this.#parts.run.runId);
  }

  async #compare(
    recorded: readonly HistoryEntry[],
    entries: readonly HistoryEntry[],
  ): Promise<ReplayMismatchError | null> {
    // After a tolerated change of the code the history is what the old code made of it.
    const strict = this.#fold.reordered === 0 && this.#fold.changedArguments === 0;
    const history = [...recorded, ...entries];
    for (let i = 0; i < WORLDS; i++) {
      const world = new OtherWorld(i, this.#fold.instance);
      const again = this.#make({ strict, frame: world });
      again.replay(history);
      await this.#parts.scheduler.pump(again, this.#parts.run);
      again.close();
      const mismatch = compareFolds(this.#fold, again, world.firstLook);
      // Code that reads no clock and no random number comes out alike in every world. Code that does may do so in one of them,
      // by chance, but hardly in all.
      if (mismatch || world.firstLook === null) return mismatch;
    }
    return null;
  }

  /** Of the fold that counts. In development its messages tell lines (F13, F30). */
  get #first(): Pick<FoldOptions, 'onFault' | 'mark' | 'callSite'> {
    const { onFault, replayCheck } = this.#parts;
    return replayCheck ? { onFault, mark: markCallSite, callSite } : { onFault, callSite };
  }

  #make(options: Pick<FoldOptions, 'strict' | 'frame' | 'onFault' | 'mark' | 'callSite'>): Fold {
    const { definition, codec, run, scope, mistakes, chooseSuccessor, largestHistory } = this.#parts;
    const withoutCode = this.#withoutCode;
    return new Fold({
      definition,
      codec,
      run,
      asyncScope: scope,
      withoutCode,
      mistakes,
      chooseSuccessor,
      ...(largestHistory && { largestHistory }),
      ...options,
    });
  }
}

/** An end with something left to undo: it is taken up again where somebody asks for that. Any other end came meanwhile. */
const isUnfinished = (entry: HistoryEntry): boolean =>
  isTerminal(entry) && 'rollback' in entry && entry.rollback === 'incomplete';
