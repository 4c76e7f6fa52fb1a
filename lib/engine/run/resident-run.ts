import { errorText, textOf, toError, TurnFault } from '../../core/index.js';
import type { HistoryEntry, ShownChange, SignalRefused, WorkflowDefinition } from '../../core/index.js';
import { delayOf, isOutage } from '../../journal/index.js';
import type {
  ActorId,
  CommitAnswer,
  Deadlines,
  GrowingDelay,
  InboxMessage,
  Loaded,
  Successor,
  Turn,
  UpdateRefusal,
} from '../../journal/index.js';
import type { Committed } from '../commit/group-committer.js';
import type { NextRun } from './continuation.js';
import { HeldRun } from './held-run.js';
import type { Holding } from './held-run.js';
import type { Departure, ResidentFacts, RunHost, SettledUpdate } from './run-host.js';
import { LongTimer } from '../../concurrency/index.js';
import { forgottenCalls } from './forgotten-calls.js';
import { stateOf } from './closed-state.js';
import { RunTurn } from './run-turn.js';
import { RunGoneError, WaitingQueries } from './waiting-queries.js';
import type { TurnEnd, TurnTaker } from './run-turn.js';
import { eventOf } from './turn-input.js';

/** Characters of what is shown of a fault. */
const LONGEST_REASON = 4_000;
/** How long a run that cannot go on waits for its next turn, by the number of its failed turns. */
const FAILED_TURN_DELAY: GrowingDelay = { from: 1, first: 1_000, longest: 60_000 };

const NONE: readonly never[] = [];

/** The first turn of a run that is not started yet. */
export interface Rehearsed {
  readonly entries: readonly HistoryEntry[];
  readonly shows: ShownChange | null;
}

/**
 * One run in memory, with the lease to write it. It drives: turn after turn, until there is nothing to do; it rests until
 * something comes up; and at some time it leaves.
 */
export class ResidentRun implements TurnTaker {
  readonly #held: HeldRun;
  readonly #gone: (run: ResidentRun, departure: Departure) => void;
  #state: 'driving' | 'resting' | 'over' = 'resting';
  /** Something came up while the run was driving. */
  #again = false;
  /** The next turn, which was not due yet when it was made. */
  #next: RunTurn | null = null;
  #alarm: LongTimer | undefined;
  #idleSince = performance.now();
  readonly #queries = new WaitingQueries();
  /** Why the run cannot go on, while that is being recorded. */
  #fault: Error | null = null;
  #leaving = false;

  constructor(
    host: RunHost,
    definition: WorkflowDefinition,
    facts: ResidentFacts,
    holding: Holding,
    gone: (run: ResidentRun, departure: Departure) => void,
  ) {
    // As it is given: V8 makes a function that is written into a property with the old objects, and what such a function knows is
    // not freed before the next major garbage collection.
    this.#gone = gone;
    this.#held = new HeldRun(host, definition, facts, holding, () => this.wake());
  }

  get facts(): ResidentFacts {
    return this.#held.facts;
  }
  get actorId(): ActorId {
    return this.#held.lease.actorId;
  }
  get over(): boolean {
    return this.#state === 'over';
  }
  /** Whether {@link query} can be asked: while a rollback is driven from history alone there is no object. */
  get answersQueries(): boolean {
    return !this.over && !this.#held.fold.withoutCode;
  }
  /** Workers died while they held it, and it has not shown since then that it goes on. */
  get isSuspect(): boolean {
    return this.#held.suspicion.open;
  }
  /** Since when nothing is to be done, by the monotonic clock; `null` while something is. */
  get idleSince(): number | null {
    return this.#state === 'resting' && this.#held.isIdle ? this.#idleSince : null;
  }

  // ------------------------------------------------------------------------------------- beginning

  /** After a takeover: replays what the journal has, and goes on. */
  async resume(loaded: Loaded): Promise<void> {
    this.#state = 'driving';
    try {
      await this.#held.takeUp(loaded);
    } catch (error) {
      return this.#blockOrStrand(toError(error));
    }
    this.#drive();
  }

