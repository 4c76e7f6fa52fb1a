import type { Lineage } from '../../core/index.js';
import { errorText, isEvent, TimeoutFailure, toError } from '../../core/index.js';
import type { DeadlinePassed, HistoryEntry, RunProgress, WorkflowDefinition } from '../../core/index.js';
import { Backoff, JournalRefusedError, JournalUnavailableError } from '../../journal/index.js';
import type {
  Claim,
  Deadlines,
  InboxMessage,
  Lease,
  Loaded,
  RefenceAnswer,
  Successor,
  Turn,
  TurnOutcome,
} from '../../journal/index.js';
import { resultOf } from '../activities/attempt-verdict.js';
import type { AttemptResult } from '../activities/attempt-verdict.js';
import type { Committed } from '../commit/group-committer.js';
import { Inbox } from './inbox.js';
import { closingFor, reachingOut } from './outward-turn.js';
import { emptyContext, pause } from '../../concurrency/index.js';
import { RunActivities } from '../activities/run-activities.js';
import { inAscii, writeReturned } from '../activities/returned-result.js';
import { RunFold } from './run-fold.js';
import type { ResidentFacts, RunHost } from './run-host.js';
import { KindsOfWork } from './kinds-of-work.js';
import { RunCallbacks } from './run-callbacks.js';
import { RunChildren } from './run-children.js';
import { RunDeadline } from './run-deadline.js';
import { RunMessages } from './run-messages.js';
import { RunTimers } from './run-timers.js';
import { stateOf } from './closed-state.js';
import { Suspicion } from './suspicion.js';

/** What a claim, or a start, tells of a run that is to be held. */
export type Holding = Pick<
  Claim,
  'lease' | 'inboxSeq' | 'inboxConsumed' | 'failedTurns' | 'deaths' | 'lineage' | 'deadlines'
>;

/** Characters of why a run had to be rolled back by force. */
const LONGEST_CAUSE = 2_000;

/** What a holder has of its run: the lease to write it, its fold, its inbox, what it has in flight. */
export class HeldRun {
  readonly host: RunHost;
  readonly definition: WorkflowDefinition;
  readonly facts: ResidentFacts;
  readonly fold: RunFold;
  readonly kinds: KindsOfWork;
  /** One of those kinds: for what only activities have, which is results that must not be lost. */
  readonly activities: RunActivities;
  /** Another of those kinds: for a run whose code cannot go on. */
  readonly deadline: RunDeadline;
  readonly inbox: Inbox;
  readonly suspicion: Suspicion;
  /** An empty asynchronous context. What the engine does for this run is done in it, so that it sees nothing of who woke it (F25). */
  readonly context = emptyContext();
  /** Whose child it is; `null` of one that was started from outside. */
  readonly lineage: Lineage | null;
  /** How many turns failed since one applied. */
  failedTurns: number;
  #lease: Lease;
  #toldOfSideEffects = false;
  #rivalsTold: Set<string> | null = null;

  constructor(
    host: RunHost,
    definition: WorkflowDefinition,
    facts: ResidentFacts,
    holding: Holding,
    wake: () => void,
  ) {
    this.host = host;
    this.definition = definition;
    this.facts = facts;
    this.#lease = holding.lease;
    this.failedTurns = holding.failedTurns;
    this.lineage = holding.lineage;
    this.suspicion = new Suspicion(holding.deaths);
    this.inbox = new Inbox(holding.inboxSeq, holding.inboxConsumed);
    const { codec, scheduler, scope, settings, executor, clock, observer } = host;
    this.fold = new RunFold({
      definition,
      run: facts,
      codec,
      scheduler,
      scope,
      replayCheck: settings.replayCheck,
      mistakes: settings.mistakes ?? 'fail',
      mismatches: host.mismatches,
      chooseSuccessor: host.chooseSuccessor,
      largestHistory: settings.largestHistory,
      onFault: wake,
    });
    const progress = (): RunProgress => this.fold.current.progress;
    this.activities = new RunActivities({
      run: facts,
      executor,
      codec,
      clock,
      observer,
      parkAfter: settings.parkAfter,
      progress,
      wake,
    });
    this.deadline = new RunDeadline(holding.deadlines, () => this.fold.current, clock);
    this.kinds = new KindsOfWork({
      activity: this.activities,
      child: new RunChildren(facts.runId, host.codec),
      message: new RunMessages(facts.runId),
      callback: new RunCallbacks(facts.runId),
      timer: new RunTimers(progress, clock),
      deadline: this.deadline,
    });
  }

  get lease(): Lease {
    return this.#lease;
  }
  /** Nothing is to be done before something comes from outside, or a time comes. */
  get isIdle(): boolean {
    return this.kinds.idle && !this.inbox.hasUnread;
  }

