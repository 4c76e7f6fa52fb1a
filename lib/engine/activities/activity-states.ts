import { SmallMap } from '../../core/index.js';
import type { CommandId } from '../../core/index.js';
import type { ActivityState, Due, Ended, Leaving } from './activity-state.js';
import type { EndVerdict, Verdict } from './attempt-verdict.js';

/** States about which something has to be decided before the next turn. */
export type Undecided = Due | Leaving | Ended;

/**
 * The states of the activities of one run, how many are in each, and two lists in the order in which things came up: what has
 * to be decided, and what is decided and not recorded yet. A state may still be in a list though its activity is in another
 * one by now: it is passed over when the list is read.
 */
export class ActivityStates {
  readonly #states = new SmallMap<CommandId, ActivityState>();
  #undecided: Undecided[] = [];
  readonly #decided: Verdict[] = [];
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
    return this.#states[Symbol.iterator]();
  }
  count(type: ActivityState['type']): number {
    return this.#counts[type];
  }
  /** Whether a turn has something to record. */
  get hasDecided(): boolean {
    return this.#counts.end > 0 || this.#counts.note > 0;
  }
  /** How many do something, are about to, or have something for a turn. */
  get busy(): number {
    return this.#states.size - this.#counts.parked - this.#counts['in inbox'];
  }

  set(id: CommandId, state: ActivityState | undefined): void {
    const before = this.#states.get(id);
    if (before) this.#counts[before.type]--;
    if (!state) {
      this.#states.delete(id);
      return;
    }
    this.#counts[state.type]++;
    this.#states.set(id, state);
    if (state.type === 'due' || state.type === 'leaving' || state.type === 'ended')
      this.#undecided.push(state);
    else if (state.type === 'end' || state.type === 'note') this.#decided.push(state);
  }

  /** What has to be decided. What comes up while the caller decides is for the next time. */
  takeUndecided(): readonly Undecided[] {
    if (this.#undecided.length === 0) return NONE;
    const undecided = this.#undecided.filter((state) => this.#states.get(idOf(state)) === state);
    this.#undecided = [];
    return undecided;
  }

  /** What the turns have not recorded yet. */
  get decided(): readonly Verdict[] {
    const decided = this.#decided;
    let length = 0;
    for (const verdict of decided) {
      const id = verdict.type === 'end' ? verdict.event.id : verdict.note.id;
      if (this.#states.get(id) === verdict) decided[length++] = verdict;
    }
    decided.length = length;
    return decided;
  }
  get ends(): readonly EndVerdict[] {
    return this.decided.filter((verdict) => verdict.type === 'end');
  }
}

export const idOf = (state: Undecided): CommandId => (state.type === 'ended' ? state.result.id : state.id);

const NONE: readonly Undecided[] = [];
