import type { Codec } from '../codec.js';
import type { WorkflowDefinition } from '../definitions.js';
import { isShownNote } from '../entry-catalogue.js';
import { CallbackError, ForeignAwaitError, RunawayError } from '../errors.js';
import { carriedWithin, LARGEST_HISTORY } from '../history-limits.js';
import type { HistorySize } from '../history-limits.js';
import type { CommandId, Encoded, Instant, RunStarted } from '../history.js';
import type { Ambient, AsyncScope } from './async-scope.js';
import { endsWell } from './decision.js';
import type { ChooseSuccessor, Continuation, Decision } from './decision.js';
import { isThenable } from './deferred.js';
import type { Deferred } from './deferred.js';
import { SmallMap } from '../small-map.js';
import { errorText, isInstance } from '../thrown.js';
import { Fifo } from './fifo.js';
import { floatingRejection, FloatingRejections } from './floating-rejections.js';
import { ignore } from './ignore.js';
import type { Ledger } from './ledger.js';
import type { Mistakes } from '../misuse.js';
import { misuse, mistakeOf } from '../misuse.js';
import { Operation, PendingTimer } from './operation.js';
import type { EndingEvent } from './operation.js';
import { PendingCallback } from './pending-callback.js';
import { PendingChild } from './pending-child.js';
import type { StartedChild } from './pending-child.js';
import { PendingMessage } from './pending-message.js';
import { PendingWork } from './pending-work.js';
import type { RunIdentity } from './run-identity.js';
import type { Accountable } from './ownership.js';
import { windowCloses, windowOpens } from './ownership.js';
import type { Saga } from './saga.js';
import { isCancellation, Scope } from './scope.js';
import { Shown } from './shown.js';
import { SignalBuffers } from './signal-buffers.js';
import type { UnawaitedCall } from './unawaited-calls.js';
import { OVER, UnawaitedCalls } from './unawaited-calls.js';

/** Settles one promise, or calls one handler: what a window is opened for (F2). */
export type Delivery = () => void;

/** A line that the workflow logged. */
export interface LogLine {
  readonly level: 'log' | 'warn' | 'error' | 'debug';
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>> | undefined;
  readonly at: Instant;
}

/** What user code is called for while it may only read, or not yet act. */
type Restriction = 'condition' | 'query' | 'validator' | 'sideEffect' | 'constructor';

/**
 * A synchronous call that cannot be answered, because the turn is over or the run is decided (F16). It is thrown
 * to end code whose work counts no more.
 */
export class InertCallError extends Error {
  override readonly name: string = 'InertCallError';
}

/** Called around every stretch of the run's code: the replay check gives it another clock meanwhile (F30). Both may be called twice in a row. */
export interface CodeFrame {
  begin(): void;
  end(): void;
}

const FOREIGN =
  'It awaited something that is not durable: a timer, a request, a query, a file. Do such work in an activity, ' +
  'and wait with ctx.sleep or ctx.condition.';

/** So many foreign operations are named in a message. */
const FOREIGN_SHOWN = 3;

/**
 * The inside of a run: what its code's calls meet. The gate of every call, what is pending, the scopes, the
 * decision. Its outside, which delivers events, is `Fold`.
 */
