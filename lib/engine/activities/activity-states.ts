import type { CommandId } from '../../core/index.js';
import type { ActivityState } from './activity-state.js';

/** The states of the activities of one run, and how many are in each. */
export class ActivityStates {
  readonly #states = new Map<CommandId, ActivityState>();
  readonly #counts = {
    parked: 0,
    waiting: 0,
    due: 0,
    running: 0,
    ended: 0,
    leaving: 0,
    end: 0,
    note: 0,
    'in inbox': 0,
  } satisfies Record<ActivityState['type'], number>;

  get(id: CommandId): ActivityState | undefined {
    return this.#states.get(id);
  }
  entries(): IterableIterator<[CommandId, ActivityState]> {
    return this.#states.entries();
  }
  count(type: ActivityState['type']): number {
    return this.#counts[type];
  }
  /** So many do something, are about to, or have something for a turn. */
  get busy(): number {
    return this.#states.size - this.#counts.parked - this.#counts['in inbox'];
  }
  /** So many have something for a turn, or to be decided before one. */
  get news(): number {
    return this.busy - this.#counts.running - this.#counts.waiting;
  }

  set(id: CommandId, state: ActivityState | undefined): void {
    const before = this.#states.get(id);
    if (before) this.#counts[before.type]--;
    if (state) {
      this.#counts[state.type]++;
      this.#states.set(id, state);
    } else this.#states.delete(id);
  }
}
