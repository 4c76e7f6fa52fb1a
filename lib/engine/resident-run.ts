import { clearTimeout, setTimeout } from 'node:timers';
import { TurnFault } from '../core/index.js';
import type { HistoryEntry, HistoryNote, Instant, TerminalEntry, WorkflowDefinition } from '../core/index.js';
import { JournalUnavailableError } from '../journal/index.js';
import type {
  ClosedState,
  CommitAnswer,
  InboxMessage,
  Lease,
  Loaded,
  RefenceAnswer,
  Turn,
  TurnOutcome,
} from '../journal/index.js';
import type { Committed } from './group-committer.js';
import { Inbox } from './inbox.js';
import { pause } from './pause.js';
import { returnable, RunActivities } from './run-activities.js';
import { RunFold } from './run-fold.js';
import type { Ending, ResidentFacts, RunHost } from './run-host.js';
import { earliest, eventOf, retakeOrder } from './run-work.js';
import type { ReturnedResult, Work } from './run-work.js';

/** At most so many events make a turn (F28). */
const EVENTS_PER_TURN = 1_000;
/** So many times a refused deciding turn is taken again freely; then under the actor's lock (F17). */
const FREE_RETAKES = 2;
/** Longer waits overflow a timer. In ms. */
const LONGEST_TIMER = 2 ** 31 - 1;
/** Characters of what is shown of a fault. */
const LONGEST_REASON = 4_000;
/** A run that cannot go on is tried again after 1 s, 2 s, 4 s … 1 min. In ms. */
const FIRST_DELAY = 1_000;
const LONGEST_DELAY = 60_000;

/**
 * One run in memory, with the lease to write it. A turn goes: settle what activities did, take in what is due, fold it,
 * commit, and only then let it take effect.
 */
export class ResidentRun {
  readonly facts: ResidentFacts;
  readonly #host: RunHost;
  readonly #gone: (ending: Ending) => void;
  readonly #fold: RunFold;
  readonly #activities: RunActivities;
  readonly #inbox: Inbox;
  #lease: Lease;
  #failedTurns: number;
  #state: 'driving' | 'resting' | 'over' = 'resting';
  /** Something came up while the run was driving. */
  #again = false;
  #alarm: NodeJS.Timeout | undefined;
  #idleSince = performance.now();
  #betweenTurns: (() => void)[] = [];
  #leaving = false;

