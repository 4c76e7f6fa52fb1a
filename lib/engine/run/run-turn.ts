import { toError, TurnFault } from '../../core/index.js';
import type { HistoryEntry, Instant, TerminalEntry } from '../../core/index.js';
import { JournalUnavailableError } from '../../journal/index.js';
import type { CommitAnswer, InboxMessage, Turn, TurnOutcome } from '../../journal/index.js';
import type { CommitListener, Committed } from '../commit/group-committer.js';
import type { PumpListener } from '../process/window-scheduler.js';
import type { HeldRun } from './held-run.js';
import { pause } from '../../concurrency/index.js';
import { closingFor, reachingOut } from './outward-turn.js';
import { stateOf } from './closed-state.js';
import { reasonOf, retakeOrder } from './turn-input.js';
import type { TurnInput } from './turn-input.js';
import { successorOf } from './continuation.js';
import type { CarriedCancel } from './continuation.js';
import { TurnFeeder } from './turn-feeder.js';
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
  | { readonly type: 'not applied'; readonly answer: Committed['answer'] | CommitAnswer };

/** The run that takes the turn. */
export interface TurnTaker {
  /** The run was dropped here meanwhile. The turn must not be committed then: what it records would have no effect here. */
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
  readonly #feeder: TurnFeeder;
  /** How many events it may take in. */
  #most = EVENTS_PER_TURN;
  /** Everything that was taken in, in the order it is fed in. */
  #taken: TurnInput[] = [];
  /** How many of them were fed. When the run ends, what comes after its end is not. */
  #fed = 0;
  /** What each kind of work has for it: the turn takes all notes, and as many events as there is room for. */
  #intakes: readonly Intake[] = [];
  /** There were notes. */
  #noted = false;
  #retakes = 0;
  /** What is being committed. */
  #turn: Turn | null = null;

  constructor(held: HeldRun, taker: TurnTaker) {
    this.#held = held;
    this.#taker = taker;
    this.#feeder = new TurnFeeder(held, taker);
  }

  /** Whether there is anything to do, or to be told. */
  get isDue(): boolean {
    const { fold, kinds, inbox } = this.#held;
    if (this.#obstacle() || inbox.isBehind) return true;
    return kinds.settle() || inbox.first !== undefined || fold.current.requestedCheck !== null;
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

  /** Goes on once the step is done. If it resolves to an end, the turn ends with it. */
  #after(step: Promise<TurnEnd | void>): void {
    void step
      .then((end) => (end ? this.#end(end) : this.#goOn()))
      .catch((error: unknown) => this.#broke(error));
  }

  async #prepare(): Promise<void> {
    const { kinds, inbox, suspicion } = this.#held;
    if (inbox.isBehind) await this.#held.readMail();
    kinds.settle();
    if (suspicion.open) await this.#held.keepEnds();
    this.#open();
  }

  #begin(): void {
    // What has happened is decided about: `isDue` was asked just now.
    this.#open();
    this.#goOn();
  }

  #open(): void {
    const { fold, kinds, inbox } = this.#held;
    this.#intakes = kinds.take();
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
      const input = this.#takesMore ? this.#next() : undefined;
      if (input) this.#takeIn(input);
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
    const { fold, kinds } = this.#held;
    return fold.current.fault ?? fold.mismatched ?? kinds.obstacle();
  }

  // -------------------------------------------------------------------------------------- taking in

  /** What to take in next, by moment (F5). It is looked up again after every event, which may have changed what is due. */
  #next(): TurnInput | undefined {
    const { fold, inbox, host } = this.#held;
    // Before anything else: the check is part of a signal that was taken in already.
    const check = fold.current.requestedCheck;
    if (check) return { type: 'signal check', moment: host.clock.now(), check };
    const message = inbox.first;
    // A message has arrived by the database's clock. So timers that were due before it are due, even if this process cannot
    // be sure of that clock yet.
    const due = Math.max(host.clock.safelyPast(), message?.at ?? 0);
    // Messages come first, then the kinds of work in their order: of one moment the first of them stays first.
    let first: TurnInput | undefined = message && {
      type: 'message',
      moment: message.at,
      message,
      hold: false,
    };
    for (const intake of this.#intakes) {
      const arrival = intake.next(due);
      if (arrival && (!first || arrival.moment < first.moment)) first = arrival;
    }
    return first;
  }

