import type { StandardSchemaV1 } from '@standard-schema/spec';
import { isNote, toError, TurnFault } from '../../core/index.js';
import type { Encoded, HistoryEntry, Instant, SignalCheck, TerminalEntry } from '../../core/index.js';
import { JournalUnavailableError } from '../../journal/index.js';
import type { ClosedState, CommitAnswer, InboxMessage, Turn, TurnOutcome } from '../../journal/index.js';
import type { CommitListener, Committed } from '../commit/group-committer.js';
import type { PumpListener } from '../process/window-scheduler.js';
import type { HeldRun } from './held-run.js';
import { pause } from '../../concurrency/index.js';
import { eventOf, retakeOrder } from './run-work.js';
import type { Work } from './run-work.js';
import { SignalChecks } from './signal-checks.js';
import type { SchemaVerdict } from './signal-checks.js';
import type { Intake } from './work-kind.js';

/** At most so many events make a turn (F28). */
const EVENTS_PER_TURN = 1_000;
/** How often a deciding turn that was refused is taken again without a lock. After that the actor is locked for it (F17). */
const FREE_RETAKES = 1;

/** How a turn ended. */
export type TurnEnd =
  | { readonly type: 'nothing to do' }
  | { readonly type: 'applied'; readonly turn: Turn; readonly inboxSeq: number }
  /** It cannot go on: a fault of the code, or a value that cannot be stored. */
  | { readonly type: 'failed'; readonly error: Error }
  /** What is in the journal is not what the holder believes. */
  | { readonly type: 'history lost' }
  /** It was not applied, and cannot be. */
  | { readonly type: 'given up'; readonly answer: Committed['answer'] | CommitAnswer };

/** The run that takes the turn. */
export interface TurnTaker {
  /** The run was given up meanwhile. The turn must not be committed then: what it records would have no effect here. */
  readonly over: boolean;
  /** Called once. It must not throw. */
  turnEnded(end: TurnEnd): void;
}

/**
 * One turn of a held run: decides about what happened, takes in what is due, folds it, and commits. What it means for the
 * run is its taker's to do.
 *
 * A plain turn makes no promise, because promises are most of what a step costs. It waits twice, for its code to come to rest
 * and for its commit, and both call it back: {@link RunTurn.quiet} and {@link RunTurn.committed}. What is rare (an inbox to be
 * read, a schema, a turn that was refused) is written with promises.
 */
export class RunTurn implements PumpListener, CommitListener {
  readonly #held: HeldRun;
  readonly #taker: TurnTaker;
  /** How many events it may take in. */
  #most = EVENTS_PER_TURN;
  /** Everything that was taken in, in the order it is fed in. */
  #taken: Work[] = [];
  /** How many of them were fed. When the run ends, what comes after its end is not. */
  #fed = 0;
  /** What each kind of work has for it: the turn takes all notes, and as many events as there is room for. */
  #intakes: readonly Intake[] = [];
  /** There were notes. */
  #noted = false;
  #retakes = 0;
  /** Made when there is something to check. */
  #checks: SignalChecks | null = null;
  /** What is being committed. */
  #turn: Turn | null = null;

  constructor(held: HeldRun, taker: TurnTaker) {
    this.#held = held;
    this.#taker = taker;
  }

  /** Whether there is anything to do, or to be told. */
  get isDue(): boolean {
    const { fold, work, inbox } = this.#held;
    if (this.#obstacle() || inbox.isBehind) return true;
    return work.settle() || inbox.first !== undefined || fold.current.requestedCheck !== null;
  }

  /** Takes it. How it ended is told to the taker. */
  take(): void {
    try {
      const { inbox, suspicion } = this.#held;
      const obstacle = this.#obstacle();
      if (obstacle) this.#end({ type: 'failed', error: obstacle });
      else if (inbox.isBehind || suspicion.open) this.#after(this.#prepare());
      else this.#begin();
    } catch (error) {
      this.#broke(error);
    }
  }

  /** The code has come to rest after what was fed last. */
  quiet(): void {
    this.#held.context.runInAsyncScope(() => this.#goOn());
  }
  pumpFailed(error: unknown): void {
    this.#held.context.runInAsyncScope(() => this.#broke(error));
  }
  committed(committed: Committed): void {
    this.#held.context.runInAsyncScope(() => this.#settle(committed));
  }
  commitFailed(error: unknown): void {
    this.#held.context.runInAsyncScope(() => this.#broke(error));
  }

  #end(end: TurnEnd): void {
    this.#taker.turnEnded(end);
  }