  /** The start was accepted: this is the fencing token, and the time limit. */
  bornWith(token: number, deadlines: Deadlines): void {
    this.#lease = { ...this.#lease, token };
    this.deadline.bornWith(deadlines);
  }

  /** Tells at once of rejections that nobody awaits (F24), and in development of code that may go wrong later (F30). */
  tellMistakes(entries: readonly HistoryEntry[]): void {
    const { observer, settings } = this.host;
    for (const error of this.fold.newlyFloating()) {
      observer.notice({ type: 'rejection floats', run: this.facts, error });
    }
    if (!settings.replayCheck) return;
    this.#tellRivals();
    this.#tellContinuation(entries);
    if (this.#toldOfSideEffects || !hasUnnamedSideEffects(entries)) return;
    this.#toldOfSideEffects = true;
    this.#warn(
      'Two side effects without a name were made in one event. If they stand in parallel branches, a change of the code may swap their values: name them, ctx.sideEffect(fn, name).',
    );
  }

  /** What was done is not undone any more, by whoever comes next: it may have been forgotten. */
  #tellContinuation(entries: readonly HistoryEntry[]): void {
    if (entries.at(-1)?.type !== 'run_continued') return;
    const { rollbackSteps } = this.fold.current.progress;
    if (rollbackSteps.length === 0) return;
    const names = rollbackSteps.map(({ name }) => name).join(', ');
    this.#warn(
      `The workflow continues as new while a rollback would still undo something (${names}). From here on nobody will: call ctx.commit() before, if that is meant.`,
    );
  }

  /** The loser of a `Promise.race` takes the next signal, which is lost, because no code looks at what a loser gets. */
  #tellRivals(): void {
    for (const name of this.fold.current.rivalWaits) {
      this.#rivalsTold ??= new Set();
      if (this.#rivalsTold.has(name)) continue;
      this.#rivalsTold.add(name);
      this.#warn(
        `The workflow waits for the signal "${name}" while an older wait for it is open, and the older one takes the next signal. If that one has lost a Promise.race, nobody looks at what it takes, and the signal is lost: use ctx.race({ … }), which ends the waits that lose. If both are meant to take, put each into a scope of its own: ctx.cancellable(…).`,
      );
    }
  }

  #warn(message: string): void {
    this.host.observer.notice({ type: 'workflow log', run: this.facts, level: 'warn', message, facts: null });
  }

  // ---------------------------------------------------------------------------------------- writing

  /** What there is of this run for the one that it continues as: its lease and its inbox. */
  handOver({ runId, runLimit }: Successor, inboxSeq: number): Holding {
    return {
      lease: { ...this.#lease, runId },
      inboxSeq,
      // Its start has the number of the last message that was consumed.
      inboxConsumed: this.inbox.consumed - 1,
      failedTurns: 0,
      deaths: this.suspicion.deaths,
      lineage: this.lineage,
      deadlines: this.deadline.ofSuccessor(runLimit),
    };
  }
  /** Whether a message is for this run: one that was for a run before means nothing to it. */
  isFor({ forRun }: InboxMessage): boolean {
    return forRun === undefined || forRun === this.#lease.runId;
  }

  /** Until the turn is applied or refused for good. {@link settled} takes what it came to. */
  commit(turn: Turn): Promise<Committed> {
    return this.host.committer.commit(turn);
  }
  /** A changed fencing token is taken along. */
  settled({ answer, lease }: Committed): Committed['answer'] {
    this.#lease = lease;
    return answer;
  }

  /**
   * Puts the ends of activities into the inbox before the code after them runs, to be taken from there: should it kill the
   * process, the next holder finds them, and no activity pays for it. What the journal refuses is taken as ever.
   */
  async keepEnds(): Promise<void> {
    const ends = this.activities.endsToKeep();
    if (ends.length === 0) return;
    await Promise.all(
      ends.map(async (end) => {
        const result = resultOf(end);
        if (result !== null && (await this.sendResult(result)) === null) this.activities.kept(end);
      }),
    );
    this.inbox.reachFurther();
    await this.readMail();
  }

  /** Puts a result into the inbox of the run. Why the journal does not take it; `null`: it has it. */
  async sendResult(result: AttemptResult): Promise<Error | null> {
    const { namespace, workflowId, runId } = this.facts;
    const { name, payload } = writeReturned(result);
    const message = {
      namespace,
      workflowId,
      runId,
      kind: 'activity_result',
      name,
      payload,
      dedupeId: null,
    } as const;
    try {
      await refusable(
        () => this.host.send(message),
        () => this.host.send({ ...message, payload: inAscii(payload) }),
      );
      return null;
    } catch (error) {
      if (error instanceof JournalUnavailableError) throw error;
      return toError(error);
    }
  }

  /** A turn that records nothing. */
  emptyTurn(outcome: TurnOutcome): Turn {
    return {
      lease: this.#lease,
      previousSeq: this.fold.committed,
      entries: [],
      consumedThrough: this.inbox.consumed,
      decides: false,
      firedUpTo: null,
      outcome,
    };
  }

  /** Entries that roll back a run whose code cannot go on, from its history alone; `null` where that needs no force. */
  async forced(passed: DeadlinePassed, cause: Error): Promise<readonly HistoryEntry[] | null> {
    const { history, messages } = await this.load(0, this.inbox.consumed);
    const error = new TimeoutFailure(
      `The run timed out while its code could not go on: ${errorText(cause)}`.slice(0, LONGEST_CAUSE),
    );
    const entries = this.fold.force(history, passed, error);
    if (entries !== null) this.#takeOver(this.inbox.consumed, messages);
    return entries;
  }

  /**
   * Messages stay unread, those that the failed turn had taken too: the rollback needs the ends of what is under way, and
   * counts the others.
   */
  forcedTurn(passed: DeadlinePassed, entries: readonly HistoryEntry[]): Turn {
    const { progress } = this.fold.current;
    const { closed } = progress;
    const outward = this.fold.current.takeOutward();
    return {
      ...this.emptyTurn({ type: 'roll back' }),
      entries,
      firedUpTo: passed.deadlineAt,
      ...(outward === null ? {} : reachingOut(outward, progress, this.facts)),
      ...(progress.hasOpenedCallbacks && { endsCallbacks: true }),
      ...(closed === null ? {} : closingFor(closed, progress, this.lineage)),
      ...(closed !== null &&
        closed.type !== 'run_continued' && { outcome: { type: 'close', state: stateOf(closed) } as const }),
    };
  }

  // ---------------------------------------------------------------------------------------- reading

  load(historyAfter: number | null, inboxAfter: number | null): Promise<Loaded> {
    const { actorId, runId } = this.#lease;
    return this.host.load({ actorId, runId, historyAfter, inboxAfter });
  }

  async readMail(): Promise<void> {
    const knownBefore = this.inbox.reaches;
    const { messages } = await this.load(null, this.inbox.readThrough);
    this.inbox.append(messages, knownBefore);
  }

  /** Folds the journal's history anew. */
  async replay(): Promise<void> {
    const { history } = await this.load(0, null);
    await this.fold.replay(history);
  }

  /** Takes up what was loaded. */
  async takeUp({ history, messages }: Loaded, inboxConsumed = this.inbox.consumed): Promise<void> {
    await this.fold.replay(history);
    this.suspicion.takenUp(this.fold.current.progress);
    if (this.fold.current.fault) this.inbox.replace(inboxConsumed, messages);
    else this.#takeOver(inboxConsumed, messages);
  }

  #takeOver(inboxConsumed: number, messages: readonly InboxMessage[]): void {
    this.inbox.replace(inboxConsumed, messages);
    // Above zero: the last holder died, or its turn failed. A failed turn puts the results that it has into the inbox first,
    // so an attempt without one is lost. After a plain release it was interrupted.
    this.kinds.recover({
      messages: messages.filter((message) => this.isFor(message)),
      died: this.failedTurns > 0,
    });
  }

  /**
   * Where history and inbox end, under a new fencing token; `undefined` when they are another's now. Asks again while
   * somebody else holds the row, until nobody waits for the journal any more.
   */
  async refence(): Promise<Extract<RefenceAnswer, { type: 'held' }> | undefined> {
    const { journal, journalRetry } = this.host;
    for (const backoff = new Backoff(); ; await pause(backoff.next())) {
      const [answer] = await journalRetry.through('refence', () => journal.refence([this.#lease]));
      if (answer?.type === 'unanswered') {
        if (journalRetry.ended || !(answer.error instanceof JournalUnavailableError)) throw answer.error;
      } else if (answer?.type === 'held') {
        this.#lease = answer.lease;
        return answer;
      } else return undefined;
    }
  }
}

/** Does it the second way where the journal refuses the first one for what it holds. */
async function refusable<T>(first: () => Promise<T>, second: () => Promise<T>): Promise<T> {
  try {
    return await first();
  } catch (error) {
    if (error instanceof JournalRefusedError) return second();
    throw error;
  }
}

/** Whether one segment has two of them (F23). */
function hasUnnamedSideEffects(entries: readonly HistoryEntry[]): boolean {
  let unnamed = 0;
  for (const entry of entries) {
    if (isEvent(entry)) unnamed = 0;
    else if (entry.type === 'side_effect_recorded' && entry.name === null && ++unnamed === 2) return true;
  }
  return false;
}
