import type { StandardSchemaV1 } from '@standard-schema/spec';
import { InvalidInputError, isNote } from '../../core/index.js';
import type { CallbackCompleted, Encoded, SignalCheck } from '../../core/index.js';
import type { InboxMessage, UpdateRefusal } from '../../journal/index.js';
import type { HeldRun } from './held-run.js';
import { eventOf } from './turn-input.js';
import type { TurnInput } from './turn-input.js';
import { checkContinuation } from './continuation-check.js';
import type { CarriedCancel } from './continuation.js';
import { SignalChecks } from './signal-checks.js';
import type { SchemaVerdict } from './signal-checks.js';
import { refusalOf, refusedBySchema } from './update-refusal.js';

/** Feeds what a turn takes in to the fold: messages, ends of activities, timers, and what schemas say of signals. */
export class TurnFeeder {
  readonly #held: HeldRun;
  readonly #run: { readonly over: boolean };
  /** Made when there is something to check. */
  #checks: SignalChecks | null = null;
  #leftCancel: CarriedCancel | null = null;
  /** Updates that were not accepted, in the state that the turn had come to. Taken again, it has other ones. */
  #refusals: UpdateRefusal[] | undefined;

  /** @param run whether it was dropped here meanwhile: then nothing more is fed */
  constructor(held: HeldRun, run: { readonly over: boolean }) {
    this.#held = held;
    this.#run = run;
  }

  /** `undefined`: none. */
  get refusals(): readonly UpdateRefusal[] | undefined {
    return this.#refusals;
  }

  /** The turn is taken again: what was refused is looked at anew. */
  startOver(): void {
    this.#refusals = undefined;
  }

  /**
   * Feeds it to the fold. `null`: the code has yet to come to rest. A promise where a schema is to be applied first; when it
   * resolves the code has come to rest.
   */
  feed(input: TurnInput): Promise<void> | null {
    switch (input.type) {
      case 'message':
        return this.#feedMessage(input.message, input.hold);
      case 'signal check':
        return this.#feedVerdict(input.check);
      case 'arrival': {
        const { fold, host } = this.#held;
        fold.current.feed({ ...input.event, at: Math.max(host.clock.now(), input.event.at) });
        return null;
      }
    }
  }