export class Execution implements Accountable {
  readonly agenda = new Fifo<Delivery>();
  readonly pending = new PendingWork();
  readonly signals = new SignalBuffers();
  readonly floating = new FloatingRejections();
  readonly unawaited = new UnawaitedCalls();
  /** What it began that is not durable, where that is traced (F13). */
  #foreign: string[] | null = null;
  readonly root = Scope.root();
  /** Handlers of signals and updates that have not ended yet. */
  handlers = 0;
  /** NonCancellable scopes that were entered and not yet left (F16). */
  #shields: Set<Scope> | null = null;
  cancelRequested = false;
  /** The terminal entry or the rollback is recorded: no user code runs any more (F16). */
  concluded = false;
  /** Running `ctx.compensate()` (F20). */
  compensating: { readonly scope: Scope; readonly deferred: Deferred } | null = null;
  /** Sagas whose rollback is under way (F36), in the order in which they failed. */
  sagas: Set<Saga> | null = null;
  /** What it was started with: its input, and the seed of the random streams (F9); `null` until then. */
  started: RunStarted | null = null;
  get seed(): string | null {
    return this.started?.seed ?? null;
  }
  /** What lists show of it; made when there is anything. */
  shown: Shown | null = null;
  /** So much does not travel to a run that it continues as. */
  carries: HistorySize = carriedWithin(LARGEST_HISTORY);
  #decision: Decision | null = null;
  #inWindow = false;
  #restriction: Restriction | null = null;
  #calls = 0;
  /** So many calls of one event are no runaway, above the limit. */
  #expectedCalls = 0;
  #logs: LogLine[] | null = null;
  #startedChildren: SmallMap<CommandId, StartedChild> | null = null;
  readonly #ambient: Ambient = { run: this, scope: this.root, readOnly: false };
  #readOnlyAmbient: Ambient | null = null;

  constructor(
    readonly definition: WorkflowDefinition,
    readonly codec: Codec,
    readonly ledger: Ledger,
    readonly asyncScope: AsyncScope,
    readonly callLimit: number,
    readonly frame: CodeFrame | null,
    readonly mistakes: Mistakes,
    readonly chooseSuccessor: ChooseSuccessor,
    readonly identity: RunIdentity,
  ) {}