  constructor(
    host: RunHost,
    definition: WorkflowDefinition,
    facts: ResidentFacts,
    holding: {
      readonly lease: Lease;
      readonly inboxSeq: number;
      readonly inboxConsumed: number;
      readonly failedTurns: number;
    },
    gone: (run: ResidentRun, ending: Ending) => void,
  ) {
    this.#host = host;
    this.facts = facts;
    this.#gone = (ending) => gone(this, ending);
    this.#lease = holding.lease;
    this.#failedTurns = holding.failedTurns;
    this.#inbox = new Inbox(holding.inboxSeq, holding.inboxConsumed);
    const { codec, shell, scope, settings, executor, clock, observer } = host;
    this.#fold = new RunFold({ definition, run: facts, codec, shell, scope, paranoid: settings.paranoid });
    this.#activities = new RunActivities({
      run: facts,
      executor,
      codec,
      clock,
      observer,
      parkAfter: settings.parkAfter,
      progress: () => this.#fold.current.progress,
      wake: () => this.wake(),
    });
  }

  get actorId(): string {
    return this.#lease.actorId;
  }
  get over(): boolean {
    return this.#state === 'over';
  }
  /** Whether {@link query} can be asked: while a rollback is driven from history alone there is no object. */
  get answersQueries(): boolean {
    return !this.over && !this.#fold.withoutCode;
  }
  /** Since when nothing is to be done, by the monotonic clock; `null` while something is. */
  get idleSince(): number | null {
    return this.#state === 'resting' && this.#isIdle ? this.#idleSince : null;
  }
  get #isIdle(): boolean {
    return this.#activities.idle && !this.#inbox.hasUnread;
  }

  // ------------------------------------------------------------------------------------- beginning

  /** After a takeover: replays what the journal has, and goes on. */
  async resume(loaded: Loaded): Promise<void> {
    this.#state = 'driving';
    try {
      await this.#fold.replay(loaded.history);
      this.#inbox.replace(this.#inbox.consumed, loaded.messages);
      this.#recover(loaded.messages);
    } catch (error) {
      return this.#giveUp(error as Error);
    }
    await this.#drive();
  }

  /** After a takeover of what cannot be read: parks the run, so that it is seen. */
  async refuse(error: Error): Promise<void> {
    this.#state = 'driving';
    try {
      const held = await this.#refence();
      if (held) this.#fold.skip(held.lastSeq);
      await this.#giveUp(error);
    } catch (failure) {
      this.#strand(failure as Error);
    }
  }

  /**
   * Takes the first turn of a run that is not started yet, in memory only. The entries, when they can be written together
   * with the start; `null` when the turn does more than append.
   */
  async rehearse(start: InboxMessage): Promise<readonly HistoryEntry[] | null> {
    this.#state = 'driving';
    const fold = this.#fold.current;
    fold.feed(eventOf(start, false, this.#host.clock.now(), this.#host.codec));
    await this.#fold.pump();
    if (fold.fault || fold.decided) return null;
    const entries = fold.takeEmitted();
    return (await this.#fold.mismatch(entries)) ? null : entries;
  }

  /** The rehearsed turn was written together with the start. */
  born(token: number, entries: readonly HistoryEntry[]): void {
    if (this.over) return;
    this.#lease = { ...this.#lease, token };
    this.#applied(entries);
    void this.#drive();
  }

  // ------------------------------------------------------------------------------------ from outside

  /** There may be something to take up. */
  wake(): void {
    if (this.over) return;
    this.#again = true;
    if (this.#state === 'resting') void this.#drive();
  }

  /** The inbox reaches this far; `null`: further than known. */
  mailArrived(inboxSeq: number | null): void {
    if (inboxSeq === null) this.#inbox.reachFurther();
    else this.#inbox.reach(inboxSeq);
    if (this.#inbox.isBehind) this.wake();
  }

  /** Answers from committed state: between turns (F21). Throws what the handler throws. */
  query(name: string, args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const answer = (): void => {
        try {
          resolve(this.#fold.current.query(name, args));
        } catch (error) {
          reject(error);
        }
      };
      if (this.#state === 'driving') this.#betweenTurns.push(answer);
      else answer();
    });
  }

  /** Gives the run back as soon as nothing of it runs here; begins nothing more. */
  leave(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    this.#activities.drain();
    this.wake();
  }

  /** As {@link leave}, and stops what runs. */
  async interrupt(patience: number): Promise<void> {
    this.leave();
    await this.#activities.interrupt(patience);
    this.wake();
  }

  /** Gives an idle run back, to make room. */
  release(): void {
    if (this.idleSince !== null) this.leave();
  }

  /** The lease is another's: nothing is written any more. */
  drop(): void {
    this.#end({ type: 'lost' }, 'lease lost');
  }

  // ---------------------------------------------------------------------------------------- driving

  async #drive(): Promise<void> {
    if (this.over) return;
    this.#state = 'driving';
    clearTimeout(this.#alarm);
    try {
      do {
        this.#again = false;
        while (!this.over && (await this.#turn())) this.#answerQueries();
      } while (this.#again && !this.over);
      if (!this.over && this.#leaving && this.#isIdle) await this.#release();
    } catch (error) {
      await this.#giveUp(error as Error);
    }
    this.#answerQueries();
    if (!this.over) this.#rest();
  }

  #rest(): void {
    this.#state = 'resting';
    this.#idleSince = performance.now();
    if (this.#again) {
      void this.#drive();
      return;
    }
    const next = this.#nextMoment();
    if (next === null) return;
    // Also for what is further away than a run stays in memory for: an activity may keep it there.
    const wait = Math.min(this.#host.clock.until(next), LONGEST_TIMER);
    this.#alarm = setTimeout(() => this.wake(), wait).unref();
  }

  #answerQueries(): void {
    for (const answer of this.#betweenTurns.splice(0)) answer();
  }

  /** When the next timer fires, or an attempt that nobody has begun may begin. */
  #nextMoment(): Instant | null {
    const timer = this.#fold.current.progress.nextTimer();
    const parked = this.#activities.nextParked();
    if (timer === null || parked === null) return timer ?? parked;
    return Math.min(timer, parked);
  }

  /** Whether there was anything to do. */
  async #turn(): Promise<boolean> {
    const obstacle = this.#fold.current.fault ?? this.#activities.unavailable();
    if (obstacle) return this.#fail(obstacle, []);
    if (this.#inbox.isBehind) await this.#readMail();
    this.#activities.settle();
    const notes = this.#activities.takeNotes();
    for (const note of notes) this.#fold.current.note(note);
    const taken: Work[] = [];
    while (taken.length < EVENTS_PER_TURN && !this.#fold.isFull && !this.over) {
      const work = this.#takeNext();
      if (!work) break;
      taken.push(work);
      await this.#feed(work);
    }
    if (taken.length === 0 && notes.length === 0) return false;
    return this.#finish(taken, notes, 0);
  }

  /** What to take in next, by moment (F5); looked up anew after every event. */
  #takeNext(): Work | undefined {
    const message = this.#inbox.first;
    const ended = this.#activities.nextEnd();
    const timer = this.#fold.current.progress.dueTimers(this.#host.clock.safelyPast())[0];
    const work = earliest([
      message && { type: 'message', moment: message.at, message, hold: false },
      ended && { type: 'activity end', moment: ended.event.at, ended },
      timer && { type: 'timer', moment: timer.started.firesAt, timer },
    ]);
    if (work?.type === 'message') this.#inbox.take();
    else if (work?.type === 'activity end') this.#activities.takeEnd();
    return work;
  }

  async #feed(work: Work): Promise<void> {
    const at = this.#host.clock.now();
    const fold = this.#fold.current;
    switch (work.type) {
      case 'message':
        if (work.message.kind === 'activity_result') this.#feedReturned(work.message);
        else fold.feed(eventOf(work.message, work.hold, at, this.#host.codec));
        break;
      case 'activity end':
        fold.feed({ ...work.ended.event, at });
        break;
      case 'timer':
        fold.feed({ type: 'timer_fired', at: Math.max(at, work.moment), id: work.timer.started.id });
        break;
    }
    await this.#fold.pump();
  }

  #feedReturned(message: InboxMessage): void {
    // Written by `#returnResults`, of this or a former holder.
    const result = this.#host.codec.decode(message.payload!) as ReturnedResult;
    const settled = this.#activities.returned(Number(message.name), result);
    if (settled?.type === 'note') this.#fold.current.note(settled.note);
    else if (settled) this.#fold.current.feed({ ...settled.event, at: this.#host.clock.now() });
  }

  // ---------------------------------------------------------------------------------- ending a turn

  async #finish(taken: readonly Work[], notes: readonly HistoryNote[], retakes: number): Promise<boolean> {
    const fold = this.#fold.current;
    if (fold.fault) return this.#fail(fold.fault, taken);
    const entries = fold.takeEmitted();
    const mismatch = await this.#fold.mismatch(entries);
    if (mismatch) return this.#fail(mismatch, taken);
    // Nobody would do what it records.
    if (this.over) return false;
    const turn = this.#asTurn(entries, taken);
    const { answer } = await this.#commit(turn);
    switch (answer.type) {
      case 'applied':
        this.#turnApplied(turn, answer.inboxSeq);
        if (!this.over && this.#host.settings.residency === 'always replay') await this.#replay();
        return true;
      case 'signals unread':
        this.#refused(answer.type);
        return retakes < FREE_RETAKES
          ? this.#retake(taken, notes, retakes)
          : this.#retakeLocked(taken, notes);
      case 'history lost':
        this.#refused(answer.type);
        return this.#startOver();
      case 'refused':
        return this.#fail(answer.error, taken);
      case 'lost':
      case 'not applied':
      case 'busy':
      case 'not due':
        this.#letGo(answer);
        return false;
    }
  }

  #asTurn(entries: readonly HistoryEntry[], taken: readonly Work[]): Turn {
    let firedUpTo: Instant | null = null;
    for (const work of taken) if (work.type === 'timer') firedUpTo = Math.max(firedUpTo ?? 0, work.moment);
    const { closed } = this.#fold.current.progress;
    return {
      lease: this.#lease,
      previousSeq: this.#fold.committed,
      entries,
      consumedThrough: takenThrough(taken, this.#inbox.consumed),
      decides: this.#fold.decides,
      firedUpTo,
      outcome: closed ? { type: 'close', state: stateOf(closed) } : outcomeOf(entries),
    };
  }

  /** Until the turn is applied or refused for good; a changed fencing token is taken along. */
  async #commit(turn: Turn): Promise<Committed> {
    for (let current = turn; ;) {
      const committed = await this.#host.committer.commit(current);
      const { answer, lease } = committed;
      this.#lease = lease;
      if (answer.type === 'not due') await pause(answer.ahead + 1);
      else if (answer.type === 'not applied' && lease.token !== current.lease.token)
        current = { ...current, lease };
      else return committed;
    }
  }

  #turnApplied(turn: Turn, inboxSeq: number): void {
    this.#inbox.consume(turn.consumedThrough);
    this.#applied(turn.entries);
    if (!this.over) this.mailArrived(inboxSeq);
  }

  /** Committed entries take effect: activities begin, logs are printed, a closed run ends. */
  #applied(entries: readonly HistoryEntry[]): void {
    this.#fold.applied(entries);
    const { observer } = this.#host;
    if (entries.length > 0) {
      this.#failedTurns = 0;
      observer.notice({ type: 'turn committed', run: this.facts, entries: entries.length });
    }
    for (const { level, message, facts = null } of this.#fold.current.takeLogs()) {
      observer.notice({ type: 'workflow log', run: this.facts, level, message, facts });
    }
    const { closed } = this.#fold.current.progress;
    for (const entry of entries) {
      // Of a closed run only the requests to stop take effect.
      if (!closed || entry.type === 'activity_cancel_requested') this.#activities.committed(entry);
    }
    if (closed) this.#end({ type: 'closed', state: stateOf(closed), last: closed }, 'run closed');
  }

  #refused(reason: string): void {
    this.#host.observer.notice({ type: 'turn refused', run: this.facts, reason });
  }

  // ---------------------------------------------------------------------- taking a turn again (F17)

  /** Signals came in before a decision: it is taken again, with them before it. */
  async #retake(taken: readonly Work[], notes: readonly HistoryNote[], retakes: number): Promise<boolean> {
    const { history, messages } = await this.#load(0, this.#inbox.consumed);
    await this.#fold.replay(history);
    return this.#finish(await this.#feedAgain(taken, notes, messages), notes, retakes + 1);
  }

  /** Signals keep coming: now none can, until the turn is committed. */
  async #retakeLocked(taken: readonly Work[], notes: readonly HistoryNote[]): Promise<boolean> {
    let turn: Turn | undefined;
    // Before the lock: whoever holds it waits for no other connection.
    await this.#replay();
    try {
      const answer = await this.#host.journal.commitLocked(
        this.#lease,
        this.#inbox.consumed,
        async (unread) => {
          const again = await this.#feedAgain(taken, notes, unread);
          if (this.#fold.current.fault) throw this.#fold.current.fault;
          turn = this.#asTurn(this.#fold.current.takeEmitted(), again);
          return turn;
        },
      );
      if (answer.type === 'applied' && turn) {
        this.#turnApplied(turn, answer.inboxSeq);
        return true;
      }
      this.#letGo(answer);
      return false;
    } catch (error) {
      if (error instanceof TurnFault) return this.#fail(error, taken);
      // Whether it was applied is not known: read what is there.
      if (error instanceof JournalUnavailableError) return this.#startOver();
      throw error;
    }
  }

  async #feedAgain(
    taken: readonly Work[],
    notes: readonly HistoryNote[],
    unread: readonly InboxMessage[],
  ): Promise<readonly Work[]> {
    for (const note of notes) this.#fold.current.note(note);
    const fed: Work[] = [];
    for (const work of retakeOrder(taken, unread)) {
      fed.push(work);
      await this.#feed(work);
      if (this.#fold.current.fault) return taken;
      if (this.#fold.current.progress.closed) break;
    }
    const { consumed } = this.#inbox;
    this.#inbox.replace(consumed, unread, takenThrough(fed, consumed));
    return fed;
  }

  // ---------------------------------------------------------------------------------------- reading

  async #readMail(): Promise<void> {
    const knownBefore = this.#inbox.reaches;
    const { messages } = await this.#load(null, this.#inbox.readThrough);
    this.#inbox.append(messages, knownBefore);
  }

  async #replay(): Promise<void> {
    const { history } = await this.#load(0, null);
    await this.#fold.replay(history);
  }

  /** What is there is not what this holder believed: everything but the lease is read anew. */
  async #startOver(): Promise<boolean> {
    const held = await this.#refence();
    if (!held) return false;
    const { history, messages } = await this.#load(0, held.inboxConsumed);
    await this.#fold.replay(history);
    this.#inbox.replace(held.inboxConsumed, messages);
    this.#recover(messages);
    return true;
  }

  /** Where history and inbox end, with a new fencing token; `undefined` when they are another's now. */
  async #refence(): Promise<Extract<RefenceAnswer, { type: 'held' }> | undefined> {
    const { journal, persistence } = this.#host;
    const [answer] = await persistence.through(() => journal.refence([this.#lease]));
    if (answer?.type === 'held') {
      this.#lease = answer.lease;
      return answer;
    }
    this.drop();
    return undefined;
  }

  #load(historyAfter: number | null, inboxAfter: number | null): Promise<Loaded> {
    const { actorId, runId } = this.#lease;
    return this.#host.load({ actorId, runId, historyAfter, inboxAfter });
  }

  /** Attempts of a former holder are lost, but for those whose result it returned. */
  #recover(messages: readonly InboxMessage[]): void {
    if (this.#fold.current.fault) return;
    const returned = messages.filter((message) => message.kind === 'activity_result');
    this.#activities.recover(new Set(returned.map((message) => Number(message.name))));
  }

  // -------------------------------------------------------------------------------------- going away

  async #release(): Promise<void> {
    const wakeAt = this.#nextMoment();
    const { answer } = await this.#commit(this.#emptyTurn({ type: 'release', wakeAt }));
    if (answer.type !== 'applied') return this.#letGo(answer);
    this.#host.observer.notice({ type: 'run released', run: this.facts, wakeAt });
    const unread = answer.inboxSeq > this.#inbox.consumed;
    this.#end({ type: 'released', wakeAt, unread }, 'lease lost');
  }

  /** The turn cannot go on: the run keeps its history, is parked, and is tried again later. What activities did is kept. */
  async #fail(error: Error, taken: readonly Work[]): Promise<false> {
    const delay = Math.min(FIRST_DELAY * 2 ** this.#failedTurns, LONGEST_DELAY);
    this.#host.observer.notice({ type: 'turn failed', run: this.facts, error, retryIn: delay });
    await this.#returnResults(taken);
    if (this.over) return false;
    const reason = `${error.name}: ${error.message}`.replaceAll('\u0000', '').slice(0, LONGEST_REASON);
    const { answer } = await this.#commit(this.#emptyTurn({ type: 'block', reason, delay }));
    if (answer.type === 'applied') this.#end({ type: 'blocked', delay }, 'lease lost');
    else this.#letGo(answer);
    return false;
  }

  /** Puts what no turn could take into the inbox, for the next holder. */
  async #returnResults(taken: readonly Work[]): Promise<void> {
    const discarded = taken.flatMap((work) => (work.type === 'activity end' ? returnable(work.ended) : []));
    for (const { id, result } of [...discarded, ...(await this.#activities.collect())]) {
      if (this.over) return;
      await this.#host.send({
        namespace: this.facts.namespace,
        workflowId: this.facts.workflowId,
        runId: this.facts.runId,
        kind: 'activity_result',
        name: String(id),
        payload: this.#host.codec.encode(result),
        messageId: null,
      });
    }
  }

  /** Not a fault of the run: something failed that nobody foresaw. */
  async #giveUp(error: Error): Promise<void> {
    try {
      if (!this.over) await this.#fail(error, []);
    } catch (failure) {
      this.#strand(failure as Error);
    }
  }

  /** It cannot be given back either. */
  #strand(error: Error): void {
    if (this.over) return;
    this.#host.observer.notice({ type: 'journal unavailable', during: 'giving a run back', error });
    this.#host.stranded(this.#lease, error.message);
    this.drop();
  }

  /** A turn was not applied, and cannot be: what is held here is of no use any more. */
  #letGo(answer: Committed['answer'] | CommitAnswer): void {
    if (this.over) return;
    // Whoever took it over has it; otherwise the lease is still ours, and only the end of the session frees it.
    if (answer.type === 'lost') this.#host.observer.notice({ type: 'lease lost', run: this.facts });
    else this.#host.stranded(this.#lease, answer.type);
    this.drop();
  }

  #emptyTurn(outcome: TurnOutcome): Turn {
    return {
      lease: this.#lease,
      previousSeq: this.#fold.committed,
      entries: [],
      consumedThrough: this.#inbox.consumed,
      decides: false,
      firedUpTo: null,
      outcome,
    };
  }

  #end(ending: Ending, reason: 'lease lost' | 'run closed'): void {
    if (this.over) return;
    this.#state = 'over';
    clearTimeout(this.#alarm);
    this.#activities.stop(reason);
    this.#fold.current.close();
    this.#gone(ending);
    this.#answerQueries();
  }
}

const takenThrough = (taken: readonly Work[], consumed: number): number =>
  taken.reduce((n, work) => (work.type === 'message' ? Math.max(n, work.message.n) : n), consumed);

const outcomeOf = (entries: readonly HistoryEntry[]): TurnOutcome =>
  entries.some((entry) => entry.type === 'rollback_started') ? { type: 'roll back' } : { type: 'keep' };

function stateOf(last: TerminalEntry): ClosedState {
  switch (last.type) {
    case 'run_completed':
      return 'completed';
    case 'run_failed':
      return 'failed';
    case 'run_cancelled':
      return 'cancelled';
    case 'run_terminated':
      throw new Error('A holder does not terminate.');
  }
}