  /** After a takeover that came too late, because this worker stops: gives the run back, claimable at once. */
  async giveBack(): Promise<void> {
    this.#state = 'driving';
    try {
      const held = await this.#held.refence();
      if (!held) return this.drop();
      this.#held.fold.skip(held.lastSeq);
      await this.#release(this.#held.host.clock.now());
    } catch (failure) {
      this.#strand(toError(failure));
    }
  }

  /** After a takeover of a run that cannot be read: blocks it, so that its reason is seen. */
  async refuse(error: Error): Promise<void> {
    this.#state = 'driving';
    try {
      const held = await this.#held.refence();
      if (!held) return this.drop();
      this.#held.fold.skip(held.lastSeq);
      await this.#blockOrStrand(error);
    } catch (failure) {
      this.#strand(toError(failure));
    }
  }

  /**
   * Takes the first turn of a run that is not started yet, in memory only. The entries, when they can be written together
   * with the start, and what they show of the run; `null` when the turn does more than append.
   */
  async rehearse(start: InboxMessage): Promise<Rehearsed | null> {
    this.#state = 'driving';
    const { fold, host } = this.#held;
    fold.current.feed(eventOf(start, false, host.clock.now(), host, null));
    await fold.pump();
    if (fold.current.fault || fold.current.decided) return null;
    // Children are started by a commit.
    if (fold.current.takeOutward() !== null) return null;
    const entries = fold.current.takeEmitted();
    const shows = fold.current.takeShown();
    return (await fold.mismatch(entries)) ? null : { entries, shows };
  }

  /** The rehearsed turn was written together with the start. */
  born(token: number, deadlines: Deadlines, entries: readonly HistoryEntry[]): void {
    if (this.over) return;
    this.#held.bornWith(token, deadlines);
    this.#held.tellMistakes(entries);
    this.#takeEffect(entries, null);
    this.#goOn();
  }

  // ------------------------------------------------------------------------------------ from outside

  /** There may be something to take up. */
  wake(): void {
    if (this.over) return;
    this.#again = true;
    if (this.#state === 'resting') this.#goOn();
  }

  /** The inbox reaches up to this number; `null`: further than is known here. */
  mailArrived(inboxSeq: number | null): void {
    const { inbox } = this.#held;
    if (inboxSeq === null) inbox.reachFurther();
    else inbox.reach(inboxSeq);
    if (inbox.isBehind) this.wake();
  }

  /**
   * Answers from committed state: between turns, once the inbox is consumed up to `through` (F21). Throws what the
   * handler throws, {@link RunGoneError} when the run left the memory before, and {@link RunNotReadyError} when the
   * inbox is not consumed so far within `patience` ms.
   */
  async query(name: string, args: readonly unknown[], through: number, patience: number): Promise<unknown> {
    if (this.#fault) throw this.#fault;
    if (this.over) throw new RunGoneError();
    this.mailArrived(through);
    const answer = (): unknown => this.#held.fold.query(name, args);
    if (this.#state !== 'driving') return answer();
    const { consumed } = this.#held.inbox;
    return this.#queries.ask(answer, through, through > consumed ? patience : null);
  }

  /** Gives the run back as soon as nothing of it runs here; begins nothing more. */
  leave(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    this.#held.kinds.drain();
    this.wake();
  }

  /** As {@link leave}, and stops what runs. */
  async interrupt(patience: number): Promise<void> {
    this.leave();
    await this.#held.activities.interrupt(patience);
    this.wake();
  }

  /** Gives an idle run back, to make room. */
  release(): void {
    if (this.idleSince !== null) this.leave();
  }

  /** Lets go without writing anything: the lease is another's, or cannot be given back. */
  drop(): void {
    this.#end({ type: 'lost' }, 'lease lost');
  }

  // ---------------------------------------------------------------------------------------- driving

  /** In an empty context: what the run does must not depend on who woke it (F25). */
  #goOn(): void {
    this.#held.context.runInAsyncScope(() => this.#drive());
  }

  #drive(): void {
    if (this.over) return;
    this.#state = 'driving';
    this.#alarm?.cancel();
    this.#takeTurns();
  }

  /** Takes turns one after the other, until there is nothing to do. {@link turnEnded} goes on after each. */
  #takeTurns(): void {
    try {
      while (!this.over) {
        this.#again = false;
        const turn = (this.#next ??= new RunTurn(this.#held, this));
        if (turn.isDue) {
          this.#next = null;
          return turn.take();
        }
        if (!this.#again) break;
      }
    } catch (error) {
      return this.#lastly(this.#blockOrStrand(toError(error)));
    }
    this.#settleDown();
  }

  /** Called by {@link RunTurn} when it has ended. */
  turnEnded(end: TurnEnd): void {
    if (end.type !== 'applied') return void this.#setBack(end);
    try {
      this.#applied(end.turn, end.inboxSeq);
    } catch (error) {
      return this.#lastly(this.#blockOrStrand(toError(error)));
    }
    if (this.#held.host.settings.residency === 'always replay' && !this.over) {
      this.#held.replay().then(
        () => this.#nextTurn(),
        (error: unknown) => this.#lastly(this.#blockOrStrand(toError(error))),
      );
    } else this.#nextTurn();
  }

  #nextTurn(): void {
    this.#queries.answer(this.#held.inbox.consumed);
    this.#takeTurns();
  }

