import type { Attributes, PlainPatch } from '../attributes.js';
import { attributesProblem, patched, plainDetails, plainPatch, sameJson } from '../attributes.js';
import type { Codec } from '../codec.js';
import type { Instant, ShownNote } from '../history.js';
import { misuse } from '../misuse.js';

/** What changed of what lists show of a run. */
export interface ShownChange {
  /** Attributes that were set; `null` removes one. */
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Missing where they stay as they are. */
  readonly details?: string | null;
}

/** What one event changes, and what it is made of. */
interface State {
  readonly patch: PlainPatch;
  readonly attributes: Attributes;
  readonly details: string | null | undefined;
  readonly openPatch: PlainPatch | null;
  readonly openDetails: string | null | undefined;
  readonly change: { attributes: PlainPatch; details?: string | null } | null;
}

/**
 * What lists show of a run: its attributes and its details. What is recorded comes from the history (F9); what the code sets
 * becomes one note of each kind when the event is over, if it changes anything (F4).
 */
export class Shown {
  /** Everything that notes have set, one over the other. */
  #patch: PlainPatch = {};
  /** Those it was started with, under the patch. */
  #attributes: Attributes = {};
  /** Whether those that it was started with are known: a signal may come first (F5). */
  #started = false;
  /** `undefined`: what the run before has told, which is not known here. */
  #details: string | null | undefined = null;
  /** Set by the event that is open. */
  #openPatch: PlainPatch | null = null;
  #openDetails: string | null | undefined;
  /** What new notes say that nobody has taken yet. */
  #change: { attributes: PlainPatch; details?: string | null } | null = null;
  /** Before the last event was settled, if that one was held. */
  #before: State | null = null;

  /** As the code sees them, made anew: nothing that it does to them is kept. */
  get attributes(): Attributes {
    const now = this.#openPatch ? patched(this.#attributes, this.#openPatch) : this.#attributes;
    // The cast: they are plain JSON.
    return JSON.parse(JSON.stringify(now)) as Attributes;
  }

  /** The attributes that the run was started with. */
  start(attributes: Attributes): void {
    this.#started = true;
    this.#attributes = patched(attributes, this.#patch);
  }

  /** The run before has told some, perhaps: whatever this one tells is another text. */
  takeOverDetails(): void {
    this.#details ??= undefined;
  }

  /** Throws for what are no attributes, and for more than a run can have. */
  set(attributes: unknown): void {
    const patch = { ...this.#openPatch, ...plainPatch(attributes) };
    const problem = attributesProblem(patched(this.#attributes, patch));
    if (problem !== null) throw misuse(new RangeError(`ctx.setAttributes: ${problem}. Remove some first.`));
    this.#openPatch = patch;
  }

  setDetails(details: unknown): void {
    this.#openDetails = plainDetails(details);
  }

  /** A note of the history. */
  apply(note: ShownNote, codec: Codec): void {
    // The cast: so it was written.
    if (note.type === 'attributes_set') this.#set(codec.decode(note.patch) as PlainPatch);
    else this.#details = note.details;
  }

  /** What was set is on record already, or not: while an event is replayed its notes tell. */
  forget(): void {
    this.#openPatch = null;
    this.#openDetails = undefined;
  }

  /**
   * The event is over: notes of what it has changed.
   *
   * @param held it may be let go, and go on
   */
  settle(at: Instant, codec: Codec, held: boolean): readonly ShownNote[] {
    this.#before = held ? this.#state : null;
    const notes: ShownNote[] = [];
    const patch = this.#openPatch && this.#changesOf(this.#openPatch);
    const details = this.#openDetails;
    this.forget();
    if (patch) {
      notes.push({ type: 'attributes_set', at, patch: codec.encodeOwn(patch) });
      this.#set(patch);
      this.#changed.attributes = { ...this.#changed.attributes, ...patch };
    }
    if (details !== undefined && details !== this.#details) {
      notes.push({ type: 'details_set', at, details });
      this.#details = details;
      this.#changed.details = details;
    }
    return notes;
  }

  /** The last event was held, and goes on. Its notes are taken back: what it has set is settled with what it will set. */
  reopen(): void {
    if (this.#before === null) return;
    const { patch, attributes, details, openPatch, openDetails, change } = this.#before;
    this.#patch = patch;
    this.#attributes = attributes;
    this.#details = details;
    this.#openPatch = openPatch;
    this.#openDetails = openDetails;
    this.#change = change;
  }

  get #state(): State {
    return {
      patch: this.#patch,
      attributes: this.#attributes,
      details: this.#details,
      openPatch: this.#openPatch,
      openDetails: this.#openDetails,
      change: this.#change && { ...this.#change },
    };
  }

  /** What changed since it was last taken; `null` for nothing. */
  takeChange(): ShownChange | null {
    const change = this.#change;
    this.#change = null;
    return change;
  }

  get #changed(): { attributes: PlainPatch; details?: string | null } {
    return (this.#change ??= { attributes: {} });
  }

  #set(patch: PlainPatch): void {
    this.#patch = { ...this.#patch, ...patch };
    this.#attributes = patched(this.#attributes, patch);
  }

  #changesOf(patch: PlainPatch): PlainPatch | null {
    // Before the start nobody knows here what is set.
    const changes = Object.entries(patch).filter(([name, value]) => {
      const known = Object.hasOwn(this.#attributes, name);
      if (value === null) return known || !this.#started;
      return !known || !sameJson(this.#attributes[name], value);
    });
    return changes.length === 0 ? null : Object.fromEntries(changes);
  }
}
