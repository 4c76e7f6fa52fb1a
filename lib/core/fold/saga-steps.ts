import type { CommandId } from '../history.js';

/**
 * What was called inside of a saga and may have to be undone (F36): of the saga itself, and of those inside of it. Only
 * commands are kept: what became of them is known from the history.
 */
export class SagaSteps {
  readonly #outer: SagaSteps | null;
  readonly #commands = new Set<CommandId>();
  #shields = 0;

  constructor(outer: SagaSteps | null) {
    this.#outer = outer;
  }

  /** Commands that a step belongs to, or may belong to once they have completed. */
  get commands(): ReadonlySet<CommandId> {
    return this.#commands;
  }
  /** NonCancellable scopes inside that were entered and not yet left. */
  get shields(): number {
    return this.#shields;
  }

  add(command: CommandId): void {
    this.#commands.add(command);
    this.#outer?.add(command);
  }

  /** @param by 1 where a nonCancellable scope is entered, -1 where it is left */
  shield(by: 1 | -1): void {
    this.#shields += by;
    this.#outer?.shield(by);
  }
}