  /** A turn was not applied. */
  async #setBack(end: Exclude<TurnEnd, { type: 'applied' }>): Promise<void> {
    switch (end.type) {
      case 'nothing to do':
        return this.#again ? this.#takeTurns() : this.#settleDown();
      case 'failed':
        if (await this.#endsByForce(end.error)) return this.#nextTurn();
        await this.#blockOrStrand(end.error);
        break;
      case 'history lost':
        try {
          if (await this.#startOver()) return this.#nextTurn();
        } catch (error) {
          await this.#blockOrStrand(toError(error));
        }
        break;
      case 'not applied':
        this.#letGo(end.answer);
        break;
      default:
        end satisfies never;
    }
    this.#comeToRest();
  }

  #settleDown(): void {
    if (!this.over && this.#leaving && this.#held.isIdle) this.#lastly(this.#release());
    else this.#comeToRest();
  }

  /** Waits for a last piece of work, such as giving the run back, and comes to rest. */
  #lastly(work: Promise<void>): void {
    void work.catch((error: unknown) => this.#blockOrStrand(toError(error))).then(() => this.#comeToRest());
  }

  #comeToRest(): void {
    this.#queries.answer(this.#held.inbox.consumed);
    if (!this.over) this.#rest();
  }

  #rest(): void {
    this.#state = 'resting';
    this.#idleSince = performance.now();
    if (this.#again) {
      this.#goOn();
      return;
    }
    const next = this.#held.kinds.nextMoment();
    if (next === null) return;
    // Also when it is further away than an idle run stays in memory: an activity may keep the run here until then.
    this.#alarm = LongTimer.start(this.#held.host.clock.until(next), () => this.wake());
  }

  #applied(turn: Turn, inboxSeq: number): void {
    const { inbox, suspicion } = this.#held;
    inbox.consume(turn.consumedThrough);
    if (turn.clearsDeaths) suspicion.cleared();
    const { outcome } = turn;
    this.#takeEffect(
      turn.entries,
      outcome.type === 'continue' ? this.#nextRun(outcome.successor, inboxSeq) : null,
      turn.refusals,
    );
    this.#tellOfSent(turn);
    if (!this.over) this.mailArrived(inboxSeq);
  }

  /** The journal has got something for other runs: somebody should look for it. */
  #tellOfSent({ children = NONE, sends = NONE, tellsParent, closesChildren }: Turn): void {
    const { host } = this.#held;
    if (children.length > 0) host.sent('child');
    if (sends.length > 0 || tellsParent === true || closesChildren === true) host.sent('message');
  }

  /** What is committed takes effect: activities begin, logs are printed, a closed run ends. */
  #takeEffect(
    entries: readonly HistoryEntry[],
    next: NextRun | null,
    refusals: readonly UpdateRefusal[] = NONE,
  ): void {
    const { fold, kinds, facts: run } = this.#held;
    const { observer } = this.#held.host;
    fold.applied(entries);
    if (entries.length > 0) {
      this.#held.failedTurns = 0;
      observer.notice({ type: 'turn committed', run, entries: entries.length });
    }
    for (const { level, message, facts = null } of fold.current.takeLogs()) {
      observer.notice({ type: 'workflow log', run, level, message, facts });
    }
    const { closed } = fold.current.progress;
    let answers: SettledUpdate[] | null = null;
    for (const entry of entries) {
      if (entry.type === 'signal_refused') this.#tellRefused(entry);
      else if (entry.type === 'update_answered')
        (answers ??= []).push({ updateId: entry.updateId, answer: { type: 'answered', entry } });
      kinds.committed(entry, closed !== null);
    }
    for (const refusal of refusals)
      (answers ??= []).push({ updateId: refusal.updateId, answer: { type: 'refused', refusal } });
    if (answers) this.#held.host.answered(run, this.actorId, answers);
    if (!closed) return;
    const calls = forgottenCalls(closed, entries, fold.current);
    if (calls.length > 0) observer.notice({ type: 'calls not awaited', run, calls });
    this.#end(
      closed.type === 'run_continued'
        ? { type: 'continued', last: closed, next }
        : { type: 'closed', state: stateOf(closed), last: closed },
      'run closed',
    );
  }

  /** The run that this one continues as; `null`: for another worker, which has its workflow. */
  #nextRun(successor: Successor, inboxSeq: number): NextRun | null {
    if (!successor.kept) return null;
    const { workflow, version, start: payload } = successor;
    const holding = this.#held.handOver(successor, inboxSeq);
    const n = holding.inboxConsumed + 1;
    const at = this.#held.host.clock.now();
    const { attributes } = this.#held.fold.current;
    return {
      workflow,
      version,
      holding,
      start: { n, kind: 'start', name: this.facts.runId, payload, at, ...(attributes && { attributes }) },
    };
  }

  #tellRefused({ name: signal, issues }: SignalRefused): void {
    const { codec, observer } = this.#held.host;
    const told = textOf(codec.decode(issues));
    observer.notice({ type: 'signal refused', run: this.facts, signal, issues: told });
  }

  /**
   * The code cannot go on, and the run's time is over: it is rolled back without its code, which that does not need (F22).
   *
   * @returns whether it was; then the next turn goes on with the rollback
   */
  async #endsByForce(error: Error): Promise<boolean> {
    const passed = this.#held.deadline.passed();
    if (this.over || passed === null || !(error instanceof TurnFault)) return false;
    try {
      const entries = await this.#held.forced(passed, error);
      if (entries === null) return false;
      const turn = this.#held.forcedTurn(passed, entries);
      const answer = this.#held.settled(await this.#held.commit(turn));
      if (answer.type !== 'applied') {
        this.#letGo(answer);
        return false;
      }
      this.#applied(turn, answer.inboxSeq);
      return !this.over;
    } catch (failure) {
      await this.#blockOrStrand(toError(failure));
      return false;
    }
  }

  /** The journal has another history than this holder believed. Keeps the lease and reads everything else again. */
  async #startOver(): Promise<boolean> {
    const held = await this.#held.refence();
    if (!held) {
      this.drop();
      return false;
    }
    const loaded = await this.#held.load(0, held.inboxConsumed);
    await this.#held.takeUp(loaded, held.inboxConsumed);
    return true;
  }

  // -------------------------------------------------------------------------------------- going away

  async #release(wakeAt = this.#held.kinds.nextMoment()): Promise<void> {
    const answer = this.#held.settled(
      await this.#held.commit(this.#held.emptyTurn({ type: 'release', wakeAt })),
    );
    if (answer.type !== 'applied') return this.#letGo(answer);
    this.#held.host.observer.notice({ type: 'run released', run: this.facts, wakeAt });
    const unread = answer.inboxSeq > this.#held.inbox.consumed;
    this.#end({ type: 'released', wakeAt, unread }, 'lease lost');
  }

  /** The turn cannot go on. Nothing of it is recorded; the run is blocked and tried again later. Results of activities go into its inbox. */
  async #fail(error: Error): Promise<void> {
    const delay = delayOf(FAILED_TURN_DELAY, this.#held.failedTurns + 1);
    this.#held.host.observer.notice({ type: 'turn failed', run: this.facts, error, retryIn: delay });
    this.#fault = error;
    this.#queries.refuseAll(() => error);
    await this.#returnResults();
    if (this.over) return;
    const reason = errorText(error).replaceAll('\u0000', '').slice(0, LONGEST_REASON);
    let answer = await this.#block(reason, delay);
    // What the code has thrown may have characters that the database cannot store.
    if (answer.type === 'refused') answer = await this.#block(reason.replace(/[^\n -~]/g, '?'), delay);
    if (answer.type === 'applied') this.#end({ type: 'blocked', delay }, 'lease lost');
    else this.#letGo(answer);
  }

  /** Puts the results of activities that no turn could record into the inbox, for the next holder. */
  async #returnResults(): Promise<void> {
    const { activities, host } = this.#held;
    for (const result of await activities.collect()) {
      if (this.over) return;
      const error = await this.#held.sendResult(result);
      // It cannot be kept, so its attempt counts as lost. The run is blocked all the same.
      if (error) host.observer.notice({ type: 'turn failed', run: this.facts, error, retryIn: 0 });
    }
  }

  /** Gives the lease back, with the reason, which `describe()` and lists show. Nothing wakes the run for `delay` ms. */
  async #block(reason: string, delay: number): Promise<Committed['answer']> {
    // Tried until it works: a journal that refuses even this may be mended. Meanwhile this run keeps its lease, and no other
    // run notices.
    const committed = await this.#held.host.journalRetry.through(
      'blocking a run',
      () => this.#held.commit(this.#held.emptyTurn({ type: 'block', reason, delay })),
      { again: () => !this.over, longest: FAILED_TURN_DELAY.longest },
    );
    return this.#held.settled(committed);
  }

  async #blockOrStrand(error: Error): Promise<void> {
    try {
      if (!this.over) await this.#fail(error);
    } catch (failure) {
      this.#strand(toError(failure));
    }
  }

  /** The run cannot be blocked or given back. Drops it here; the lease audit gives its lease back later. */
  #strand(error: Error): void {
    if (this.over) return;
    const { host, lease } = this.#held;
    // An outage concerns every run, and is told once by `JournalRetry`. Anything else concerns this run.
    if (!isOutage(error)) host.observer.notice({ type: 'turn failed', run: this.facts, error, retryIn: 0 });
    host.stranded(lease);
    this.drop();
  }

  /** A turn was not applied, and cannot be. What is in memory is of no use any more. */
  #letGo(answer: Committed['answer'] | CommitAnswer): void {
    if (this.over) return;
    const { host, lease } = this.#held;
    // If it was taken over, somebody else has it. Otherwise the lease is still this worker's, and has to be given back.
    if (answer.type === 'lost') host.observer.notice({ type: 'lease lost', run: this.facts });
    else {
      // It is not applied because of an outage, which `JournalRetry` has told.
      if (answer.type !== 'not applied') {
        const error = new Error(`The run could not be given back: ${answer.type}.`);
        host.observer.notice({ type: 'turn failed', run: this.facts, error, retryIn: 0 });
      }
      host.stranded(lease);
    }
    this.drop();
  }

  #end(departure: Departure, reason: 'lease lost' | 'run closed'): void {
    if (this.over) return;
    this.#state = 'over';
    this.#alarm?.cancel();
    this.#held.kinds.stop(reason);
    this.#held.fold.current.close();
    this.#gone(this, departure);
    // A closed run consumes nothing more, so every query can be answered. A released one may leave messages to the next holder.
    if (departure.type === 'closed') this.#queries.answerAll();
    else if (departure.type === 'released' || departure.type === 'continued')
      this.#queries.answer(this.#held.inbox.consumed);
    this.#queries.refuseAll(() => new RunGoneError());
  }
}