  #takeIn(input: TurnInput): void {
    // The first one makes a list of its length: most turns take in one, and a list that grows makes room for many.
    if (this.#taken.length === 0) this.#taken = [input];
    else this.#taken.push(input);
    this.#fed++;
    if (input.type === 'message') this.#held.inbox.take();
    else if (input.type === 'arrival') input.from.taken();
    const checked = this.#feeder.feed(input);
    if (checked) this.#after(checked);
    else this.#held.fold.pumpFor(this);
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
        return this.#end({ type: 'not applied', answer });
      default:
        answer satisfies never;
    }
  }

  #turnOf(entries: readonly HistoryEntry[]): Turn {
    const { fold, inbox, lease, suspicion } = this.#held;
    const taken = this.#fed === this.#taken.length ? this.#taken : this.#taken.slice(0, this.#fed);
    let firedUpTo: Instant | null = null;
    for (const input of taken)
      if (input.type === 'arrival' && input.byTime) firedUpTo = Math.max(firedUpTo ?? 0, input.moment);
    const { progress } = fold.current;
    const { closed } = progress;
    const outward = fold.current.takeOutward();
    const consumedThrough = takenThrough(taken, inbox.consumed);
    const turn: Turn = {
      lease,
      previousSeq: fold.committed,
      entries,
      consumedThrough,
      decides: fold.decides && !fold.continues,
      firedUpTo,
      clearsDeaths: suspicion.isClearedBy(entries, progress),
      shows: fold.current.takeShown(),
      refusals: this.#feeder.refusals,
      outcome: closed ? this.#outcomeOf(closed, consumedThrough) : outcomeOf(entries),
    };
    // Nearly every turn: an object that others are spread into is made anew.
    const undoes = progress.hasOpenedCallbacks && turn.outcome.type === 'roll back';
    if (outward === null && closed === null && !undoes) return turn;
    return {
      ...turn,
      ...(undoes && { endsCallbacks: true }),
      ...(outward === null ? {} : reachingOut(outward, progress, this.#held.facts)),
      ...(closed === null ? {} : closingFor(closed, progress, this.#held.lineage)),
    };
  }

  #outcomeOf(closed: TerminalEntry, consumedThrough: number): TurnOutcome {
    if (closed.type !== 'run_continued') return { type: 'close', state: stateOf(closed) };
    const { fold, host } = this.#held;
    const kept = host.serves(closed.workflow, closed.version);
    const { untakenSignals, lateCancel } = fold.current;
    const cancel = lateCancel ?? this.#feeder.leftCancel ?? this.#unfedCancel(consumedThrough);
    return { type: 'continue', successor: successorOf(closed, untakenSignals, cancel, kept) };
  }

  /** A cancellation that would have ended the run, had not one of the signals before it made it continue (F17). */
  #unfedCancel(consumedThrough: number): CarriedCancel | null {
    for (const input of this.#taken.slice(this.#fed)) {
      // What is not consumed the next run finds in the inbox.
      if (input.type !== 'message' || input.message.n > consumedThrough) continue;
      if (input.message.kind !== 'cancel') continue;
      return { reason: reasonOf(input.message, this.#held.host.codec) };
    }
    return null;
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
      await this.#feeder.checkUnread();
      try {
        const answer = await host.journal.commitLocked(lease, inbox.consumed, async (unread) => {
          await this.#feedAgain(unread);
          if (fold.current.fault) throw fold.current.fault;
          turn = this.#turnOf(fold.current.takeEmitted());
          return turn;
        });
        if (answer.type === 'applied' && turn) return { type: 'applied', turn, inboxSeq: answer.inboxSeq };
        if (answer.type === 'history lost') return { type: 'history lost' };
        if (answer.type !== 'not due') return { type: 'not applied', answer };
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
    this.#feeder.startOver();
    this.#note();
    const fed = this.#taken.slice(0, this.#fed);
    // Last time the run ended before these were fed; this time it may not. Messages among them are in the inbox still.
    const left = this.#taken.slice(this.#fed).filter((input) => input.type !== 'message');
    this.#taken = [...retakeOrder(fed, unread), ...left];
    this.#fed = 0;
    for (const input of this.#taken) {
      this.#fed++;
      await (this.#feeder.feed(input) ?? fold.pump());
      if (fold.current.fault) return;
      if (fold.current.progress.closed) break;
    }
    inbox.replace(inbox.consumed, unread, takenThrough(this.#taken.slice(0, this.#fed), inbox.consumed));
  }
}

const takenThrough = (taken: readonly TurnInput[], consumed: number): number =>
  taken.reduce((n, input) => (input.type === 'message' ? Math.max(n, input.message.n) : n), consumed);

const outcomeOf = (entries: readonly HistoryEntry[]): TurnOutcome =>
  entries.some((entry) => entry.type === 'rollback_started') ? { type: 'roll back' } : { type: 'keep' };
