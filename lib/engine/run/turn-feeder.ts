import type { StandardSchemaV1 } from '@standard-schema/spec';
import { isNote } from '../../core/index.js';
import type { Encoded, SignalCheck } from '../../core/index.js';
import type { InboxMessage } from '../../journal/index.js';
import type { HeldRun } from './held-run.js';
import { eventOf } from './turn-input.js';
import type { TurnInput } from './turn-input.js';
import { SignalChecks } from './signal-checks.js';
import type { SchemaVerdict } from './signal-checks.js';

/** Feeds what a turn takes in to the fold: messages, ends of activities, timers, and what schemas say of signals. */
export class TurnFeeder {
  readonly #held: HeldRun;
  readonly #run: { readonly over: boolean };
  /** Made when there is something to check. */
  #checks: SignalChecks | null = null;

  /** @param run whether it was dropped here meanwhile: then nothing more is fed */
  constructor(held: HeldRun, run: { readonly over: boolean }) {
    this.#held = held;
    this.#run = run;
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
    const at = host.clock.now();
    if (!this.#held.isFor(message)) return null;
    const receiver = kinds.receiverOf(message);
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
    if (this.#run.over) return;
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
    if (this.#run.over) return;
    const at = host.clock.now();
    fold.current.feed(
      verdict.type === 'accepted'
        ? { type: 'signal_accepted', at, name, signal, payload: verdict.payload }
        : { type: 'signal_refused', at, name, signal, issues: verdict.issues, arrivedAt: null, hold: false },
    );
    await fold.pump();
  }

  /** Applies schemas to unread signals before the actor is locked: a schema may take its time, and would hold the lock. */
  async checkUnread(): Promise<void> {
    const { definition, inbox } = this.#held;
    if (!definition.signalInputs?.size) return;
    const { messages } = await this.#held.load(null, inbox.consumed);
    for (const message of messages) if (this.#schemaOf(message)) await this.#verdictOf(message);
  }
}
