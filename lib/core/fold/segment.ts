import type { Codec } from '../codec.js';
import type { CommandId, HistoryCommand, HistoryNote } from '../history.js';
import { isEnding, matchKey, sameCommand, sameEnding, sameKind, underOtherNames } from './matching.js';

/** How well the code agrees with what was recorded. */
export interface MatchTally {
  /** Commands that came in another order inside their segment. */
  reordered: number;
  /** Commands that came with other arguments than recorded. */
  changedArguments: number;
}

/**
 * The commands that the code once made of an event (F4), and which of them it has asked for again so far (F7).
 */
export class Segment {
  readonly #commands: readonly HistoryCommand[];
  /** So many commands stand before the notes. */
  readonly #beforeNotes: number;
  /** Everything before it is matched. */
  #next = 0;
  /** Places after `#next` that are matched already; made when something comes out of order. */
  #ahead: Set<number> | null = null;
  /** Where commands of a key stand, in order; made when something comes out of order. */
  #places: Map<string, number[]> | null = null;
  /** Signals that a check was requested for; made when somebody asks. */
  #checks: Set<number> | null = null;
  /** Commands whose undoing began here; made when somebody asks. */
  #undone: Set<CommandId> | null = null;

  constructor(
    commands: readonly HistoryCommand[],
    /** What the code noted in this event; never compared (F4). */
    readonly notes: readonly HistoryNote[],
    beforeNotes = commands.length,
  ) {
    this.#commands = commands;
    this.#beforeNotes = beforeNotes;
  }

  /** Whether the code once asked for a check of this signal here (F34). */
  checks(signal: number): boolean {
    this.#checks ??= new Set(
      this.#commands.flatMap((command) =>
        command.type === 'signal_check_requested' ? [command.signal] : [],
      ),
    );
    return this.#checks.has(signal);
  }

  /** Whether the undoing of this command began here (F20). */
  undoes(id: CommandId): boolean {
    this.#undone ??= new Set(
      this.#commands.flatMap((command) =>
        (command.type === 'activity_scheduled' || command.type === 'child_started') && command.undoes !== null
          ? [command.undoes]
          : [],
      ),
    );
    return this.#undone.has(id);
  }

  /** The first command that the code has not asked for yet. */
  get unmatched(): HistoryCommand | null {
    return this.#commands[this.#next] ?? null;
  }
  /** On how many entries after the event both sides agree, without a gap. */
  get agreed(): number {
    return this.#next + (this.#next >= this.#beforeNotes ? this.notes.length : 0);
  }

  /**
   * The recorded command that stands for the one asked for, or `null` for drift (F7): the next one if it is equal;
   * else the first equal one; else the next one if only its arguments differ. Strict matching takes the first of
   * these alone.
   *
   * @param aliases other names that what it is about may have been recorded under. Defaults to none.
   */
  match(
    called: HistoryCommand,
    strict: boolean,
    codec: Codec,
    tally: MatchTally,
    aliases?: readonly string[],
  ): HistoryCommand | null {
    const next = this.#commands[this.#next];
    if (!next) return null;
    const asked = aliases?.length ? this.#asRecorded(called, aliases, next, strict) : called;
    if (isEnding(asked)) return sameEnding(asked, next, codec) ? this.#take(this.#next) : null;
    if (sameCommand(next, asked)) return this.#take(this.#next);
    if (strict) return null;
    const place = this.#placeOf(asked);
    if (place !== undefined) {
      tally.reordered++;
      return this.#take(place);
    }
    if (!sameKind(next, asked)) return null;
    tally.changedArguments++;
    return this.#take(this.#next);
  }

  #take(place: number): HistoryCommand {
    if (place === this.#next) {
      this.#next++;
      while (this.#ahead?.delete(this.#next)) this.#next++;
    } else {
      (this.#ahead ??= new Set()).add(place);
    }
    // Only called with places that were just looked at.
    return this.#commands[place]!;
  }

  /** The command under that one of its names for which the history has what matches best, by the order of {@link match}. */
  #asRecorded(
    called: HistoryCommand,
    aliases: readonly string[],
    next: HistoryCommand,
    strict: boolean,
  ): HistoryCommand {
    const named = [called, ...underOtherNames(called, aliases)];
    const equal = named.find((asked) => sameCommand(next, asked));
    if (equal !== undefined || strict) return equal ?? called;
    let first = Infinity;
    let best: HistoryCommand | undefined;
    for (const asked of named) {
      const place = this.#placeOf(asked) ?? Infinity;
      if (place < first) [first, best] = [place, asked];
    }
    return best ?? named.find((asked) => sameKind(next, asked)) ?? called;
  }

  /** Where the first unmatched command equal to this one stands. */
  #placeOf(asked: HistoryCommand): number | undefined {
    const places = (this.#places ??= this.#index()).get(matchKey(asked)) ?? [];
    // The lists are kept in descending order, so that the first place is the last item.
    let place = places.at(-1);
    while (place !== undefined && (place < this.#next || this.#ahead?.has(place))) {
      places.pop();
      place = places.at(-1);
    }
    return place;
  }

  /** A scan for each call would take time with the square of their number. */
  #index(): Map<string, number[]> {
    const places = new Map<string, number[]>();
    for (let place = this.#commands.length - 1; place > this.#next; place--) {
      const command = this.#commands[place]!;
      if (isEnding(command)) continue;
      const key = matchKey(command);
      const list = places.get(key);
      if (list) list.push(place);
      else places.set(key, [place]);
    }
    return places;
  }
}
