import { isEvent, isNote } from '../entry-catalogue.js';
import type { HistoryCommand, HistoryEntry, HistoryEvent, HistoryNote } from '../history.js';
import { Fifo } from './fifo.js';
import { Segment } from './segment.js';

/** Something that a fold has to take up, in order. What was loaded has a `segment`, or is `recorded`; what is new has not. */
export type Item =
  | { readonly type: 'event'; readonly event: HistoryEvent; readonly segment: Segment | null }
  | { readonly type: 'note'; readonly note: HistoryNote; readonly recorded: boolean }
  /** Of the journal's `terminate`: no code takes part in it. */
  | { readonly type: 'terminated'; readonly entry: HistoryCommand }
  /** A command with no event before it, which no fold writes. */
  | { readonly type: 'stray'; readonly entry: HistoryCommand };

/** What is still to be folded. Cuts recorded history into segments (F4). */
export class HistoryQueue {
  readonly #items = new Fifo<Item>();

  get length(): number {
    return this.#items.length;
  }

  shift(): Item | undefined {
    return this.#items.shift();
  }

  pushEvent(event: HistoryEvent): void {
    this.#items.push({ type: 'event', event, segment: null });
  }

  pushNote(note: HistoryNote): void {
    this.#items.push({ type: 'note', note, recorded: false });
  }

  pushHistory(entries: readonly HistoryEntry[]): void {
    let i = 0;
    while (i < entries.length) {
      const entry = entries[i++]!;
      if (isEvent(entry)) {
        const from = i;
        while (i < entries.length && belongsToSegment(entries[i]!)) i++;
        // Every entry of the slice was just looked at.
        const commands = entries.slice(from, i) as HistoryCommand[];
        this.#items.push({ type: 'event', event: entry, segment: new Segment(commands) });
      } else if (isNote(entry)) {
        this.#items.push({ type: 'note', note: entry, recorded: true });
      } else {
        this.#items.push({ type: entry.type === 'run_terminated' ? 'terminated' : 'stray', entry });
      }
    }
  }
}

/**
 * Commands follow their event; a termination follows nothing. What a newer version has written and this one does not know
 * is compared like a command: no code here asks for it, so that the run stops there.
 */
const belongsToSegment = (entry: HistoryEntry): boolean =>
  !isEvent(entry) && !isNote(entry) && entry.type !== 'run_terminated';

/** The entry of an item that was loaded; `null` for what is new. */
export function recordedEntry(item: Item): HistoryEntry | null {
  switch (item.type) {
    case 'event':
      return item.segment && item.event;
    case 'note':
      return item.recorded ? item.note : null;
    case 'terminated':
    case 'stray':
      return item.entry;
    default:
      return item satisfies never;
  }
}