  #feedMessage(message: InboxMessage, hold: boolean): Promise<void> | null {
    const { fold, kinds, host } = this.#held;
    if (!this.#held.isFor(message)) return null;
    const receiver = kinds.receiverOf(message);
    if (receiver) {
      const received = receiver.received(message);
      if (received && isNote(received)) fold.current.note(received);
      else if (received?.type === 'callback_completed') return this.#feedCallback(received, message);
      else if (received) fold.current.feed({ ...received, at: host.clock.now() });
    } else if (this.#schemaOf(message)) return this.#feedChecked(message, hold);
    // Only the start of a run that continues another one has a name.
    else if (message.kind === 'start' && message.name !== null) return this.#feedContinuation(message);
    else this.#take(message, hold);
    return null;
  }

  #take(message: InboxMessage, hold: boolean): void {
    const { fold, host } = this.#held;
    if (message.kind === 'update') {
      // Always with a name and a payload.
      const verdict = fold.validate(message.name!, message.payload!);
      if (verdict.type !== 'accepted') return this.#refuse(refusalOf(message, verdict, host.codec), hold);
    }
    fold.current.feed(eventOf(message, hold, host.clock.now(), host, this.#held.lineage));
  }

  /** Nothing of it is recorded. What was held for it is held no more, where nothing follows. */
  #refuse(refusal: UpdateRefusal, hold: boolean): void {
    (this.#refusals ??= []).push(refusal);
    if (!hold) this.#held.fold.current.letGo();
  }

  // --------------------------------------------------------------------------------- schemas (F34)

  /** The schema of a handler that the sender has not applied; `undefined` where nothing is to be checked. */
  #schemaOf({ kind, name, checkedBy }: InboxMessage): StandardSchemaV1 | undefined {
    const { definition, fold } = this.#held;
    if (checkedBy === 'handler' || name === null) return undefined;
    // While the run rolls back no handler is called.
    if (fold.current.progress.rollback !== null) return undefined;
    if (kind === 'update') return definition.updates?.get(name)?.input;
    return kind === 'signal' ? definition.signalInputs?.get(name) : undefined;
  }

  /** The start of a run that continues another one, as the schemas of its own workflow would have it. */
  async #feedContinuation(message: InboxMessage): Promise<void> {
    const { definition, fold, host } = this.#held;
    const { start, refused, cancel } = await checkContinuation(
      definition,
      message,
      host.codec,
      (subject, schema, payload) => this.#check(subject, schema, payload),
    );
    if (this.#run.over) return;
    const at = host.clock.now();
    fold.current.feed(eventOf(start, false, at, host, this.#held.lineage));
    await fold.pump();
    for (const { name, issues } of refused) {
      fold.current.feed({
        type: 'signal_refused',
        at,
        name,
        signal: null,
        issues,
        arrivedAt: null,
        hold: false,
      });
      await fold.pump();
    }
    if (cancel === null) return;
    this.#leftCancel = fold.current.feed({ type: 'cancel_requested', at, ...cancel }) ? null : cancel;
    await fold.pump();
  }

  /** A cancellation that came along with the start, of a run that has ended in its first event; `null`: there is none. */
  get leftCancel(): CarriedCancel | null {
    return this.#leftCancel;
  }

  /** What the schema yields is what is received. */
  async #feedChecked(message: InboxMessage, hold: boolean): Promise<void> {
    const { fold, host } = this.#held;
    const verdict = await this.#verdictOf(message);
    if (this.#run.over) return;
    if (verdict.type === 'accepted') {
      this.#take({ ...message, payload: verdict.payload }, hold);
    } else if (message.kind === 'update') {
      this.#refuse(refusedBySchema(message, verdict.issues, host.codec), hold);
    } else {
      const { name, by, at: arrivedAt } = message;
      const { issues } = verdict;
      const at = host.clock.now();
      fold.current.feed({
        type: 'signal_refused',
        at,
        name: name!,
        signal: null,
        issues,
        arrivedAt,
        hold,
        ...(by !== undefined && { by }),
      });
    }
    await fold.pump();
  }

  /** Signals and updates have a name and a payload. */
  #verdictOf(message: InboxMessage): Promise<SchemaVerdict> {
    return this.#check(`${message.kind} "${message.name!}"`, this.#schemaOf(message), message.payload!);
  }

  #check(subject: string, schema: StandardSchemaV1 | undefined, payload: Encoded): Promise<SchemaVerdict> {
    this.#checks ??= new SignalChecks(this.#held.host.codec);
    return this.#checks.check(subject, schema, payload);
  }

  /** What its schema yields is what it is completed with. What its schema refuses fails it: it was settled, and stays so. */
  #feedCallback(completed: CallbackCompleted, { checkedBy }: InboxMessage): Promise<void> | null {
    const { fold, host } = this.#held;
    const schema = checkedBy === 'callback' ? undefined : fold.current.schemaOfCallback(completed.id);
    const at = host.clock.now();
    if (schema) return this.#feedCheckedCallback(completed, schema);
    fold.current.feed({ ...completed, at });
    return null;
  }

  async #feedCheckedCallback(completed: CallbackCompleted, schema: StandardSchemaV1): Promise<void> {
    const { fold, host } = this.#held;
    const { id, result, by } = completed;
    const told = by === undefined ? undefined : { by };
    const verdict = await this.#check('completion of a callback', schema, result);
    if (this.#run.over) return;
    const at = host.clock.now();
    if (verdict.type === 'accepted') {
      fold.current.feed({ ...completed, at, result: verdict.payload });
    } else {
      const issues = host.codec.decode(verdict.issues);
      const message = typeof issues === 'string' ? issues : 'it does not fit its schema';
      const error = new InvalidInputError('the completion of a callback', [{ message, path: [] }]);
      const failure = host.codec.encodeFailure(error);
      fold.current.feed({ type: 'callback_failed', at, id, failure, ...told });
    }
    await fold.pump();
  }

  async #feedVerdict({ signal, name, schema, payload }: SignalCheck): Promise<void> {
    const { fold, host } = this.#held;
    const verdict = await this.#check(`signal "${name}"`, schema, payload);
    if (this.#run.over) return;
    const at = host.clock.now();
    fold.current.feed(
      verdict.type === 'accepted'
        ? { type: 'signal_accepted', at, name, signal, payload: verdict.payload }
        : { type: 'signal_refused', at, name, signal, issues: verdict.issues, arrivedAt: null, hold: false },
    );
    await fold.pump();
  }

  /** Applies schemas to unread messages before the actor is locked: a schema may take its time, and would hold the lock. */
  async checkUnread(): Promise<void> {
    const { definition, inbox } = this.#held;
    if (!definition.signalInputs?.size && !definition.updates?.size) return;
    const { messages } = await this.#held.load(null, inbox.consumed);
    for (const message of messages) if (this.#schemaOf(message)) await this.#verdictOf(message);
  }
}