  get shields(): number {
    return this.#shields?.size ?? 0;
  }
  enterShield(scope: Scope): void {
    (this.#shields ??= new Set()).add(scope);
    scope.saga?.shield(1);
  }
  leaveShield(scope: Scope): void {
    if (this.#shields?.delete(scope)) scope.saga?.shield(-1);
  }

  get decision(): Decision | null {
    return this.#decision;
  }

  // ------------------------------------------------------------------------------------------ windows

  beginEvent(): void {
    this.#calls = 0;
  }
  /** The largest piece of work that the run was given at once: its calls may all come in one event (F14). */
  expectCalls(calls: number): void {
    this.#expectedCalls = Math.max(this.#expectedCalls, calls);
  }
  openWindow(): void {
    this.#inWindow = true;
    windowOpens(this);
    this.frame?.begin();
  }
  closeWindow(): void {
    this.frame?.end();
    this.#inWindow = false;
    windowCloses(this);
  }

  /** Calls user code in the run's root scope, and tells how it ended: one hop after its promise did (F29). */
  call(
    what: string,
    code: () => unknown,
    returned: (value: unknown) => void,
    threw: (error: unknown) => void,
  ): void {
    let result: unknown;
    try {
      result = this.asyncScope.begin(this.#ambient, code);
      if (isThenable(result)) {
        result.then(
          (value) => this.#settled(what, () => returned(value)),
          (error: unknown) => this.#settled(what, () => threw(error)),
        );
        return;
      }
    } catch (error) {
      return threw(error);
    }
    returned(result);
  }

  /** Makes the object: its constructor may read, but do nothing durable (F19). */
  construct<T>(code: () => T): T {
    return this.restricted('constructor', () => this.asyncScope.begin(this.#ambient, code));
  }

  #settled(what: string, then: () => void): void {
    if (this.ownWindow(what)) then();
  }

  /** Whether a settling counts; outside a window of its own run it is foreign (F13). */
  ownWindow(what: string): boolean {
    if (this.ledger.fault !== null || this.concluded) return false;
    if (this.#inWindow) return true;
    this.ledger.fail(
      new ForeignAwaitError(
        `${what} was settled by something that the run does not know. ${FOREIGN}${this.foreignHint}`,
      ),
    );
    return false;
  }

  /** Calls user code that may only read and has to answer at once (F11, F21, F23). */
  read<T>(restriction: 'condition' | 'query' | 'validator' | 'sideEffect', code: () => T): T {
    this.#readOnlyAmbient ??= { ...this.#ambient, readOnly: true };
    return this.restricted(restriction, () => {
      // Not null: set above.
      const ambient = this.#readOnlyAmbient!;
      // A side effect is part of the code around it, and keeps its context. Queries and conditions are called by whoever
      // asks or wakes the run, and must see nothing of them (F25).
      const value =
        restriction === 'sideEffect'
          ? this.asyncScope.enter(ambient, code)
          : this.asyncScope.begin(ambient, code);
      if (!isThenable(value)) return value;
      // Nobody will await it: its rejection must not count as one that floats.
      value.then(ignore, ignore);
      throw misuse(
        new TypeError(`A ${restriction} has to answer at once, but its function returned a promise.`),
      );
    });
  }

  restricted<T>(restriction: Restriction, code: () => T): T {
    const before = this.#restriction;
    this.#restriction = restriction;
    try {
      return code();
    } finally {
      this.#restriction = before;
    }
  }

  // --------------------------------------------------------------------------------------------- gate

  /**
   * Whether a durable call may act (F13, F14, F16). `false`: it is inert, and its promise never settles.
   *
   * @param entersShield `ctx.nonCancellable` works after the decision too
   */
  admits(what: string, entersShield = false): boolean {
    this.#refuseReader(what);
    if (!this.#ownWindowFor(what)) return false;
    if (this.#decision !== null && !entersShield && !this.scope().shielded) return false;
    if (this.#restriction === 'constructor') {
      throw misuse(
        new TypeError(`${what}: a constructor of a workflow cannot do durable work. Do it in run.`),
      );
    }
    if (++this.#calls <= this.callLimit + this.#expectedCalls) return true;
    const error = new RunawayError(
      `${what}: more than ${this.callLimit + this.#expectedCalls} durable calls without waiting for anything. ` +
        'Is there a loop that ignores a cancellation, or that waits for nothing?',
    );
    this.ledger.fail(error);
    // Only a throw ends a loop that does not await its calls.
    throw error;
  }

  /** The gate of synchronous calls, which cannot be left without an answer. */
  demand(what: string): void {
    if (!this.admits(what)) throw new InertCallError(`${what}: the turn is over, nothing more counts.`);
  }

  /** The gate of calls that record nothing: they are free, but have to come from a window too (F9). */
  demandReading(what: string): void {
    this.#refuseReader(what);
    if (!this.#ownWindowFor(what))
      throw new InertCallError(`${what}: the turn is over, nothing more counts.`);
  }

  /** Adds a line to the log: not while replaying, and not from code that only reads (F21). */
  log(level: LogLine['level'], message: string, facts: LogLine['facts']): void {
    if (!this.#inWindow || this.ledger.replaying || this.ledger.fault !== null || this.#mayOnlyRead) return;
    (this.#logs ??= []).push({ level, message, facts, at: this.ledger.now });
  }

  takeLogs(): LogLine[] {
    const lines = this.#logs ?? [];
    this.#logs = null;
    return lines;
  }

  get #mayOnlyRead(): boolean {
    if (this.#restriction !== null && this.#restriction !== 'constructor') return true;
    return this.asyncScope.store()?.readOnly ?? false;
  }

  #refuseReader(what: string): void {
    if (this.#mayOnlyRead) {
      throw misuse(new TypeError(`${what}: a query, a validator, a condition or a side effect only reads.`));
    }
  }

  #ownWindowFor(what: string): boolean {
    if (this.ledger.fault !== null || this.concluded) return false;
    if (this.#inWindow) return true;
    this.ledger.fail(
      new ForeignAwaitError(
        `${what} was called when nothing was delivered to the workflow. ${FOREIGN}${this.foreignHint}`,
      ),
    );
    return false;
  }

  /** The cancellation scope that the code is in; identity of the run never comes from there (F25). */
  scope(): Scope {
    const store = this.asyncScope.store();
    return store?.run === this ? store.scope : this.root;
  }

  inScope<T>(scope: Scope, code: () => T): T {
    return this.asyncScope.enter({ run: this, scope, readOnly: false }, code);
  }

  // ------------------------------------------------------------------------------- what is waited for

  /** Whether something durable may still settle a promise of the code (F13); after the decision, of code in nonCancellable scopes (F16). */
  get isWaiting(): boolean {
    const decided = this.#decision !== null;
    if (this.sagas !== null && this.sagas.size > 0) return true;
    if (this.compensating !== null && (!decided || this.compensating.scope.shielded)) return true;
    return !this.pending.isEmpty(decided);
  }

  /** Takes out the operation that an event ends: `null` when nobody waits for it any more (F12, F16). */
  takePending(id: CommandId): Operation | null {
    const operation = this.pending.operations.get(id);
    if (!operation || !this.mayGoOn(operation)) return null;
    this.pending.delete(operation);
    return operation;
  }

  /** Whether what waits there may still be settled (F16). */
  mayGoOn({ scope }: Operation): boolean {
    return this.#decision === null || scope.shielded;
  }

  /** Children of `ctx.startChild`, also those whose scope is cancelled later: their handles tell how they ended. */
  keepStartedChild(child: StartedChild): void {
    (this.#startedChildren ??= new SmallMap()).set(child.id, child);
  }
  /** Such a child that has ended: its handle alone keeps it from now on. */
  takeStartedChild(id: CommandId): StartedChild | undefined {
    const child = this.#startedChildren?.get(id);
    if (child) this.#startedChildren?.delete(id);
    return child;
  }

  /** Settles what was taken out. */
  settle(operation: Operation, event: EndingEvent): void {
    const outcome = operation.settle(event);
    if (outcome) this.unawaited.keep(operation, outcome);
  }

  /** Calls that nobody has taken up so far, other than activities that succeeded (F6). */
  get unawaitedCalls(): readonly UnawaitedCall[] {
    const compensating = this.compensating && {
      call: 'ctx.compensate',
      id: null,
      promise: this.compensating.deferred.promise,
    };
    return this.unawaited.told([...this.pending.calls(), ...(compensating ? [compensating] : [])]);
  }

  /** A timer of the fold's own that is needed no more. */
  cancelTimer(timer: PendingTimer): void {
    // What is outside a nonCancellable scope records nothing after the decision (F16).
    if (this.#decision !== null && !timer.scope.shielded) return;
    if (this.pending.delete(timer)) this.#recordCancel(timer);
  }

  /** The delivery of the first wait that holds (F10). */
  nextWait(): Delivery | null {
    // Conditions are the user's code, and run between windows, so `openWindow` has not begun the frame.
    this.frame?.begin();
    const satisfied = this.pending.waits.takeSatisfied(this.#decision !== null);
    this.frame?.end();
    if (satisfied === null) return null;
    const { wait } = satisfied;
    if (wait.timer) this.cancelTimer(wait.timer);
    if (satisfied.type === 'error') {
      this.unawaited.keep(wait, { outcome: 'failed', error: satisfied.error });
      return () => wait.reject(satisfied.error);
    }
    this.unawaited.keep(wait, OVER);
    return () => wait.resolve(satisfied.value);
  }

  /**
   * Cancels scopes, none of which stands in another (F15): marks them; takes out everything pending that they reach,
   * in order of command id; records that; and puts one rejection for each on the agenda, so that each gets a window of
   * its own.
   */
  cancel(scopes: readonly Scope[], message: string, reason: string | null): void {
    const open = scopes.filter((scope) => scope.cancelledBy === null);
    for (const scope of open) scope.cancel(message, reason);
    for (const item of this.pending.reachedBy(open)) {
      // Not null: one of those that were just marked has reached it, and nothing pending was reached before.
      const by = item.scope.cancelledBy!;
      this.pending.delete(item);
      if (item instanceof Operation) this.#recordCancel(item);
      if (!item.isInternal) this.agenda.push(() => item.reject(by.error()));
    }
  }

  #recordCancel(operation: Operation): void {
    if (operation instanceof PendingChild) return this.cancelChild(operation.id);
    // It is on its way already.
    if (operation instanceof PendingMessage) return;
    if (operation instanceof PendingCallback) return this.withdrawCallback(operation.id);
    const type = operation instanceof PendingTimer ? 'timer_cancelled' : 'activity_cancel_requested';
    this.ledger.record({ type, at: this.ledger.now, of: operation.id });
  }

  /** Asks a child to cancel, unless it has ended or was asked before. */
  cancelChild(id: CommandId): void {
    const { ledger } = this;
    const work = ledger.progress.inFlight.get(id);
    if (work?.type !== 'child' || work.cancelRequested) return;
    ledger.recordOutward({ type: 'child_cancel_requested', at: ledger.now, of: id, mode: 'cancel' });
  }

  /** Nobody can settle it any more. */
  withdrawCallback(id: CommandId): void {
    const { ledger } = this;
    ledger.recordOutward({ type: 'callback_withdrawn', at: ledger.now, of: id });
  }

  // -------------------------------------------------------------------------------------------- shown

  /** The event is over: what it has set to be shown is recorded, or found on record (F4). */
  settleShown(held: boolean): void {
    const { ledger, codec } = this;
    if (ledger.fault !== null) return;
    if (ledger.replaying) {
      this.shown?.forget();
      for (const note of ledger.recordedNotes)
        if (isShownNote(note)) (this.shown ??= new Shown()).apply(note, codec);
    } else if (this.shown !== null) {
      for (const note of this.shown.settle(ledger.now, codec, held)) ledger.noteOfCode(note);
    }
  }

  // ------------------------------------------------------------------------------------------ outcome

  /** The first decision counts (F16). */
  complete(result: unknown): void {
    let encoded: Encoded;
    try {
      encoded = this.codec.encode(result);
    } catch (error) {
      return this.failWith(error);
    }
    this.#decide({ type: 'completed', result: encoded });
  }

  /** Decides at the call: no `catch` and no `finally` of the code sees it (F16). */
  continueAs(continuation: Continuation): void {
    this.#decide(continuation);
    // What waits for this call would wait for ever, and would keep the run from going on.
    for (let scope: Scope | null = this.scope(); scope; scope = scope.parent) this.leaveShield(scope);
  }

  failWith(error: unknown): void {
    // A replayed event has its outcome on record.
    const mistake =
      this.#decision === null && !this.ledger.replaying ? mistakeOf(error, this.mistakes) : null;
    if (mistake) return this.ledger.fail(mistake);
    const asked = this.cancelRequested && isCancellation(error) ? this.ledger.progress.endedBy : null;
    const type = asked ?? 'failed';
    this.#decide({ type, failure: this.codec.encodeFailure(error) });
  }

  /** The decision that a recorded rollback stands for (F22). */
  resumeDecision(decision: Decision): void {
    this.#decision = decision;
  }

  #decide(decision: Decision): void {
    if (this.ledger.fault === null) this.#decision ??= decision;
  }

  // -------------------------------------------------------------------------------- accountable (F24)

  rejectionFloats(reason: unknown, promise: object, inWindow: boolean): void {
    if (this.concluded || this.ledger.fault !== null || isInstance(reason, InertCallError)) return;
    // A run that does not end well shows an error anyway. One that completes, or continues, would hide this one.
    if (this.#decision !== null && !endsWell(this.#decision)) return;
    if (inWindow) this.floating.add(promise, reason);
    else this.ledger.fail(floatingRejection(reason, 'while nothing was delivered to its run'));
  }

  rejectionHandled(promise: object): void {
    this.floating.delete(promise);
  }

  foreignBegan(operation: string): void {
    const known = (this.#foreign ??= []);
    if (known.length < FOREIGN_SHOWN && !known.includes(operation)) known.push(operation);
  }

  /** Where it happened, for messages: the last durable call, and what was seen to begin, where that is traced. */
  get foreignHint(): string {
    const { lastAsked } = this.ledger;
    const last =
      lastAsked === null ? ' It was its first wait.' : ` The last durable call before it: ${lastAsked}.`;
    return this.#foreign ? `${last} It had begun: ${this.#foreign.join('; ')}.` : last;
  }

  callbackThrew(error: unknown): void {
    this.closeWindow();
    this.ledger.fail(
      new CallbackError(
        `A callback that the workflow had left behind threw: ${errorText(error)}. ` +
          'Await such work, so that run or a handler meets the error.',
        { cause: error },
      ),
    );
  }
}