  /** An error that nothing here expects. The run is blocked like after any fault, so that results of activities are kept. */
  #broke(error: unknown): void {
    this.#end({ type: 'failed', error: toError(error) });
  }

  /** Goes on once the work is done. If it resolves to an end, the turn ends with it. */
  #after(work: Promise<TurnEnd | void>): void {
    void work
      .then((end) => (end ? this.#end(end) : this.#goOn()))
      .catch((error: unknown) => this.#broke(error));
  }

  async #prepare(): Promise<void> {
    const { work, inbox, suspicion } = this.#held;
    if (inbox.isBehind) await this.#held.readMail();
    work.settle();
    if (suspicion.open) await this.#held.keepEnds();
    this.#open();
  }

  #begin(): void {
    this.#held.work.settle();
    this.#open();
    this.#goOn();
  }

  #open(): void {
    const { fold, work, inbox } = this.#held;
    this.#intakes = work.take();
    this.#note();
    if (fold.committed === 0 && inbox.cancelFirst()) this.#most = Number.POSITIVE_INFINITY;
  }

  #note(): void {
    const { current } = this.#held.fold;
    for (const { notes } of this.#intakes) {
      for (const note of notes) current.note(note);
      if (notes.length > 0) this.#noted = true;
    }
  }

  /** Takes in the next event; when there is none, commits what came of those before. */
  #goOn(): void {
    try {
      const work = this.#takesMore ? this.#next() : undefined;
      if (work) this.#takeIn(work);
      else if (this.#taken.length > 0 || this.#noted) this.#commit();
      else this.#end({ type: 'nothing to do' });
    } catch (error) {
      this.#broke(error);
    }
  }

  get #takesMore(): boolean {
    return this.#taken.length < this.#most && !this.#held.fold.isFull && !this.#taker.over;
  }

  #obstacle(): Error | null {
    const { fold, work } = this.#held;
    return fold.current.fault ?? fold.mismatched ?? work.obstacle();
  }

  // -------------------------------------------------------------------------------------- taking in

  /** What to take in next, by moment (F5). It is looked up again after every event, which may have changed what is due. */
  #next(): Work | undefined {
    const { fold, inbox, host } = this.#held;
    // Before anything else: the check is part of a signal that was taken in already.
    const check = fold.current.requestedCheck;
    if (check) return { type: 'signal check', moment: host.clock.now(), check };
    const message = inbox.first;
    // A message has arrived by the database's clock. So timers that were due before it are due, even if this process cannot
    // be sure of that clock yet.
    const due = Math.max(host.clock.safelyPast(), message?.at ?? 0);
    // Messages come first, then the kinds of work in their order: of one moment the first of them stays first.
    let first: Work | undefined = message && { type: 'message', moment: message.at, message, hold: false };
    for (const intake of this.#intakes) {
      const arrival = intake.next(due);
      if (arrival && (!first || arrival.moment < first.moment)) first = arrival;
    }
    return first;
  }

  #takeIn(work: Work): void {
    this.#taken.push(work);
    this.#fed++;
    if (work.type === 'message') this.#held.inbox.take();
    else if (work.type === 'arrival') work.from.taken();
    const checked = this.#feed(work);
    if (checked) this.#after(checked);
    else this.#held.fold.pumpFor(this);
  }

  /**
   * Feeds it to the fold. `null`: the code has yet to come to rest. A promise where a schema is to be applied first; when it
   * resolves the code has come to rest.
   */
  #feed(work: Work): Promise<void> | null {
    switch (work.type) {
      case 'message':
        return this.#feedMessage(work.message, work.hold);
      case 'signal check':
        return this.#feedVerdict(work.check);
      case 'arrival': {
        const { fold, host } = this.#held;
        fold.current.feed({ ...work.event, at: Math.max(host.clock.now(), work.event.at) });
        return null;
      }
    }
  }

  #feedMessage(message: InboxMessage, hold: boolean): Promise<void> | null {
    const { fold, work, host } = this.#held;
    const at = host.clock.now();
    const receiver = work.receiverOf(message);
    if (receiver) {
      const received = receiver.received(message);
      if (received && isNote(received)) fold.current.note(received);
      else if (received) fold.current.feed({ ...received, at });
    } else if (this.#schemaOf(message)) return this.#feedChecked(message, hold);
    else fold.current.feed(eventOf(message, hold, at, host.codec));
    return null;
  }

  // --------------------------------------------------------------------------------- schemas (F34)

  /** The schema of a signal's handler that its sender has not applied; `undefined` where nothing is to be checked. */
  #schemaOf({ kind, name, checkedBy }: InboxMessage): StandardSchemaV1 | undefined {
    const { definition, fold } = this.#held;
    if (kind !== 'signal' || checkedBy === 'handler' || name === null) return undefined;
    // While the run rolls back no handler is called.
    return fold.current.progress.rollback === null ? definition.signalInputs?.get(name) : undefined;
  }

  /** What the schema yields is what is received. */
  async #feedChecked(message: InboxMessage, hold: boolean): Promise<void> {
    const { fold, host } = this.#held;
    const verdict = await this.#verdictOf(message);
    if (this.#taker.over) return;
    const at = host.clock.now();
    if (verdict.type === 'accepted') {
      fold.current.feed(eventOf({ ...message, payload: verdict.payload }, hold, at, host.codec));
    } else {
      const { name, at: arrivedAt } = message;
      const { issues } = verdict;
      fold.current.feed({ type: 'signal_refused', at, name: name!, signal: null, issues, arrivedAt, hold });
    }
    await fold.pump();
  }

  /** A signal has a name and a payload. */
  #verdictOf(message: InboxMessage): Promise<SchemaVerdict> {
    return this.#check(message.name!, this.#schemaOf(message), message.payload!);
  }

  #check(name: string, schema: StandardSchemaV1 | undefined, payload: Encoded): Promise<SchemaVerdict> {
    this.#checks ??= new SignalChecks(this.#held.host.codec);
    return this.#checks.check(name, schema, payload);
  }

  async #feedVerdict({ signal, name, schema, payload }: SignalCheck): Promise<void> {
    const { fold, host } = this.#held;
    const verdict = await this.#check(name, schema, payload);
    if (this.#taker.over) return;
    const at = host.clock.now();
    fold.current.feed(
      verdict.type === 'accepted'
        ? { type: 'signal_accepted', at, name, signal, payload: verdict.payload }
        : { type: 'signal_refused', at, name, signal, issues: verdict.issues, arrivedAt: null, hold: false },
    );
    await fold.pump();
  }

  /** Applies schemas to unread signals before the actor is locked: a schema may take its time, and would hold the lock. */
  async #checkUnread(): Promise<void> {
    const { definition, inbox } = this.#held;
    if (!definition.signalInputs?.size) return;
    const { messages } = await this.#held.load(null, inbox.consumed);
    for (const message of messages) if (this.#schemaOf(message)) await this.#verdictOf(message);
  }

  // ------------------------------------------------------------------------------------- committing

  #commit(): void {
    const { fold } = this.#held;
    if (fold.current.fault) return this.#end({ type: 'failed', error: fold.current.fault });
    const entries = fold.current.takeEmitted();
    this.#held.tellMistakes(entries);
    if (fold.isChecked) void this.#commitChecked(entries);
    else this.#send(entries);
  }

  async #commitChecked(entries: readonly HistoryEntry[]): Promise<void> {
    try {
      const mismatch = await this.#held.fold.mismatch(entries);
      if (mismatch) this.#end({ type: 'failed', error: mismatch });
      else this.#send(entries);
    } catch (error) {
      this.#broke(error);
    }
  }

  #send(entries: readonly HistoryEntry[]): void {
    if (this.#taker.over) return this.#end({ type: 'nothing to do' });
    this.#turn = this.#turnOf(entries);
    this.#held.host.committer.commitFor(this, this.#turn);
  }

  #settle(committed: Committed): void {
    const turn = this.#turn!;
    const answer = this.#held.settled(committed);
    switch (answer.type) {
      case 'applied':
        return this.#end({ type: 'applied', turn, inboxSeq: answer.inboxSeq });
      case 'signals unread':
        this.#refused(answer.type);
        if (this.#retakes++ < FREE_RETAKES) this.#retake();
        else this.#after(this.#retakeLocked());
        return;
      case 'history lost':
        this.#refused(answer.type);
        return this.#end({ type: 'history lost' });
      case 'refused':
        return this.#end({ type: 'failed', error: answer.error });
      case 'lost':
      case 'not applied':
      case 'busy':
      case 'not due':
        return this.#end({ type: 'given up', answer });
      default:
        answer satisfies never;
    }
  }

  #turnOf(entries: readonly HistoryEntry[]): Turn {
    const { fold, inbox, lease, suspicion } = this.#held;
    const taken = this.#taken.slice(0, this.#fed);
    let firedUpTo: Instant | null = null;
    for (const work of taken)
      if (work.type === 'arrival' && work.byTime) firedUpTo = Math.max(firedUpTo ?? 0, work.moment);
    const { progress } = fold.current;
    const { closed } = progress;
    return {
      lease,
      previousSeq: fold.committed,
      entries,
      consumedThrough: takenThrough(taken, inbox.consumed),
      decides: fold.decides,
      firedUpTo,
      clearsDeaths: suspicion.isClearedBy(entries, progress),
      outcome: closed ? { type: 'close', state: stateOf(closed) } : outcomeOf(entries),
    };
  }

  #refused(reason: string): void {
    this.#held.host.observer.notice({ type: 'turn refused', run: this.#held.facts, reason });
  }

  // ------------------------------------------------------------------------------- taking again (F17)

  /** Signals came in while the run was being decided. The turn is taken again, with them before the event that decides. */
  #retake(): void {
    void this.#readAgain()
      .then(() => this.#commit())
      .catch((error: unknown) => this.#broke(error));
  }

  async #readAgain(): Promise<void> {
    const { history, messages } = await this.#held.load(0, this.#held.inbox.consumed);
    await this.#held.fold.replay(history);
    await this.#feedAgain(messages);
  }

  /** Signals keep coming, so the actor is locked: none can arrive until the turn is committed. */
  async #retakeLocked(): Promise<TurnEnd> {
    const { host, fold, inbox, lease } = this.#held;
    for (;;) {
      let turn: Turn | undefined;
      // Before the lock is taken: while it is held, the turn must not wait for another connection.
      await this.#held.replay();
      await this.#checkUnread();
      try {
        const answer = await host.journal.commitLocked(lease, inbox.consumed, async (unread) => {
          await this.#feedAgain(unread);
          if (fold.current.fault) throw fold.current.fault;
          turn = this.#turnOf(fold.current.takeEmitted());
          return turn;
        });
        if (answer.type === 'applied' && turn) return { type: 'applied', turn, inboxSeq: answer.inboxSeq };
        if (answer.type === 'history lost') return { type: 'history lost' };
        if (answer.type !== 'not due') return { type: 'given up', answer };
        await pause(answer.ahead + 1);
      } catch (error) {
        if (error instanceof TurnFault) return { type: 'failed', error };
        // Whether it was applied is not known: read what is there.
        if (error instanceof JournalUnavailableError) return { type: 'history lost' };
        throw error;
      }
    }
  }

  async #feedAgain(unread: readonly InboxMessage[]): Promise<void> {
    const { fold, inbox } = this.#held;
    this.#note();
    const fed = this.#taken.slice(0, this.#fed);
    // Last time the run ended before these were fed; this time it may not. Messages among them are in the inbox still.
    const left = this.#taken.slice(this.#fed).filter((work) => work.type !== 'message');
    this.#taken = [...retakeOrder(fed, unread), ...left];
    this.#fed = 0;
    for (const work of this.#taken) {
      this.#fed++;
      await (this.#feed(work) ?? fold.pump());
      if (fold.current.fault) return;
      if (fold.current.progress.closed) break;
    }
    inbox.replace(inbox.consumed, unread, takenThrough(this.#taken.slice(0, this.#fed), inbox.consumed));
  }
}

const takenThrough = (taken: readonly Work[], consumed: number): number =>
  taken.reduce((n, work) => (work.type === 'message' ? Math.max(n, work.message.n) : n), consumed);

const outcomeOf = (entries: readonly HistoryEntry[]): TurnOutcome =>
  entries.some((entry) => entry.type === 'rollback_started') ? { type: 'roll back' } : { type: 'keep' };

/** What the last entry of a run makes of it. */
export function stateOf(last: TerminalEntry): ClosedState {
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
