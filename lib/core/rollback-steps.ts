import type { ChildCompensation, CommandId, Encoded, EncodedFailure, Rollback } from './history.js';

/** Something a rollback would do. */
export type RollbackStep =
  /** A completed activity that has a compensation: `name` is called with its result and then its arguments. */
  | {
      readonly type: 'compensation';
      readonly of: CommandId;
      readonly name: string;
      readonly result: Encoded;
      readonly args: Encoded;
    }
  /** A completed child that has one: `by` is called with its result and its input. */
  | {
      readonly type: 'child compensation';
      readonly of: CommandId;
      readonly name: string;
      readonly by: ChildCompensation;
      readonly result: Encoded;
      readonly args: Encoded;
    }
  /** Added by hand (`ctx.onRollback`). */
  | { readonly type: 'added'; readonly of: CommandId; readonly name: string; readonly args: Encoded };

/** A step of a rollback that has ended. */
export interface UndoneStep {
  readonly step: RollbackStep;
  /** The command that undid it, or tried to. */
  readonly by: CommandId;
  readonly outcome: 'undone' | 'failed';
  /** Why it could not be undone; `null` where nothing tells. */
  readonly failure: EncodedFailure | null;
}

/**
 * What a rollback would undo, what is being undone, and what was. Every question is answered without passing over the
 * steps: a run may have tens of thousands.
 */
export class RollbackSteps {
  #steps: Map<CommandId, RollbackStep> | null = null;
  /** Their commands in the order of completion. Those that are gone are dropped when they come to its end. */
  #order: CommandId[] = [];
  /** By the command that undoes it. */
  #undoing: Map<CommandId, RollbackStep> | null = null;
  #undoingOf: Set<CommandId> | null = null;
  #undone: UndoneStep[] | null = null;
  #failed = false;
  /** Of steps that are to be undone again: the command that tried to undo them first. */
  #firstTries: Map<CommandId, CommandId> | null = null;

  /** The one that completed last comes last. */
  get all(): readonly RollbackStep[] {
    return [...(this.#steps?.values() ?? [])];
  }
  get last(): RollbackStep | undefined {
    for (;;) {
      const id = this.#order.at(-1);
      if (id === undefined) return undefined;
      const step = this.#steps?.get(id);
      if (step) return step;
      this.#order.pop();
    }
  }
  /** How many are being undone. */
  get undoing(): number {
    return this.#undoing?.size ?? 0;
  }
  get undone(): readonly UndoneStep[] {
    return this.#undone ?? NONE;
  }
  get outcome(): Rollback {
    if (this.#failed) return 'incomplete';
    return this.undone.length > 0 ? 'complete' : 'none';
  }

  get(id: CommandId): RollbackStep | undefined {
    return this.#steps?.get(id);
  }
  isUndoing(id: CommandId): boolean {
    return this.#undoingOf?.has(id) ?? false;
  }

  add(step: RollbackStep): void {
    (this.#steps ??= new Map()).set(step.of, step);
    this.#order.push(step.of);
  }

  /** @param commands whose steps are gone. Defaults to all of them. */
  clear(commands?: readonly CommandId[]): void {
    if (commands !== undefined) {
      for (const command of commands) this.#steps?.delete(command);
      return;
    }
    this.#steps = null;
    this.#order = [];
  }

  /**
   * What could not be undone is to be undone again: in the order in which it was tried, and before what is left. So is what was
   * being undone when the run ended.
   */
  again(): void {
    for (const [by, step] of this.#undoing ?? []) this.#putBack(step, by);
    this.#undoing = null;
    this.#undoingOf = null;
    const failed = this.undone.filter(({ outcome }) => outcome === 'failed');
    for (const { step, by } of failed.toReversed()) this.#putBack(step, by);
    this.#undone = this.undone.filter(({ outcome }) => outcome !== 'failed');
    this.#failed = false;
  }

  #putBack(step: RollbackStep, by: CommandId): void {
    this.#firstTries ??= new Map();
    if (!this.#firstTries.has(step.of)) this.#firstTries.set(step.of, by);
    this.add(step);
  }

  /** The command that tried to undo this one first; `undefined` where nothing has before. */
  firstTryOf(id: CommandId): CommandId | undefined {
    return this.#firstTries?.get(id);
  }

  beginUndoing(by: CommandId, of: CommandId): void {
    const step = this.#steps?.get(of);
    if (!step) return;
    this.#steps?.delete(of);
    (this.#undoing ??= new Map()).set(by, step);
    (this.#undoingOf ??= new Set()).add(of);
  }

  endUndoing(by: CommandId, outcome: UndoneStep['outcome'], failure: EncodedFailure | null): void {
    const step = this.#undoing?.get(by);
    if (!step) return;
    this.#undoing?.delete(by);
    this.#undoingOf?.delete(step.of);
    (this.#undone ??= []).push({ step, by, outcome, failure });
    if (outcome === 'failed') this.#failed = true;
  }
}

const NONE: readonly UndoneStep[] = [];
