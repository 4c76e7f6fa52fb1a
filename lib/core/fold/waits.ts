import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Execution } from './execution.js';
import { Pending } from './operation.js';
import type { PendingTimer } from './operation.js';
import type { Scope } from './scope.js';
import type { SignalBuffer } from './signal-buffers.js';

/** Something that becomes true by what other code does, not by an event of its own. */
export abstract class Wait extends Pending {
  // A wait takes no id (F6).
  get id(): null {
    return null;
  }
  /** Ends it when the time runs out. */
  timer: PendingTimer | null = null;

  abstract holds(): boolean;
  /** What its await gets; called once, when it holds. */
  abstract take(): unknown;
  /** What its await gets when the time ran out. */
  abstract readonly otherwise: unknown;
  /** Called when nobody waits for it any more. */
  abstract end(): void;
}

export class ConditionWait extends Wait {
  readonly otherwise = false;
  readonly #look: () => boolean;

  constructor(scope: Scope, rank: number, look: () => boolean) {
    super(scope, rank);
    this.#look = look;
  }
  get call(): string {
    return 'ctx.condition';
  }
  holds(): boolean {
    return this.#look();
  }
  take(): true {
    return true;
  }
  end(): void {}
}

export class SignalWait extends Wait {
  readonly otherwise = undefined;
  readonly #run: Execution;
  readonly #schema: StandardSchemaV1 | undefined;

  constructor(
    run: Execution,
    scope: Scope,
    rank: number,
    readonly call: string,
    readonly buffer: SignalBuffer,
    schema: StandardSchemaV1 | undefined,
  ) {
    super(scope, rank);
    this.#run = run;
    this.#schema = schema;
    buffer.waiting++;
  }
  holds(): boolean {
    return this.buffer.isReady(this.#run.ledger, this.#schema);
  }
  take(): unknown {
    return this.#run.codec.decode(this.buffer.take());
  }
  end(): void {
    this.buffer.waiting--;
  }
}

/** A wait that is over, and how. */
export type Satisfied =
  | { readonly wait: Wait; readonly type: 'value'; readonly value: unknown }
  /** Its function threw (F11). */
  | { readonly wait: Wait; readonly type: 'error'; readonly error: unknown };

/** The waits of a run, in order of birth. */
export class Waits {
  #waits: Set<Wait> | null = null;

  get size(): number {
    return this.#waits?.size ?? 0;
  }
  *[Symbol.iterator](): Iterator<Wait> {
    if (this.#waits) yield* this.#waits;
  }

  add(wait: Wait): void {
    (this.#waits ??= new Set()).add(wait);
  }

  /** `false`: it was over already. */
  delete(wait: Wait): boolean {
    if (!this.#waits?.delete(wait)) return false;
    wait.end();
    return true;
  }

  /** The first wait that holds, taken out (F10): one at a time, so that one item wakes one taker. */
  takeSatisfied(onlyShielded: boolean): Satisfied | null {
    if (this.#waits === null) return null;
    for (const wait of this.#waits) {
      if (onlyShielded && !wait.scope.shielded) continue;
      try {
        if (!wait.holds()) continue;
      } catch (error) {
        this.delete(wait);
        return { wait, type: 'error', error };
      }
      this.delete(wait);
      return { wait, type: 'value', value: wait.take() };
    }
    return null;
  }
}
