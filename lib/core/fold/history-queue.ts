import { isEvent, isNote, isNoteOfCode } from '../entry-catalogue.js';
import type { HistoryCommand, HistoryEntry, HistoryEvent, HistoryNote } from '../history.js';
import { Fifo } from './fifo.js';
import type { Patches } from './patches.js';
import { Segment } from './segment.js';

/** Something that a fold has to take up, in order. What was loaded has a `segment`, or is `recorded`; what is new has not. */
export type Item =
  | { readonly type: 'event'; readonly event: HistoryEvent; readonly segment: Segment | null }
  | { readonly type: 'note'; readonly note: HistoryNote; readonly recorded: boolean }
  /** By the journal, in which no code takes part: it was terminated, or its time was over and nobody served it. */
  | { readonly type: 'ended by the journal'; readonly entry: HistoryCommand }
  /** A command with no event before it, which no fold writes. */
  | { readonly type: 'stray'; readonly entry: HistoryCommand };

/** What is still to be folded. Cuts recorded history into segments (F4). */
export class HistoryQueue {
  readonly #items = new Fifo<Item>();
  readonly #patches: Patches;

  constructor(patches: Patches) {
    this.#patches = patches;
  }

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
        this.#items.push({
          type: 'event',
          event: entry,
          segment: this.#segmentOf(entries.slice(from, i)),
        });
      } else if (isNote(entry)) {
        if (entry.type === 'patched') this.#patches.record(entry.name);
        this.#items.push({ type: 'note', note: entry, recorded: true });
      } else {
        this.#items.push({ type: isOfJournal(entry) ? 'ended by the journal' : 'stray', entry });
      }
    }
  }

  #segmentOf(entries: readonly HistoryEntry[]): Segment {
    const notes = entries.filter((entry) => isNoteOfCode(entry));
    // It counts from the first event on, wherever it stands (F18).
    for (const note of notes) if (note.type === 'patched') this.#patches.record(note.name);
    // The cast: an entry of a segment that is no note is a command, or of a type that nobody here knows.
    const commands = notes.length === 0 ? entries : entries.filter((entry) => !isNoteOfCode(entry));
    return new Segment(commands as readonly HistoryCommand[], notes, entries.findIndex(isNoteOfCode));
  }
}

/**
 * Commands and what the code notes follow their event; what the journal ends follows nothing. What a newer version has written and
 * this one does not know is compared like a command: no code here asks for it, so that the run stops there.
 */
const belongsToSegment = (entry: HistoryEntry): boolean =>
  !isEvent(entry) && (!isNote(entry) || isNoteOfCode(entry)) && !isOfJournal(entry);

const isOfJournal = (entry: HistoryEntry): boolean =>
  entry.type === 'run_terminated' || (entry.type === 'run_timed_out' && entry.unserved === true);

/** The entry of an item that was loaded; `null` for what is new. */
export function recordedEntry(item: Item): HistoryEntry | null {
  switch (item.type) {
    case 'event':
      return item.segment && item.event;
    case 'note':
      return item.recorded ? item.note : null;
    case 'ended by the journal':
    case 'stray':
      return item.entry;
    default:
      return item satisfies never;
  }
}
