import type { CommandId } from '../history.js';
import { SmallMap } from '../small-map.js';
import type { ReadonlySmallMap } from '../small-map.js';
import type { Operation } from './operation.js';
import type { Scope } from './scope.js';
import type { Wait } from './waits.js';
import { Waits } from './waits.js';

/** What the code of a run waits for: commands in flight, by id, and waits, by birth. */
export class PendingWork {
  readonly waits = new Waits();
  readonly #operations = new SmallMap<CommandId, Operation>();

  get operations(): ReadonlySmallMap<CommandId, Operation> {
    return this.#operations;
  }

  add<O extends Operation>(operation: O): O {
    this.#operations.set(operation.id, operation);
    return operation;
  }

  /** `false`: nobody waits for it any more. */
  delete(item: Operation | Wait): boolean {
    return item.id === null ? this.waits.delete(item) : this.#operations.delete(item.id);
  }

  /** What code called and may await. */
  *calls(): Iterable<Operation | Wait> {
    for (const operation of this.operations.values()) if (!operation.isInternal) yield operation;
    yield* this.waits;
  }

  /** Whether something durable may still settle a promise of the code (F13). */
  isEmpty(onlyShielded: boolean): boolean {
    if (!onlyShielded) return this.operations.size === 0 && this.waits.size === 0;
    for (const operation of this.operations.values()) if (operation.scope.shielded) return false;
    for (const wait of this.waits) if (wait.scope.shielded) return false;
    return true;
  }

  /** Everything that cancelling scopes reaches, in the order in which it is rejected (F15). */
  reachedBy(scopes: readonly Scope[]): (Operation | Wait)[] {
    const all = [...this.operations.values(), ...this.waits];
    const reached = all.filter((item) => scopes.some((scope) => item.scope.isReachedBy(scope)));
    return reached.toSorted((a, b) => a.rank - b.rank);
  }
}
