import type { InboxMessage } from '../../journal/index.js';

/** What a holder knows of its actor's inbox: how far it reaches, what is read of it, what is consumed. Numbers have no gaps. */
export class Inbox {
  #reaches: number;
  #consumed: number;
  #readThrough: number;
  /** Read and not taken. */
  #read: InboxMessage[] = [];

  constructor(reaches: number, consumed: number) {
    this.#reaches = reaches;
    this.#consumed = consumed;
    this.#readThrough = consumed;
  }

  /** As the journal has it. */
  get consumed(): number {
    return this.#consumed;
  }
  get hasUnread(): boolean {
    return this.#read.length > 0 || this.#reaches > this.#consumed;
  }
  /** There is more than was read. */
  get isBehind(): boolean {
    return this.#reaches > this.#readThrough;
  }
  get readThrough(): number {
    return this.#readThrough;
  }
  get first(): InboxMessage | undefined {
    return this.#read[0];
  }

  /**
   * For a run that has not begun: moves a cancellation to the front, and the start to the end (F15).
   *
   * @returns whether there is a cancellation. Then everything that was read must be consumed in one turn: consumption is
   *   recorded as one number, and this is not the order of the numbers.
   */
  cancelFirst(): boolean {
    const cancel = this.#read.find(({ kind }) => kind === 'cancel');
    if (!cancel) return false;
    const start = this.#read.filter(({ kind }) => kind === 'start');
    // A run that continues another one has begun long ago: its code cleans up. Only its start has a name.
    if (start.some(({ name }) => name !== null)) return false;
    const others = this.#read.filter((message) => message !== cancel && message.kind !== 'start');
    this.#read = [cancel, ...others, ...start];
    return true;
  }

  take(): void {
    this.#read.shift();
  }

  /** It reaches at least this far. */
  reach(n: number): void {
    this.#reaches = Math.max(this.#reaches, n);
  }
  /** There may be more; how much was not told. */
  reachFurther(): void {
    this.reach(this.#readThrough + 1);
  }

  /** Adds the messages after {@link readThrough}. When they were read, the inbox was known to reach `knownBefore`. */
  append(messages: readonly InboxMessage[], knownBefore: number): void {
    this.#read.push(...messages);
    this.#readThrough += messages.length;
    // How far it reaches may have been an estimate, and is known now; unless more was told of while this was read.
    if (this.#reaches === knownBefore) this.#reaches = this.#readThrough;
  }
  get reaches(): number {
    return this.#reaches;
  }

  /** A turn that consumed up to here was applied. Its messages were taken one by one. */
  consume(through: number): void {
    this.#consumed = through;
  }

  /** Replaces what was read by everything after `consumed`, without what the turn under way has taken, up to `takenThrough`. */
  replace(consumed: number, messages: readonly InboxMessage[], takenThrough = consumed): void {
    this.#consumed = consumed;
    this.#read = messages.filter((message) => message.n > takenThrough);
    this.#readThrough = consumed + messages.length;
    this.reach(this.#readThrough);
  }
}
